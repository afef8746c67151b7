//! The live view: whole screens drawn from a real history at three sizes, and what every key does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use goroscope::dump::{Block, Event, Facts, Goroutines, RawFrame, RawLabels};
use goroscope::group::{KeepLabels, StackBook, Tally};
use goroscope::model::{
    Failure, FailureReason, Form, Incarnation, InstanceId, Kind, Look as Looked, Outcome, Poll,
    Record, Snapshot, StartReason, Timestamp, Watch,
};
use goroscope::observe::Counters;
use goroscope::present::Zone;
use goroscope::present::tui::{Live, Look, Plain, View, Wish, draw};
use goroscope::query::{self, Scope, Stacks};
use goroscope::store::{DaemonLock, Reader, Writer};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};

use crate::questions::{built, instance, minute};
use crate::support::KEEP;

/// In colour, and with all characters.
const WHOLE: Look = Look {
    colour: true,
    ascii: false,
};

/// A stack: its frames leaf first, what it is parked in, its state, its creator and its label.
struct Stack {
    frames: &'static [(&'static str, &'static str, u32)],
    park: &'static str,
    state: &'static str,
    creator: &'static str,
    label: Option<(&'static str, &'static str)>,
}

const RETRY: Stack = Stack {
    frames: &[
        (
            "acme.io/pay.(*Client).retry.func1",
            "/src/acme/pay/client.go",
            118,
        ),
        (
            "acme.io/pay.(*Client).Charge",
            "/src/acme/pay/client.go",
            96,
        ),
        (
            "golang.org/x/sync/errgroup.(*Group).Go.func1",
            "/root/go/pkg/mod/golang.org/x/sync@v0.17.0/errgroup/errgroup.go",
            93,
        ),
    ],
    park: "runtime.chansend",
    state: "chan send",
    creator: "acme.io/pay.(*Client).Charge",
    label: Some(("tenant", "größe")),
};

const SERVE: Stack = Stack {
    frames: &[
        (
            "internal/poll.(*FD).Read",
            "/usr/local/go/src/internal/poll/fd_unix.go",
            165,
        ),
        (
            "net/http.(*conn).serve",
            "/usr/local/go/src/net/http/server.go",
            2102,
        ),
    ],
    park: "runtime.netpollblock",
    state: "IO wait",
    creator: "net/http.(*Server).Serve",
    label: None,
};

const POOL: Stack = Stack {
    frames: &[("acme.io/pay.(*pool).run", "/src/acme/pay/pool.go", 31)],
    park: "runtime.chanrecv",
    state: "chan receive",
    creator: "acme.io/pay.newPool",
    label: None,
};

/// What a target may call its functions.
const HOSTILE: Stack = Stack {
    frames: &[(
        "main.\u{1b}[2J\u{202e}evil|<b>",
        "/src/\u{1b}]0;x\u{7}.go",
        7,
    )],
    park: "runtime.selectgo",
    state: "select",
    creator: "main.main",
    label: None,
};

fn snapshot(kind: Kind, life: &Incarnation, groups: &[(&Stack, u64)]) -> Snapshot {
    let book = StackBook::default();
    let mut tally = Tally::new(&book, KeepLabels::All, None);
    for (stack, count) in groups {
        let frame = |(function, file, line): &(&'static str, &'static str, u32)| RawFrame {
            function: function.as_bytes(),
            file: file.as_bytes(),
            line: *line,
        };
        let shown = stack.frames.iter().map(frame);
        let parked = [
            ("runtime.gopark", "/go/proc.go", 474),
            (stack.park, "/go/chan.go", 283),
        ];
        let frames: Vec<RawFrame<'_>> = match kind {
            Kind::Pulse => parked.iter().map(frame).chain(shown).collect(),
            Kind::Detail | Kind::Proof => shown.collect(),
        };
        let labels: Vec<(&[u8], &[u8])> = stack
            .label
            .iter()
            .map(|(key, value)| (key.as_bytes(), value.as_bytes()))
            .collect();
        let mut add = |count, id| {
            tally.add(Event::Goroutines(Goroutines {
                count,
                frames: &frames,
                elision: None,
                cut: false,
                leaf_hidden: false,
                labels: (!labels.is_empty()).then_some(RawLabels::Pairs(&labels)),
                block: (kind == Kind::Detail).then_some(Block {
                    id,
                    state: stack.state.as_bytes(),
                    minutes: Some(12),
                    leaked: false,
                    creator: Some(stack.creator.as_bytes()),
                }),
                stack: None,
            }));
        };
        match kind {
            Kind::Detail => (0..*count).for_each(|id| add(1, id)),
            Kind::Pulse | Kind::Proof => add(*count, 0),
        }
    }
    tally.finish(Facts {
        form: if kind == Kind::Detail {
            Form::Debug2
        } else {
            Form::Proto
        },
        leaks: false,
        truncated: false,
        process: life.facts.clone(),
    })
}

fn look(at: &Arc<InstanceId>, nth: i64, kind: Kind, outcome: Outcome) -> Record {
    let delay = if kind == Kind::Detail { 400 } else { 0 };
    Record::Poll(Box::new(Poll {
        instance: Arc::clone(at),
        at: minute(nth).plus(Duration::from_millis(delay)),
        look: Looked {
            kind,
            took: Duration::from_millis(4),
            outcome,
        },
    }))
}

