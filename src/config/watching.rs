//! The config of a live view: targets instead of a file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::resolve::{MAX_CONCURRENT_POLLS, Settings};
use super::{Config, DetailMode, Instance, Service, Storage, Target};
use crate::model::signature::MAX_SIGNATURES;
use crate::model::{InstanceId, Thresholds};

/// A view that is left alone for a month must not fill the disk.
const MAX_SIZE: u64 = 1 << 30;

/// How targets are watched that no config names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watching {
    /// From one poll to the next.
    pub interval: Duration,
    /// Limit of one request; may be longer than `interval`: what was due meanwhile is missed, and counted.
    pub timeout: Duration,
    /// Whether `debug=2` is asked for.
    pub detail: DetailMode,
    /// No detail while it would stop a target for longer than this.
    pub detail_max_stop: Duration,
}

impl Watching {
    /// The config in which `targets` are one service of this name, kept at `path` for a month at most. All their
    /// pprof labels are kept.
    pub fn config(&self, name: &str, targets: Vec<Target>, path: PathBuf) -> Config {
        let settings = Settings::default();
        let name: Arc<str> = name.into();
        let instances = targets.into_iter().map(|target| Instance {
            id: Arc::<InstanceId>::new(target.of(Arc::clone(&name))),
            labels: Arc::default(),
        });
        let service = Service {
            instances: instances.collect(),
            name,
            interval: self.interval,
            timeout: self.timeout,
            body_size_limit: settings.body_size_limit,
            detail: self.detail,
            detail_interval: settings.detail_interval,
            detail_max_stop: self.detail_max_stop,
            leak_profile: settings.leak_profile,
            leak_profile_interval: settings.leak_profile_interval,
            keep_labels: Arc::new(["*".to_owned()]),
        };
        let month = Duration::from_hours(30 * 24);
        Config {
            max_concurrent_polls: MAX_CONCURRENT_POLLS,
            storage: Storage {
                path,
                raw_retention: month,
                rollup_retention: month,
                max_size: MAX_SIZE,
                max_signatures: MAX_SIGNATURES,
                // Nobody else writes it, and nobody on another machine reads it.
                allow_network_filesystem: true,
            },
            analysis: Thresholds::default(),
            services: vec![service],
            ignore: Vec::new(),
        }
    }
}
