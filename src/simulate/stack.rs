//! Stacks as Go 1.27 has them: all frames with the runtime's own, and what of them each form shows.

use std::sync::Arc;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Frame {
    /// As Go prints it, with its package.
    pub function: Arc<str>,
    /// As in a build with `-trimpath`.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// It has no place of its own: it is part of the frame behind it.
    pub inlined: bool,
}

impl Frame {
    /// A call.
    pub fn new(function: &str, file: &str, line: u32) -> Self {
        Self {
            function: function.into(),
            file: file.into(),
            line,
            inlined: false,
        }
    }

    /// Whether `debug=2` leaves it out (`showfuncinfo` in `runtime/traceback.go`).
    pub(super) fn is_hidden(&self) -> bool {
        let of_runtime = self.function.strip_prefix("runtime.");
        of_runtime.is_some_and(|name| !name.starts_with(|first: char| first.is_ascii_uppercase()))
    }

    /// Where in the function the call is: made up, and the same for the same line.
    pub(super) const fn offset(&self) -> u32 {
        self.line % 0x3f0 + 0x15
    }
}

/// The goroutines that one stack tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// As `debug=2` calls it.
    pub state: &'static str,
    /// From the leaf to the root.
    pub frames: Vec<Frame>,
    /// Who started it, with the line of the `go` statement; `None` for the main goroutine.
    pub creator: Option<Frame>,
}

/// A way to wait: its state, and the frames of the runtime and the standard library that tell it in a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    state: &'static str,
    frames: &'static [(&'static str, &'static str, u32, bool)],
}

const PARK: (&str, &str, u32, bool) = ("runtime.gopark", "runtime/proc.go", 474, false);
const UNLOCK: (&str, &str, u32, bool) = ("runtime.goparkunlock", "runtime/proc.go", 480, true);
const SEMAPHORE: (&str, &str, u32, bool) = ("runtime.semacquire1", "runtime/sema.go", 192, false);
const POLL: [(&str, &str, u32, bool); 5] = [
    PARK,
    ("runtime.netpollblock", "runtime/netpoll.go", 575, false),
    (
        "internal/poll.runtime_pollWait",
        "runtime/netpoll.go",
        351,
        false,
    ),
    (
        "internal/poll.(*pollDesc).wait",
        "internal/poll/fd_poll_runtime.go",
        84,
        false,
    ),
    (
        "internal/poll.(*pollDesc).waitRead",
        "internal/poll/fd_poll_runtime.go",
        89,
        true,
    ),
];

impl Wait {
    /// At a channel that nobody reads.
    pub const CHAN_SEND: Self = Self {
        state: "chan send",
        frames: &[
            PARK,
            ("runtime.chansend", "runtime/chan.go", 283, false),
            ("runtime.chansend1", "runtime/chan.go", 161, false),
        ],
    };
    /// At a channel that nobody writes to.
    pub const CHAN_RECEIVE: Self = Self {
        state: "chan receive",
        frames: &[
            PARK,
            ("runtime.chanrecv", "runtime/chan.go", 667, false),
            ("runtime.chanrecv1", "runtime/chan.go", 509, false),
        ],
    };
    /// At several channels.
    pub const SELECT: Self = Self {
        state: "select",
        frames: &[PARK, ("runtime.selectgo", "runtime/select.go", 351, false)],
    };
    /// At a mutex.
    pub const MUTEX: Self = Self {
        state: "sync.Mutex.Lock",
        frames: &[
            PARK,
            UNLOCK,
            SEMAPHORE,
            (
                "internal/sync.runtime_SemacquireMutex",
                "runtime/sema.go",
                95,
                false,
            ),
            (
                "internal/sync.(*Mutex).lockSlow",
                "internal/sync/mutex.go",
                149,
                false,
            ),
            (
                "internal/sync.(*Mutex).Lock",
                "internal/sync/mutex.go",
                70,
                true,
            ),
            ("sync.(*Mutex).Lock", "sync/mutex.go", 46, true),
        ],
    };
    /// For others to be done.
    pub const WAIT_GROUP: Self = Self {
        state: "sync.WaitGroup.Wait",
        frames: &[
            PARK,
            UNLOCK,
            SEMAPHORE,
            (
                "sync.runtime_SemacquireWaitGroup",
                "runtime/sema.go",
                114,
                false,
            ),
            ("sync.(*WaitGroup).Wait", "sync/waitgroup.go", 206, false),
        ],
    };
    /// For a time.
    pub const SLEEP: Self = Self {
        state: "sleep",
        frames: &[PARK, ("time.Sleep", "runtime/time.go", 368, false)],
    };
    /// For the next bytes of a connection.
    pub const READ: Self = Self {
        state: "IO wait",
        frames: &[
            POLL[0],
            POLL[1],
            POLL[2],
            POLL[3],
            POLL[4],
            (
                "internal/poll.(*FD).Read",
                "internal/poll/fd_unix.go",
                170,
                false,
            ),
            ("net.(*netFD).Read", "net/fd_posix.go", 68, false),
            ("net.(*conn).Read", "net/net.go", 196, false),
        ],
    };
    /// For the next connection.
    pub const ACCEPT: Self = Self {
        state: "IO wait",
        frames: &[
            POLL[0],
            POLL[1],
            POLL[2],
            POLL[3],
            POLL[4],
            (
                "internal/poll.(*FD).Accept",
                "internal/poll/fd_unix.go",
                618,
                false,
            ),
            ("net.(*netFD).accept", "net/fd_unix.go", 149, false),
            (
                "net.(*TCPListener).accept",
                "net/tcpsock_posix.go",
                159,
                false,
            ),
            ("net.(*TCPListener).Accept", "net/tcpsock.go", 387, false),
        ],
    };

