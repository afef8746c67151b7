//! How many signatures and stacks a service may bring, and what further ones count as.
//!
//! A target can make names without end: plugins, generated code, malice. So the signatures that were first seen in
//! a service have a limit. Beyond it the goroutines of whatever is not known yet count as one signature, whose
//! function no Go function can have: the file stays small, totals stay whole, and what leaks in ever new stacks
//! grows there. What is known goes on as before. Stacks, states, creators and label sets have limits as well.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_128;

use super::Result;
use crate::model::signature::MAX_SIGNATURES;
use crate::model::{Frame, Signature, Stack};

/// The function of the signature that all beyond the limit count as.
const BEYOND: &str = "(signatures beyond the limit)";
/// Stacks that a service may bring for each signature that it may: every build has lines of its own.
const STACKS_EACH: u64 = 10;
/// Rows that a table of words (states, creators, label sets) may have for each signature that a service may bring.
const WORDS_EACH: u64 = 10;
/// What `meta` has once any limit was reached.
pub(in crate::store) const REACHED: &str = "limit_reached";
/// Where `meta` has the limit.
const KEY: &str = "max_signatures";

/// What was first seen in a service.
#[derive(Debug, Clone, Copy, Default)]
struct Brought {
    signatures: u64,
    stacks: u64,
}

/// A limit that a service has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reached {
    Signatures,
    Stacks,
    /// Of a table.
    Words(&'static str),
}

/// What services have brought so far, and may.
#[derive(Debug)]
pub(super) struct Limit {
    most: u64,
    /// By service; `None` while it has not been counted.
    brought: Option<FxHashMap<i64, Brought>>,
    /// By service, and whether it was told.
    reached: FxHashMap<(i64, Reached), bool>,
    /// Where a service may bring no more stacks: by signature the one that others count as.
    stand_ins: FxHashMap<i64, i64>,
    /// Rows of the tables of words.
    words: FxHashMap<&'static str, u64>,
    /// Tables that were refused one since the last news.
    refused: Vec<&'static str>,
    /// Groups that count as something else, since they were last taken.
    merged: u64,
}

impl Default for Limit {
    fn default() -> Self {
        Self::of(MAX_SIGNATURES)
    }
}

impl Limit {
    /// So many signatures for each service, of which nothing is known yet.
    pub(super) fn of(most: u64) -> Self {
        Self {
            most,
            brought: None,
            reached: FxHashMap::default(),
            stand_ins: FxHashMap::default(),
            words: FxHashMap::default(),
            refused: Vec::new(),
            merged: 0,
        }
    }

    /// The limit that the last daemon has put down.
    pub(super) fn load(on: &Connection) -> Result<Self> {
        let sql = "SELECT value FROM meta WHERE key = ?1";
        let most: Option<String> = on.query_row(sql, [KEY], |row| row.get(0)).optional()?;
        let most = most.and_then(|most| most.parse().ok());
        Ok(Self::of(most.unwrap_or(MAX_SIGNATURES)))
    }

    /// Puts the limit down, so that an import goes by it as well.
    pub(super) fn keep(&self, tx: &Transaction<'_>) -> Result<()> {
        tx.prepare_cached(
            "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
        )?
        .execute(params![KEY, self.most.to_string()])
        .map(drop)
    }

    /// The same limit; what services have brought is counted again.
    pub(super) fn anew(&self) -> Self {
        Self::of(self.most)
    }

    /// Whether a service may bring one more signature, which then counts as brought.
    pub(super) fn takes_signature(&mut self, tx: &Transaction<'_>, service: i64) -> Result<bool> {
        let most = self.most;
        let brought = self.brought(tx, service)?;
        let takes = brought.signatures < most;
        if takes {
            brought.signatures += 1;
        } else {
            let reached = (service, Reached::Signatures);
            self.reached.entry(reached).or_default();
        }
        Ok(takes)
    }

    /// The stack that a new one of a known signature counts as, where its service may bring no more; where it
    /// may, that counts as brought.
    pub(super) fn stand_in(
        &mut self,
        tx: &Transaction<'_>,
        signature: i64,
        service: i64,
    ) -> Result<Option<i64>> {
        let most = self.most.saturating_mul(STACKS_EACH);
        let brought = self.brought(tx, service)?;
        if brought.stacks < most {
            brought.stacks += 1;
            return Ok(None);
        }
        self.reached.entry((service, Reached::Stacks)).or_default();
        if !self.stand_ins.contains_key(&signature) {
            let newest = tx
                .prepare_cached(
                    "SELECT max(id) FROM stack WHERE signature_id = ?1 AND service_id = 0",
                )?
                .query_row([signature], |row| row.get::<_, Option<i64>>(0))?;
            let newest = newest.map(|newest| (signature, newest));
            self.stand_ins.extend(newest);
        }
        let stand_in = self.stand_ins.get(&signature).copied();
        self.merged += u64::from(stand_in.is_some());
        Ok(stand_in)
    }

