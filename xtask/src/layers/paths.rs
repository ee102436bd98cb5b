//! The server crate's modules, and the paths inside the crate that each of them names.

use std::collections::BTreeSet;

use super::tokens::{Token, tokens};
use super::tree::{File, Tree};

const SERVER: &str = "crates/server/src/";

/// A module path from the crate's root, without `crate`.
pub type Path = Vec<String>;

/// One file of the server crate.
pub struct Module {
    pub file: String,
    /// Empty for `lib.rs` and `main.rs`.
    pub path: Path,
    /// Everything inside the crate that the file names, in `use` or anywhere in its code.
    pub references: Vec<Reference>,
    /// The modules that it declares with a visibility: names and lines.
    pub shown: Vec<(String, usize)>,
}

pub struct Reference {
    pub target: Path,
    pub line: usize,
}

/// The modules of the server crate, one per file.
pub fn modules(tree: &Tree) -> Vec<Module> {
    tree.sources.iter().filter_map(module).collect()
}

fn module(file: &File) -> Option<Module> {
    let inside = file.path.strip_prefix(SERVER)?.strip_suffix(".rs")?;
    let mut path: Path = inside.split('/').map(str::to_owned).collect();
    let last = path.last().map(String::as_str);
    if last == Some("mod") || matches!(inside, "lib" | "main") {
        path.pop();
    }
    let mut reader = Reader { tokens: tokens(&file.text), children: BTreeSet::new(), references: Vec::new() };
    let shown = reader.declarations(&path);
    reader.paths(&path);
    Some(Module { file: file.path.clone(), path, references: reader.references, shown })
}

struct Reader {
    tokens: Vec<(Token, usize)>,
    /// Full paths of the modules that this file declares.
    children: BTreeSet<Path>,
    references: Vec<Reference>,
}

impl Reader {
    fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at).map(|(token, _)| token)
    }

    fn word(&self, at: usize) -> Option<&str> {
        match self.token(at) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn is(&self, at: usize, mark: char) -> bool {
        self.token(at) == Some(&Token::Mark(mark))
    }

    fn separator(&self, at: usize) -> bool {
        self.token(at) == Some(&Token::PathSeparator)
    }

    /// Calls `each` for every token with the path of the module it stands in, following `mod name { … }`.
    fn walk(&mut self, file: &[String], mut each: impl FnMut(&mut Self, usize, &[String]) -> usize) {
        let mut here = file.to_vec();
        let mut inline: Vec<usize> = Vec::new(); // depths at which inline modules opened
        let mut depth = 0;
        let mut at = 0;
        while at < self.tokens.len() {
            let next = each(self, at, &here).max(at + 1);
            if self.word(at) == Some("mod")
                && self.is(at + 2, '{')
                && let Some(name) = self.word(at + 1).map(str::to_owned)
            {
                here.push(name);
                depth += 1;
                inline.push(depth);
                at += 3;
                continue;
            }
            if self.is(at, '{') {
                depth += 1;
            } else if self.is(at, '}') {
                if inline.last() == Some(&depth) {
                    inline.pop();
                    here.pop();
                }
                depth = depth.saturating_sub(1);
            }
            at = next;
        }
    }

    /// Notes the modules that the file declares; returns those of the file's own that have a visibility.
    fn declarations(&mut self, file: &[String]) -> Vec<(String, usize)> {
        let mut shown = Vec::new();
        self.walk(file, |reader, at, here| {
            if reader.word(at) == Some("mod")
                && let Some(name) = reader.word(at + 1).map(str::to_owned)
            {
                let public = at > 0 && (reader.word(at - 1) == Some("pub") || reader.is(at - 1, ')'));
                if public && here == file {
                    shown.push((name.clone(), reader.tokens[at].1));
                }
                reader.children.insert([here, &[name]].concat());
            }
            at + 1
        });
        shown
    }

    fn paths(&mut self, file: &[String]) {
        self.walk(file, |reader, at, here| {
            let Some(word) = reader.word(at) else { return at + 1 };
            let mut found = Vec::new();
            let next = if word == "use" && !reader.is(at + 1, '<') {
                reader.use_tree(at + 1, &[], &mut found)
            } else if reader.separator(at + 1) && !(at > 0 && reader.separator(at - 1)) {
                reader.plain_path(at, &mut found)
            } else {
                return at + 1;
            };
            let line = reader.tokens[at].1;
            let targets = found.iter().filter_map(|(path, on)| Some((reader.resolve(path, here)?, *on)));
            let references: Vec<_> =
                targets.map(|(target, on)| Reference { target, line: on.unwrap_or(line) }).collect();
            reader.references.extend(references);
            next
        });
    }

    /// `a::b::c`, up to whatever is not a plain segment.
    fn plain_path(&self, mut at: usize, found: &mut Vec<(Path, Option<usize>)>) -> usize {
        let mut path = Vec::new();
        while let Some(word) = self.word(at) {
            path.push(word.to_owned());
            if !self.separator(at + 1) {
                at += 1;
                break;
            }
            at += 2;
        }
        found.push((path, None));
        at
    }

    /// `a::{b, c::*, self as d}`; returns where it ends.
    fn use_tree(&self, mut at: usize, prefix: &[String], found: &mut Vec<(Path, Option<usize>)>) -> usize {
        let mut path = prefix.to_vec();
        let line = self.tokens.get(at).map(|(_, line)| *line);
        if prefix.is_empty() && self.separator(at) {
            path.push("::".to_owned()); // `use ::other_crate`: never one of ours
            at += 1;
        }
        loop {
            match self.token(at) {
                Some(Token::Word(word)) if word == "as" => at += 2,
                Some(Token::Word(word)) => {
                    path.push(word.clone());
                    at += 1;
                }
                Some(Token::PathSeparator) | Some(Token::Mark('*')) => at += 1,
                Some(Token::Mark('{')) => {
                    at += 1;
                    while at < self.tokens.len() && !self.is(at, '}') {
                        at = self.use_tree(at, &path, found);
                        at += usize::from(self.is(at, ','));
                    }
                    return at + 1;
                }
                _ => break,
            }
        }
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        found.push((path, line));
        at
    }

    /// The path from the crate's root; nothing for paths into other crates.
    fn resolve(&self, path: &[String], here: &[String]) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([here, rest].concat()),
            "super" => {
                let (_, parent) = here.split_last()?;
                match rest.first().map(String::as_str) {
                    Some("super") => self.resolve(rest, parent),
                    _ => Some([parent, rest].concat()),
                }
            }
            _ => {
                let local = [here, std::slice::from_ref(first)].concat();
                self.children.contains(&local).then(|| [here, path].concat())
            }
        }
    }
}
