//! The history, in one SQLite file: the only room that knows SQL.
//!
//! One writer thread owns the one writing connection ([`Writer`]); everyone else opens a
//! [`Reader`], read-only. Promised: what was acknowledged survives a SIGKILL, every stored snapshot
//! reads back exactly, and reading never stalls polling.
//!
//! Absent on purpose: verdicts, rates, anything that interprets counts.

mod backup;
mod block;
mod check;
mod column;
mod counts;
mod course;
mod damage;
mod detail_block;
mod frames;
mod hot;
mod lock;
mod merge;
mod migrate;
mod open;
mod part;
mod read;
mod sql;
mod steps;
mod summary;
mod unzip;
mod varint;
mod write;

pub use backup::{BackupError, Existing, back_up, unfinished};
pub use check::{Checked, Damage, Depth, Wrong, check};
pub use counts::{Counts, SeriesCourse};
pub use course::Course;
pub use lock::DaemonLock;
pub use open::{Obstacle, StoreError, refuse_network, schema};
pub use part::Grain;
pub use read::{
    DayRow, DeployRow, Detail, DetailGroup, Dictionary, DueSpan, FailureRow, GroupRow, Holding,
    IncarnationRow, IncarnationWindow, Info, InstanceKey, InstanceRow, LastGroup, LastLook,
    LifeRow, LimitRow, Lives, LookRow, Looked, PackedCourse, Part, ProofRow, ProvedStack, Reader,
    RefusalRow, Remembered, Run, Seen, SeriesRow, SightingRow, SignatureKey, SignatureRow,
    SignatureRows, SnapshotRow, StackRow, States, Unread, VerdictRow, Words,
};
pub use sql::{Sheet, Shell, SqlError, Value};
pub use steps::Steps;
pub use write::{
    Derive, Importer, Prune, Pruned, Recomputed, Retention, Stored, Taken, Writer, prune,
    recompute, take_out,
};
