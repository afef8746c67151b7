//! A config file as written: every value with its place, none of them judged beyond its type.

use toml::de::{DeArray, DeTable, DeValue, Error};
use toml::value::Datetime;

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
    pub(super) analysis: Analysis,
    pub(super) services: Vec<Service>,
    pub(super) ignore: Vec<Ignore>,
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

/// The table `[analysis]`.
#[derive(Default)]
pub(super) struct Analysis {
    pub(super) min_growth: Entry<i64>,
    pub(super) min_floor_growth: Entry<i64>,
    pub(super) min_floor_share: Entry<f64>,
    pub(super) min_net_to_gross: Entry<f64>,
    pub(super) min_lateness: Entry<f64>,
    pub(super) max_jump: Entry<f64>,
    pub(super) max_fall_elsewhere: Entry<f64>,
    pub(super) likely_after: Entry<String>,
    pub(super) likely_lateness: Entry<f64>,
    pub(super) max_ends_per_hour: Entry<f64>,
    pub(super) max_goroutines: Entry<i64>,
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
    pub(super) leak_profile: Entry<String>,
    pub(super) leak_profile_interval: Entry<String>,
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

/// One table `[[ignore]]`.
pub(super) struct Ignore {
    /// Such as `ignore[0]`.
    pub(super) key: String,
    /// First byte of its header.
    pub(super) at: usize,
    pub(super) top_function: Entry<String>,
    pub(super) any_function: Entry<String>,
    pub(super) created_by: Entry<String>,
    pub(super) service: Entry<String>,
    pub(super) max_count: Entry<i64>,
    pub(super) reason: Entry<String>,
    pub(super) until: Entry<Datetime>,
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
            analysis: Analysis::read(&root, found),
            services: services(&root, found),
            ignore: ignore(&root, found),
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

impl Analysis {
    fn read(root: &Table<'_>, found: &mut Found) -> Self {
        let Some(analysis) = table(root, "analysis", found) else {
            return Self::default();
        };
        let goroutines = "a number of goroutines such as 5";
        let (share, lateness) = ("a share such as 0.5", "a number such as 0.5");
        Self {
            min_growth: analysis.integer("min_growth", goroutines, found),
            min_floor_growth: analysis.integer("min_floor_growth", goroutines, found),
            min_floor_share: analysis.number("min_floor_share", share, found),
            min_net_to_gross: analysis.number("min_net_to_gross", share, found),
            min_lateness: analysis.number("min_lateness", lateness, found),
            max_jump: analysis.number("max_jump", share, found),
            max_fall_elsewhere: analysis.number("max_fall_elsewhere", share, found),
            likely_after: analysis.text(
                "likely_after",
                "a duration in quotes such as \"24h\"",
                found,
            ),
            likely_lateness: analysis.number("likely_lateness", lateness, found),
            max_ends_per_hour: analysis.number("max_ends_per_hour", "a rate such as 0.02", found),
            max_goroutines: analysis.integer("max_goroutines", goroutines, found),
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
            leak_profile: table.text(
                "leak_profile",
                "\"never\", \"on-suspect\" or \"always\"",
                found,
            ),
            leak_profile_interval: table.text(
                "leak_profile_interval",
                "a duration in quotes such as \"1h\"",
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

impl Ignore {
    fn read(table: Table<'_>, found: &mut Found) -> Self {
        check_keys(&table, "ignore", found);
        let function = "a function in quotes such as \"net/http.(*conn).serve\"";
        Self {
            top_function: table.text("top_function", function, found),
            any_function: table.text("any_function", function, found),
            created_by: table.text("created_by", function, found),
            service: table.text("service", "the name of a service in quotes", found),
            max_count: table.integer("max_count", "a number of goroutines such as 4", found),
            reason: table.text("reason", "a sentence in quotes", found),
            until: table.date("until", "a date such as 2027-03-31, without quotes", found),
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
    each(&services, Service::read, found)
}

fn ignore(root: &Table<'_>, found: &mut Found) -> Vec<Ignore> {
    let want = "`[[ignore]]` in double brackets, once for each rule";
    let rules = root.any("ignore").read(want, found, DeValue::as_array);
    rules
        .into_written()
        .map_or_else(Vec::new, |rules| each(&rules, Ignore::read, found))
}

/// Every table of an array of tables, as `read` takes it.
fn each<'t, T>(
    array: &Written<&'t DeArray<'t>>,
    read: fn(Table<'t>, &mut Found) -> T,
    found: &mut Found,
) -> Vec<T> {
    let mut all = Vec::with_capacity(array.value.len());
    for element in elements(array) {
        let table = element.read("a table", found, DeValue::as_table);
        all.extend(table.into_written().map(|table| read(table, found)));
    }
    all
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
