-- 0008: what stays of a day when its snapshots have gone. Days and hours are of UTC, counted since 1970.

-- One process in one day: its good pulses, the first and the last of them, and all goroutines of the
-- process at the last one.
CREATE TABLE rollup_life (
    incarnation_id INTEGER NOT NULL,
    day            INTEGER NOT NULL,
    first_at       INTEGER NOT NULL,
    last_at        INTEGER NOT NULL,
    pulses         INTEGER NOT NULL,
    goroutines     INTEGER NOT NULL,
    PRIMARY KEY (incarnation_id, day)
) STRICT, WITHOUT ROWID;
-- Retention takes the oldest first.
CREATE INDEX rollup_life_day ON rollup_life (day);

-- One signature in one process in one day: its count at the first pulse and at the last one, and the
-- lowest and the highest of all. 0 is absent.
CREATE TABLE rollup_day (
    incarnation_id INTEGER NOT NULL,
    day            INTEGER NOT NULL,
    signature_id   INTEGER NOT NULL,
    first          INTEGER NOT NULL,
    low            INTEGER NOT NULL,
    high           INTEGER NOT NULL,
    last           INTEGER NOT NULL,
    PRIMARY KEY (incarnation_id, day, signature_id)
) STRICT, WITHOUT ROWID;

-- One signature in one service in one hour, over the instances that had it at their last pulse in that
-- hour: how many they are, the sum of their lowest counts, and the sum of their last ones. A process
-- that was replaced within the hour is left out, since its successor is in it.
CREATE TABLE rollup_hour (
    service_id   INTEGER NOT NULL,
    hour         INTEGER NOT NULL,
    signature_id INTEGER NOT NULL,
    instances    INTEGER NOT NULL,
    low          INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    PRIMARY KEY (service_id, hour, signature_id)
) STRICT, WITHOUT ROWID;

-- Blocks that are not in these tables yet.
CREATE TABLE rollup_due (
    day            INTEGER NOT NULL,
    incarnation_id INTEGER NOT NULL,
    block_id       INTEGER NOT NULL,
    PRIMARY KEY (day, incarnation_id, block_id)
) STRICT, WITHOUT ROWID;
INSERT INTO rollup_due SELECT from_at / 86400000, incarnation_id, id FROM block;

-- Days before this one are not there: their snapshots had gone before there were days.
INSERT INTO meta (key, value)
SELECT 'days_since', CAST((CAST(value AS INTEGER) + 86399999) / 86400000 AS TEXT)
FROM meta WHERE key = 'raw_since';

CREATE VIEW days AS
SELECT service, instance,
       strftime('%Y-%m-%d', rollup_day.day * 86400, 'unixepoch') AS day,
       lower(hex(hash)) AS signature, where_function AS function,
       first, low, high, last, pulses, goroutines,
       strftime('%Y-%m-%dT%H:%M:%fZ', rollup_life.first_at / 1000.0, 'unixepoch') AS first_time,
       strftime('%Y-%m-%dT%H:%M:%fZ', rollup_life.last_at / 1000.0, 'unixepoch') AS last_time,
       rollup_day.incarnation_id, signature_id
FROM rollup_day
JOIN rollup_life USING (incarnation_id, day)
JOIN incarnation ON incarnation.id = incarnation_id
JOIN instances ON instances.instance_id = incarnation.instance_id
JOIN signature ON signature.id = signature_id;

CREATE VIEW hours AS
SELECT service.name AS service,
       strftime('%Y-%m-%dT%H:00:00Z', hour * 3600, 'unixepoch') AS hour,
       lower(hex(hash)) AS signature, where_function AS function,
       rollup_hour.instances, low, last, signature_id
FROM rollup_hour
JOIN service ON service.id = service_id
JOIN signature ON signature.id = signature_id;
