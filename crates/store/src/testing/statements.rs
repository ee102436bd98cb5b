//! Finds every `sql!` text in a source folder and prepares it: what replaces queries checked at compile time.

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::{Dialect, Store};

/// Prepares every SQL text under `sources` (`concat!(env!("CARGO_MANIFEST_DIR"), "/src")`) on this database, without
/// running it. What fails is returned as `file:line: reason`. Modules behind `#[cfg(test)]` are left out.
///
/// # Panics
/// When a file cannot be read, or when there is no text at all: then the folder is wrong.
pub async fn prepare_all(store: &Store, sources: &str) -> Vec<String> {
    let mut texts = Vec::new();
    search(Path::new(sources), &mut texts);
    assert!(!texts.is_empty(), "no sql! text under {sources}");
    let mut failures = Vec::new();
    for text in texts {
        let sql = match store.dialect() {
            Dialect::Sqlite => &text.sqlite,
            Dialect::Postgres => &text.postgres,
        };
        if let Err(error) = store.prepare(sql).await {
            failures.push(format!("{}: {error}", text.at));
        }
    }
    failures
}

pub(super) struct Text {
    pub(super) at: String,
    pub(super) sqlite: String,
    pub(super) postgres: String,
}

fn search(path: &Path, texts: &mut Vec<Text>) {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path).expect("a folder").map(|e| e.expect("an entry").path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| search(entry, texts));
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let source = fs::read_to_string(path).expect("a source file");
        let tokens: TokenStream = source.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        collect(tokens, &path.display().to_string(), texts);
    }
}

/// Looks for `sql ! (…)` at any depth, inside other macros too.
pub(super) fn collect(tokens: TokenStream, file: &str, texts: &mut Vec<Text>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut in_tests = false;
    for (i, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            // The attribute is about the next item: it ends with that item's braces or semicolon.
            in_tests &= token.to_string() != ";";
            continue;
        };
        let before = |n: usize| i.checked_sub(n).map(|at| tokens[at].to_string()).unwrap_or_default();
        if before(1) == "!" && before(2) == "sql" {
            let literals = literals(group.stream());
            if let (Some(first), Some(last)) = (literals.first(), literals.last()) {
                let at = format!("{file}:{}", group.span_open().start().line);
                texts.push(Text { at, sqlite: first.clone(), postgres: last.clone() });
            }
        } else if before(1) == "#" && group.stream().to_string().replace(' ', "") == "cfg(test)" {
            in_tests = true;
        } else if group.delimiter() == Delimiter::Brace && in_tests {
            in_tests = false;
        } else {
            collect(group.stream(), file, texts);
        }
    }
}

/// The one text, or the pair: SQLite's first.
fn literals(tokens: TokenStream) -> Vec<String> {
    let literal = |token| {
        if let TokenTree::Literal(literal) = token {
            syn::parse_str::<syn::LitStr>(&literal.to_string()).ok()
        } else {
            None
        }
    };
    tokens.into_iter().filter_map(literal).map(|text| text.value()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_wherever_they_are() {
        let source = r##"
            fn a() { tx.run(sql!("SELECT 1"), params![]); vec![x::sql!(sqlite: "A \"q\"", postgres: r#"B"#)] }
            #[cfg(test)] mod tests { fn b() { sql!("not this") } }
            #[cfg(test)] mod elsewhere;
            macro_rules! m { () => { sql!("SELECT \
                2") } }
        "##;
        let mut texts = Vec::new();
        collect(source.parse().unwrap(), "f", &mut texts);
        let found: Vec<_> = texts.iter().map(|t| (t.at.as_str(), t.sqlite.as_str(), t.postgres.as_str())).collect();
        assert_eq!(found, [("f:2", "SELECT 1", "SELECT 1"), ("f:2", "A \"q\"", "B"), ("f:5", "SELECT 2", "SELECT 2")]);
    }
}
