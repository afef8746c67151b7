//! `snapshot` on real dumps: one, several side by side, in every format, and as a check.

use std::path::Path;
use std::time::{Duration, SystemTime};

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::fake::{Behaviour, Fake};
use crate::support::{root, said};

/// A folder with these dumps, all written at midnight of 2026-11-24, UTC.
fn dumps(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        std::fs::copy(root().join("testdata/dumps").join(name), &path).unwrap();
        let file = std::fs::File::options().append(true).open(&path).unwrap();
        let midnight = SystemTime::UNIX_EPOCH + Duration::from_hours(498_744);
        file.set_modified(midnight).unwrap();
    }
    folder
}

/// Exit code and all that `snapshot` says of them.
fn snapshot(folder: &Path, arguments: &[&str]) -> String {
    said(folder, &[&["snapshot", "--tz=utc"], arguments].concat()).replace("\r\n", "<CRLF>\n")
}

const NATS: [&str; 2] = ["nats-2.15_idle_debug2.txt", "nats-2.15_load_debug0.pb.gz"];
const LEAKY: &str = "go1.26_goroutineleak_debug2.txt";
const LABELLED: &str = "go1.26_labels_debug2.txt";

#[test]
fn one_dump_is_told_whole_and_fits() {
    let folder = dumps(&NATS[..1]);
    let of = |name, arguments: &[&str]| snapshot(folder.path(), &[&[name], arguments].concat());
    assert_snapshot!(of(NATS[0], &["--top=4"]), @"
    nats-2.15_idle_debug2.txt  2026-11-24 00:00:00 (+00:00)  debug2
    goroutines: 47   distinct stacks: 16   left out: 1 (it wrote this dump)
    states: IO wait 18, sync.Cond.Wait 15, select 10, chan receive 1, runnable 1, syscall 1

    COUNT  STATE           SIGNATURE  WHERE                                                                      CREATED BY
       15  IO wait         d9d4f299   net.(*netFD).Read  net/fd_posix.go:68                                      server.(*Server).startGoRoutine
       15  sync.Cond.Wait  db8038a6   server.(*client).writeLoop  server/client.go:1428                          server.(*Server).startGoRoutine
        2  select          7d1b727b   server.(*Server).processJSAPIRoutedRequests  server/jetstream_api.go:1083  server.(*Server).startGoRoutine
        2  select          fbb4e26a   server.(*Server).internalReceiveLoop  server/events.go:482                 server.(*Server).setSystemAccount
    ... 12 more stacks (--top 0 shows all)
    exit 0
    ");
    assert_snapshot!(of(NATS[0], &["--top=4", "--width=120"]), @"
    nats-2.15_idle_debug2.txt  2026-11-24 00:00:00 (+00:00)  debug2
    goroutines: 47   distinct stacks: 16   left out: 1 (it wrote this dump)
    states: IO wait 18, sync.Cond.Wait 15, select 10, chan receive 1, runnable 1, syscall 1

    COUNT  STATE           SIGNATURE  WHERE                                                CREATED BY
       15  IO wait         d9d4f299   net.(*netFD).Read  net/fd_posix.go:68                server.(*Server).startGoRoutine
       15  sync.Cond.Wait  db8038a6   server.(*client).writeLoop  server/client.go:1428    server.(*Server).startGoRoutine
        2  select          7d1b727b   server.(*Server).processJSAPIRoutedRequests …        server.(*Server).startGoRoutine
        2  select          fbb4e26a   server.(*Server).internalReceiveLoop …               server.(*Server).setSystemAccount
    ... 12 more stacks (--top 0 shows all)
    exit 0
    ");
    assert_snapshot!(of(NATS[0], &["--top=4", "--width=80"]), @"
    nats-2.15_idle_debug2.txt  2026-11-24 00:00:00 (+00:00)  debug2
    goroutines: 47   distinct stacks: 16   left out: 1 (it wrote this dump)
    states: IO wait 18, sync.Cond.Wait 15, select 10, chan receive 1, runnable 1,
      syscall 1

    COUNT  STATE           SIGNATURE  WHERE
       15  IO wait         d9d4f299   net.(*netFD).Read  net/fd_posix.go:68
       15  sync.Cond.Wait  db8038a6   server.(*client).writeLoop …
        2  select          7d1b727b   server.(*Server).processJSAPIRoutedRequests …
        2  select          fbb4e26a   server.(*Server).internalReceiveLoop …
    not shown for want of room: CREATED BY (-o wide has them)
    ... 12 more stacks (--top 0 shows all)
    exit 0
    ");
}

#[test]
fn leaked_goroutines_waits_and_labels_have_columns_of_their_own() {
    let folder = dumps(&[LEAKY, LABELLED]);
    let of = |name, arguments: &[&str]| snapshot(folder.path(), &[&[name], arguments].concat());
    assert_snapshot!(of(LEAKY, &["--top=3"]), @"
    go1.26_goroutineleak_debug2.txt  2026-11-24 00:00:00 (+00:00)  debug2
    goroutines: 216   distinct stacks: 99   oldest wait: 2m   leaked: 45   left out: 1 (it wrote this dump)
    states: chan receive 131, chan send 16, IO wait 8, select 8, sync.Mutex.Lock 8, syscall 7, sync.WaitGroup.Wait 6, sync.Cond.Wait 5, sleep 4, chan receive (durable) 3, chan receive (nil chan) 3, coroutine 3, chan send (nil chan) 2, select (no cases) 2, sync.RWMutex.RLock 2, runnable 1, select (durable) 1, sleep (durable) 1, sync.RWMutex.Lock 1, sync.WaitGroup.Wait (durable) 1, synctest.Run (durable) 1, trace reader (blocked) 1

    COUNT  STATE         OLDEST  LEAKED  SIGNATURE  WHERE                                       CREATED BY
       26  chan receive      2m       0  cc1bdcc2   main.blockLabelled  zoo app é/main.go:406   main.setup.func38
       11  chan send          -      11  576c9d84   main.leakSend.func1  zoo app é/main.go:288  main.leakSend
        9  chan receive      2m       0  ab594b83   main.recurse  zoo app é/main.go:240         main.spawn
    ... 96 more stacks (--top 0 shows all)
    exit 0
    ");
    assert_snapshot!(of(LABELLED, &["--top=2", "--width=100"]), @"
    go1.26_labels_debug2.txt  2026-11-24 00:00:00 (+00:00)  debug2
    goroutines: 216   distinct stacks: 99   left out: 1 (it wrote this dump)
    states: chan receive 131, chan send 16, IO wait 8, select 8, sync.Mutex.Lock 8, syscall 7,
      sync.WaitGroup.Wait 6, sync.Cond.Wait 5, sleep 4, chan receive (durable) 3, chan receive (nil
      chan) 3, coroutine 3, chan send (nil chan) 2, select (no cases) 2, sync.RWMutex.RLock 2, runnable
      1, select (durable) 1, sleep (durable) 1, sync.RWMutex.Lock 1, sync.WaitGroup.Wait (durable) 1,
      synctest.Run (durable) 1, trace reader (blocked) 1

    COUNT  STATE         SIGNATURE  WHERE                                       CREATED BY
       26  chan receive  cc1bdcc2   main.blockLabelled  zoo app é/main.go:406   main.setup.func38
       11  chan send     576c9d84   main.leakSend.func1  zoo app é/main.go:288  main.leakSend
    not shown for want of room: LABELS (-o wide has them)
    ... 97 more stacks (--top 0 shows all)
    exit 0
    ");
    assert_snapshot!(of(LEAKY, &["--top=1", "-o", "wide"]), @"
    go1.26_goroutineleak_debug2.txt  2026-11-24 00:00:00 (+00:00)  debug2
    goroutines: 216   distinct stacks: 99   oldest wait: 2m   leaked: 45   left out: 1 (it wrote this dump)
    states: chan receive 131, chan send 16, IO wait 8, select 8, sync.Mutex.Lock 8, syscall 7, sync.WaitGroup.Wait 6, sync.Cond.Wait 5, sleep 4, chan receive (durable) 3, chan receive (nil chan) 3, coroutine 3, chan send (nil chan) 2, select (no cases) 2, sync.RWMutex.RLock 2, runnable 1, select (durable) 1, sleep (durable) 1, sync.RWMutex.Lock 1, sync.WaitGroup.Wait (durable) 1, synctest.Run (durable) 1, trace reader (blocked) 1

    COUNT  STATE            OLDEST  SIGNATURE                         WHERE                                                     CREATED BY
       26  chan receive 26      2m  cc1bdcc2bb12a6b546d80e7d49c364dc  main.blockLabelled  /srv/src/w1.26/zoo app é/main.go:406  main.setup.func38
    ... 98 more stacks (--top 0 shows all)
    exit 0
    ");
}

#[test]
fn several_dumps_stand_side_by_side() {
    let folder = dumps(&NATS);
    let of = |arguments: &[&str]| snapshot(folder.path(), &[&NATS[..], arguments].concat());
    assert_snapshot!(of(&["--top=4"]), @"
    2 dumps side by side, times in +00:00
    AS  DUMP                         TAKEN                FORM    GOROUTINES  STACKS  LEFT OUT
    A   nats-2.15_idle_debug2.txt    2026-11-24 00:00:00  debug2          47      16         1
    B   nats-2.15_load_debug0.pb.gz  2026-11-24 00:00:00  proto           47      16         1
    states: IO wait 36, sync.Cond.Wait 30, select 20, active 2, chan receive 2, runnable 1, syscall 1

    TOTAL   A   B   IN  STATE           SIGNATURE  WHERE                                                                      CREATED BY
       30  15  15  2/2  IO wait         d9d4f299   net.(*netFD).Read  net/fd_posix.go:68                                      server.(*Server).startGoRoutine
       30  15  15  2/2  sync.Cond.Wait  db8038a6   server.(*client).writeLoop  server/client.go:1428                          server.(*Server).startGoRoutine
        4   2   2  2/2  select          7d1b727b   server.(*Server).processJSAPIRoutedRequests  server/jetstream_api.go:1083  server.(*Server).startGoRoutine
        4   2   2  2/2  select          fbb4e26a   server.(*Server).internalReceiveLoop  server/events.go:482                 server.(*Server).setSystemAccount
    ... 12 more stacks (--top 0 shows all)
    exit 0
    ");
    assert_snapshot!(of(&["--top=4", "--width=80"]), @"
    2 dumps side by side, times in +00:00
    AS  DUMP                         TAKEN                FORM    GOROUTINES  STACKS
    A   nats-2.15_idle_debug2.txt    2026-11-24 00:00:00  debug2          47      16
    B   nats-2.15_load_debug0.pb.gz  2026-11-24 00:00:00  proto           47      16
    states: IO wait 36, sync.Cond.Wait 30, select 20, active 2, chan receive 2,
      runnable 1, syscall 1

    TOTAL   A   B   IN  STATE           SIGNATURE  WHERE
       30  15  15  2/2  IO wait         d9d4f299   net.(*netFD).Read …
       30  15  15  2/2  sync.Cond.Wait  db8038a6   server.(*client).writeLoop …
        4   2   2  2/2  select          7d1b727b   server.(*Server)…PIRoutedRequests
        4   2   2  2/2  select          fbb4e26a   server.(*Server)…ernalReceiveLoop
    not shown for want of room: LEFT OUT, CREATED BY (-o wide has them)
    ... 12 more stacks (--top 0 shows all)
    exit 0
    ");
}

#[test]
fn several_dumps_may_stand_apart_or_be_pasted() {
    let folder = dumps(&[NATS[0], NATS[1], LEAKY]);
    let of = |arguments: &[&str]| snapshot(folder.path(), &[&NATS[..], arguments].concat());
    assert_snapshot!(of(&["--top=2", "--apart"]), @"
    nats-2.15_idle_debug2.txt  2026-11-24 00:00:00 (+00:00)  debug2
    goroutines: 47   distinct stacks: 16   left out: 1 (it wrote this dump)
    states: IO wait 18, sync.Cond.Wait 15, select 10, chan receive 1, runnable 1, syscall 1

    COUNT  STATE           SIGNATURE  WHERE                                              CREATED BY
       15  IO wait         d9d4f299   net.(*netFD).Read  net/fd_posix.go:68              server.(*Server).startGoRoutine
       15  sync.Cond.Wait  db8038a6   server.(*client).writeLoop  server/client.go:1428  server.(*Server).startGoRoutine
    ... 14 more stacks (--top 0 shows all)

    nats-2.15_load_debug0.pb.gz  2026-11-24 00:00:00 (+00:00)  proto
    goroutines: 47   distinct stacks: 16   left out: 1 (it wrote this dump)
    states: IO wait 18, sync.Cond.Wait 15, select 10, active 2, chan receive 1

    COUNT  STATE           SIGNATURE  WHERE
       15  IO wait         d9d4f299   net.(*netFD).Read  net/fd_posix.go:68
       15  sync.Cond.Wait  db8038a6   server.(*client).writeLoop  server/client.go:1428
    ... 14 more stacks (--top 0 shows all)
    exit 0
    ");
    assert_snapshot!(of(&["--top=2", "-o", "md"]), @r#"
    2 dumps side by side, times in +00:00

    | AS | DUMP | TAKEN | FORM | GOROUTINES | STACKS | LEFT OUT |
    | --- | --- | --- | --- | ---: | ---: | ---: |
    | A | nats-2.15\_idle\_debug2.txt | 2026-11-24 00:00:00 | debug2 | 47 | 16 | 1 |
    | B | nats-2.15\_load\_debug0.pb.gz | 2026-11-24 00:00:00 | proto | 47 | 16 | 1 |

    states: IO wait 36, sync.Cond.Wait 30, select 20, active 2, chan receive 2, runnable 1, syscall 1

    | TOTAL | A | B | IN | STATE | SIGNATURE | WHERE | CREATED BY |
    | ---: | ---: | ---: | ---: | --- | --- | --- | --- |
    | 30 | 15 | 15 | 2/2 | IO wait | d9d4f299 | net.(\*netFD).Read  net/fd\_posix.go:68 | server.(\*Server).startGoRoutine |
    | 30 | 15 | 15 | 2/2 | sync.Cond.Wait | db8038a6 | server.(\*client).writeLoop  server/client.go:1428 | server.(\*Server).startGoRoutine |

    ... 14 more stacks (--top 0 shows all)
    exit 0
    "#);
    assert_snapshot!(snapshot(folder.path(), &[NATS[0], LEAKY, NATS[1], "--top=3"]), @"
    3 dumps side by side, times in +00:00
    AS  DUMP                             TAKEN                FORM    GOROUTINES  STACKS  OLDEST  LEAKED  LEFT OUT
    A   nats-2.15_idle_debug2.txt        2026-11-24 00:00:00  debug2          47      16       -       0         1
    B   go1.26_goroutineleak_debug2.txt  2026-11-24 00:00:00  debug2         216      99      2m      45         1
    C   nats-2.15_load_debug0.pb.gz      2026-11-24 00:00:00  proto           47      16       -       0         1
    states: chan receive 133, IO wait 44, sync.Cond.Wait 35, select 28, chan send 16, sync.Mutex.Lock 8, syscall 8, sync.WaitGroup.Wait 6, sleep 4, chan receive (durable) 3, chan receive (nil chan) 3, coroutine 3, active 2, chan send (nil chan) 2, runnable 2, select (no cases) 2, sync.RWMutex.RLock 2, select (durable) 1, sleep (durable) 1, sync.RWMutex.Lock 1, sync.WaitGroup.Wait (durable) 1, synctest.Run (durable) 1, trace reader (blocked) 1

    TOTAL   A  B   C   IN  STATE           OLDEST  SIGNATURE  WHERE                                              CREATED BY
        3   1  1   1  3/3  syscall +1          2m  314a36df   signal.loop  signal/signal_unix.go:23              signal.Notify.func2.1
       30  15  0  15  2/3  IO wait              -  d9d4f299   net.(*netFD).Read  net/fd_posix.go:68              server.(*Server).startGoRoutine
       30  15  0  15  2/3  sync.Cond.Wait       -  db8038a6   server.(*client).writeLoop  server/client.go:1428  server.(*Server).startGoRoutine
    ... 111 more stacks (--top 0 shows all)
    exit 0
    ");
}

#[test]
fn goroutines_are_grouped_by_what_they_share() {
    let folder = dumps(&NATS);
    let of = |by, names: &[&str]| {
        snapshot(
            folder.path(),
            &[&["--top=3", "--group-by", by], names].concat(),
        )
    };
    assert_snapshot!(of("package", &NATS), @"
    2 dumps side by side, times in +00:00
    AS  DUMP                         TAKEN                FORM    GOROUTINES  STACKS  LEFT OUT
    A   nats-2.15_idle_debug2.txt    2026-11-24 00:00:00  debug2          47      16         1
    B   nats-2.15_load_debug0.pb.gz  2026-11-24 00:00:00  proto           47      16         1
    states: IO wait 36, sync.Cond.Wait 30, select 20, active 2, chan receive 2, runnable 1, syscall 1

    TOTAL   A   B   IN  STATE              STACKS  PACKAGE                                   MOST AT                                            CREATED BY
       52  26  26  2/2  sync.Cond.Wait +2      10  github.com/nats-io/nats-server/v2/server  server.(*client).writeLoop  server/client.go:1428  server.(*Server).startGoRoutine
       36  18  18  2/2  IO wait                 4  net                                       net.(*netFD).Read  net/fd_posix.go:68              server.(*Server).startGoRoutine
        2   1   1  2/2  active +1               1  os/signal                                 signal.loop  signal/signal_unix.go:23              signal.Notify.func2.1
    ... 2 more rows (--top 0 shows all)
    exit 0
    ");
    assert_snapshot!(of("where", &NATS[..1]), @"
    nats-2.15_idle_debug2.txt  2026-11-24 00:00:00 (+00:00)  debug2
    goroutines: 47   distinct stacks: 16   left out: 1 (it wrote this dump)
    states: IO wait 18, sync.Cond.Wait 15, select 10, chan receive 1, runnable 1, syscall 1

    COUNT  STATE           STACKS  WHERE                       MOST AT                                            CREATED BY
       15  sync.Cond.Wait       1  server.(*client).writeLoop  server.(*client).writeLoop  server/client.go:1428  server.(*Server).startGoRoutine
       15  IO wait              1  net.(*netFD).Read           net.(*netFD).Read  net/fd_posix.go:68              server.(*Server).startGoRoutine
        3  IO wait              3  net.(*netFD).accept         net.(*netFD).accept  net/fd_unix.go:149            server.(*Server).StartProfiler
    ... 11 more rows (--top 0 shows all)
    exit 0
    ");
    assert_snapshot!(of("creator", &NATS[..1]), @"
    nats-2.15_idle_debug2.txt  2026-11-24 00:00:00 (+00:00)  debug2
    goroutines: 47   distinct stacks: 16   left out: 1 (it wrote this dump)
    states: IO wait 18, sync.Cond.Wait 15, select 10, chan receive 1, runnable 1, syscall 1

    COUNT  STATE         STACKS  CREATED BY                         MOST AT
       36  IO wait +2         7  server.(*Server).startGoRoutine    server.(*client).writeLoop  server/client.go:1428
        3  select             2  server.(*Server).setSystemAccount  server.(*Server).internalReceiveLoop  server/events.go:482
        1  chan receive       1  (not told)                         server.(*Server).WaitForShutdown  server/server.go:2806
    ... 6 more rows (--top 0 shows all)
    exit 0
    ");
}

#[test]
fn a_group_may_be_in_several_rows() {
    let folder = dumps(&[NATS[0], LABELLED]);
    let of = |by, names: &[&str]| {
        snapshot(
            folder.path(),
            &[&["--top=3", "--group-by", by], names].concat(),
        )
    };
    assert_snapshot!(of("state", &NATS[..1]), @"
    nats-2.15_idle_debug2.txt  2026-11-24 00:00:00 (+00:00)  debug2
    goroutines: 47   distinct stacks: 16   left out: 1 (it wrote this dump)
    states: IO wait 18, sync.Cond.Wait 15, select 10, chan receive 1, runnable 1, syscall 1

    COUNT  STACKS  STATE           MOST AT                                                     CREATED BY
       18       4  IO wait         net.(*netFD).Read  net/fd_posix.go:68                       server.(*Server).startGoRoutine
       15       1  sync.Cond.Wait  server.(*client).writeLoop  server/client.go:1428           server.(*Server).startGoRoutine
       10       8  select          server.(*Server).internalReceiveLoop  server/events.go:482  server.(*Server).setSystemAccount
    ... 3 more rows (--top 0 shows all)
    exit 0
    ");
    assert_snapshot!(of("label=tenant", &[LABELLED]), @"
    go1.26_labels_debug2.txt  2026-11-24 00:00:00 (+00:00)  debug2
    goroutines: 216   distinct stacks: 99   left out: 1 (it wrote this dump)
    states: chan receive 131, chan send 16, IO wait 8, select 8, sync.Mutex.Lock 8, syscall 7, sync.WaitGroup.Wait 6, sync.Cond.Wait 5, sleep 4, chan receive (durable) 3, chan receive (nil chan) 3, coroutine 3, chan send (nil chan) 2, select (no cases) 2, sync.RWMutex.RLock 2, runnable 1, select (durable) 1, sleep (durable) 1, sync.RWMutex.Lock 1, sync.WaitGroup.Wait (durable) 1, synctest.Run (durable) 1, trace reader (blocked) 1

    COUNT  STATE             STACKS  LABEL        MOST AT                                    CREATED BY         LABELS
      210  chan receive +21      99  (no tenant)  main.blockLabelled  zoo app é/main.go:406  main.setup.func38  req=a1 +19
        5  -                      1  tenant=acme  main.blockLabelled  zoo app é/main.go:406  main.setup.func38  service=checkout,tenant=acme
    exit 0
    ");
    assert_snapshot!(of("line", &[LABELLED]), @"
    error: invalid value 'line' for '--group-by <WHAT>': give signature, where, creator, package, state, or label=NAME such as label=tenant
    hint: for example: goroscope snapshot dump.txt --top 5 --group-by package
    hint: `goroscope snapshot --help` tells more
    exit 2
    ");
}

#[test]
fn rows_and_json_have_everything() {
    let folder = dumps(&[NATS[0], NATS[1], LEAKY]);
    let of = |arguments: &[&str]| snapshot(folder.path(), arguments);
    let first = |text: String| text.lines().take(3).collect::<Vec<_>>().join("\n");
    assert_snapshot!(first(of(&[NATS[0], NATS[1], "-o", "csv"])), @r#"
    source,taken_at,group_by,key,count,stacks,states,oldest_wait_seconds,leaked,signature,where_function,where_file,where_line,created_by,labels<CRLF>
    nats-2.15_idle_debug2.txt,2026-11-24T00:00:00.000Z,signature,d9d4f2995b446b431b92f51a0c6a1129,15,1,"{""IO wait"":15}",,0,d9d4f2995b446b431b92f51a0c6a1129,net.(*netFD).Read,net/fd_posix.go,68,github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine,[]<CRLF>
    nats-2.15_idle_debug2.txt,2026-11-24T00:00:00.000Z,signature,db8038a6b2a37f491cae381e338a057b,15,1,"{""sync.Cond.Wait"":15}",,0,db8038a6b2a37f491cae381e338a057b,github.com/nats-io/nats-server/v2/server.(*client).writeLoop,github.com/nats-io/nats-server/v2/server/client.go,1428,github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine,[]<CRLF>
    "#);
    assert_snapshot!(first(of(&[NATS[0], "-o", "csv", "--group-by=state"])), @r#"
    source,taken_at,group_by,key,count,stacks,states,oldest_wait_seconds,leaked,signature,where_function,where_file,where_line,created_by,labels<CRLF>
    nats-2.15_idle_debug2.txt,2026-11-24T00:00:00.000Z,state,IO wait,18,4,"{""IO wait"":18}",,0,d9d4f2995b446b431b92f51a0c6a1129,net.(*netFD).Read,net/fd_posix.go,68,github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine,[]<CRLF>
    nats-2.15_idle_debug2.txt,2026-11-24T00:00:00.000Z,state,sync.Cond.Wait,15,1,"{""sync.Cond.Wait"":15}",,0,db8038a6b2a37f491cae381e338a057b,github.com/nats-io/nats-server/v2/server.(*client).writeLoop,github.com/nats-io/nats-server/v2/server/client.go,1428,github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine,[]<CRLF>
    "#);
    assert_snapshot!(first(of(&[LEAKY, "-o", "ndjson", "--group-by=package"])), @r#"
    {"source":"go1.26_goroutineleak_debug2.txt","taken_at":"2026-11-24T00:00:00.000Z","key":"main","count":186,"counts":[186],"snapshots":1,"stacks":76,"states":{"chan receive":116,"chan receive (durable)":2,"chan receive (nil chan)":3,"chan send":16,"chan send (nil chan)":2,"coroutine":3,"runnable":1,"select":7,"select (durable)":1,"select (no cases)":2,"sleep":4,"sleep (durable)":1,"sync.Cond.Wait":5,"sync.Mutex.Lock":8,"sync.RWMutex.Lock":1,"sync.RWMutex.RLock":2,"sync.WaitGroup.Wait":6,"sync.WaitGroup.Wait (durable)":1,"syscall":5},"oldest_wait_seconds":120,"leaked":45,"signature":"cc1bdcc2bb12a6b546d80e7d49c364dc","where":{"function":"main.blockLabelled","file":"/srv/src/w1.26/zoo app é/main.go","line":406},"created_by":"main.setup.func38","labels":[]}
    {"source":"go1.26_goroutineleak_debug2.txt","taken_at":"2026-11-24T00:00:00.000Z","key":"example.com/zoo.v2/app/winpath","count":12,"counts":[12],"snapshots":1,"stacks":12,"states":{"chan receive":12},"oldest_wait_seconds":120,"leaked":0,"signature":"a6fb41b4ce95dc6dec2e450e69375db5","where":{"function":"example.com/zoo.v2/app/winpath.BlockBracket","file":"/srv/goroutine 7 [running]:/z.go","line":11},"created_by":"main.spawn","labels":[]}
    {"source":"go1.26_goroutineleak_debug2.txt","taken_at":"2026-11-24T00:00:00.000Z","key":"net","count":8,"counts":[8],"snapshots":1,"stacks":3,"states":{"IO wait":8},"oldest_wait_seconds":120,"leaked":0,"signature":"ee4e8c6a1bc5b49fd2edf63d4294324d","where":{"function":"net.(*netFD).Read","file":"/usr/local/go/src/net/fd_posix.go","line":68},"created_by":"main.setup","labels":[]}
    "#);

    let json = |arguments: &[&str]| -> Value {
        let text = of(&[arguments, &["-o", "json"]].concat());
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    };
    let (one, several) = (json(&NATS[..1]), json(&NATS));
    assert_eq!(one["schema"], "goroscope.snapshot/v1");
    assert_eq!(several["schema"], "goroscope.snapshots/v1");
    assert_eq!(several["snapshots"][0], one);
    assert_eq!(several["group_by"], "signature");
    assert_snapshot!(several["bundles"][0], @r#"{"count":30,"counts":[15,15],"created_by":"github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine","key":"d9d4f2995b446b431b92f51a0c6a1129","labels":[],"leaked":0,"oldest_wait_seconds":null,"signature":"d9d4f2995b446b431b92f51a0c6a1129","snapshots":2,"stacks":1,"states":{"IO wait":30},"where":{"file":"net/fd_posix.go","function":"net.(*netFD).Read","line":68}}"#);
    let bundled = json(&[NATS[0], "--group-by=package"]);
    assert_eq!(bundled["groups"], one["groups"]);
    assert_eq!(
        bundled["bundles"][0]["key"],
        "github.com/nats-io/nats-server/v2/server"
    );
    // NDJSON has the groups as they stand in the JSON, and whose they are.
    let ndjson = of(&[NATS[0], "-o", "ndjson"]);
    let lines = ndjson.lines().filter(|line| line.starts_with('{'));
    let mut rows: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        assert_eq!(row.remove("source").unwrap(), NATS[0]);
        assert_eq!(row.remove("taken_at").unwrap(), "2026-11-24T00:00:00.000Z");
    }
    assert_eq!(one["groups"], Value::from(rows));
}

#[test]
fn every_goroutine_is_in_a_bundle_however_they_are_grouped() {
    let names = [NATS[0], NATS[1], LEAKY, LABELLED];
    let folder = dumps(&names);
    for by in [
        "signature",
        "where",
        "creator",
        "package",
        "state",
        "label=tenant",
    ] {
        let told = snapshot(
            folder.path(),
            &[&names[..], &["-o=json", "--group-by", by]].concat(),
        );
        let answer: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
        for (nth, snapshot) in answer["snapshots"].as_array().unwrap().iter().enumerate() {
            let bundles = answer["bundles"].as_array().unwrap().iter();
            let bundled: u64 = bundles
                .map(|one| one["counts"][nth].as_u64().unwrap())
                .sum();
            let own = snapshot["own"].as_u64().unwrap();
            assert_eq!(
                bundled + own,
                snapshot["goroutines"].as_u64().unwrap(),
                "{by}"
            );
        }
    }
}

/// What each of these says, but for the answer itself.
fn remarks(asked: &[&[&str]]) -> String {
    let folder = dumps(&[NATS[0], NATS[1], LEAKY]);
    let told = asked.iter().map(|arguments| {
        let said = snapshot(folder.path(), &[*arguments, &["-o", "json"]].concat());
        let lines = said.lines().filter(|line| !line.starts_with('{'));
        let lines: Vec<&str> = lines.collect();
        format!("{}\n{}\n", arguments.join(" "), lines.join("\n"))
    });
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_condition_that_holds_is_a_finding() {
    assert_snapshot!(remarks(&[
        &[LEAKY, "--fail-on=count > 26"],
        &[LEAKY, "--fail-on=count >= 11", "--fail-on=leaked > 0"],
        &[LEAKY, "--fail-on=count > 3"],
        &[LEAKY, "--fail-on=oldest >= 2m", "--fail-on=total != 216"],
        &[LEAKY, "--fail-on=groups <= 99", "--fail-on=complaints == 0"],
        &[NATS[0], NATS[1], "--group-by=package", "--fail-on=count > 20"],
    ]), @"
    go1.26_goroutineleak_debug2.txt --fail-on=count > 26
    exit 0

    go1.26_goroutineleak_debug2.txt --fail-on=count >= 11 --fail-on=leaked > 0
    go1.26_goroutineleak_debug2.txt: count >= 11 holds: 26 cc1bdcc2 main.blockLabelled
    go1.26_goroutineleak_debug2.txt: count >= 11 holds: 11 576c9d84 main.leakSend.func1
    go1.26_goroutineleak_debug2.txt: leaked > 0 holds: 45
    exit 3

    go1.26_goroutineleak_debug2.txt --fail-on=count > 3
    go1.26_goroutineleak_debug2.txt: count > 3 holds: 26 cc1bdcc2 main.blockLabelled
    go1.26_goroutineleak_debug2.txt: count > 3 holds: 11 576c9d84 main.leakSend.func1
    go1.26_goroutineleak_debug2.txt: count > 3 holds: 9 ab594b83 main.recurse
    go1.26_goroutineleak_debug2.txt: count > 3 holds: 8 bd211906 main.leakRangeBody
    go1.26_goroutineleak_debug2.txt: count > 3 holds: 7 140c0f65 main.blockRecv
    go1.26_goroutineleak_debug2.txt: count > 3 holds for 8 more
    exit 3

    go1.26_goroutineleak_debug2.txt --fail-on=oldest >= 2m --fail-on=total != 216
    go1.26_goroutineleak_debug2.txt: oldest >= 2m holds: 2m
    exit 3

    go1.26_goroutineleak_debug2.txt --fail-on=groups <= 99 --fail-on=complaints == 0
    go1.26_goroutineleak_debug2.txt: groups <= 99 holds: 99
    go1.26_goroutineleak_debug2.txt: complaints == 0 holds: 0
    exit 3

    nats-2.15_idle_debug2.txt nats-2.15_load_debug0.pb.gz --group-by=package --fail-on=count > 20
    nats-2.15_idle_debug2.txt: count > 20 holds: 26 with package `github.com/nats-io/nats-server/v2/server`, most in server.(*client).writeLoop
    nats-2.15_load_debug0.pb.gz: count > 20 holds: 26 with package `github.com/nats-io/nats-server/v2/server`, most in server.(*client).writeLoop
    exit 3
    ");
}

#[test]
fn what_is_not_known_is_neither_a_finding_nor_none() {
    assert_snapshot!(remarks(&[
        // A profile tells no waits; another condition may hold all the same.
        &[NATS[1], "--fail-on=oldest > 1h"],
        &[NATS[1], "--fail-on=oldest > 1h", "--fail-on=goroutines > 1"],
        // Nothing is marked as leaked, and nothing says that anybody looked.
        &[NATS[0], "--fail-on=leaked > 0"],
        // What failed weighs most.
        &[NATS[0], "nothing.txt", "--fail-on=goroutines > 1"],
    ]), @"
    nats-2.15_load_debug0.pb.gz --fail-on=oldest > 1h
    nats-2.15_load_debug0.pb.gz: oldest > 1h: not known: only debug=2 tells waits (--detail always asks for it)
    exit 4

    nats-2.15_load_debug0.pb.gz --fail-on=oldest > 1h --fail-on=goroutines > 1
    nats-2.15_load_debug0.pb.gz: oldest > 1h: not known: only debug=2 tells waits (--detail always asks for it)
    nats-2.15_load_debug0.pb.gz: goroutines > 1 holds: 47
    exit 3

    nats-2.15_idle_debug2.txt --fail-on=leaked > 0
    nats-2.15_idle_debug2.txt: leaked > 0: not known: no goroutine is marked as leaked, and only a garbage collection that looks for leaks marks them: give the answer of /debug/pprof/goroutineleak (Go 1.27; 1.26 with GOEXPERIMENT=goroutineleakprofile)
    exit 4

    nats-2.15_idle_debug2.txt nothing.txt --fail-on=goroutines > 1
    nats-2.15_idle_debug2.txt: goroutines > 1 holds: 47
    error: nothing.txt: no such file, and no address either: the port is missing in `nothing.txt`; write it as in `nothing.txt:6060`
    hint: give a file, a folder, host:port, a URL, or - for stdin: goroscope snapshot localhost:6060
    exit 1
    ");
}

#[test]
fn a_condition_that_says_nothing_is_refused_with_what_is_right() {
    let folder = dumps(&[]);
    let wrong = [
        "size > 1",
        "count 5",
        "count ! 5",
        "count > many",
        "oldest > 5",
        "count > -1",
        "",
    ];
    let told = wrong.map(|wrong| {
        let told = snapshot(folder.path(), &["x", "--fail-on", wrong]);
        let ends = told.lines().last().unwrap().to_owned();
        format!("{ends}: {}", told.lines().next().unwrap())
    });
    assert_snapshot!(told.join("\n"), @"
    exit 2: error: invalid value 'size > 1' for '--fail-on <CONDITION>': `size` is no subject; give `SUBJECT OPERATOR VALUE` such as 'count > 1000' or 'oldest >= 1h30m'; subjects: count, goroutines, total, groups, oldest, leaked, complaints; operators: > >= < <= == !=
    exit 2: error: invalid value 'count 5' for '--fail-on <CONDITION>': no operator; give `SUBJECT OPERATOR VALUE` such as 'count > 1000' or 'oldest >= 1h30m'; subjects: count, goroutines, total, groups, oldest, leaked, complaints; operators: > >= < <= == !=
    exit 2: error: invalid value 'count ! 5' for '--fail-on <CONDITION>': `! 5` begins with no operator; give `SUBJECT OPERATOR VALUE` such as 'count > 1000' or 'oldest >= 1h30m'; subjects: count, goroutines, total, groups, oldest, leaked, complaints; operators: > >= < <= == !=
    exit 2: error: invalid value 'count > many' for '--fail-on <CONDITION>': `many` is no whole number such as 1000
    exit 2: error: invalid value 'oldest > 5' for '--fail-on <CONDITION>': `5` is no duration such as 10m, 1h30m or 24h
    exit 2: error: invalid value 'count > -1' for '--fail-on <CONDITION>': `-1` is no whole number such as 1000
    exit 2: error: invalid value '' for '--fail-on <CONDITION>': no operator; give `SUBJECT OPERATOR VALUE` such as 'count > 1000' or 'oldest >= 1h30m'; subjects: count, goroutines, total, groups, oldest, leaked, complaints; operators: > >= < <= == !=
    ");
}

#[test]
fn a_dump_that_is_named_twice_would_count_twice() {
    let folder = dumps(&NATS);
    let again = format!("./{}", NATS[0]);
    assert_snapshot!(snapshot(folder.path(), &[NATS[0], NATS[1], &again]), @"
    error: ./nats-2.15_idle_debug2.txt is named twice
    hint: name each process, file and folder once
    exit 2
    ");
}

#[test]
fn the_cost_of_a_detail_is_said_before_it_is_paid() {
    let fake = Fake::start(Behaviour::Healthy);
    let folder = dumps(&[]);
    let told = snapshot(folder.path(), &[&fake.address, "--detail=always", "-o=csv"]);
    let costs: Vec<&str> = told.lines().filter(|line| line.contains("stops")).collect();
    assert_snapshot!(costs.join("\n").replace(&fake.address, "ADDRESS"), @"ADDRESS: debug=2 stops this process for about 1ms (222 goroutines)");
}

/// As `$(curl ...)` and editors leave it: its head counts no more than what is there.
#[test]
fn a_profile_without_its_last_newline_is_whole() {
    let folder = dumps(&[]);
    let whole = "goroutine profile: total 3\n\
                 2 @ 0x1 0x2\n#\t0x1\tmain.work+0x1\t/src/main.go:12\n\n\
                 1 @ 0x3 0x2\n#\t0x3\tmain.main+0x1\t/src/main.go:7\n\n";
    let (trimmed, torn) = (whole.trim_end(), whole.trim_end().trim_end_matches(":7"));
    for (name, text) in [("whole", whole), ("trimmed", trimmed), ("torn", torn)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let told = |name| {
        let told = snapshot(folder.path(), &[name, "--fail-on=complaints > 0"]);
        let (_, told) = told.split_once("goroutines: ").unwrap();
        told.to_owned()
    };
    assert_eq!(told("trimmed"), told("whole"));
    assert!(told("torn").contains("not read: 1"), "{}", told("torn"));
}
