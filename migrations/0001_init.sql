-- 0001: the first schema. Forward only: after a release this file is never edited.
--
-- Times (`at`, `…_at`, `since`) are milliseconds since 1970 UTC by the daemon's clock.
-- What a form cannot know is NULL, never 0.

-- What the file is: db_uuid-like facts for people and for later versions.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who is watched -------------------------------------------------------------------------------

CREATE TABLE service (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE instance (
    id         INTEGER PRIMARY KEY,
    service_id INTEGER NOT NULL REFERENCES service (id),
    scheme     TEXT NOT NULL,
    address    TEXT NOT NULL,
    path       TEXT NOT NULL,
    first_at   INTEGER NOT NULL,
    UNIQUE (service_id, scheme, address, path)
) STRICT;

-- Labels are dated attributes: a row holds from `from_at` until the next one.
CREATE TABLE instance_label (
    instance_id INTEGER NOT NULL REFERENCES instance (id),
    from_at     INTEGER NOT NULL,
    labels      TEXT NOT NULL,
    PRIMARY KEY (instance_id, from_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE build (
    id       INTEGER PRIMARY KEY,
    build_id TEXT NOT NULL UNIQUE,
    first_at INTEGER NOT NULL
) STRICT;

-- The life of one process. `reason` says how its start was recognised.
CREATE TABLE incarnation (
    id          INTEGER PRIMARY KEY,
    instance_id INTEGER NOT NULL REFERENCES instance (id),
    since       INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    build_id    INTEGER REFERENCES build (id),
    vdso        INTEGER,
    heap_high   INTEGER,
    UNIQUE (instance_id, since)
) STRICT;

-- What was due ---------------------------------------------------------------------------------

CREATE TABLE daemon_run (
    id             INTEGER PRIMARY KEY,
    started_at     INTEGER NOT NULL,
    -- Moves with every commit: after a SIGKILL it tells until when the daemon lived.
    last_commit_at INTEGER NOT NULL,
    stopped_at     INTEGER,
    version        TEXT NOT NULL,
    pid            INTEGER NOT NULL
) STRICT;

-- A poll was due at from_at and each interval after it, until to_at; while to_at is NULL, until
-- the last commit of the run.
CREATE TABLE watch (
    id          INTEGER PRIMARY KEY,
    run_id      INTEGER NOT NULL REFERENCES daemon_run (id),
    instance_id INTEGER NOT NULL REFERENCES instance (id),
    from_at     INTEGER NOT NULL,
    to_at       INTEGER,
    interval_ms INTEGER NOT NULL CHECK (interval_ms > 0)
) STRICT;
CREATE INDEX watch_instance ON watch (instance_id, from_at);

-- What was seen --------------------------------------------------------------------------------

-- `frames`: the function names that identify it, leaf first, one a line.
CREATE TABLE signature (
    id                   INTEGER PRIMARY KEY,
    hash                 BLOB NOT NULL UNIQUE CHECK (length(hash) = 16),
    rules                INTEGER NOT NULL,
    where_function       TEXT NOT NULL,
    where_file           TEXT NOT NULL,
    where_line           INTEGER NOT NULL,
    frames               TEXT NOT NULL,
    first_at             INTEGER NOT NULL,
    first_incarnation_id INTEGER NOT NULL REFERENCES incarnation (id),
    -- As of the last flush; hot rows may be newer.
    last_at              INTEGER NOT NULL
) STRICT;

-- Prefixes of signatures under older rules, or of stacks that were cut then, resolve through this.
CREATE TABLE signature_alias (
    hash         BLOB PRIMARY KEY CHECK (length(hash) = 16),
    signature_id INTEGER NOT NULL REFERENCES signature (id)
) STRICT, WITHOUT ROWID;

-- The frames as read: immutable, and what samples refer to. signature_id is derived from them
-- under `rules`. service_id is 0, but for a stack that a profile's depth limit cut off: which
-- full stack that is the top of depends on the service.
-- frames: JSON, [[function, file, line], …], leaf first.
CREATE TABLE stack (
    id            INTEGER PRIMARY KEY,
    hash          BLOB NOT NULL CHECK (length(hash) = 16),
    service_id    INTEGER NOT NULL,
    signature_id  INTEGER NOT NULL REFERENCES signature (id),
    rules         INTEGER NOT NULL,
    cut           INTEGER NOT NULL,
    elided_after  INTEGER,
    elided_frames INTEGER,
    site          INTEGER NOT NULL,
    frames        TEXT NOT NULL,
    UNIQUE (hash, service_id)
) STRICT;
CREATE INDEX stack_signature ON stack (signature_id);

CREATE TABLE creator (
    id       INTEGER PRIMARY KEY,
    function TEXT NOT NULL UNIQUE
) STRICT;

-- JSON object with sorted keys. The empty set is 0 in rows and has no row here.
CREATE TABLE label_set (
    id     INTEGER PRIMARY KEY,
    labels TEXT NOT NULL UNIQUE
) STRICT;

-- Wait states as Go prints them, and wait kinds of profiles.
CREATE TABLE state (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- One signature on one instance over time. first_* at once; the rest as of the last flush.
CREATE TABLE series (
    signature_id         INTEGER NOT NULL REFERENCES signature (id),
    instance_id          INTEGER NOT NULL REFERENCES instance (id),
    first_at             INTEGER NOT NULL,
    first_incarnation_id INTEGER NOT NULL REFERENCES incarnation (id),
    last_at              INTEGER NOT NULL,
    last                 INTEGER NOT NULL,
    peak                 INTEGER NOT NULL,
    peak_at              INTEGER NOT NULL,
    PRIMARY KEY (signature_id, instance_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX series_instance ON series (instance_id);

-- The first time a signature was seen in a service and build (build_id 0: not known).
CREATE TABLE sighting (
    signature_id   INTEGER NOT NULL REFERENCES signature (id),
    service_id     INTEGER NOT NULL REFERENCES service (id),
    build_id       INTEGER NOT NULL,
    first_at       INTEGER NOT NULL,
    incarnation_id INTEGER NOT NULL REFERENCES incarnation (id),
    PRIMARY KEY (signature_id, service_id, build_id)
) STRICT, WITHOUT ROWID;

-- The hot tables: append-only, one row a request, packed groups -------------------------------

-- groups: see docs/STORAGE.md, "Pulse rows".
CREATE TABLE pulse (
    id             INTEGER PRIMARY KEY,
    incarnation_id INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    took_ms        INTEGER NOT NULL,
    form           TEXT NOT NULL,
    goroutines     INTEGER NOT NULL,
    own            INTEGER NOT NULL,
    complained     INTEGER NOT NULL,
    truncated      INTEGER NOT NULL,
    complaints     TEXT,
    groups         BLOB NOT NULL
) STRICT;
CREATE INDEX pulse_at ON pulse (incarnation_id, at);

-- body: zstd; see docs/STORAGE.md, "Detail rows".
CREATE TABLE detail (
    id             INTEGER PRIMARY KEY,
    incarnation_id INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    took_ms        INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    form           TEXT NOT NULL,
    goroutines     INTEGER NOT NULL,
    own            INTEGER NOT NULL,
    complained     INTEGER NOT NULL,
    truncated      INTEGER NOT NULL,
    complaints     TEXT,
    body           BLOB NOT NULL
) STRICT;
CREATE INDEX detail_at ON detail (incarnation_id, at);

-- A look that gave nothing: unknown at this tick, never zero.
CREATE TABLE failure (
    id          INTEGER PRIMARY KEY,
    instance_id INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    took_ms     INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    message     TEXT NOT NULL
) STRICT;
CREATE INDEX failure_at ON failure (instance_id, at);

CREATE TABLE event (
    id           INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    service_id   INTEGER,
    instance_id  INTEGER,
    signature_id INTEGER,
    text         TEXT NOT NULL
) STRICT;
CREATE INDEX event_at ON event (at);
