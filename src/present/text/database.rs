//! `db info` and `db check`.

use serde::Serialize;

use super::head;
use crate::model::Timestamp;
use crate::present::column::{numbers, words};
use crate::present::words::{bytes, grouped, plural};
use crate::present::{Answer, Cell, Draw, Page, Sheet, escape};
use crate::query::{DamageAnswer, DatabaseCheck, DatabaseInfo, Holding};

impl Answer for DatabaseInfo {
    const COLUMNS: &'static [&'static str] = &[
        "service",
        "instances",
        "incarnations",
        "hot.count",
        "hot.bytes",
        "hot.oldest",
        "hot.newest",
        "blocks.count",
        "blocks.bytes",
        "blocks.oldest",
        "blocks.newest",
        "block_samples",
        "details.count",
        "details.bytes",
        "failures.count",
        "failures.bytes",
        "polls_ok",
        "polls_due",
    ];

    fn page(&self, draw: Draw) -> Page {
        let mut page = Page::default();
        page.lines(&file(self, draw));
        page.sheet(holdings(self, draw));
        if !self.info.services.is_empty() {
            page.lines(
                "samples: snapshots times series, and bytes for each, are of blocks alone\n",
            );
        }
        // Of a daemon it is told when it wrote, and in which zone.
        let newest = self
            .info
            .services
            .iter()
            .filter_map(|service| service.hot.newest.max(service.blocks.newest));
        if let Some(newest) = newest.max().filter(|_| self.info.last_run.is_none()) {
            page.lines(&times_are_in(newest, draw));
        }
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.info.services.iter()
    }

    fn remarks(&self, draw: Draw) -> String {
        kept(self, draw)
    }
}

fn times_are_in(at: Timestamp, draw: Draw) -> String {
    format!("times are in {}\n", draw.zone.offset(at))
}

/// The file as a whole, and who writes it.
fn file(answer: &DatabaseInfo, draw: Draw) -> String {
    let info = &answer.info;
    let mut text = format!(
        "{}: {}, of them {} free, and {} in the log\n",
        escape(&answer.path),
        bytes(info.file_bytes),
        bytes(info.free_bytes),
        bytes(info.wal_bytes),
    );
    let rules = info
        .signature_rules
        .map_or_else(String::new, |rules| format!(" under rules {rules}"));
    text += &format!(
        "schema {}, {}{rules}\n",
        info.database_schema,
        plural(info.signatures, "signature"),
    );
    text += &head::limits(&info.signature_limits, draw);
    text += &daemon(answer, draw);
    text + &kept(answer, draw)
}

/// What is not there, or cannot be read.
fn kept(answer: &DatabaseInfo, draw: Draw) -> String {
    let info = &answer.info;
    let mut text = String::new();
    if let Some(kept) = info.kept_since {
        text += &format!(
            "snapshots are kept since {} ({}): retention has removed older ones\n",
            draw.zone.second(kept),
            draw.zone.offset(kept),
        );
    }
    if info.quarantined > 0 {
        text += &format!(
            "{} in quarantine: gaps in every answer\n",
            plural(info.quarantined, "damaged row"),
        );
    }
    text
}

fn holdings(answer: &DatabaseInfo, draw: Draw) -> Sheet {
    let columns = vec![
        words("SERVICE").elastic(),
        numbers("INST").rank(4),
        numbers("PROCESSES").rank(7),
        numbers("SNAPSHOTS").rank(3),
        numbers("IN BLOCKS").rank(11),
        numbers("DETAILS").rank(9),
        numbers("FAILURES").rank(8),
        numbers("SAMPLES").rank(10),
        numbers("BYTES"),
        numbers("B/SAMPLE").rank(12),
        words("OLDEST").rank(6),
        words("NEWEST").rank(5),
        numbers("LAST 24 H"),
    ];
    let rows = answer.info.services.iter();
    let rows = rows.map(|service| held(service, draw));
    Sheet {
        columns,
        rows: rows.collect(),
    }
}

fn daemon(answer: &DatabaseInfo, draw: Draw) -> String {
    let Some(run) = &answer.info.last_run else {
        return "no daemon has written it yet\n".to_owned();
    };
    let runs = plural(answer.info.daemon_runs, "daemon run");
    let (started, last) = (run.started_at, run.last_commit_at);
    if run.running {
        let (pid, since) = (run.pid, draw.zone.second(started));
        let offset = draw.zone.offset(started);
        return format!("{runs}; process {pid} writes it since {since} ({offset})\n");
    }
    let (until, offset) = (draw.zone.second(last), draw.zone.offset(last));
    format!("{runs}; none writes it now, the last one did until {until} ({offset})\n")
}

