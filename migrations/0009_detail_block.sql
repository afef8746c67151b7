-- 0009: closed windows of details become blocks as well.

-- Details and proofs of one process, as columns: see docs/STORAGE.md, "Detail blocks". from_at and
-- to_at are the first and last of them; crc is CRC-32C over data. None goes over the end of a day.
-- thinned: 0 as its rows were, 1 with those of the whole day, 2 with the first of each hour, 3 with the
-- first and the last of the day.
CREATE TABLE detail_block (
    id             INTEGER PRIMARY KEY,
    incarnation_id INTEGER NOT NULL,
    from_at        INTEGER NOT NULL,
    to_at          INTEGER NOT NULL,
    ticks          INTEGER NOT NULL,
    stacks         INTEGER NOT NULL,
    thinned        INTEGER NOT NULL,
    crc            INTEGER NOT NULL,
    data           BLOB NOT NULL
) STRICT;
CREATE INDEX detail_block_at ON detail_block (incarnation_id, from_at);
CREATE INDEX detail_block_age ON detail_block (to_at);

-- What is to be thinned next.
CREATE INDEX detail_block_thinned ON detail_block (thinned, to_at);

-- How far rows were thinned: each block knows of its own.
DELETE FROM meta WHERE key IN ('details_hourly', 'details_daily');
