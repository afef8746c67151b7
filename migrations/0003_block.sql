-- 0003: closed windows of pulses become blocks.

-- The pulses of one process in one window, as columns: see docs/STORAGE.md, "Blocks". from_at and
-- to_at are the first and last tick; crc is CRC-32C over data. Late pulses make a block of their own,
-- so several can be of one window.
CREATE TABLE block (
    id             INTEGER PRIMARY KEY,
    incarnation_id INTEGER NOT NULL,
    from_at        INTEGER NOT NULL,
    to_at          INTEGER NOT NULL,
    ticks          INTEGER NOT NULL,
    series         INTEGER NOT NULL,
    crc            INTEGER NOT NULL,
    data           BLOB NOT NULL
) STRICT;
CREATE INDEX block_at ON block (incarnation_id, from_at);

-- Retention takes the oldest first.
CREATE INDEX block_age ON block (to_at);
CREATE INDEX pulse_age ON pulse (at);
CREATE INDEX detail_age ON detail (at);
CREATE INDEX failure_age ON failure (at);
