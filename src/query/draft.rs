//! What an ignore rule for one signature would say.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use serde::Serialize;

use super::now::now_on;
use super::{QueryError, Scope, Where};
use crate::model::{Signature, Timestamp};
use crate::store::{InstanceKey, InstanceRow, Reader, SignatureRow};

/// Instances that had a signature so long before it was seen last have gone: their counts are no
/// part of what there is at one time.
const TOGETHER: Duration = Duration::from_hours(24);

/// What is known for a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleDraft {
    /// Its identity.
    #[serde(skip)]
    pub signature: Signature,
    /// The line to look at.
    #[serde(rename = "where")]
    pub site: Where,
    /// The stack as last read, leaf first.
    #[serde(skip)]
    pub frames: Vec<Where>,
    /// The function that the goroutines began in, where it is another one than that of `site`. Many stacks
    /// share the line to look at, such as a read of a connection; few share both.
    pub root: Option<String>,
    /// The commonest creator in the newest details.
    pub created_by: Option<String>,
    /// The most goroutines that each service may have had of it: the highest counts of its instances,
    /// added up. The services in which it was seen within a day of its last sighting, by name.
    pub peaks: BTreeMap<String, u64>,
}

/// Answers, of all that was ever seen.
pub fn draft_rule(reader: &Reader, signature: &SignatureRow) -> Result<RuleDraft, QueryError> {
    let wanted = HashSet::from([signature.key]);
    // A detail may have had it before the first pulse did.
    let scope = Scope {
        since: Timestamp::from_millis(0),
        until: Timestamp::from_millis(i64::MAX),
        services: Vec::new(),
        instances: Vec::new(),
    };
    let instances = reader.instances()?;
    let instances: HashMap<InstanceKey, &InstanceRow> = instances
        .iter()
        .map(|instance| (instance.key, instance))
        .collect();
    let mut created_by = None;
    let mut peaks: BTreeMap<String, u64> = BTreeMap::new();
    let series = reader.series(signature.key)?;
    let last_at = series.iter().map(|series| series.last_at).max();
    for series in series {
        let is_old = last_at.is_some_and(|last| last.since(series.last_at) > TOGETHER);
        let Some(instance) = instances.get(&series.instance).filter(|_| !is_old) else {
            continue;
        };
        let now = now_on(reader, &scope, instance, &wanted)?.remove(&signature.key);
        let now = now.unwrap_or_default();
        // Peaks are written back every few minutes only.
        let peak = series.peak.max(now.states.values().sum());
        *peaks.entry(instance.service.clone()).or_default() += peak;
        created_by = created_by.or(now.created_by);
    }
    let frames = reader.frames(signature.key)?;
    // Not every form of a dump shows what the runtime begins with.
    let mut functions = frames.iter().rev().map(|frame| &*frame.function);
    let root = functions.find(|function| !function.starts_with("runtime."));
    let root = root.filter(|root| *root != &*signature.site.function);
    Ok(RuleDraft {
        signature: signature.signature,
        site: Where::from(&signature.site),
        frames: frames.iter().map(Where::from).collect(),
        root: root.map(str::to_owned),
        created_by,
        peaks,
    })
}
