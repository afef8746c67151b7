-- Views of the shell's own connection: they need functions that only goroscope has.

CREATE TEMP VIEW samples AS
SELECT service.name AS service,
       address || iif(path = '/debug/pprof', '', path) AS instance,
       build.build_id AS build,
       strftime('%Y-%m-%dT%H:%M:%fZ', sample.at / 1000.0, 'unixepoch') AS time,
       signature, function, file, line, state, kind, labels, count,
       sample.at, incarnation.id AS incarnation_id, instance.id AS instance_id, stack_id, signature_id
FROM service
JOIN instance ON instance.service_id = service.id
JOIN incarnation ON incarnation.instance_id = instance.id
LEFT JOIN build ON build.id = incarnation.build_id
-- The processes always come first: then blocks are found by process and time.
CROSS JOIN sample ON sample.incarnation_id = incarnation.id;

CREATE TEMP VIEW ticks AS
SELECT service.name AS service,
       address || iif(path = '/debug/pprof', '', path) AS instance,
       build.build_id AS build,
       strftime('%Y-%m-%dT%H:%M:%fZ', tick.at / 1000.0, 'unixepoch') AS time,
       form, goroutines, own, complained, took_ms, truncated, unknown,
       tick.at, incarnation.id AS incarnation_id, instance.id AS instance_id
FROM service
JOIN instance ON instance.service_id = service.id
JOIN incarnation ON incarnation.instance_id = instance.id
LEFT JOIN build ON build.id = incarnation.build_id
CROSS JOIN tick ON tick.incarnation_id = incarnation.id;
