-- 0010: what was said of signatures, and from when to when.

-- One verdict of a signature in a service, from `from_at` until `to_at`; NULL: it holds still. Rows begin when
-- something is first said to grow. kind: a verdict by its word. build_id 0: not known. evidence: JSON, sentences.
-- Growth, goroutines, and the lower end of its rate, goroutines per hour, are those of the window of a day that
-- ended at from_at.
CREATE TABLE verdict (
    id           INTEGER PRIMARY KEY,
    signature_id INTEGER NOT NULL REFERENCES signature (id),
    service_id   INTEGER NOT NULL REFERENCES service (id),
    build_id     INTEGER NOT NULL,
    from_at      INTEGER NOT NULL,
    to_at        INTEGER,
    kind         TEXT NOT NULL,
    growth       INTEGER NOT NULL,
    per_hour_low REAL,
    evidence     TEXT NOT NULL
) STRICT;
CREATE INDEX verdict_signature ON verdict (signature_id, service_id, from_at);
CREATE UNIQUE INDEX verdict_open ON verdict (signature_id, service_id) WHERE to_at IS NULL;

CREATE VIEW verdicts AS
SELECT lower(hex(hash)) AS signature, where_function AS function,
       service.name AS service, build.build_id AS build, verdict.kind AS verdict,
       strftime('%Y-%m-%dT%H:%M:%fZ', from_at / 1000.0, 'unixepoch') AS since,
       strftime('%Y-%m-%dT%H:%M:%fZ', to_at / 1000.0, 'unixepoch') AS until,
       growth, per_hour_low, evidence, verdict.signature_id
FROM verdict
JOIN signature ON signature.id = verdict.signature_id
JOIN service ON service.id = verdict.service_id
LEFT JOIN build ON build.id = verdict.build_id;
