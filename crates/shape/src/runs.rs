//! What a run of atoms looks like: separators, suffixes, and the same as a text again.

use crate::tree::{Atom, Expr};

/// `...` among alternatives: there are more than are named.
pub(crate) fn dots(group: &[&Atom]) -> bool {
    matches!(group, [Atom::Word(word)] if word.trim_matches(['.', '…', '等']).is_empty())
}

pub(crate) fn separator(atom: &Atom) -> bool {
    match atom {
        Atom::Bar | Atom::Comma(_) => true,
        Atom::Word(word) => matches!(
            word.trim().to_ascii_lowercase().as_str(),
            "/" | "or" | "或" | "或者" | "还是" | "、" | "、或" | "and/or"
        ),
        _ => false,
    }
}

/// The empty brackets behind a type.
pub(crate) fn suffixes<'a, 'b>(group: &'a [&'b Atom]) -> (&'a [&'b Atom], usize) {
    let mut inner = group;
    let mut arrays = 0;
    while let [head @ .., Atom::Arr(items)] = inner
        && !head.is_empty()
        && items.is_empty()
    {
        inner = head;
        arrays += 1;
    }
    (inner, arrays)
}

/// The atoms as a text again.
pub(crate) fn written(atoms: &[Atom]) -> String {
    atoms.iter().fold(String::new(), |mut out, atom| {
        match atom {
            Atom::Str(text) => out.extend(["\"", text, "\""]),
            Atom::Word(text) | Atom::Holder(text) => out.extend([" ", text, " "]),
            Atom::Paren(text) => out.extend(["(", text, ")"]),
            Atom::Bar => out.push('|'),
            Atom::Comma(c) => out.push(*c),
            Atom::Obj(_) | Atom::Arr(_) | Atom::Generic(..) => out.push(' '),
        }
        out
    })
}

/// What is said about a value: comments, parentheses, and the words behind the first atom.
pub(crate) fn description(expr: &Expr) -> String {
    let mut out = String::new();
    let words = matches!(expr.atoms.first(), Some(Atom::Word(_)));
    for (at, atom) in expr.atoms.iter().enumerate() {
        match atom {
            Atom::Paren(text) => out.extend([" ", text.as_str()]),
            Atom::Word(text) if at > 0 && !words && !separator(atom) => out.extend([" ", text.as_str()]),
            _ => {}
        }
    }
    out.push_str(&expr.comment);
    out
}