/// Forty minutes of a service with two instances, one of which is lost at the end, and of another service.
fn fleet() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let lock = DaemonLock::take(&path).unwrap();
    let now = || minute(40);
    let started = Writer::start(&path, lock, KEEP, Arc::new(Counters::default()), now);
    let (writer, records) = started.unwrap();
    let send = |record| records.send(record).unwrap();
    let watched = [
        ("pay", "pay-1:6060"),
        ("pay", "pay-2:6060"),
        ("shop", "shop-1:6060"),
    ];
    for (nth, (service, address)) in watched.into_iter().enumerate() {
        let at = instance(service, address);
        let life = built(
            "b0b0b0b0b0b0b0b0b0b0",
            0,
            nth as u64,
            StartReason::FirstContact,
        );
        let labels = [("env".to_owned(), "prod".to_owned())];
        send(Record::Watch(Watch {
            instance: Arc::clone(&at),
            from: minute(0),
            interval: Duration::from_mins(1),
            labels: Arc::new(labels.into()),
        }));
        for minute in 0..=40 {
            let kinds: &[Kind] = if minute == 30 {
                &[Kind::Pulse, Kind::Detail]
            } else {
                &[Kind::Pulse]
            };
            for kind in kinds {
                send(look(
                    &at,
                    minute,
                    *kind,
                    outcome(*kind, &life, (address, minute)),
                ));
            }
        }
    }
    drop(records);
    assert!(writer.join());
    folder
}

fn outcome(kind: Kind, life: &Arc<Incarnation>, (address, minute): (&str, i64)) -> Outcome {
    let (step, busy) = (
        minute.unsigned_abs(),
        20 + (minute * 7919 % 13).unsigned_abs(),
    );
    let groups: &[(&Stack, u64)] = match address {
        "pay-1:6060" => &[(&RETRY, 12 + 40 * step), (&SERVE, busy), (&POOL, 8)],
        "pay-2:6060" if minute > 35 => {
            return Outcome::Failed(Failure {
                reason: FailureReason::Connect,
                message: "connection refused".to_owned(),
            });
        }
        "pay-2:6060" => &[(&RETRY, 3), (&SERVE, busy / 2), (&POOL, 8)],
        _ => &[(&SERVE, 4), (&HOSTILE, 1 + step / 8)],
    };
    Outcome::Snapshot(Arc::clone(life), Box::new(snapshot(kind, life, groups)))
}

fn window(since: Timestamp, until: Timestamp) -> Scope {
    Scope {
        since,
        until,
        services: Vec::new(),
        instances: Vec::new(),
    }
}

fn board_since(folder: &Path, since: Timestamp) -> query::Board {
    let reader = Reader::open(&folder.join("goroscope.db")).unwrap();
    let scope = window(since, minute(41));
    query::board(&reader, &scope, &mut Stacks::default()).unwrap()
}

/// What the view knows at the end of the history.
fn known(folder: &Path) -> Live {
    let reader = Reader::open(&folder.join("goroscope.db")).unwrap();
    let scope = window(minute(-1), minute(40));
    let board = query::board(&reader, &scope, &mut Stacks::default()).unwrap();
    let mut live = Live::new("goroscope.db over 24h".to_owned(), Zone::Utc);
    live.asked_at = minute(40);
    live.pace = Duration::from_secs(1);
    let loudest = board.rows.first().unwrap().grower.signature;
    let prefix = loudest.to_string().parse().unwrap();
    let row = query::resolve_signature(&reader, &prefix).unwrap();
    live.shown = Some((
        loudest,
        Arc::new(query::show(&reader, &scope, &row).unwrap()),
    ));
    live.board = Some(Arc::new(board));
    live
}

/// A view, and the terminal that it is drawn on.
struct Shown {
    live: Live,
    view: View,
    look: Look,
    terminal: Terminal<TestBackend>,
}

impl Shown {
    fn at(live: Live, look: Look, (width, height): (u16, u16)) -> Self {
        Self {
            live,
            view: View::default(),
            look,
            terminal: Terminal::new(TestBackend::new(width, height)).unwrap(),
        }
    }

    fn press(&mut self, code: KeyCode) -> Option<Wish> {
        // The view learns how long a page is when it is drawn.
        self.screen();
        self.view
            .press(KeyEvent::new(code, KeyModifiers::NONE), &self.live, now())
    }

    fn write(&mut self, text: &str) {
        for char in text.chars() {
            assert_eq!(self.press(KeyCode::Char(char)), None);
        }
    }

