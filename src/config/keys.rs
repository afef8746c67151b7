//! The keys that a config file may have, and what was meant by one that it may not.

use strsim::jaro_winkler;

use super::mistake::Found;
use super::table::Table;

/// Every key that is accepted, by the table it belongs in; the top of the file is `""`.
pub const KEYS: [(&str, &[&str]); 6] = [
    ("", &["global", "storage", "analysis", "services", "ignore"]),
    (
        "global",
        &[
            "interval",
            "timeout",
            "body_size_limit",
            "max_concurrent_polls",
            "detail",
            "detail_interval",
            "detail_max_stop",
            "leak_profile",
            "leak_profile_interval",
            "keep_labels",
        ],
    ),
    (
        "storage",
        &[
            "path",
            "raw_retention",
            "rollup_retention",
            "max_size",
            "max_signatures",
            "allow_network_filesystem",
        ],
    ),
    (
        "analysis",
        &[
            "min_growth",
            "min_floor_growth",
            "min_floor_share",
            "min_net_to_gross",
            "min_lateness",
            "max_jump",
            "max_fall_elsewhere",
            "likely_after",
            "likely_lateness",
            "max_ends_per_hour",
            "max_goroutines",
        ],
    ),
    (
        "services",
        &[
            "name",
            "targets",
            "labels",
            "interval",
            "timeout",
            "body_size_limit",
            "detail",
            "detail_interval",
            "detail_max_stop",
            "leak_profile",
            "leak_profile_interval",
            "keep_labels",
            "path",
            "scheme",
        ],
    ),
    (
        "ignore",
        &[
            "top_function",
            "any_function",
            "created_by",
            "service",
            "max_count",
            "reason",
            "until",
        ],
    ),
];

/// From this likeness on (0 to 1, by Jaro and Winkler) a key is taken for a slip of another.
const ALIKE: f64 = 0.8;

/// Notes every key of `table` that [`KEYS`] has not under `section`.
pub(super) fn check_keys(table: &Table<'_>, section: &str, found: &mut Found) {
    let known = KEYS.iter().find(|(name, _)| *name == section);
    let known = known.map_or(&[][..], |(_, keys)| *keys);
    for spanned in table.value.keys() {
        let name = spanned.get_ref().as_ref();
        if known.contains(&name) {
            continue;
        }
        let (at, key) = (spanned.span().start, table.key_of(name));
        if let Some(homes) = homes(name) {
            // After a broken header, keys stand in the table before it.
            found.doubtful(at, &key, format!("unknown key; it belongs in {homes}"));
        } else if let Some(meant) = alike(name, known) {
            found.wrong(at, &key, format!("unknown key; did you mean `{meant}`?"));
        } else {
            let what = format!("unknown key; valid here: {}", known.join(", "));
            found.wrong(at, &key, what);
        }
    }
}

/// The tables that have a key `name`.
fn homes(name: &str) -> Option<String> {
    let homes: Vec<&str> = KEYS
        .iter()
        .filter(|(_, keys)| keys.contains(&name))
        .map(|(home, _)| match *home {
            "" => "the top of the file",
            "global" => "[global]",
            "storage" => "[storage]",
            "analysis" => "[analysis]",
            "ignore" => "[[ignore]]",
            _ => "[[services]]",
        })
        .collect();
    (!homes.is_empty()).then(|| homes.join(" or "))
}

/// The key of which `name` is probably a slip.
fn alike<'k>(name: &str, keys: &[&'k str]) -> Option<&'k str> {
    keys.iter()
        .map(|key| (jaro_winkler(name, key), *key))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key)
}
