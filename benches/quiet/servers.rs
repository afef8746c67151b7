//! The servers, as Debian packages them.

use std::error::Error;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fastrand::Rng;
use rustix::process::Signal;

use crate::watched::{Http, Process, free_address, wait_for};

const NEEDED: &str = "apt-get install prometheus etcd-server nats-server caddy victoria-metrics \
                      prometheus-node-exporter";

/// One that runs.
struct Server {
    name: &'static str,
    process: Process,
    /// Where pprof is.
    pprof: SocketAddr,
}

/// Where the clients go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) prometheus: SocketAddr,
    pub(crate) etcd: SocketAddr,
    pub(crate) nats: SocketAddr,
    pub(crate) caddy: SocketAddr,
    pub(crate) victoria: SocketAddr,
    pub(crate) node: SocketAddr,
    /// Where caddy is told another configuration.
    admin: SocketAddr,
}

pub(crate) struct Servers {
    pub(crate) at: Addresses,
    running: Vec<Server>,
}

/// A server's name here, its program, and the arguments.
type Program = (&'static str, &'static str, Vec<String>);

/// The path of a program.
fn found(name: &str) -> Result<OsString, Box<dyn Error>> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/bin".into()]);
    let mut paths = folders.map(|folder: PathBuf| folder.join(name));
    let path = paths.find(|path| path.is_file());
    let path = path.ok_or_else(|| format!("no {name} on PATH. On Debian: {NEEDED}"))?;
    Ok(path.into())
}

impl Servers {
    pub(crate) fn start(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let at = Addresses {
            prometheus: free_address()?,
            etcd: free_address()?,
            nats: free_address()?,
            caddy: free_address()?,
            victoria: free_address()?,
            node: free_address()?,
            admin: free_address()?,
        };
        let (peer, profile) = (free_address()?, free_address()?);
        std::fs::write(folder.join("rules.yml"), RULES)?;
        std::fs::write(folder.join("prometheus.yml"), at.scraped(folder))?;
        std::fs::write(folder.join("Caddyfile"), at.caddyfile("hello"))?;
        std::fs::write(folder.join("nats.conf"), at.nats_conf(folder, profile))?;
        let pprof = [
            at.prometheus,
            at.etcd,
            profile,
            at.admin,
            at.victoria,
            at.node,
        ];
        let programs = at.programs(folder, peer);
        let mut running = Vec::new();
        for ((name, program, arguments), pprof) in programs.into_iter().zip(pprof) {
            let log = folder.join(format!("{name}.log"));
            let process = Process::start(&found(program)?, &arguments, &log)?;
            running.push(Server {
                name,
                process,
                pprof,
            });
        }
        for server in &running {
            wait_for(server.pprof, "/debug/pprof/")
                .map_err(|error| format!("{}: {error}\n{}", server.name, server.process.said()))?;
        }
        Ok(Self { at, running })
    }

    /// What goroscope is to watch.
    pub(crate) fn watched(&self, database: &Path) -> String {
        let mut config = format!(
            "[global]\ninterval = \"1s\"\n\n[storage]\npath = {:?}\n",
            database.display().to_string()
        );
        for Server { name, pprof, .. } in &self.running {
            config += &format!("\n[[services]]\nname = \"{name}\"\ntargets = [\"{pprof}\"]\n");
        }
        config
    }

    pub(crate) fn all_run(&mut self) -> Result<(), Box<dyn Error>> {
        for server in &mut self.running {
            if !server.process.runs() {
                return Err(format!("{} has ended", server.name).into());
            }
        }
        Ok(())
    }

    pub(crate) fn cpu(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let servers = self.running.iter();
        servers.map(|server| (server.name, server.process.cpu()))
    }

    /// Has one server read its configuration again.
    pub(crate) fn reload(&self, rng: &mut Rng) -> Result<(), Box<dyn Error>> {
        let which = rng.choice(["prometheus", "nats", "caddy"]);
        if which == Some("caddy") {
            let mut admin = Http::connect(self.at.admin)?;
            let said = self.at.caddyfile(&format!("hello {}", rng.u32(..)));
            admin.send("POST /load", "text/caddyfile", &said)?;
            admin.answer()?;
            return Ok(());
        }
        for server in self.running.iter().filter(|one| Some(one.name) == which) {
            server.process.signal(Signal::HUP);
        }
        Ok(())
    }
}

const RULES: &str = r"
groups:
- name: load
  interval: 15s
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: Down
    expr: up == 0
    for: 1m
";

impl Addresses {
    fn programs(&self, folder: &Path, peer: SocketAddr) -> [Program; 6] {
        let file = |name: &str| folder.join(name).display().to_string();
        let prometheus = vec![
            format!("--config.file={}", file("prometheus.yml")),
            format!("--storage.tsdb.path={}", file("prometheus")),
            format!("--web.listen-address={}", self.prometheus),
        ];
        let etcd = vec![
            format!("--data-dir={}", file("etcd")),
            format!("--listen-client-urls=http://{}", self.etcd),
            format!("--advertise-client-urls=http://{}", self.etcd),
            format!("--listen-peer-urls=http://{peer}"),
            format!("--initial-advertise-peer-urls=http://{peer}"),
            format!("--initial-cluster=default=http://{peer}"),
            "--enable-pprof".to_owned(),
        ];
        let nats = vec!["-c".to_owned(), file("nats.conf")];
        let caddy = vec![
            "run".to_owned(),
            format!("--config={}", file("Caddyfile")),
            "--adapter=caddyfile".to_owned(),
        ];
        let victoria = vec![
            format!("-httpListenAddr={}", self.victoria),
            format!("-storageDataPath={}", file("victoria")),
            "-memory.allowedPercent=2".to_owned(),
            "-selfScrapeInterval=10s".to_owned(),
        ];
        let node = vec![format!("--web.listen-address={}", self.node)];
        [
            ("prometheus", "prometheus", prometheus),
            ("etcd", "etcd", etcd),
            ("nats", "nats-server", nats),
            ("caddy", "caddy", caddy),
            ("victoria", "victoria-metrics", victoria),
            ("node", "prometheus-node-exporter", node),
        ]
    }

    fn scraped(&self, folder: &Path) -> String {
        let rules = folder.join("rules.yml");
        let mut config = format!(
            "global: {{scrape_interval: 5s}}\nrule_files: [{:?}]\nscrape_configs:\n",
            rules.display().to_string()
        );
        let jobs = [
            ("prometheus", self.prometheus),
            ("etcd", self.etcd),
            ("caddy", self.admin),
            ("victoria", self.victoria),
            ("node", self.node),
        ];
        for (name, at) in jobs {
            config += &format!(
                "- job_name: {name}\n  static_configs: [{{targets: [\"{at}\"]}}]\n  metrics_path: /metrics\n"
            );
        }
        config
    }

    fn caddyfile(&self, said: &str) -> String {
        let (admin, caddy) = (self.admin, self.caddy);
        let (prometheus, node) = (self.prometheus, self.node);
        format!(
            "{{\n\tadmin {admin}\n\tauto_https off\n}}\n\
             http://{caddy} {{\n\tbind 127.0.0.1\n\t\
             reverse_proxy /api/* {prometheus}\n\treverse_proxy /metrics {node}\n\trespond \"{said}\"\n}}\n"
        )
    }

    fn nats_conf(&self, folder: &Path, profile: SocketAddr) -> String {
        let store = folder.join("nats").display().to_string();
        format!(
            "listen: {:?}\nprof_port: {}\njetstream {{ store_dir: {store:?} }}\n",
            self.nats.to_string(),
            profile.port()
        )
    }
}
