//! goroscope watches a fleet of Go processes and says which stacks leak.
//!
//! Data flows one way, in this reading order (`docs/ARCHITECTURE.md` draws it):
//!
//! 1. [`model`]: the words, as types.
//! 2. [`config`]: what the user wrote, and what it means.
//! 3. [`dump`]: bytes to goroutines.
//! 4. [`group`]: goroutines to groups, and what makes two stacks the same.
//! 5. [`collect`]: looks at instances, without harm.
//! 6. [`store`]: the history, in one SQLite file.
//! 7. [`transfer`]: histories as text, in and out.
//! 8. [`analyse`]: counts over time to verdicts.
//! 9. [`query`]: questions to the history, one file each.
//! 10. [`present`]: answers drawn.
//! 11. [`daemon`] and [`cli`] join them; [`observe`] and [`clock`] serve them.
//! 12. [`simulate`]: a fleet that is none, for a demonstration and for loads.

pub mod analyse;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod config;
pub mod daemon;
pub mod dump;
pub mod group;
pub mod model;
pub mod observe;
pub mod present;
pub mod query;
pub mod simulate;
pub mod store;
pub mod transfer;
