//! File names that say nothing, files that have grown too long, and names that mean two things in the OpenAPI document.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::Tree;

const EMPTY_NAMES: [&str; 5] = ["utils", "helpers", "common", "types", "manager"];
const LONG: usize = 400;
const TOO_LONG: usize = 600;

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.sources {
        let path = file.path.as_str();
        if let Some(name) = path.trim_end_matches(".rs").split('/').find(|part| EMPTY_NAMES.contains(part)) {
            findings.push(Finding::error(path, 0, format!("`{name}` says nothing; name it after what it is for")));
        }
        let lines = file.text.lines().count();
        if lines > TOO_LONG {
            findings.push(Finding::error(path, 0, format!("{lines} lines; {TOO_LONG} is the limit")));
        } else if lines > LONG {
            findings.push(Finding::warning(path, format!("{lines} lines; think about splitting it at {LONG}")));
        }
    }
    schemas(tree, &mut findings);
    findings
}

/// Two types of one name would be one schema: the routes of the other one would be described wrongly, and nothing else would tell.
fn schemas(tree: &Tree, findings: &mut Vec<Finding>) {
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for file in &tree.sources {
        let mut derived = false;
        for (line, text) in (1..).zip(file.text.lines()) {
            derived |= text.trim_start().starts_with("#[derive(") && text.contains("ToSchema");
            let Some((_, rest)) = text.split_once("struct ").or_else(|| text.split_once("enum ")) else { continue };
            if text.trim_start().starts_with("//") || !std::mem::take(&mut derived) {
                continue;
            }
            let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            if let Some(other) = known.insert(name, &file.path) {
                findings.push(Finding::error(&file.path, line, format!("`{name}` is a schema of {other}, too")));
            }
        }
    }
}
