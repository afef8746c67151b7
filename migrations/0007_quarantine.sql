-- 0007: what `goroscope db check` has found damaged and taken out.

-- Rows of block, pulse and detail that could not be decoded. A gap of `ticks` damaged pulses lies from
-- from_at to to_at (a detail is none: 0). row_id is where it was, bytes what was there, NULL where that
-- cannot be read; at is when it was taken out.
CREATE TABLE quarantine (
    id             INTEGER PRIMARY KEY,
    kind           TEXT NOT NULL,
    row_id         INTEGER NOT NULL,
    incarnation_id INTEGER NOT NULL,
    from_at        INTEGER NOT NULL,
    to_at          INTEGER NOT NULL,
    ticks          INTEGER NOT NULL,
    bytes          BLOB,
    reason         TEXT NOT NULL,
    at             INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_at ON quarantine (incarnation_id, from_at);

-- Retention takes the oldest first.
CREATE INDEX quarantine_age ON quarantine (to_at);
