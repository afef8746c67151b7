//! The daemon in a folder of its own, and questions to what it keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A condition that does not come true within this has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// A daemon beside its config; killed when dropped.
pub(crate) struct Daemon {
    folder: tempfile::TempDir,
    child: Child,
}

impl Daemon {
    /// Starts it with this config.
    pub(crate) fn begin(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("goroscope.toml"), config).unwrap();
        let child = spawn(folder.path());
        Self { folder, child }
    }

    /// Starts it again after it has ended.
    pub(crate) fn start(&mut self) {
        self.child = spawn(self.folder.path());
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A signal by name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// How it ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Writes the config anew.
    pub(crate) fn configure(&self, config: &str) {
        std::fs::write(self.folder.path().join("goroscope.toml"), config).unwrap();
    }

    /// The folder of config and database.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("goroscope.db")
    }

    /// All that it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Runs a command beside the config.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_goroscope"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("GOROSCOPE_DB")
            .output()
            .unwrap()
    }

    /// Asks as a user would; `None` while there is no database yet.
    pub(crate) fn ask(&self, question: &[&str]) -> Option<Value> {
        let rest = ["--since", "1h", "-o", "json"];
        let asked = self.run(&[&["query"], question, &rest].concat());
        let answer = || serde_json::from_slice(&asked.stdout).unwrap();
        asked.status.success().then(answer)
    }

    /// Asks until the answer is ready.
    pub(crate) fn wait_for(
        &self,
        what: &str,
        question: &[&str],
        ready: impl Fn(&Value) -> bool,
    ) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.ask(question);
            if let Some(answer) = answer.as_ref().filter(|answer| ready(answer)) {
                return answer.clone();
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{what} never came: {answer:#?}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the log says something.
    pub(crate) fn wait_for_log(&self, words: &str) {
        let begun = Instant::now();
        while !self.log().contains(words) {
            assert!(
                begun.elapsed() < PATIENCE,
                "`{words}` never came:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Table and row of everything that it said is on disk.
    pub(crate) fn acknowledged(&self) -> BTreeMap<String, BTreeSet<i64>> {
        let mut rows: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
        for line in self.log().lines() {
            // The last line may be torn by a kill.
            let Ok(line) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            if let (Some(table), Some(id)) = (line["row.table"].as_str(), line["row.id"].as_i64()) {
                rows.entry(table.to_owned()).or_default().insert(id);
            }
        }
        rows
    }

    /// Row ids that a table has.
    pub(crate) fn stored(&self, table: &str) -> BTreeSet<i64> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = rusqlite::Connection::open_with_flags(self.database(), flags).unwrap();
        let mut ids = connection
            .prepare(&format!("SELECT id FROM {table}"))
            .unwrap();
        let ids = ids.query_map([], |row| row.get(0)).unwrap();
        ids.map(Result::unwrap).collect()
    }

    /// Everything that was acknowledged is there.
    pub(crate) fn assert_kept(&self) {
        let acknowledged = self.acknowledged();
        assert!(!acknowledged.is_empty());
        for (table, ids) in acknowledged {
            let stored = self.stored(&table);
            assert!(
                ids.is_subset(&stored),
                "{table}: {:?}",
                ids.difference(&stored)
            );
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Ended already is as good.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn spawn(folder: &Path) -> Child {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    Command::new(env!("CARGO_BIN_EXE_goroscope"))
        .args(["run", "--log-format", "json"])
        .args(["--log", "info,goroscope::store=debug"])
        .current_dir(folder)
        .env_remove("GOROSCOPE_DB")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// The rows of an answer.
pub(crate) fn rows(answer: &Value) -> &Vec<Value> {
    answer["rows"].as_array().unwrap()
}

/// The row of an instance.
pub(crate) fn instance<'a>(answer: &'a Value, address: &str) -> &'a Value {
    rows(answer)
        .iter()
        .find(|row| row["instance"] == address)
        .unwrap()
}

/// The first row of an answer; null when there is none yet.
pub(crate) fn first(answer: &Value) -> &Value {
    rows(answer).first().unwrap_or(&Value::Null)
}
