//! Whether a process can be asked for a proof without harm, as its pulses tell; and what is said of one
//! that is not asked. Pure.

use std::fmt;

use crate::model::{Snapshot, Stack};

/// Good pulses of a process before it is asked: what parks by itself has had time to show.
const PULSES: u32 = 3;

/// Why a process is not asked, or not for a while. Its words are what it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It parks goroutines in this function, not in the runtime: they have nothing that the collector
    /// could find them by, are taken for leaked, and crash the process when they wake.
    ParksByItself(Box<str>),
    /// Some of its goroutines could not be read, so it may park some by itself.
    Unread,
    /// It answers 404: Go is older, or serves no such profile there.
    NoProfile,
    /// The last one took too long.
    Slow,
    /// The last one failed.
    Failed,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ParksByItself(function) => write!(
                f,
                "no proof: {function} parks goroutines by itself, and a leak profile would crash the \
                 process when they wake"
            ),
            Self::Unread => f.write_str(
                "no proof: some of its goroutines cannot be read, so it may park some by itself",
            ),
            Self::NoProfile => f.write_str(
                "no proof: it serves no leak profile (Go 1.27 has one, and Go 1.26 when built with \
                 GOEXPERIMENT=goroutineleakprofile)",
            ),
            Self::Slow => f.write_str(
                "no proof for an hour or more: the last one took over 2 s, or ten times as long as \
                 a pulse",
            ),
            Self::Failed => f.write_str("no proof for an hour or more: the last one failed"),
        }
    }
}

/// What the pulses of a process say of whether it is safe to ask.
#[derive(Debug, Default)]
pub(super) struct Safety {
    pulses: u32,
    parks_by_itself: Option<Box<str>>,
    /// The last pulse had goroutines that could not be read.
    unread: bool,
}

impl Safety {
    /// Notes a good pulse.
    pub(super) fn see(&mut self, pulse: &Snapshot) {
        self.pulses = self.pulses.saturating_add(1);
        self.unread = pulse.complained > 0 || pulse.truncated;
        if self.parks_by_itself.is_none() {
            let parks = pulse
                .groups
                .iter()
                .filter_map(|group| parks_by_itself(&group.stack));
            self.parks_by_itself = parks.min().map(Box::from);
        }
    }

    /// Whether enough was seen to say anything.
    pub(super) const fn is_known(&self) -> bool {
        self.pulses >= PULSES
    }

    /// What speaks against a proof.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        if let Some(function) = &self.parks_by_itself {
            return Some(Refusal::ParksByItself(function.clone()));
        }
        self.unread.then_some(Refusal::Unread)
    }
}

/// The function outside Go's runtime that has parked a goroutine with this stack, of a profile. What
/// the runtime's own files park has other names too (`time.Sleep` is in `runtime/time.go`): so files
/// are compared.
pub(super) fn parks_by_itself(stack: &Stack) -> Option<&str> {
    let leaf = stack.frames.first()?;
    if &*leaf.function != "runtime.gopark" {
        return None;
    }
    let parks = |function: &str| matches!(function, "runtime.gopark" | "runtime.goparkunlock");
    let Some(caller) = stack.frames.iter().find(|frame| !parks(&frame.function)) else {
        return Some("an unknown function");
    };
    let folder = |file| str::rsplit_once(file, '/').map(|(folder, _)| folder);
    let runtime = folder(&leaf.file);
    let is_runtime = runtime.is_some() && folder(&caller.file) == runtime;
    (!is_runtime).then_some(&*caller.function)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::dump::Reader;
    use crate::group::{KeepLabels, StackBook, Tally, derived};
    use crate::model::Frame;

    #[test]
    fn who_parks_is_told_by_files() {
        let stack = |frames: &[(&str, &str)]| {
            let frame = |(function, file): &(&str, &str)| Frame {
                function: (*function).into(),
                file: (*file).into(),
                line: 1,
            };
            derived(0, frames.iter().map(frame).collect(), None, false)
        };
        let gopark = ("runtime.gopark", "/go/src/runtime/proc.go");
        let sleep = stack(&[
            gopark,
            ("time.Sleep", "/go/src/runtime/time.go"),
            ("main.f", "/f.go"),
        ]);
        assert_eq!(parks_by_itself(&sleep), None);
        let trimmed = [
            ("runtime.gopark", "runtime/proc.go"),
            ("sync.runtime_Semacquire", "runtime/sema.go"),
        ];
        assert_eq!(parks_by_itself(&stack(&trimmed)), None);
        let gvisor = (
            "gvisor.dev/gvisor/pkg/sync.Gopark",
            "/m/gvisor/pkg/sync/runtime_unsafe.go",
        );
        assert_eq!(parks_by_itself(&stack(&[gopark, gvisor])), Some(gvisor.0));
        // A folder that is called as the runtime's, and a helper of the runtime between.
        let disguised = [gopark, ("main.park", "/home/me/runtime/park.go")];
        assert_eq!(parks_by_itself(&stack(&disguised)), Some("main.park"));
        let unlock = ("runtime.goparkunlock", "/go/src/runtime/proc.go");
        assert_eq!(
            parks_by_itself(&stack(&[gopark, unlock, gvisor])),
            Some(gvisor.0)
        );
        assert_eq!(
            parks_by_itself(&stack(&[gopark])),
            Some("an unknown function")
        );
        let running = [("main.f", "/f.go"), gopark];
        assert_eq!(parks_by_itself(&stack(&running)), None);
    }

    /// Real profiles of Go 1.21 to 1.27, and of six servers.
    #[test]
    fn nothing_in_real_profiles_parks_by_itself() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/dumps");
        let mut parked = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if !path.to_str().unwrap().ends_with("_debug0.pb.gz") {
                continue;
            }
            let book = StackBook::default();
            let mut tally = Tally::new(&book, KeepLabels::All, None);
            let mut reader = Reader::new(u64::MAX);
            let bytes = std::fs::read(&path).unwrap();
            reader.push(&bytes, &mut |event| tally.add(event)).unwrap();
            let mut facts = reader.finish(&mut |event| tally.add(event)).unwrap();
            for group in tally.finish(facts.swap_remove(0)).groups {
                assert_eq!(parks_by_itself(&group.stack), None, "{}", path.display());
                let leaf = group.stack.frames.first();
                parked += u32::from(leaf.is_some_and(|leaf| &*leaf.function == "runtime.gopark"));
            }
        }
        assert!(parked > 1_000, "{parked}");
    }
}
