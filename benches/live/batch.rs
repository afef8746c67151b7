//! Some of the commands at the same time, each in a process of its own, and goroscope that polls them.

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Run;
use crate::truth::Look;
use crate::watched::{Process, free_address, get, wait_for};

/// What the judge leaves out at the beginning of a process, and a little more.
const WARM_UP: Duration = Duration::from_secs(630);
/// Processes with more goroutines than this are polled less often.
const MANY: usize = 300;

struct Target {
    name: String,
    at: SocketAddr,
    process: Process,
}

pub(crate) struct Batch {
    nth: usize,
    targets: Vec<Target>,
}

impl Batch {
    pub(crate) fn start(
        run: &Run,
        nth: usize,
        names: &[&str],
        seed: u64,
    ) -> Result<Self, Box<dyn Error>> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut targets = Vec::new();
        for name in names {
            let at = free_address()?;
            let given = [
                format!("-addr={at}"),
                format!("-command={name}"),
                format!("-rate={}", rng.u64(run.rate.div_ceil(4)..=run.rate)),
                format!("-load={:.1}", 0.3 + rng.f64()),
                format!("-seed={}", rng.u32(1..1_000_000)),
            ];
            let log = run.folder.join(format!("{name}.log"));
            let process = Process::start(run.program.as_os_str(), &given, &log)?;
            targets.push(Target {
                name: (*name).to_owned(),
                at,
                process,
            });
        }
        for target in &targets {
            wait_for(target.at, "/debug/pprof/")?;
        }
        // Each calls its command for the first time, and sees how much that leaks.
        std::thread::sleep(Duration::from_secs(7));
        Ok(Self { nth, targets })
    }

    /// Polls for the length of the run, and looks itself at the beginning, after warm-up and at the end.
    pub(crate) fn watch(mut self, run: &Run) -> Result<(), Box<dyn Error>> {
        self.look(run, Look::Begin);
        let config = run.folder.join(format!("live-{}.toml", self.nth));
        std::fs::write(&config, self.config(run)?)?;
        let arguments = ["run", "--config", &config.to_string_lossy()].map(str::to_owned);
        let log = run.folder.join(format!("live-{}.log", self.nth));
        let mut daemon = Process::start(&run.goroscope, &arguments, &log)?;
        let began = Instant::now();
        let warm = WARM_UP.min(run.length / 2);
        let mut is_warm = false;
        while began.elapsed() < run.length {
            std::thread::sleep(Duration::from_secs(1));
            if !daemon.runs() {
                return Err(daemon.said().into());
            }
            if !is_warm && began.elapsed() >= warm {
                self.look(run, Look::Warm);
                is_warm = true;
            }
        }
        self.look(run, Look::End);
        let targets = self.targets.iter().map(|target| target.process.cpu());
        println!(
            "used {:.0?} of CPU, goroscope {:.0?}, in {:.0?}",
            targets.sum::<Duration>(),
            daemon.cpu(),
            began.elapsed()
        );
        drop(daemon);
        self.look(run, Look::Proof);
        for target in &mut self.targets {
            if !target.process.runs() {
                println!("{} has ended: {}", target.name, target.process.said());
            }
        }
        Ok(())
    }

    /// Asks every process for its goroutines, and keeps the answers.
    fn look(&self, run: &Run, look: Look) {
        for target in &self.targets {
            let said = get(target.at, look.path());
            let file = run.folder.join(look.file(&target.name));
            match said.map(|said| std::fs::write(file, said)) {
                Ok(Ok(())) => {}
                failed => println!("{}: no look: {failed:?}", target.name),
            }
        }
    }

    fn config(&self, run: &Run) -> Result<String, Box<dyn Error>> {
        let mut config = "[global]\ninterval = \"1s\"\n".to_owned();
        if let Some(proof) = &run.proof {
            config += &format!("leak_profile = \"{proof}\"\n");
        }
        config += &format!("[storage]\npath = \"live-{}.db\"\n", self.nth);
        for Target { name, at, .. } in &self.targets {
            config += &format!("[[services]]\nname = \"{name}\"\ntargets = [\"{at}\"]\n");
            let begin = std::fs::read_to_string(run.folder.join(Look::Begin.file(name)))?;
            let total = begin
                .lines()
                .next()
                .and_then(|line| line.rsplit(' ').next());
            if total.and_then(|total| total.parse().ok()) > Some(MANY) {
                config += "interval = \"4s\"\n";
            }
        }
        Ok(config)
    }
}