    /// Whether a table of words may have one more, which it then has.
    pub(super) fn takes_word(&mut self, tx: &Transaction<'_>, table: &'static str) -> Result<bool> {
        let rows = match self.words.get(table) {
            Some(rows) => *rows,
            None => tx
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get(0)
                })
                .map(i64::cast_unsigned)?,
        };
        let takes = rows < self.most.saturating_mul(WORDS_EACH);
        self.words.insert(table, rows + u64::from(takes));
        if !takes {
            self.merged += 1;
            if !self.refused.contains(&table) {
                self.refused.push(table);
            }
        }
        Ok(takes)
    }

    /// Notes that a group counts as beyond the limit.
    pub(super) const fn note_beyond(&mut self) {
        self.merged += 1;
    }

    /// Groups that count as something else, since they were last taken.
    pub(super) const fn merged(&self) -> u64 {
        self.merged
    }

    /// The same, to begin again.
    pub(super) const fn take_merged(&mut self) -> u64 {
        std::mem::replace(&mut self.merged, 0)
    }

    /// Whether a service was refused a signature.
    pub(super) fn is_reached(&self, service: i64) -> bool {
        self.reached.contains_key(&(service, Reached::Signatures))
    }

    /// What is to be told of a service, once.
    pub(super) fn take_news(&mut self, service: i64) -> Vec<String> {
        for table in std::mem::take(&mut self.refused) {
            let reached = (service, Reached::Words(table));
            self.reached.entry(reached).or_default();
        }
        let words = ["state", "creator", "label_set"].map(Reached::Words);
        let all = [Reached::Signatures, Reached::Stacks]
            .into_iter()
            .chain(words);
        let news = all.filter(|reached| {
            let told = self.reached.get_mut(&(service, *reached));
            told.is_some_and(|told| !std::mem::replace(told, true))
        });
        let news: Vec<Reached> = news.collect();
        news.iter().map(|reached| self.sentence(*reached)).collect()
    }

    fn sentence(&self, reached: Reached) -> String {
        let most = self.most;
        match reached {
            Reached::Signatures => format!(
                "it has brought {most} signatures, its limit: goroutines of further ones count as \
                 `{BEYOND}`"
            ),
            Reached::Stacks => format!(
                "it has brought {} stacks, its limit: further ones count as the newest known one of \
                 their signature, whose lines may be others",
                most.saturating_mul(STACKS_EACH)
            ),
            Reached::Words(table) => format!(
                "the database has {} rows of `{table}`, its limit: further ones count as `(other)`",
                most.saturating_mul(WORDS_EACH)
            ),
        }
    }

    fn brought(&mut self, tx: &Transaction<'_>, service: i64) -> Result<&mut Brought> {
        let counted = match self.brought.take() {
            Some(counted) => counted,
            None => count(tx)?,
        };
        let counted = self.brought.insert(counted);
        Ok(counted.entry(service).or_default())
    }
}

/// What each service has brought: the signatures that were first seen in it, and their stacks.
fn count(tx: &Transaction<'_>) -> Result<FxHashMap<i64, Brought>> {
    tx.prepare(
        "SELECT service_id, count(*), sum(stacks)
         FROM (SELECT first_incarnation_id AS life,
                      (SELECT count(*) FROM stack WHERE signature_id = signature.id) AS stacks
               FROM signature)
         JOIN incarnation ON incarnation.id = life
         JOIN instance ON instance.id = instance_id GROUP BY service_id",
    )?
    .query_map([], |row| {
        let counts = [row.get::<_, i64>(1)?, row.get(2)?];
        let [signatures, stacks] = counts.map(i64::cast_unsigned);
        Ok((row.get(0)?, Brought { signatures, stacks }))
    })?
    .collect()
}

/// What signatures beyond the limit count as.
pub(in crate::store) fn beyond() -> Signature {
    Signature::from_hash(xxh3_128(BEYOND.as_bytes()))
}

/// The one stack of it, as `group` would make it of its frame.
pub(super) fn beyond_stack(rules: u32) -> Stack {
    // Behind the function: the end of it and of an empty file, line 0, not cut.
    let identity = [BEYOND.as_bytes(), &[0; 7]].concat();
    let frame = Frame {
        function: BEYOND.into(),
        file: "".into(),
        line: 0,
    };
    Stack {
        hash: xxh3_128(&identity),
        frames: vec![frame],
        elision: None,
        cut: false,
        signature: beyond(),
        rules,
        identifying: vec![0],
        site: 0,
    }
}
