//! Wait kinds: how a goroutine waits, in words that are the same in every form and Go version.
//!
//! Profiles have no state; the frames between `runtime.gopark` and the first frame of the program
//! say the same. Names are those that Go prints in `debug=2` since 1.24
//! (`waitReasonStrings` in `runtime/runtime2.go`). What Go printed is kept beside the kind.

use crate::dump::RawFrame;

/// What an unparked goroutine is: running, runnable or in a system call.
const ACTIVE: &str = "active";
/// Parked in a way that the frames do not tell.
const WAITING: &str = "waiting";
/// Parked or not: the form does not tell.
const UNKNOWN: &str = "unknown";
/// At a semaphore of the runtime.
const SEMAPHORE: &str = "semacquire";

/// Function that parks -> wait kind.
const KINDS: [(&str, &str); 34] = [
    ("internal/poll.runtime_pollWait", "IO wait"),
    ("runtime.chanrecv", "chan receive"),
    ("runtime.chansend", "chan send"),
    ("runtime.selectgo", "select"),
    ("runtime.block", "select (no cases)"),
    ("runtime.netpollblock", "IO wait"),
    ("time.Sleep", "sleep"),
    ("runtime.timeSleep", "sleep"),
    ("runtime.notifyListWait", "sync.Cond.Wait"),
    ("sync.runtime_notifyListWait", "sync.Cond.Wait"),
    ("sync.runtime_SemacquireMutex", SEMAPHORE),
    ("internal/sync.runtime_SemacquireMutex", "sync.Mutex.Lock"),
    ("sync.runtime_SemacquireRWMutexR", "sync.RWMutex.RLock"),
    ("sync.runtime_SemacquireRWMutex", "sync.RWMutex.Lock"),
    ("sync.runtime_SemacquireWaitGroup", "sync.WaitGroup.Wait"),
    ("sync.(*WaitGroup).Wait", "sync.WaitGroup.Wait"),
    ("sync.runtime_Semacquire", SEMAPHORE),
    ("internal/poll.runtime_Semacquire", SEMAPHORE),
    ("runtime.coroswitch", "coroutine"),
    ("runtime.coroswitch_m", "coroutine"),
    ("runtime.corostart", "coroutine"),
    ("runtime.runfinq", "finalizer wait"),
    ("runtime.runFinalizers", "finalizer wait"),
    ("runtime.runCleanups", "cleanup wait"),
    ("runtime.gcBgMarkWorker", "GC worker (idle)"),
    ("runtime.bgsweep", "GC sweep wait"),
    ("runtime.bgscavenge", "GC scavenge wait"),
    ("runtime.forcegchelper", "force gc (idle)"),
    ("runtime.traceReaderAvailable", "trace reader (blocked)"),
    ("runtime.ReadTrace", "trace reader (blocked)"),
    ("runtime/trace.runtime_readTrace", "trace reader (blocked)"),
    ("internal/synctest.Run", "synctest.Run"),
    ("internal/synctest.Wait", "synctest.Wait"),
    ("runtime.gcParkAssist", "GC assist wait"),
];

/// What Go adds to a state, and no profile knows.
const SIDE_NOTES: [&str; 3] = [" (nil chan)", " (synctest)", " (durable)"];

/// Frames that a wait passes through before it says what it is.
fn is_passage(function: &[u8]) -> bool {
    function.starts_with(b"runtime.")
        || function.starts_with(b"internal/runtime/")
        || function.starts_with(b"internal/sync.")
        || function.starts_with(b"sync.")
        || function.starts_with(b"internal/poll.runtime_")
}

/// The wait kind of a profile stack; `leaf_hidden` says that the runtime's frames at its leaf are
/// missing, as in `debug=1`.
pub(super) fn kind(frames: &[RawFrame<'_>], leaf_hidden: bool) -> &'static str {
    let parked = frames.first().is_some_and(|leaf| {
        matches!(
            leaf.function,
            b"runtime.gopark"
                | b"runtime.coroswitch"
                | b"runtime.coroswitch_m"
                | b"runtime.corostart"
        )
    });
    if !parked && !leaf_hidden {
        return ACTIVE;
    }
    for frame in frames {
        // A bare semaphore is named by who asked for it, one frame on.
        let found = KINDS
            .iter()
            .find(|(function, _)| function.as_bytes() == frame.function);
        match found {
            Some((_, SEMAPHORE)) => return at_semaphore(frames.iter().map(|frame| frame.function)),
            Some((_, kind)) => return kind,
            None if is_passage(frame.function) => {}
            None => break,
        }
    }
    if leaf_hidden { UNKNOWN } else { WAITING }
}

/// The wait kind of a state as Go printed it, of a goroutine in these functions, leaf first.
pub(super) fn kind_of_state<'s, 'f>(
    state: &'s str,
    functions: impl Iterator<Item = &'f [u8]>,
) -> &'s str {
    let bare = SIDE_NOTES
        .iter()
        .find_map(|note| state.strip_suffix(note))
        .unwrap_or(state);
    match bare {
        "running" | "runnable" | "syscall" | "copystack" | "preempted" => ACTIVE,
        SEMAPHORE => at_semaphore(functions),
        kind => kind,
    }
}

/// Who waits at a semaphore. Go says so itself since 1.21, and since 1.24 of a `WaitGroup`.
fn at_semaphore<'f>(functions: impl Iterator<Item = &'f [u8]>) -> &'static str {
    functions
        .take_while(|function| is_passage(function))
        .find_map(|function| match function {
            b"sync.(*Mutex).Lock" | b"sync.(*Mutex).lockSlow" => Some("sync.Mutex.Lock"),
            b"sync.(*RWMutex).RLock" => Some("sync.RWMutex.RLock"),
            b"sync.(*RWMutex).Lock" => Some("sync.RWMutex.Lock"),
            b"sync.(*WaitGroup).Wait" => Some("sync.WaitGroup.Wait"),
            _ => None,
        })
        .unwrap_or(SEMAPHORE)
}
