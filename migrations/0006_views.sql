-- 0006: views for people. Tables are singular and hold row ids and milliseconds; views are plural
-- and hold names and times in UTC (RFC 3339). Any SQLite shell reads them; samples themselves need
-- `goroscope sql`. See docs/STORAGE.md, "SQL".

-- Who is watched. An instance is called by its address, with the path where it is not the usual one.
CREATE VIEW instances AS
SELECT service.name AS service,
       address || iif(path = '/debug/pprof', '', path) AS instance,
       scheme,
       (SELECT labels FROM instance_label WHERE instance_id = instance.id
        ORDER BY from_at DESC LIMIT 1) AS labels,
       strftime('%Y-%m-%dT%H:%M:%fZ', first_at / 1000.0, 'unixepoch') AS first_seen,
       instance.id AS instance_id
FROM service JOIN instance ON instance.service_id = service.id;

-- One process after the other at each instance; `until` is NULL for the newest, `build` where the
-- GNU build id is not known.
CREATE VIEW lives AS
SELECT service, instance,
       strftime('%Y-%m-%dT%H:%M:%fZ', since / 1000.0, 'unixepoch') AS since,
       strftime('%Y-%m-%dT%H:%M:%fZ', (SELECT min(later.since) FROM incarnation AS later
                                       WHERE later.instance_id = incarnation.instance_id
                                         AND later.since > incarnation.since) / 1000.0,
                'unixepoch') AS until,
       reason,
       build.build_id AS build,
       incarnation.id AS incarnation_id,
       incarnation.instance_id
FROM instances
JOIN incarnation ON incarnation.instance_id = instances.instance_id
LEFT JOIN build ON build.id = incarnation.build_id;

-- The lives that took the place of an earlier one, and how that was recognised.
CREATE VIEW restarts AS
SELECT service, instance, since AS time, reason, build, incarnation_id
FROM lives WHERE reason <> 'first_contact';

-- Every signature, with its first sighting in the fleet. `last_seen` is as of the last flush.
CREATE VIEW signatures AS
SELECT lower(hex(hash)) AS signature,
       where_function AS function, where_file AS file, where_line AS line,
       strftime('%Y-%m-%dT%H:%M:%fZ', signature.first_at / 1000.0, 'unixepoch') AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%fZ', signature.last_at / 1000.0, 'unixepoch') AS last_seen,
       lives.service AS first_service, lives.instance AS first_instance,
       lives.build AS first_build,
       frames,
       signature.id AS signature_id
FROM signature LEFT JOIN lives ON lives.incarnation_id = signature.first_incarnation_id;

-- The first time a signature was seen in each service and build. They outlive the samples.
CREATE VIEW sightings AS
SELECT lower(hex(hash)) AS signature, where_function AS function,
       service.name AS service, build.build_id AS build,
       strftime('%Y-%m-%dT%H:%M:%fZ', sighting.first_at / 1000.0, 'unixepoch') AS time,
       instances.instance,
       sighting.signature_id
FROM sighting
JOIN signature ON signature.id = sighting.signature_id
JOIN service ON service.id = sighting.service_id
JOIN incarnation ON incarnation.id = sighting.incarnation_id
JOIN instances ON instances.instance_id = incarnation.instance_id
LEFT JOIN build ON build.id = sighting.build_id;

-- Which instances share a signature. `last`, `last_seen` and `peak` are as of the last flush.
CREATE VIEW shares AS
SELECT lower(hex(hash)) AS signature, where_function AS function,
       service, instance,
       strftime('%Y-%m-%dT%H:%M:%fZ', series.first_at / 1000.0, 'unixepoch') AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%fZ', series.last_at / 1000.0, 'unixepoch') AS last_seen,
       last, peak,
       strftime('%Y-%m-%dT%H:%M:%fZ', peak_at / 1000.0, 'unixepoch') AS peak_time,
       signature_id, series.instance_id
FROM series
JOIN signature ON signature.id = series.signature_id
JOIN instances ON instances.instance_id = series.instance_id;

-- Looks that gave nothing. What they would have seen is unknown, never zero.
CREATE VIEW failures AS
SELECT service, instance,
       strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS time,
       kind, reason, message, took_ms, at, failure.instance_id
FROM failure JOIN instances ON instances.instance_id = failure.instance_id;

-- When polls were due: at `since` and each interval after it, `due` of them up to `until`.
CREATE VIEW watches AS
SELECT service, instance,
       strftime('%Y-%m-%dT%H:%M:%fZ', from_at / 1000.0, 'unixepoch') AS since,
       strftime('%Y-%m-%dT%H:%M:%fZ', coalesce(to_at, last_commit_at) / 1000.0,
                'unixepoch') AS until,
       interval_ms / 1000.0 AS interval_s,
       max(0, (coalesce(to_at, last_commit_at) - from_at) / interval_ms + 1) AS due,
       watch.instance_id
FROM watch
JOIN daemon_run ON daemon_run.id = watch.run_id
JOIN instances ON instances.instance_id = watch.instance_id;

-- What happened: restarts, polls lost, and the like.
CREATE VIEW events AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS time,
       kind, coalesce(service.name, instances.service) AS service, instances.instance,
       lower(hex(hash)) AS signature, text, at
FROM event
LEFT JOIN service ON service.id = event.service_id
LEFT JOIN instances ON instances.instance_id = event.instance_id
LEFT JOIN signature ON signature.id = event.signature_id;
