//! What a database holds, told from sizes and bounds: nothing is decoded.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, named_params};
use serde::Serialize;

use super::instance::unsigned;
use super::{InstanceKey, LimitRow, Reader, StoreError};
use crate::model::Timestamp;
use crate::store::{DaemonLock, migrate};

/// A whole database.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Info {
    /// Of the file itself.
    pub file_bytes: u64,
    /// Of the log beside it.
    pub wal_bytes: u64,
    /// Of pages in the file that hold nothing.
    pub free_bytes: u64,
    /// Schema of its tables.
    pub database_schema: i32,
    /// Signature rules that its stacks are under; the oldest where they differ.
    pub signature_rules: Option<u32>,
    /// Signatures.
    pub signatures: u64,
    /// Services that have brought as many of them as they may.
    pub signature_limits: Vec<LimitRow>,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// Snapshots before this moment may have been removed by retention.
    pub kept_since: Option<Timestamp>,
    /// Starts of a daemon.
    pub daemon_runs: u64,
    /// The last of them.
    pub last_run: Option<Run>,
    /// What each service holds, by name.
    pub services: Vec<Holding>,
}

/// One run of a daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Whether a daemon has the database now.
    pub running: bool,
    /// When it started.
    pub started_at: Timestamp,
    /// Its last sign of life.
    pub last_commit_at: Timestamp,
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
}

/// What is kept of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// Its name.
    pub service: String,
    /// Instances ever polled.
    pub instances: u64,
    /// Processes ever seen.
    pub incarnations: u64,
    /// Snapshots in rows.
    pub hot: Part,
    /// Snapshots in blocks.
    pub blocks: Part,
    /// Counts in blocks: snapshots times series. In rows they are not counted without decoding.
    pub block_samples: u64,
    /// Full dumps.
    pub details: Part,
    /// Looks that gave nothing.
    pub failures: Part,
    /// Polls of the last day that are kept, about: of a block at its edge a share is taken.
    pub polls_ok: u64,
    /// Polls that were due in the last day.
    pub polls_due: u64,
}

/// Rows of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    /// How many there are; of blocks the snapshots in them.
    pub count: u64,
    /// Bytes of their packed contents.
    pub bytes: u64,
    /// The oldest.
    pub oldest: Option<Timestamp>,
    /// The newest.
    pub newest: Option<Timestamp>,
}

impl Reader {
    /// What time it was at the last commit of the daemon that writes the database; `None` where none does.
    pub fn daemon_time(&self) -> Result<Option<Timestamp>, StoreError> {
        let run = self.last_run().map_err(|source| self.failed(source))?;
        Ok(run.filter(|run| run.running).map(|run| run.last_commit_at))
    }

    /// What the database holds; `day` is the beginning of the last day.
    pub fn info(&self, day: Timestamp, now: Timestamp) -> Result<Info, StoreError> {
        let kept_since = self.kept_since()?;
        let mut services = self.holdings().map_err(|source| self.failed(source))?;
        for (instance, service) in self.owners().map_err(|source| self.failed(source))? {
            let ok = self.polls_since(instance, day);
            let ok = ok.map_err(|source| self.failed(source))?;
            let due = self.due_since(instance, day, now)?;
            if let Some(holding) = services.get_mut(&service) {
                holding.polls_due += due;
                holding.polls_ok += ok.min(due);
            }
        }
        let mut services: Vec<Holding> = services.into_values().collect();
        services.sort_by(|a, b| a.service.cmp(&b.service));
        let file = self.file(kept_since, services);
        let file = file.map_err(|source| self.failed(source))?;
        Ok(Info {
            signature_limits: self.limits()?,
            ..file
        })
    }

    fn file(
        &self,
        kept_since: Option<Timestamp>,
        services: Vec<Holding>,
    ) -> rusqlite::Result<Info> {
        let on = &self.connection;
        let pragma = |name| on.pragma_query_value(None, name, |row| row.get(0).map(unsigned));
        let count = |sql| on.query_row(sql, [], |row| row.get(0).map(unsigned));
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        Ok(Info {
            file_bytes: std::fs::metadata(&self.path).map_or(0, |file| file.len()),
            wal_bytes: std::fs::metadata(log).map_or(0, |file| file.len()),
            free_bytes: pragma("freelist_count")? * pragma("page_size")?,
            database_schema: migrate::version(on)?.1,
            signature_rules: on.query_row("SELECT min(rules) FROM stack", [], |row| row.get(0))?,
            signatures: count("SELECT count(*) FROM signature")?,
            signature_limits: Vec::new(),
            quarantined: count("SELECT count(*) FROM quarantine")?,
            kept_since,
            daemon_runs: count("SELECT count(*) FROM daemon_run")?,
            last_run: self.last_run()?,
            services,
        })
    }

    fn last_run(&self) -> rusqlite::Result<Option<Run>> {
        self.connection
            .query_row(
                "SELECT started_at, last_commit_at, version, pid FROM daemon_run
                 ORDER BY id DESC LIMIT 1",
                [],
                |row| {
                    Ok(Run {
                        running: !DaemonLock::is_free(&self.path),
                        started_at: Timestamp::from_millis(row.get(0)?),
                        last_commit_at: Timestamp::from_millis(row.get(1)?),
                        version: row.get(2)?,
                        pid: row.get(3)?,
                    })
                },
            )
            .optional()
    }

