//! Inside a noun's folder: `http.rs → mod.rs → store.rs`, and `store` is nobody else's business.

use std::collections::BTreeSet;

use super::Finding;
use super::paths::{Module, Path};

pub fn check(modules: &[Module]) -> Vec<Finding> {
    let known: BTreeSet<&Path> = modules.iter().map(|module| &module.path).collect();
    modules.iter().flat_map(|module| private_store(module, &known).into_iter().chain(arrows(module, &known))).collect()
}

/// A `store` module is named only inside the folder it stands in, and declared without `pub`.
fn private_store(module: &Module, known: &BTreeSet<&Path>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, line) in &module.shown {
        if name == "store" && !module.path.is_empty() {
            findings.push(Finding::error(&module.file, *line, "`mod store` must be private to its folder".to_owned()));
        }
    }
    for reference in &module.references {
        let target = &reference.target;
        let Some(at) = target.iter().position(|part| part == "store").filter(|&at| at > 0) else { continue };
        let folder = &target[..at];
        if known.contains(&target[..=at].to_vec()) && !module.path.starts_with(folder) {
            let what = format!("`{}::store` is private to its folder; call a rule of `{0}`", folder.join("::"));
            findings.push(Finding::error(&module.file, reference.line, what));
        }
    }
    findings
}

/// `store.rs` knows nothing of HTTP; `mod.rs` does not import the `http.rs` beside it.
fn arrows(module: &Module, known: &BTreeSet<&Path>) -> Vec<Finding> {
    let store = module.path.last().is_some_and(|name| name == "store") && module.path.len() > 1;
    let rules = module.file.ends_with("/mod.rs");
    let folder = match module.path.split_last() {
        Some((_, folder)) if store => folder,
        Some(_) if rules => &module.path[..],
        _ => return Vec::new(),
    };
    let beside = [folder, &["http".to_owned()]].concat();
    let mut findings = Vec::new();
    for reference in &module.references {
        let own = known.contains(&beside) && reference.target.starts_with(&beside);
        let shared = reference.target.first().is_some_and(|first| first == "http");
        if own || (store && shared) {
            let name = if store { "store" } else { "mod.rs" };
            let what = format!("{name} may not import http: the arrows are http.rs → mod.rs → store.rs");
            findings.push(Finding::error(&module.file, reference.line, what));
        }
    }
    findings
}
