//! The floors of the server crate: a module imports only from floors below its own.

use std::collections::BTreeSet;

use super::Finding;
use super::paths::Module;

/// From the ground up. Modules that share a floor do not import each other, except on the ground floor.
const FLOORS: [&[&str]; 12] = [
    &["config", "error", "ids", "http", "migrations", "telemetry"],
    &["access"],
    &["users"],
    &["oauth", "memory"],
    &["integrations"],
    &["chat"],
    &["learning", "avatars"],
    &["voice", "plaza", "social"],
    &["visitor"],
    &["platform", "pages", "legacy"],
    &["admin"],
    TOP,
];

/// These put everything together, so they may import anything.
const TOP: &[&str] = &["app", "cli", "demo", "router"];

/// What a request or job may use, so everybody may import it although it stands at the top.
const FOR_ALL: &str = "app";

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|names| names.contains(&module))
}

pub fn check(modules: &[Module]) -> Vec<Finding> {
    let known: BTreeSet<&str> = modules.iter().filter_map(|m| m.path.first()).map(String::as_str).collect();
    let mut findings = Vec::new();
    for module in modules {
        let Some(from) = module.path.first() else { continue };
        let Some(own_floor) = floor(from) else {
            let what = format!("module `{from}` has no floor yet: give it one in xtask/src/layers/floors.rs");
            findings.push(Finding::error(&module.file, 0, what));
            continue;
        };
        if TOP.contains(&from.as_str()) {
            continue;
        }
        for reference in &module.references {
            let Some(to) = reference.target.first().filter(|to| known.contains(to.as_str())) else { continue };
            let Some(floor) = floor(to) else { continue };
            let sideways = floor == own_floor && own_floor > 0;
            if from != to && to != FOR_ALL && (floor > own_floor || sideways) {
                let how = if sideways { "stands on the same floor as" } else { "stands below" };
                let what = format!("`{from}` {how} `{to}` and may not import it");
                findings.push(Finding::error(&module.file, reference.line, what));
            }
        }
    }
    findings
}
