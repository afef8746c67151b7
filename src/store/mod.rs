//! The history, in one SQLite file: the only room that knows SQL.
//!
//! One writer thread owns the one writing connection ([`Writer`]); everyone else opens a
//! [`Reader`], read-only. Promised: what was acknowledged survives a SIGKILL, every stored snapshot
//! reads back exactly, and reading never stalls polling.
//!
//! Absent on purpose: verdicts, rates, anything that interprets counts.

mod block;
mod column;
mod course;
mod frames;
mod hot;
mod lock;
mod merge;
mod migrate;
mod open;
mod part;
mod read;
mod sql;
mod summary;
mod varint;
mod write;

pub use course::{Course, SeriesCourse};
pub use lock::DaemonLock;
pub use open::{StoreError, schema};
pub use part::Grain;
pub use read::{
    Detail, DetailGroup, Dictionary, DueSpan, FailureRow, GroupRow, IncarnationRow,
    IncarnationWindow, InstanceKey, InstanceRow, LastLook, LifeRow, Lives, LookRow, Looked,
    PackedCourse, Reader, Remembered, Seen, SeriesRow, SightingRow, SignatureKey, SignatureRow,
    SignatureRows, SnapshotRow, StackRow, States, Words,
};
pub use sql::{Sheet, Shell, SqlError, Value};
pub use write::{Derive, Importer, Recomputed, Retention, Stored, Writer, recompute};
