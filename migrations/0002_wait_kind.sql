-- 0002: beside the state as Go printed it, the wait kind that is the same over forms and Go
-- versions. Kinds of rows written before come from the name alone.
CREATE TABLE state_2 (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    UNIQUE (name, kind)
) STRICT;
INSERT INTO state_2
SELECT id, name,
       CASE WHEN name IN ('running', 'runnable', 'syscall', 'copystack', 'preempted') THEN 'active'
            ELSE replace(replace(replace(name, ' (nil chan)', ''), ' (synctest)', ''), ' (durable)', '')
       END
FROM state;
DROP TABLE state;
ALTER TABLE state_2 RENAME TO state;
