//! The history, in one SQLite file: the only room that knows SQL.
//!
//! One writer thread owns the one writing connection ([`Writer`]); everyone else opens a
//! [`Reader`], read-only. Promised: what was acknowledged survives a SIGKILL, every stored snapshot
//! reads back exactly, and reading never stalls polling.
//!
//! Absent on purpose: verdicts, rates, anything that interprets counts.

mod block;
mod column;
mod frames;
mod hot;
mod lock;
mod migrate;
mod open;
mod read;
mod varint;
mod write;

pub use lock::DaemonLock;
pub use open::{StoreError, schema};
pub use read::{
    Detail, DetailGroup, DueSpan, FailureRow, IncarnationRow, IncarnationWindow, InstanceKey,
    InstanceRow, LastLook, Reader, Remembered, Seen, SeriesRow, SightingRow, SignatureKey,
    SignatureRow, SignatureRows, States,
};
pub use write::{Derive, Recomputed, Retention, Writer, recompute};