    fn screen(&mut self) -> String {
        let (live, view, look) = (&self.live, &mut self.view, self.look);
        self.terminal
            .draw(|frame| draw(frame, live, view, look, now()))
            .unwrap();
        let drawn = self.terminal.backend().to_string();
        drawn
            .lines()
            .map(|line| line.trim_matches('"').trim_end())
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The selected row, without its marker.
    fn selected(&mut self) -> String {
        let screen = self.screen();
        let row = screen.lines().find_map(|line| line.strip_prefix('▶'));
        row.unwrap_or("").trim().to_owned()
    }
}

/// A moment after the last answer.
fn now() -> Timestamp {
    minute(40).plus(Duration::from_millis(300))
}

#[test]
fn the_list_at_three_sizes() {
    let folder = fleet();
    let live = known(folder.path());
    let screen = |size| Shown::at(live.clone(), WHOLE, size).screen();
    insta::assert_snapshot!(screen((80, 24)), @r"
    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█  stacks 5  growing 2
    LOST 1 of 3 instances: pay-2:6060: connection refused (2026-11-24 00:40:00)
    states chan send 1,612, IO wait 26, chan receive 8, select 6
    polls 118 of 123, 5 failed or missed  0 restarts  3 instances  since 2026-11-23…
        COUNT   GROWTH TREND    VERDICT   SERVICE WHERE
    ▶   1,615   +1,600 ▁▁▂▃▄▅▆█ SUSPECT   pay     pay.(*Client).retry.func1
            6       +5 ▁▂▂▃▅▅▆█ SUSPECT   shop    main.\u{1b}[2J\u{202e}evil|<b>
           34       +4 ▅▂▁█▅▃▁▁ too early pay     http.(*conn).serve
           16        0 ▁▁▁▁▁▁▁▁ too early pay     pay.(*pool).run  pay/pool.go:31
            4        0 ▁▁▁▁▁▁▁▁ too early shop    http.(*conn).serve












    ? help  q quit  s order: verdict  6 columns hidden  g row: signature
    ");
    insta::assert_snapshot!(screen((120, 40)), @r"
    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█  stacks 5  growing 2
    LOST 1 of 3 instances: pay-2:6060: connection refused (2026-11-24 00:40:00)
    states chan send 1,612, IO wait 26, chan receive 8, select 6
    polls 118 of 123, 5 failed or missed  0 restarts  3 instances  since 2026-11-23 23:59:00 (41m)
        COUNT   GROWTH     /HOUR TREND    STATE         OLDEST VERDICT   SERVICE      ON WHERE
    ▶   1,615   +1,600    +2,400 ▁▁▂▃▄▅▆█ chan send        12m SUSPECT   pay         1/2 pay.(*Client).retry.func1
            6       +5      +7.5 ▁▂▂▃▅▅▆█ select           12m SUSPECT   shop        1/1 main.\u{1b}[2J\u{202e}evil|<b>
           34       +4      +6.4 ▅▂▁█▅▃▁▁ IO wait          12m too early pay         0/2 http.(*conn).serve
           16        0         0 ▁▁▁▁▁▁▁▁ chan receive     12m too early pay         0/2 pay.(*pool).run  pay/pool.go:31
            4        0         0 ▁▁▁▁▁▁▁▁ IO wait          12m too early shop        0/1 http.(*conn).serve




























    ? help  q quit  s order: verdict  2 columns hidden  g row: signature  Enter detail  t instances
    ");
    insta::assert_snapshot!(screen((40, 10)), @"
    top  goroscope.db over 24h  00:40:00
    goroutines 1,652  ▁▁▂▃▄▅▆█  stacks 5  g…
    LOST 1 of 3 instances: pay-2:6060: conn…
        COUNT   GROWTH VERDICT   WHERE
    ▶   1,615   +1,600 SUSPECT   pay.(…func1
            6       +5 SUSPECT   main.…l|<b>
           34       +4 too early http.…serve
           16        0 too early pay.(…).run
            4        0 too early http.…serve
    ? help  q quit  s order: verdict
    ");
    let ascii = Look {
        colour: false,
        ascii: true,
    };
    let ascii = Shown::at(live, ascii, (80, 24)).screen();
    assert!(ascii.is_ascii(), "{ascii}");
    insta::assert_snapshot!(ascii, @r"
    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ____...---~~~~===++++**#  stacks 5  growing 2
    LOST 1 of 3 instances: pay-2:6060: connection refused (2026-11-24 00:40:00)
    states chan send 1,612, IO wait 26, chan receive 8, select 6
    polls 118 of 123, 5 failed or missed  0 restarts  3 instances  since 2026-11-23~
        COUNT   GROWTH TREND    VERDICT   SERVICE WHERE
    >   1,615   +1,600 __.-~=+# SUSPECT   pay     pay.(*Client).retry.func1
            6       +5 _..-==+# SUSPECT   shop    main.\u{1b}[2J\u{202e}evil|<b>
           34       +4 =._#=-__ too early pay     http.(*conn).serve
           16        0 ________ too early pay     pay.(*pool).run  pay/pool.go:31
            4        0 ________ too early shop    http.(*conn).serve












    ? help  q quit  s order: verdict  6 columns hidden  g row: signature
    ");
}

#[test]
fn the_detail_at_two_sizes() {
    let folder = fleet();
    let live = known(folder.path());
    let screen = |size| {
        let mut shown = Shown::at(live.clone(), WHOLE, size);
        let wish = shown.press(KeyCode::Enter);
        assert!(matches!(wish, Some(Wish::Show(Some(_)))), "{wish:?}");
        shown.screen()
    };
    insta::assert_snapshot!(screen((80, 24)), @"
    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█  stacks 5  growing 2
    3525c6a0b127855efa805f753daf826c  pay
    SUSPECT  15 -> 1,615 (+1,600)  +2,400/h (at least +2,400)  grows on 1 of 2
      pay-1:6060: grew from 12 to 1612 in 40m (41 pulses) and was never below 1092
    in the last third of that time
    hint        +1600 to 1615 goroutines in `acme.io/pay.(*Client).retry.func1`,
    1612 of 1612 in `chan send`, made by `acme.io/pay.(*Client).Charge`: nobody
    receives from the channel any more. Look at who receives, and returned early;
    send in a `select` with ctx.Done().
    states      chan send 1,615
    oldest      12m
    created by  acme.io/pay.(*Client).Charge
    first seen  2026-11-24 00:00:00 (+00:00) at pay-1:6060, build b0b0b0b0b0b0

    1,615 │                                                            ▁▁▁▄▄▄▆▆▆███
          │                                                ▂▂▂▃▃▃▆▆▆███████████████
          │                                    ▂▂▂▄▄▄▅▅▅███████████████████████████
          │                        ▂▂▂▄▄▄▆▆▆███████████████████████████████████████
          │            ▂▂▂▄▄▄▆▆▆███████████████████████████████████████████████████
        0 │▂▂▂▅▅▅▆▆▆███████████████████████████████████████████████████████████████
          2026-11-24 00:00:00 -> 2026-11-24 00:40:00
    labels      tenant=größe: 15 -> 1,615 (+1,600)
    Esc back  j k scroll  q quit  y copy the signature  i ignore
    ");
    insta::assert_snapshot!(screen((120, 40)), @"
    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█  stacks 5  growing 2
    3525c6a0b127855efa805f753daf826c  pay
    SUSPECT  15 -> 1,615 (+1,600)  +2,400/h (at least +2,400)  grows on 1 of 2
      pay-1:6060: grew from 12 to 1612 in 40m (41 pulses) and was never below 1092 in the last third of that time
    hint        +1600 to 1615 goroutines in `acme.io/pay.(*Client).retry.func1`, 1612 of 1612 in `chan send`, made by
    `acme.io/pay.(*Client).Charge`: nobody receives from the channel any more. Look at who receives, and returned early;
    send in a `select` with ctx.Done().
    states      chan send 1,615
    oldest      12m
    created by  acme.io/pay.(*Client).Charge
    first seen  2026-11-24 00:00:00 (+00:00) at pay-1:6060, build b0b0b0b0b0b0

    1,615 │                                                                                ▁▁▁▁▄▄▄▄▆▆▆▆████
          │                                                                ▂▂▂▂▃▃▃▃▆▆▆▆████████████████████
          │                                                ▂▂▂▂▄▄▄▄▅▅▅▅████████████████████████████████████
          │                                ▂▂▂▂▄▄▄▄▆▆▆▆████████████████████████████████████████████████████
          │                ▂▂▂▂▄▄▄▄▆▆▆▆████████████████████████████████████████████████████████████████████
        0 │▂▂▂▂▅▅▅▅▆▆▆▆████████████████████████████████████████████████████████████████████████████████████
          2026-11-24 00:00:00 -> 2026-11-24 00:40:00
    labels      tenant=größe: 15 -> 1,615 (+1,600)

    instances that share it
      pay pay-1:6060  1,612 (+1,600)  SUSPECT  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█
      pay pay-2:6060  3 (+0)  INSUFFICIENT  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁

    stack, leaf first
    * acme.io/pay.(*Client).retry.func1
          /src/acme/pay/client.go:118
    * acme.io/pay.(*Client).Charge
          /src/acme/pay/client.go:96
      golang.org/x/sync/errgroup.(*Group).Go.func1
          golang.org/x/sync@v0.17.0/errgroup/errgroup.go:93






    Esc back  j k scroll  q quit  y copy the signature  i ignore
    ");
}

#[test]
fn all_of_a_detail_can_be_reached_on_the_smallest() {
    let folder = fleet();
    let live = known(folder.path());
    let mut shown = Shown::at(live, WHOLE, (40, 10));
    shown.press(KeyCode::Enter);
    insta::assert_snapshot!(shown.screen(), @"
    top  goroscope.db over 24h  00:40:00
    goroutines 1,652  ▁▁▂▃▄▅▆█  stacks 5  g…
    3525c6a0b127855efa805f753daf826c  pay
    SUSPECT  15 -> 1,615 (+1,600)  +2,400/h
    (at least +2,400)  grows on 1 of 2
      pay-1:6060: grew from 12 to 1612 in
    40m (41 pulses) and was never below
    1092 in the last third of that time
    hint        +1600 to 1615 goroutines in
    Esc back  j k scroll  q quit  i ignore
    ");
    shown.press(KeyCode::End);
    insta::assert_snapshot!(shown.screen(), @"
    top  goroscope.db over 24h  00:40:00
    goroutines 1,652  ▁▁▂▃▄▅▆█  stacks 5  g…
          /src/acme/pay/client.go:118
    * acme.io/pay.(*Client).Charge
          /src/acme/pay/client.go:96
      golang.org/x/sync/errgroup.(*Group).Go
    .func1
          golang.org/x/sync@v0.17.0/errgroup
    /errgroup.go:93
    Esc back  j k scroll  q quit  i ignore
    ");
    assert_eq!(shown.press(KeyCode::Esc), Some(Wish::Show(None)));
}

#[test]
fn the_help_at_two_sizes() {
    let folder = fleet();
    let live = known(folder.path());
    let screen = |size| {
        let mut shown = Shown::at(live.clone(), WHOLE, size);
        shown.press(KeyCode::Char('?'));
        shown.screen()
    };
    insta::assert_snapshot!(screen((80, 24)), @"
    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█  stacks 5  growing 2
    keys
      arrows j k  move; so do PgUp PgDn Home End G
      Enter       all about the selected row; Esc goes back
      /           show the rows in which all words are found, be it in a
                  function, file, state, label, service or verdict;
                  in one of them: state:select file:http2 label:env=prod;
                  !word must not be there; Esc shows all rows again
      s  S        order by verdict, growth, count, rate, oldest wait,
                  first seen or where; S turns it round
      g           one row a signature, where, creator or package
      Space       freeze the screen; polling goes on
      b           set the baseline anew: growth is counted from now on
      i           ignore the row here: it stands last; again takes it back
      y           copy the signature (the terminal does it, over ssh too)
      t           how each instance is; those that are lost, and why
      ?  q        this; quit (Ctrl-C too; Ctrl-Z stops it until fg)

      red, bold   SUSPECT or louder: it grew and did not come back
      yellow, +   it grew, and no more can be said of it
      dim         ignored, or no instance that has it answers (lost)
      too early   how much more is needed is in the detail
    Esc back  j k scroll  q quit
    ");
    insta::assert_snapshot!(screen((120, 40)), @"
    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█  stacks 5  growing 2
    keys
      arrows j k  move; so do PgUp PgDn Home End G
      Enter       all about the selected row; Esc goes back
      /           show the rows in which all words are found, be it in a
                  function, file, state, label, service or verdict;
                  in one of them: state:select file:http2 label:env=prod;
                  !word must not be there; Esc shows all rows again
      s  S        order by verdict, growth, count, rate, oldest wait,
                  first seen or where; S turns it round
      g           one row a signature, where, creator or package
      Space       freeze the screen; polling goes on
      b           set the baseline anew: growth is counted from now on
      i           ignore the row here: it stands last; again takes it back
      y           copy the signature (the terminal does it, over ssh too)
      t           how each instance is; those that are lost, and why
      ?  q        this; quit (Ctrl-C too; Ctrl-Z stops it until fg)

      red, bold   SUSPECT or louder: it grew and did not come back
      yellow, +   it grew, and no more can be said of it
      dim         ignored, or no instance that has it answers (lost)
      too early   how much more is needed is in the detail
      wider shows SIGNATURE, FIRST SEEN















    Esc back  j k scroll  q quit
    ");
}

#[test]
fn the_help_at_the_smallest_size() {
    let folder = fleet();
    let mut shown = Shown::at(known(folder.path()), WHOLE, (40, 10));
    shown.press(KeyCode::Char('?'));
    insta::assert_snapshot!(shown.screen(), @"
    top  goroscope.db over 24h  00:40:00
    goroutines 1,652  ▁▁▂▃▄▅▆█  stacks 5  g…
    keys
      arrows j k  move; so do PgUp PgDn
    Home End G
      Enter       all about the selected
    row; Esc goes back
      /           show the rows in which
    all words are found, be it in a
    Esc back  j k scroll  q quit
    ");
}

#[test]
fn what_there_is_before_the_first_answer_and_without_one() {
    let mut live = Live::new("localhost:6060".to_owned(), Zone::Utc);
    insta::assert_snapshot!(Shown::at(live.clone(), WHOLE, (60, 6)).screen(), @"
    goroscope top  localhost:6060
    waiting for the first answer



    ? help  q quit  s order: verdict  g row: signature
    ");
    live.trouble = Some("the database `x\u{1b}[0m` is gone".to_owned());
    insta::assert_snapshot!(Shown::at(live, WHOLE, (60, 6)).screen(), @r"
    goroscope top  localhost:6060
    no answer: the database `x\u{1b}[0m` is gone
    waiting for the first answer


    ? help  q quit  s order: verdict  g row: signature
    ");
    // However small, and before there is anything to draw.
    let folder = fleet();
    for size in [(1, 1), (3, 2), (10, 3), (400, 100)] {
        let mut shown = Shown::at(known(folder.path()), WHOLE, size);
        shown.screen();
        shown.press(KeyCode::Enter);
        shown.screen();
    }
}

#[test]
fn a_suspect_is_red_bold_and_a_word_and_what_is_lost_is_dim() {
    let folder = fleet();
    let mut shown = Shown::at(known(folder.path()), WHOLE, (120, 40));
    let screen = shown.screen();
    let style = |word: &str| {
        let (row, line) = screen
            .lines()
            .enumerate()
            .skip(1)
            .find(|(_, line)| line.contains(word))
            .unwrap();
        let column = line.split(word).next().unwrap().chars().count();
        let buffer = shown.terminal.backend().buffer();
        buffer[(u16::try_from(column).unwrap(), u16::try_from(row).unwrap())].style()
    };
    let suspect = style("pay.(*Client).retry");
    assert_eq!(suspect.fg, Some(Color::Red));
    assert!(suspect.add_modifier.contains(Modifier::BOLD));
    // Only grown.
    assert_eq!(style("+4 ").fg, Some(Color::Yellow), "{screen}");
}

#[test]
fn the_selection_follows_its_row_and_stays_where_nothing_was_chosen() {
    let folder = fleet();
    let mut shown = Shown::at(known(folder.path()), WHOLE, (120, 40));
    let first = shown.selected();
    assert!(first.contains("retry"), "{first}");
    // Nothing is chosen yet: the first row stays the first, whatever it is.
    shown.press(KeyCode::Char('S'));
    assert!(!shown.selected().contains("retry"));
    shown.press(KeyCode::Char('S'));
    shown.press(KeyCode::Down);
    let chosen = shown.selected();
    assert_ne!(chosen, first);
    for _ in 0..7 {
        shown.press(KeyCode::Char('s'));
        assert_eq!(shown.selected(), chosen);
    }
    shown.press(KeyCode::Char('S'));
    assert_eq!(shown.selected(), chosen);
    for (key, last) in [
        (KeyCode::End, true),
        (KeyCode::Home, false),
        (KeyCode::PageDown, true),
        (KeyCode::PageUp, false),
    ] {
        shown.press(key);
        let at_the_end = shown.selected() != chosen && shown.selected().contains("retry");
        assert_eq!(at_the_end, last, "{key:?}");
    }
}

#[test]
fn a_filter_finds_functions_files_states_labels_and_their_absence() {
    let folder = fleet();
    let live = known(folder.path());
    let rows = |words: &str| {
        let mut shown = Shown::at(live.clone(), WHOLE, (120, 40));
        shown.press(KeyCode::Char('/'));
        shown.write(words);
        shown.press(KeyCode::Enter);
        let screen = shown.screen();
        let (screen, _bottom) = screen.rsplit_once('\n').unwrap();
        let rows = screen
            .lines()
            .skip_while(|line| !line.contains("WHERE"))
            .skip(1);
        rows.filter(|line| line.contains("pay") || line.contains("shop"))
            .count()
    };
    for (words, expected) in [
        ("", 5),
        ("RETRY", 1),
        // Any frame of the stack, and the creator.
        ("errgroup", 1),
        ("function:newPool", 1),
        ("file:server.go", 2),
        ("state:chan", 2),
        ("state:chan !receive", 1),
        ("label:tenant=größe", 1),
        ("label:env=prod", 5),
        ("service:shop", 2),
        ("service:pay-2", 3),
        ("verdict:suspect", 2),
        ("nothing-like-it", 0),
    ] {
        assert_eq!(rows(words), expected, "{words}");
    }
    let mut shown = Shown::at(live, WHOLE, (80, 24));
    shown.press(KeyCode::Char('/'));
    shown.write("pool");
    assert!(shown.screen().lines().last().unwrap().starts_with("/pool_"));
    // Keys are letters while a filter is typed.
    shown.write("q");
    assert!(shown.screen().contains("no row has all these words"));
    shown.press(KeyCode::Esc);
    assert!(shown.screen().contains("retry"));
}

#[test]
fn rows_are_drawn_together_and_opened_again() {
    let folder = fleet();
    let mut shown = Shown::at(known(folder.path()), WHOLE, (120, 14));
    let mut drawn = Vec::new();
    for _ in 0..3 {
        shown.press(KeyCode::Char('g'));
        drawn.push(shown.screen());
    }
    insta::assert_snapshot!(drawn.join("\n\n"), @r"
    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█  stacks 5  growing 2
    LOST 1 of 3 instances: pay-2:6060: connection refused (2026-11-24 00:40:00)
        COUNT   GROWTH     /HOUR TREND    STATE         OLDEST VERDICT   SERVICE      ON WHERE
    ▶   1,615   +1,600    +2,400 ▁▁▂▃▄▅▆█ chan send        12m SUSPECT   pay         1/2 pay.(*Client).retry.func1
            6       +5      +7.5 ▁▂▂▃▅▅▆█ select           12m SUSPECT   shop        1/1 main.\u{1b}[2J\u{202e}evil|<b>
           38       +4      +6.4 ▅▂▁█▅▃▁▁ IO wait          12m too early pay +1      0/2 http.(*conn).serve
           16        0         0 ▁▁▁▁▁▁▁▁ chan receive     12m too early pay         0/2 pay.(*pool).run





    one row a where

    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█  stacks 5  growing 2
    LOST 1 of 3 instances: pay-2:6060: connection refused (2026-11-24 00:40:00)
        COUNT   GROWTH     /HOUR TREND    STATE         OLDEST VERDICT   SERVICE      ON WHERE
    ▶   1,615   +1,600    +2,400 ▁▁▂▃▄▅▆█ chan send        12m SUSPECT   pay         1/2 pay.(*Client).Charge
            6       +5      +7.5 ▁▂▂▃▅▅▆█ select           12m SUSPECT   shop        1/1 main.main
           38       +4      +6.4 ▅▂▁█▅▃▁▁ IO wait          12m too early pay +1      0/2 http.(*Server).Serve
           16        0         0 ▁▁▁▁▁▁▁▁ chan receive     12m too early pay         0/2 pay.newPool





    one row a creator

    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█  stacks 5  growing 2
    LOST 1 of 3 instances: pay-2:6060: connection refused (2026-11-24 00:40:00)
        COUNT   GROWTH     /HOUR TREND    STATE         OLDEST VERDICT   SERVICE      ON WHERE
    ▶   1,631   +1,600    +2,400 ▁▁▂▃▄▅▆█ chan send +1     12m SUSPECT   pay         1/2 acme.io/pay
            6       +5      +7.5 ▁▂▂▃▅▅▆█ select           12m SUSPECT   shop        1/1 main
           38       +4      +6.4 ▅▂▁█▅▃▁▁ IO wait          12m too early pay +1      0/2 net/http






    one row a package
    ");
    // One package; Enter lists what is in it.
    assert_eq!(shown.press(KeyCode::Enter), None);
    let screen = shown.screen();
    assert!(
        screen.contains("q quit  in package acme.io/pay"),
        "{screen}"
    );
    assert!(shown.selected().contains("retry"));
    // No more than what the package has, and all of it is ignored at once.
    assert_eq!(screen.matches("pay.(*").count(), 2, "{screen}");
    shown.press(KeyCode::Esc);
    for _ in 0..3 {
        shown.press(KeyCode::Char('g'));
    }
    shown.press(KeyCode::Char('i'));
    shown.press(KeyCode::Char('g'));
    let screen = shown.screen();
    assert_eq!(screen.matches("ignored ").count(), 2, "{screen}");
}

#[test]
fn what_is_not_of_now_is_told() {
    let folder = fleet();
    let shown = Shown::at(known(folder.path()), WHOLE, (80, 24));
    let (live, mut view, mut terminal) = (shown.live, shown.view, shown.terminal);
    let drawn = terminal.draw(|frame| draw(frame, &live, &mut view, WHOLE, minute(100)));
    assert!(drawn.is_ok());
    let screen = format!("{}", terminal.backend());
    assert!(
        screen.contains(
            "NOT OF NOW: the newest good poll is 1h old, of 2026-11-24 00:40:00 (+00:00)"
        ),
        "{screen}"
    );
    // The same in lines, once.
    let mut plain = Plain::default();
    let mut live = live;
    live.asked_at = minute(100);
    assert!(plain.lines(&live, 3).contains("NOT OF NOW"));
    assert!(!plain.lines(&live, 3).contains("NOT OF NOW"));
}

#[test]
fn freezing_keeps_the_screen_and_a_baseline_is_wished_for() {
    let folder = fleet();
    let mut shown = Shown::at(known(folder.path()), WHOLE, (80, 24));
    shown.press(KeyCode::Char(' '));
    let frozen = shown.screen();
    assert!(frozen.contains("FROZEN at 00:40:00 (+00:00)"), "{frozen}");
    let rows = |screen: &str| {
        screen
            .lines()
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(frozen.contains("Space goes on"), "{frozen}");
    let other = shown.live.board.as_deref().cloned().unwrap();
    shown.live.board = Some(Arc::new(query::Board {
        rows: Vec::new(),
        goroutines: 0,
        ..other
    }));
    assert_eq!(rows(&shown.screen()), rows(&frozen));
    shown.press(KeyCode::Char(' '));
    assert!(shown.screen().contains("goroutines 0"));
    assert_eq!(shown.press(KeyCode::Char('b')), Some(Wish::Baseline));
}

#[test]
fn every_instance_is_told_and_why_it_is_lost() {
    let folder = fleet();
    let screen = |size| {
        let mut shown = Shown::at(known(folder.path()), WHOLE, size);
        shown.press(KeyCode::Char('t'));
        let screen = shown.screen();
        shown.press(KeyCode::Esc);
        assert!(shown.screen().contains("COUNT"));
        screen
    };
    insta::assert_snapshot!(screen((80, 24)), @"
    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█  stacks 5  growing 2
    instances 3, of them lost 1
      pay pay-2:6060           -  LOST       2026-11-24 00:40:00  connection
    refused  env=prod
      pay pay-1:6060       1,642  ok         2026-11-24 00:40:00  env=prod
      shop shop-1:6060        10  ok         2026-11-24 00:40:00  env=prod
















    Esc back  j k scroll  q quit
    ");
    insta::assert_snapshot!(screen((120, 40)), @"
    goroscope top  goroscope.db over 24h  2026-11-24 00:40:00 (+00:00), every 1s
    goroutines 1,652  ▁▁▁▁▂▂▂▃▃▃▄▄▄▄▅▅▅▆▆▆▆▇▇█  stacks 5  growing 2
    instances 3, of them lost 1
      pay pay-2:6060           -  LOST       2026-11-24 00:40:00  connection refused  env=prod
      pay pay-1:6060       1,642  ok         2026-11-24 00:40:00  env=prod
      shop shop-1:6060        10  ok         2026-11-24 00:40:00  env=prod

































    Esc back  j k scroll  q quit
    ");
    insta::assert_snapshot!(screen((40, 10)), @"
    top  goroscope.db over 24h  00:40:00
    goroutines 1,652  ▁▁▂▃▄▅▆█  stacks 5  g…
    instances 3, of them lost 1
      pay pay-2:6060           -  LOST
     2026-11-24 00:40:00  connection
    refused  env=prod
      pay pay-1:6060       1,642  ok
     2026-11-24 00:40:00  env=prod
      shop shop-1:6060        10  ok
    Esc back  j k scroll  q quit
    ");
}

#[test]
fn a_baseline_begins_with_what_is_known() {
    let folder = fleet();
    let live = known(folder.path());
    let board = live.board.as_deref().unwrap();
    let baseline = board.baseline().unwrap();
    // The newest poll of all that answer is in it: no row of theirs goes away, and none has grown.
    let anew = board_since(folder.path(), baseline);
    assert_eq!(anew.goroutines, board.goroutines);
    assert_eq!(anew.stacks, board.stacks);
    assert!(anew.rows.iter().all(|row| row.grower.growth == 0));
    // Behind it nothing is known of them, and no sum says otherwise.
    let behind = board_since(folder.path(), baseline.plus(Duration::from_secs(1)));
    assert_eq!((behind.goroutines, behind.stacks), (0, 0));
}

#[test]
fn a_row_is_ignored_and_taken_back_and_copied() {
    let folder = fleet();
    let mut shown = Shown::at(known(folder.path()), WHOLE, (80, 24));
    let loudest = shown.live.board.as_deref().unwrap().rows[0]
        .grower
        .signature;
    assert_eq!(shown.press(KeyCode::Char('y')), Some(Wish::Copy(loudest)));
    shown.press(KeyCode::Char('i'));
    let screen = shown.screen();
    let last = screen
        .lines()
        .rfind(|line| line.contains(".go") || line.contains("retry"));
    assert!(
        last.is_some_and(|line| line.contains("ignored")),
        "{screen}"
    );
    let bottom = screen.lines().last().unwrap().to_owned();
    assert!(bottom.contains("goroscope ignore snippet"), "{bottom}");
    shown.press(KeyCode::Char('i'));
    assert!(shown.selected().contains("SUSPECT"));
}

#[test]
fn quitting_and_stopping() {
    let folder = fleet();
    let mut shown = Shown::at(known(folder.path()), WHOLE, (80, 24));
    assert_eq!(shown.press(KeyCode::Char('q')), Some(Wish::Quit));
    let (live, view) = (&shown.live, &mut shown.view);
    for (key, wish) in [('c', Wish::Quit), ('z', Wish::Suspend)] {
        let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL);
        // While a filter is typed too.
        view.press(
            KeyEvent::new(KeyCode::Char('/'), KeyModifiers::NONE),
            live,
            now(),
        );
        assert_eq!(view.press(key, live, now()), Some(wish));
        view.press(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE), live, now());
    }
}

#[test]
fn lines_tell_what_is_there_and_then_what_changes() {
    let folder = fleet();
    let mut live = known(folder.path());
    let mut plain = Plain::default();
    let first = plain.lines(&live, 3);
    insta::assert_snapshot!(first, @r"
    2026-11-24 00:40:00 +00:00  LOST pay-2:6060: connection refused (the poll of 00:40:00)
    2026-11-24 00:40:00 +00:00  goroutines 1,652  stacks 5  polls 118 of 123
    2026-11-24 00:40:00 +00:00  SUSPECT 3525c6a0 1,615 +1,600 +2,400/h  chan send  oldest 12m  pay pay.(*Client).retry.func1 pay/client.go:118
    2026-11-24 00:40:00 +00:00  SUSPECT 100a0dfd 6 +5 +7.5/h  select  oldest 12m  shop main.\u{1b}[2J\u{202e}evil|<b> src/\u{1b}]0;x\u{7}.go:7
    2026-11-24 00:40:00 +00:00  too early 6afd3e1b 34 +4 +6.4/h  IO wait  oldest 12m  pay http.(*conn).serve http/server.go:2102
    2026-11-24 00:40:00 +00:00  2 more stacks (--top 0 tells all)
    ");
    assert_eq!(plain.lines(&live, 3), "");
    let mut board = live.board.as_deref().cloned().unwrap();
    board.goroutines += 40;
    board.rows[0].grower.last += 40;
    board.instances[1].last_poll.as_mut().unwrap().outcome = "ok";
    live.board = Some(Arc::new(board));
    live.asked_at = minute(41);
    insta::assert_snapshot!(plain.lines(&live, 3), @"
    2026-11-24 00:41:00 +00:00  pay-2:6060 answers again
    2026-11-24 00:41:00 +00:00  goroutines 1,692  stacks 5  polls 118 of 123
    2026-11-24 00:41:00 +00:00  SUSPECT 3525c6a0 1,655 +1,600 +2,400/h  chan send  oldest 12m  pay pay.(*Client).retry.func1 pay/client.go:118
    ");
}
