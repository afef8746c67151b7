//! The services of a config as meant: their names, instances and labels.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::mistake::quoted;
use super::resolve::{Resolver, Settings};
use super::table::{Entry, Written};
use super::target::{Target, index_path, parse_target};
use super::{Instance, Service, file};

const PATH: &str = "/debug/pprof";
const SCHEME: &str = "http";

impl Resolver<'_> {
    /// What the `written` services mean where `global` holds for what they do not say.
    pub(super) fn services(
        &mut self,
        written: &[file::Service],
        global: &Settings,
    ) -> Vec<Service> {
        let mut named = BTreeMap::new();
        let mut services = Vec::with_capacity(written.len());
        for service in written {
            let name = self.name(service);
            if let Some(name) = &name {
                self.note_double_name(service, name, &mut named);
            }
            services.push(self.service(service, name.unwrap_or_default(), global));
        }
        services
    }

    fn service(&mut self, written: &file::Service, name: Arc<str>, global: &Settings) -> Service {
        let settings = self.settings(&written.polling, global);
        Service {
            instances: self.instances(written, &name),
            name,
            interval: settings.interval,
            timeout: settings.timeout,
            body_size_limit: settings.body_size_limit,
            detail: settings.detail,
            detail_interval: settings.detail_interval,
            detail_max_stop: settings.detail_max_stop,
            leak_profile: settings.leak_profile,
            leak_profile_interval: settings.leak_profile_interval,
            keep_labels: settings.keep_labels,
        }
    }

    fn name(&mut self, service: &file::Service) -> Option<Arc<str>> {
        const WANTED: &str = "give the service a name such as \"checkout\"";
        if service.name.is_absent() {
            let key = format!("{}.name", service.key);
            self.found
                .doubtful(service.at, &key, format!("this key is missing; {WANTED}"));
        }
        self.text(&service.name, |name| {
            if name.trim().is_empty() {
                Err(format!("the name is empty; {WANTED}"))
            } else if name.chars().any(char::is_control) {
                Err(format!(
                    "{} has control characters; leave them out",
                    quoted(name)
                ))
            } else {
                Ok(name.into())
            }
        })
    }

    /// `named` holds the line of each name so far.
    fn note_double_name(
        &mut self,
        service: &file::Service,
        name: &Arc<str>,
        named: &mut BTreeMap<Arc<str>, usize>,
    ) {
        let Some(written) = service.name.written() else {
            return;
        };
        let Some(first) = named.get(name) else {
            let line = self.lines.position(written.at).line;
            named.insert(Arc::clone(name), line);
            return;
        };
        let name = quoted(name);
        let what =
            format!("{name} is already the name of the service in line {first}; choose another");
        self.found.wrong(written.at, &written.key, what);
    }

    fn instances(&mut self, service: &file::Service, name: &Arc<str>) -> Vec<Instance> {
        let labels = Arc::new(self.labels(service));
        let targets = self.targets(service);
        let mut instances = Vec::with_capacity(targets.len());
        let mut listed = BTreeMap::new();
        for (entry, target) in targets {
            let id = Arc::new(target.of(Arc::clone(name)));
            let first = *listed.entry(Arc::clone(&id)).or_insert(entry.key.as_str());
            if first != entry.key {
                let address = quoted(&id.address);
                let what = format!("{address} is the same instance as {first}; remove one");
                self.found.wrong(entry.at, &entry.key, what);
            }
            instances.push(Instance {
                id,
                labels: Arc::clone(&labels),
            });
        }
        instances
    }

    /// The targets that can be read, each with where it is written.
    fn targets<'s>(&mut self, service: &'s file::Service) -> Vec<(&'s Written<String>, Target)> {
        const WANTED: &str = "give at least one, such as [\"localhost:6060\"]";
        let scheme = self.text(&service.scheme, scheme).unwrap_or(SCHEME);
        let path = self.text(&service.path, |path| index_path(path).map(str::to_owned));
        let path = path.as_deref().unwrap_or(PATH);

        if service.targets.is_absent() {
            let key = format!("{}.targets", service.key);
            self.found
                .doubtful(service.at, &key, format!("this key is missing; {WANTED}"));
        }
        let Some(list) = service.targets.written() else {
            return Vec::new();
        };
        if list.value.is_empty() {
            let what = format!("there are no targets; {WANTED}");
            self.found.wrong(list.at, &list.key, what);
        }
        let read = |entry: &'s Entry<String>| {
            let target = self.text(entry, |word| {
                parse_target(word, scheme, path).map_err(|bad| bad.to_string())
            })?;
            Some((entry.written()?, target))
        };
        list.value.iter().filter_map(read).collect()
    }

    fn labels(&mut self, service: &file::Service) -> BTreeMap<String, String> {
        let Some(written) = service.labels.written() else {
            return BTreeMap::new();
        };
        let read = |(name, value): &(String, Entry<String>)| {
            let value = self.text(value, |value| Ok(value.to_owned()))?;
            Some((name.clone(), value))
        };
        written.value.iter().filter_map(read).collect()
    }
}

fn scheme(word: &str) -> Result<&'static str, String> {
    match word {
        "http" => Ok("http"),
        "https" => Ok("https"),
        _ => Err(format!(
            "{} is not known; `http` and `https` are",
            quoted(word)
        )),
    }
}
