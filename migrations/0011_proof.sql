-- 0011: what the garbage collector of a target has proved can never wake. Kept for ever.

-- Goroutines of one stack that a proof found, in one service and build (build_id 0: not known; then the
-- row is of one process). What the stack counts as is told by `stack`, so better rules hold here too.
-- incarnation_id is the process where it was proved first. A leak profile misses some: `count`, the largest
-- number that one proof found, and `last`, that of the newest, are both "at least".
CREATE TABLE proof (
    stack_id       INTEGER NOT NULL REFERENCES stack (id),
    service_id     INTEGER NOT NULL REFERENCES service (id),
    build_id       INTEGER NOT NULL,
    incarnation_id INTEGER NOT NULL REFERENCES incarnation (id),
    first_at       INTEGER NOT NULL,
    last_at        INTEGER NOT NULL,
    count          INTEGER NOT NULL,
    last           INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX proof_of
    ON proof (stack_id, service_id, build_id, iif(build_id = 0, incarnation_id, 0));

-- When the process was asked for a proof last, whatever came of it; NULL: never.
ALTER TABLE incarnation ADD COLUMN proof_at INTEGER;

-- By signature, the processes of a build together. One proof found `at_least` so many; `instance` and
-- `since` are of the process of the first one.
CREATE VIEW proofs AS
SELECT lower(hex(signature.hash)) AS signature, where_function AS function,
       lives.service, build.build_id AS build, lives.instance, lives.since,
       strftime('%Y-%m-%dT%H:%M:%fZ', proved.first_at / 1000.0, 'unixepoch') AS time,
       strftime('%Y-%m-%dT%H:%M:%fZ', proved.last_at / 1000.0, 'unixepoch') AS last_time,
       at_least, proved.first_at, proved.last_at, proved.signature_id, lives.incarnation_id
FROM (
    SELECT signature_id, service_id, build_id, life, min(first_at) AS first_at, newest AS last_at,
           max(max(count), sum(iif(last_at = newest, last, 0))) AS at_least
    FROM (
        SELECT stack.signature_id, proof.service_id, build_id, first_at, last_at, count, last,
               max(last_at) OVER same AS newest,
               first_value(incarnation_id) OVER (same ORDER BY first_at, incarnation_id) AS life
        FROM proof JOIN stack ON stack.id = stack_id
        WINDOW same AS (PARTITION BY stack.signature_id, proof.service_id, build_id,
                                     iif(build_id = 0, incarnation_id, 0)))
    GROUP BY signature_id, service_id, build_id, life) AS proved
JOIN signature ON signature.id = proved.signature_id
JOIN lives ON lives.incarnation_id = proved.life
LEFT JOIN build ON build.id = proved.build_id;
