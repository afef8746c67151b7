//! Tables of functions by what they mean to a reader of stacks.

/// Prefixes of functions where goroutines wait but which nobody wrote: a group's line to look at
/// is the first frame that begins with none of these.
const PLUMBING: [&str; 15] = [
    "runtime.",
    "runtime/",
    "internal/runtime/",
    "internal/poll.",
    "internal/race.",
    "internal/sync.",
    "internal/syscall/",
    "internal/synctest.",
    "sync.",
    "syscall.",
    "time.Sleep",
    "os/signal.signal_recv",
    "non-Go function",
    "panic",
    "iter.Pull",
];

/// Whether a frame is never the line to look at.
pub(super) fn is_plumbing(function: &str) -> bool {
    PLUMBING.iter().any(|prefix| function.starts_with(prefix))
}

/// Whether Go leaves a frame out of `debug=2`; `leaf` tells the innermost frame.
///
/// Mirrors `showfuncinfo` and `isExportedRuntime` in `runtime/traceback.go`. Go shows
/// `runtime.runFinalizers` and `runtime.runCleanups` since 1.25 and hides them before: hidden here.
pub(super) fn is_hidden(function: &str, leaf: bool) -> bool {
    if function == "panic" || (function == "runtime.gopanic" && !leaf) {
        return false;
    }
    match function.strip_prefix("runtime.") {
        Some(name) => !is_exported(name),
        // Assembly and C symbols have no package.
        None => !function.contains('.'),
    }
}

/// Whether `name`, without `runtime.`, is an exported function or a method exported on both sides.
fn is_exported(name: &str) -> bool {
    let (receiver, method) = name.rsplit_once('.').unwrap_or(("", name));
    let receiver = receiver
        .strip_prefix("(*")
        .and_then(|r| r.strip_suffix(')'))
        .unwrap_or(receiver);
    let upper = |word: &str| word.starts_with(|c: char| c.is_ascii_uppercase());
    upper(method) && (receiver.is_empty() || upper(receiver))
}

/// Whether a leading frame says only how the goroutine waits: such frames move between Go
/// versions (`sync.(*Mutex)` became `internal/sync.(*Mutex)` in 1.24) and are the wait kind, not
/// the identity.
pub(super) fn is_waiting(function: &str) -> bool {
    if ["runtime.", "internal/runtime/", "internal/sync."]
        .iter()
        .any(|prefix| function.starts_with(prefix))
    {
        return true;
    }
    function.strip_prefix("sync.").is_some_and(|name| {
        let method = name.rsplit_once('.').map_or(name, |(_, method)| method);
        !method.starts_with(|c: char| c.is_ascii_uppercase())
    })
}
