//! A config file as written: every value with its place, none of them judged beyond its type.

use toml::de::{DeTable, DeValue, Error};

use super::keys::check_keys;
use super::mistake::Found;
use super::span::Lines;
use super::table::{Entry, Table, Written, WrittenSize, elements};

/// A whole config file.
#[derive(Default)]
pub(super) struct File {
    pub(super) global: Polling,
    pub(super) max_concurrent_polls: Entry<i64>,
    pub(super) storage: Storage,
    pub(super) services: Vec<Service>,
}

/// The table `[storage]`.
#[derive(Default)]
pub(super) struct Storage {
    pub(super) path: Entry<String>,
    pub(super) raw_retention: Entry<String>,
    pub(super) rollup_retention: Entry<String>,
    pub(super) max_size: Entry<WrittenSize>,
    pub(super) max_signatures: Entry<i64>,
    pub(super) allow_network_filesystem: Entry<bool>,
}

/// How to poll: the keys that `[global]` sets for all services and each service for itself.
#[derive(Default)]
pub(super) struct Polling {
    pub(super) interval: Entry<String>,
    pub(super) timeout: Entry<String>,
    pub(super) body_size_limit: Entry<WrittenSize>,
    pub(super) detail: Entry<String>,
    pub(super) detail_interval: Entry<String>,
    pub(super) detail_max_stop: Entry<String>,
    pub(super) keep_labels: Entry<Vec<Entry<String>>>,
}

/// One table `[[services]]`.
pub(super) struct Service {
    /// Such as `services[0]`.
    pub(super) key: String,
    /// First byte of its header.
    pub(super) at: usize,
    pub(super) name: Entry<String>,
    pub(super) targets: Entry<Vec<Entry<String>>>,
    pub(super) labels: Entry<Vec<(String, Entry<String>)>>,
    pub(super) polling: Polling,
    pub(super) path: Entry<String>,
    pub(super) scheme: Entry<String>,
}

impl File {
    /// Reads all of `text`, past every mistake in it.
    pub(super) fn read(text: &str, found: &mut Found) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        note_syntax(&errors, found);
        let root = top(root.get_ref());
        check_keys(&root, "", found);
        let global = table(&root, "global", found);
        Self {
            max_concurrent_polls: global.as_ref().map_or(Entry::Absent, |global| {
                global.integer("max_concurrent_polls", "a number such as 64", found)
            }),
            global: global.map_or_else(Polling::default, |global| Polling::read(&global, found)),
            storage: Storage::read(&root, found),
            services: services(&root, found),
        }
    }
}

impl Storage {
    /// Reads only `[storage]`. A syntax error elsewhere is overlooked where the path is plain to
    /// see; where it is not, the broken part may hold it.
    pub(super) fn read_only(text: &str, lines: &Lines<'_>, found: &mut Found) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let root = top(root.get_ref());
        let storage = Self::read(&root, found);
        if root.any("storage").is_absent() {
            // A slip in the name of the table must not lead to another database.
            check_keys(&root, "", found);
        }
        let line = |at| lines.position(at).line;
        let is_plain = |path: &Written<String>| {
            let mut broken = errors.iter().map(|error| line(start(error)));
            broken.all(|broken| broken != line(path.at))
        };
        if !storage.path.written().is_some_and(is_plain) {
            note_syntax(&errors, found);
        }
        storage
    }

    fn read(root: &Table<'_>, found: &mut Found) -> Self {
        let Some(storage) = table(root, "storage", found) else {
            return Self::default();
        };
        let retention = "a duration in quotes such as \"30d\"";
        Self {
            path: storage.text("path", "a path in quotes such as \"goroscope.db\"", found),
            raw_retention: storage.text("raw_retention", retention, found),
            rollup_retention: storage.text("rollup_retention", retention, found),
            max_size: storage.size("max_size", "a size such as \"4GiB\"", found),
            max_signatures: storage.integer("max_signatures", "a number such as 20000", found),
            allow_network_filesystem: storage.switch("allow_network_filesystem", found),
        }
    }
}

impl Polling {
    fn read(table: &Table<'_>, found: &mut Found) -> Self {
        Self {
            interval: table.text("interval", "a duration in quotes such as \"30s\"", found),
            timeout: table.text("timeout", "a duration in quotes such as \"10s\"", found),
            body_size_limit: table.size("body_size_limit", "a size such as \"64MiB\"", found),
            detail: table.text("detail", "\"auto\", \"always\" or \"never\"", found),
            detail_interval: table.text(
                "detail_interval",
                "a duration in quotes such as \"10m\"",
                found,
            ),
            detail_max_stop: table.text(
                "detail_max_stop",
                "a duration in quotes such as \"50ms\"",
                found,
            ),
            keep_labels: table.texts(
                "keep_labels",
                "an array of strings such as [\"tenant\"]",
                found,
            ),
        }
    }
}

impl Service {
    fn read(table: Table<'_>, found: &mut Found) -> Self {
        check_keys(&table, "services", found);
        Self {
            name: table.text("name", "a name in quotes such as \"checkout\"", found),
            targets: table.texts(
                "targets",
                "an array of strings such as [\"localhost:6060\"]",
                found,
            ),
            labels: table.named_texts(
                "labels",
                "a table of strings such as { env = \"prod\" }",
                found,
            ),
            polling: Polling::read(&table, found),
            path: table.text("path", "a path in quotes such as \"/debug/pprof\"", found),
            scheme: table.text("scheme", "\"http\" or \"https\"", found),
            key: table.key,
            at: table.at,
        }
    }
}

fn top<'t>(root: &'t DeTable<'t>) -> Table<'t> {
    Written {
        key: String::new(),
        at: 0,
        value: root,
    }
}

/// The table at `name`, its keys checked.
fn table<'t>(root: &Table<'t>, name: &str, found: &mut Found) -> Option<Table<'t>> {
    let want = format!("a table `[{name}]`");
    let table = root.any(name).read(&want, found, DeValue::as_table);
    let table = table.into_written()?;
    check_keys(&table, name, found);
    Some(table)
}

fn services(root: &Table<'_>, found: &mut Found) -> Vec<Service> {
    const NOTHING: &str =
        "nothing is watched; add a `[[services]]` table with a `name` and `targets`";
    let services = root.any("services");
    if services.is_absent() {
        found.doubtful(0, "services", NOTHING.to_owned());
    }
    let want = "`[[services]]` in double brackets, once for each service";
    let Some(services) = services.read(want, found, DeValue::as_array).into_written() else {
        return Vec::new();
    };
    if services.value.is_empty() {
        found.wrong(services.at, &services.key, NOTHING.to_owned());
    }
    let mut read = Vec::new();
    for element in elements(&services) {
        let table = element.read("a table", found, DeValue::as_table);
        read.extend(
            table
                .into_written()
                .map(|table| Service::read(table, found)),
        );
    }
    read
}

fn note_syntax(errors: &[Error], found: &mut Found) {
    for error in errors {
        let what = match error.message() {
            "duplicate key" => "this is written twice; remove one or put them together".to_owned(),
            // One line today, and it must stay one.
            message => message.lines().collect::<Vec<_>>().join("; "),
        };
        found.syntax(start(error), what);
    }
}

fn start(error: &Error) -> usize {
    error.span().map_or(0, |span| span.start)
}
