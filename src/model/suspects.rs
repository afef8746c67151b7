//! What the verdicts of the last round suspect: where details and proofs tell something.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{InstanceId, Signature};

/// The signatures that grow without coming down, by the instance where they do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suspects(HashMap<Arc<InstanceId>, HashSet<Signature>>);

impl Suspects {
    /// The suspects of an instance; `None` where there are none.
    pub fn of(&self, instance: &InstanceId) -> Option<&HashSet<Signature>> {
        self.0.get(instance)
    }
}

impl FromIterator<(Arc<InstanceId>, Signature)> for Suspects {
    fn from_iter<I: IntoIterator<Item = (Arc<InstanceId>, Signature)>>(pairs: I) -> Self {
        let mut suspects = Self::default();
        for (instance, signature) in pairs {
            suspects.0.entry(instance).or_default().insert(signature);
        }
        suspects
    }
}
