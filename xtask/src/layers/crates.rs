//! Which crate may depend on which: `kit ← store ← jobs ← server`, `kit ← {bus, llm, speech} ← server`, `{shape, recall} ← server`.
//! Test dependencies count too.

use super::Finding;
use super::tree::{File, Tree};

/// Every crate (without the `secondme-` in front) and the ones it may depend on.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("kit", &[]),
    ("store", &["kit"]),
    ("jobs", &["kit", "store"]),
    ("bus", &["kit"]),
    ("llm", &["kit"]),
    ("speech", &["kit"]),
    ("shape", &[]),
    ("recall", &[]),
    ("server", &["kit", "store", "jobs", "bus", "llm", "speech", "shape", "recall"]),
];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in &tree.manifests {
        let Some(name) = manifest.path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/Cargo.toml")) else {
            continue; // xtask and e2e may use any crate
        };
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == name) else {
            let what = format!("crate `{name}` has no place yet: give it one in xtask/src/layers/crates.rs");
            findings.push(Finding::error(&manifest.path, 0, what));
            continue;
        };
        for (line, used) in dependencies(manifest) {
            if used != name && !allowed.contains(&used) {
                let what = format!("`{name}` may not depend on `{used}`");
                findings.push(Finding::error(&manifest.path, line, what));
            }
        }
    }
    findings
}

/// The project's own crates that a manifest names in any of its dependency tables, with their lines.
fn dependencies(manifest: &File) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in manifest.text.lines().enumerate() {
        let line = line.trim();
        if let Some(table) = line.strip_prefix('[') {
            inside = table.contains("dependencies");
            // the long form: [dependencies.secondme-store]
            let own = table.trim_end_matches(']').rsplit_once(".secondme-").map(|(_, name)| name);
            found.extend(own.filter(|_| inside).map(|name| (index + 1, name)));
        } else if inside && let Some(rest) = line.strip_prefix("secondme-") {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len());
            found.push((index + 1, &rest[..end]));
        }
    }
    found
}
