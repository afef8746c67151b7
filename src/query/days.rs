//! The counts of one signature from before the oldest snapshots, day by day.

use std::collections::BTreeSet;

use super::history::{Drawn, HistoryRow};
use super::scope::{Observed, due_ticks};
use super::{QueryError, Scope};
use crate::model::Timestamp;
use crate::store::{DayRow, Reader, SignatureRow};

const DAY_MS: i64 = 86_400_000;

/// One row a process and day, at the last good poll of it; and one for each day in which polls were due
/// and none gave a snapshot.
pub(super) fn day_rows(
    reader: &Reader,
    scope: &Scope,
    observed: &Observed,
    signature: &SignatureRow,
) -> Result<Vec<HistoryRow>, QueryError> {
    let Some(days) = reader.days(scope.since, scope.until)? else {
        return Ok(Vec::new());
    };
    let at = |at| HistoryRow {
        at,
        service: observed.instance.service.clone(),
        instance: observed.instance.name.clone(),
        incarnation: None,
        count: None,
        unknown: None,
        states: None,
        oldest_wait_seconds: None,
        drawn: None,
    };
    let mut rows = Vec::new();
    for life in &observed.lives {
        let since = life.rows.first().map(|row| row.since);
        for row in &life.rows {
            let days = reader.day_rows(row.id, days, signature.key)?;
            rows.extend(days.iter().map(|day| HistoryRow {
                incarnation: since,
                count: Some(day.last),
                drawn: Some(drawn(day)),
                ..at(day.last_at)
            }));
        }
    }
    let seen: BTreeSet<i64> = rows.iter().map(|row| day_of(row.at)).collect();
    let within = Scope {
        until: Timestamp::from_millis(days.1.as_millis() - 1),
        ..scope.clone()
    };
    let due = observed
        .due
        .iter()
        .flat_map(|span| due_ticks(&within, span));
    let missing: BTreeSet<i64> = due.map(day_of).filter(|day| !seen.contains(day)).collect();
    rows.extend(missing.into_iter().map(|day| HistoryRow {
        unknown: Some("no_snapshot".to_owned()),
        ..at(Timestamp::from_millis(day * DAY_MS))
    }));
    rows.sort_by_key(|row| row.at);
    Ok(rows)
}

fn drawn(day: &DayRow) -> Drawn {
    Drawn {
        since: day.first_at,
        polls: day.pulses,
        low: day.low,
        high: day.high,
    }
}

fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MS)
}