fn held(service: &Holding, draw: Draw) -> Vec<Cell> {
    let parts = [
        service.hot,
        service.blocks,
        service.details,
        service.failures,
    ];
    let packed: u64 = parts.iter().map(|part| part.bytes).sum();
    let moment =
        |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| draw.zone.second(at));
    let per_sample = DatabaseInfo::bytes_per_sample(service);
    let coverage = format!(
        "{}/{}",
        grouped(service.polls_ok),
        grouped(service.polls_due)
    );
    vec![
        escape(&service.service).into_owned().into(),
        grouped(service.instances).into(),
        grouped(service.incarnations).into(),
        grouped(service.hot.count + service.blocks.count).into(),
        grouped(service.blocks.count).into(),
        grouped(service.details.count).into(),
        grouped(service.failures.count).into(),
        grouped(service.block_samples).into(),
        bytes(packed).into(),
        per_sample
            .map_or_else(|| "-".to_owned(), |share| format!("{share:.2}"))
            .into(),
        moment(parts.iter().filter_map(|part| part.oldest).min()).into(),
        moment(parts.iter().filter_map(|part| part.newest).max()).into(),
        Cell {
            text: coverage,
            loud: service.polls_ok < service.polls_due,
        },
    ]
}

impl Answer for DatabaseCheck {
    const COLUMNS: &'static [&'static str] = &["table", "row", "from", "to", "pulses", "reason"];

    fn page(&self, draw: Draw) -> Page {
        let columns = vec![
            words("TABLE"),
            numbers("ROW").rank(3),
            words("FROM"),
            words("TO").rank(4),
            numbers("PULSES"),
            words("DAMAGE").elastic(),
        ];
        let rows = self.rows.iter().map(|row| damaged(row, draw)).collect();
        let mut page = Page::default();
        page.lines(&wrong(self));
        page.sheet(Sheet { columns, rows });
        let newest = self.rows.iter().filter_map(|row| row.to).max();
        if let Some(newest) = newest {
            page.lines(&times_are_in(newest, draw));
        }
        page.lines(&outcome(self));
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.rows.iter()
    }

    fn remarks(&self, _: Draw) -> String {
        wrong(self) + &outcome(self)
    }
}

/// What is wrong with the file itself.
fn wrong(answer: &DatabaseCheck) -> String {
    let line = |sentence: &String| format!("{}\n", escape(sentence));
    let sentences = answer.file.iter().chain(&answer.references);
    sentences.map(line).collect()
}

/// What was looked at, and what was done.
fn outcome(answer: &DatabaseCheck) -> String {
    let mut text = String::new();
    let more = answer.damaged.saturating_sub(answer.rows.len() as u64);
    if more > 0 {
        text += &format!("and {}\n", plural(more, "more damaged row"));
    }
    let decoded: Vec<String> = answer
        .decoded
        .iter()
        .map(|(table, rows)| match *table {
            "summary" if *rows != 1 => format!("{} summaries", grouped(*rows)),
            table => plural(*rows, &table.replace('_', " ")),
        })
        .collect();
    text += &format!("{}: decoded {}\n", escape(&answer.path), decoded.join(", "));
    if answer.quarantined_rows > 0 {
        text += &format!(
            "in quarantine since earlier checks: {} with {}\n",
            plural(answer.quarantined_rows, "row"),
            plural(answer.quarantined_pulses, "pulse"),
        );
    }
    text += &verdict(answer);
    text
}

fn damaged(row: &DamageAnswer, draw: Draw) -> Vec<Cell> {
    let moment =
        |at: Option<Timestamp>| at.map_or_else(|| "?".to_owned(), |at| draw.zone.second(at));
    vec![
        row.table.into(),
        row.row.to_string().into(),
        moment(row.from).into(),
        moment(row.to).into(),
        grouped(row.pulses.max(0).cast_unsigned()).into(),
        row.reason.into(),
    ]
}

fn verdict(answer: &DatabaseCheck) -> String {
    if answer.sound {
        return "sound\n".to_owned();
    }
    let mut text = String::new();
    let left = answer.damaged - answer.moved - answer.made_again;
    if answer.moved > 0 {
        text += &format!(
            "moved {} into quarantine: a gap from now on, all else is as it was\n",
            plural(answer.moved, "damaged row"),
        );
    }
    if answer.made_again > 0 {
        text += &format!(
            "deleted {}: nothing is lost, the next daemon makes a summary again from its block\n",
            match answer.made_again {
                1 => "1 damaged summary".to_owned(),
                several => format!("{} damaged summaries", grouped(several)),
            }
        );
    }
    if answer.damaged > 0 && answer.daemon_runs {
        text += "a daemon writes this database, so nothing was moved: every answer passes over what is \
                 damaged as a gap; run this again while no daemon runs\n";
    } else if left > 0 {
        text += &format!(
            "{} not moved (more than one check moves, or pages that cannot be written): answers pass over \
             what is damaged as a gap\n",
            plural(left, "damaged row"),
        );
    }
    if !answer.file.is_empty() && answer.moved > 0 {
        text += "the file itself was damaged as well: check it again, and restore a backup if it still is\n";
    } else if !answer.file.is_empty() || !answer.references.is_empty() {
        text += "the file itself is damaged: restore a backup (goroscope db backup makes one), or save what can \
                 be read: goroscope export > saved.ndjson, goroscope import saved.ndjson --db new.db\n";
    }
    text
}