    /// Of each service what there is, without coverage. The length of a blob is read without the blob.
    fn holdings(&self) -> rusqlite::Result<BTreeMap<i64, Holding>> {
        let mut found: BTreeMap<i64, Holding> = BTreeMap::new();
        let mut each = |sql: &str, take: fn(&mut Holding, &Row<'_>) -> rusqlite::Result<()>| {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                take(found.entry(row.get(0)?).or_default(), row)?;
            }
            Ok::<_, rusqlite::Error>(())
        };
        each(
            "SELECT service.id, service.name, count(DISTINCT instance.id), count(incarnation.id)
             FROM service LEFT JOIN instance ON service_id = service.id
             LEFT JOIN incarnation ON instance_id = instance.id GROUP BY service.id",
            |holding, row| {
                holding.service = row.get(1)?;
                holding.instances = unsigned(row.get(2)?);
                holding.incarnations = unsigned(row.get(3)?);
                Ok(())
            },
        )?;
        // Summed by process first: one pass over the table, in the order in which it lies.
        each(
            "SELECT service_id, sum(n), sum(bytes), min(oldest), max(newest) FROM (
                 SELECT incarnation_id, count(*) AS n, sum(length(groups)) AS bytes,
                        min(at) AS oldest, max(at) AS newest FROM pulse GROUP BY incarnation_id)
             JOIN incarnation ON incarnation.id = incarnation_id
             JOIN instance ON instance.id = instance_id GROUP BY service_id",
            |holding, row| part(row).map(|part| holding.hot = part),
        )?;
        each(
            "SELECT service_id, sum(n), sum(bytes), min(oldest), max(newest), sum(samples) FROM (
                 SELECT incarnation_id, sum(ticks) AS n, sum(length(data)) AS bytes,
                        min(from_at) AS oldest, max(to_at) AS newest, sum(ticks * series) AS samples
                 FROM block GROUP BY incarnation_id)
             JOIN incarnation ON incarnation.id = incarnation_id
             JOIN instance ON instance.id = instance_id GROUP BY service_id",
            |holding, row| {
                holding.block_samples = unsigned(row.get(5)?);
                part(row).map(|part| holding.blocks = part)
            },
        )?;
        each(
            "SELECT service_id, sum(n), sum(bytes), min(oldest), max(newest) FROM (
                 SELECT incarnation_id, count(*) AS n, sum(length(body)) AS bytes,
                        min(at) AS oldest, max(at) AS newest FROM detail GROUP BY incarnation_id
                 UNION ALL
                 SELECT incarnation_id, sum(ticks), sum(length(data)), min(from_at), max(to_at)
                 FROM detail_block GROUP BY incarnation_id)
             JOIN incarnation ON incarnation.id = incarnation_id
             JOIN instance ON instance.id = instance_id GROUP BY service_id",
            |holding, row| part(row).map(|part| holding.details = part),
        )?;
        each(
            "SELECT service_id, sum(n), sum(bytes), min(oldest), max(newest) FROM (
                 SELECT instance_id, count(*) AS n, sum(length(message)) AS bytes,
                        min(at) AS oldest, max(at) AS newest FROM failure GROUP BY instance_id)
             JOIN instance ON instance.id = instance_id GROUP BY service_id",
            |holding, row| part(row).map(|part| holding.failures = part),
        )?;
        Ok(found)
    }

    fn owners(&self) -> rusqlite::Result<Vec<(InstanceKey, i64)>> {
        self.connection
            .prepare("SELECT id, service_id FROM instance")?
            .query_map([], |row| Ok((InstanceKey(row.get(0)?), row.get(1)?)))?
            .collect()
    }

    /// Snapshots of an instance since a moment.
    fn polls_since(&self, instance: InstanceKey, since: Timestamp) -> rusqlite::Result<u64> {
        self.connection
            .prepare_cached(
                "SELECT ifnull(sum(
                     (SELECT count(*) FROM pulse WHERE incarnation_id = incarnation.id AND at >= :since)
                     + (SELECT ifnull(sum(iif(from_at >= :since, ticks,
                            ticks - (ticks - 1) * (:since - from_at) / max(to_at - from_at, 1))), 0)
                        FROM block WHERE incarnation_id = incarnation.id
                        -- No block is longer than a day: its index finds the last ones.
                        AND from_at >= :since - 86400000 AND to_at >= :since)), 0)
                 FROM incarnation WHERE instance_id = :instance",
            )?
            .query_row(
                named_params! { ":instance": instance.0, ":since": since.as_millis() },
                |row| row.get(0).map(unsigned),
            )
    }

    /// Polls of an instance that were due since a moment, without one that may still be under way.
    fn due_since(
        &self,
        instance: InstanceKey,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let spans = self.due(instance, since, now)?;
        let due: i64 = spans
            .iter()
            .map(|span| span.without_before(since))
            .map(|span| {
                let until = span.to.as_millis().min(now.as_millis() - span.interval_ms);
                ((until - span.from.as_millis() + span.interval_ms) / span.interval_ms).max(0)
            })
            .sum();
        Ok(due.cast_unsigned())
    }
}

fn part(row: &Row<'_>) -> rusqlite::Result<Part> {
    let at = |column| {
        let millis: Option<i64> = row.get(column)?;
        Ok::<_, rusqlite::Error>(millis.map(Timestamp::from_millis))
    };
    Ok(Part {
        count: unsigned(row.get(1)?),
        bytes: unsigned(row.get(2)?),
        oldest: at(3)?,
        newest: at(4)?,
    })
}
