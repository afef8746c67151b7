-- 0004: what answers over long windows are read from.

-- The slots of ten minutes of a block, by signature: see docs/STORAGE.md, "Summaries"; crc is CRC-32C
-- over data. Derived: it can be made again from the block, and is deleted where signatures change.
CREATE TABLE summary (
    block_id INTEGER PRIMARY KEY REFERENCES block (id) ON DELETE CASCADE,
    crc      INTEGER NOT NULL,
    data     BLOB NOT NULL
) STRICT;