    /// Goroutines that wait so in these frames, from the leaf on.
    pub fn within(self, frames: &[Frame], creator: Option<Frame>) -> Stack {
        let waiting = self
            .frames
            .iter()
            .map(|(function, file, line, inlined)| Frame {
                inlined: *inlined,
                ..Frame::new(function, file, *line)
            });
        Stack {
            state: self.state,
            frames: waiting.chain(frames.iter().cloned()).collect(),
            creator,
        }
    }
}

/// What serves a request of pprof, from `net/http/pprof` on.
const HANDLER: [(&str, &str, u32); 6] = [
    (
        "net/http/pprof.handler.ServeHTTP",
        "net/http/pprof/pprof.go",
        272,
    ),
    ("net/http/pprof.Index", "net/http/pprof/pprof.go", 391),
    ("net/http.HandlerFunc.ServeHTTP", "net/http/server.go", 2358),
    ("net/http.(*ServeMux).ServeHTTP", "net/http/server.go", 2923),
    (
        "net/http.serverHandler.ServeHTTP",
        "net/http/server.go",
        3436,
    ),
    ("net/http.(*conn).serve", "net/http/server.go", 2157),
];

/// The goroutine that writes a profile, which is in it.
pub(super) fn profiling() -> Stack {
    handling(&[
        (
            "runtime.goroutineProfileWithLabels",
            "runtime/mprof.go",
            1248,
        ),
        (
            "runtime.pprof_goroutineProfileWithLabels",
            "runtime/mprof.go",
            1239,
        ),
        (
            "runtime/pprof.writeRuntimeProfile",
            "runtime/pprof/pprof.go",
            848,
        ),
        (
            "runtime/pprof.writeGoroutine",
            "runtime/pprof/pprof.go",
            781,
        ),
    ])
}

/// The goroutine that writes the text, which is in it.
pub(super) fn printing() -> Stack {
    handling(&[
        (
            "runtime/pprof.writeGoroutineStacks",
            "runtime/pprof/pprof.go",
            816,
        ),
        (
            "runtime/pprof.writeGoroutine",
            "runtime/pprof/pprof.go",
            779,
        ),
    ])
}

fn handling(leaf: &[(&str, &str, u32)]) -> Stack {
    let write_to = (
        "runtime/pprof.(*Profile).WriteTo",
        "runtime/pprof/pprof.go",
        405,
    );
    let frames = leaf
        .iter()
        .chain(std::iter::once(&write_to))
        .chain(&HANDLER);
    Stack {
        state: "running",
        frames: frames
            .map(|(function, file, line)| Frame::new(function, file, *line))
            .collect(),
        creator: Some(serve()),
    }
}

/// What starts a goroutine for each connection.
pub(super) fn serve() -> Frame {
    Frame::new("net/http.(*Server).Serve", "net/http/server.go", 3604)
}
