//! The layer checks: what `docs/ARCHITECTURE.md` says of floors, nouns, names and sizes, held by a machine.
//!
//! Everything works on the text of the source files, so it is quick and needs no build. The rules' tables are in
//! [`floors`] and [`crates`].

use std::fmt;
use std::path::Path;

mod crates;
mod floors;
mod names;
mod nouns;
mod paths;
mod tokens;
mod tree;

#[cfg(test)]
mod tests;

/// Something that breaks a rule (or, as a warning, comes close), and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    /// From 1; 0 for the file as a whole.
    line: usize,
    what: String,
    warning: bool,
}

impl Finding {
    fn error(file: &str, line: usize, what: String) -> Self {
        Self { file: file.to_owned(), line, what, warning: false }
    }

    fn warning(file: &str, what: String) -> Self {
        Self { file: file.to_owned(), line: 0, what, warning: true }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.warning { "warning" } else { "error" };
        match self.line {
            0 => write!(f, "{kind}: {}: {}", self.file, self.what),
            line => write!(f, "{kind}: {}:{line}: {}", self.file, self.what),
        }
    }
}

/// Checks the repository at `root`, prints what it finds, and fails when any of it is an error.
pub fn run(root: &Path) -> Result<(), String> {
    let tree = tree::Tree::read(root)?;
    let findings = check(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| !finding.warning).count();
    let warnings = findings.len() - errors;
    let summary = format!("layers: {} files, {errors} errors, {warnings} warnings", tree.sources.len());
    if errors > 0 {
        return Err(summary);
    }
    println!("{summary}");
    Ok(())
}

fn check(tree: &tree::Tree) -> Vec<Finding> {
    let modules = paths::modules(tree);
    let mut findings = crates::check(tree);
    findings.extend(floors::check(&modules));
    findings.extend(nouns::check(&modules));
    findings.extend(names::check(tree));
    findings.sort();
    findings.dedup();
    findings
}
