//! What the garbage collector has proved of the signatures of an answer.

use std::collections::HashMap;

use serde::Serialize;

use super::QueryError;
use super::ladder::Process;
use crate::model::Timestamp;
use crate::store::{ProofRow, Reader, SignatureKey};

/// Goroutines that can never wake, by the newest proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// So many were found by one proof; there may be more.
    pub at_least: u64,
    /// The first proof.
    pub first_at: Timestamp,
    /// The newest proof that found some.
    pub last_at: Timestamp,
    /// GNU build id of the program, where known.
    pub build: Option<String>,
    /// The address of the process of the first proof.
    pub instance: String,
}

/// All proofs, by signature and service.
#[derive(Debug)]
pub(super) struct Proofs(HashMap<(String, SignatureKey), Vec<ProofRow>>);

impl Proofs {
    pub(super) fn read(reader: &Reader) -> Result<Self, QueryError> {
        let mut proofs: HashMap<_, Vec<ProofRow>> = HashMap::new();
        for row in reader.proofs()? {
            let of = (row.service.clone(), row.signature);
            proofs.entry(of).or_default().push(row);
        }
        Ok(Self(proofs))
    }

    /// The newest proof of a signature in a service, of whatever build.
    pub(super) fn newest(&self, service: &str, signature: SignatureKey) -> Option<Proof> {
        let row = self.of(service, signature).max_by_key(|row| row.last_at)?;
        Some(Proof {
            at_least: row.at_least,
            first_at: row.first_at,
            last_at: row.last_at,
            build: row.build.clone(),
            instance: row.instance.clone(),
        })
    }

    /// The most goroutines that one proof found in a build of these processes; a proof holds for the build, and
    /// where that is not known for the process.
    pub(super) fn in_builds<'p>(
        &self,
        service: &str,
        signature: SignatureKey,
        processes: impl Iterator<Item = &'p Process>,
    ) -> Option<u64> {
        let processes: Vec<&Process> = processes.collect();
        let holds = |row: &&ProofRow| {
            processes.iter().any(|process| match &row.build {
                Some(build) => process.build.as_ref() == Some(build),
                None => process.incarnations.contains(&row.incarnation),
            })
        };
        let held = self.of(service, signature).filter(holds);
        held.map(|row| row.at_least).max()
    }

    fn of(&self, service: &str, signature: SignatureKey) -> impl Iterator<Item = &ProofRow> {
        let rows = if self.0.is_empty() {
            None
        } else {
            self.0.get(&(service.to_owned(), signature))
        };
        rows.into_iter().flatten()
    }
}
