//! File names that say nothing, and files that have grown too long.

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
    findings
}
