//! The tolerant reader: from a bracket in the text to a tree. It accepts JSON, JSON5, Python, TypeScript and half-sentences,
//! charges every step to a budget (so hostile texts cost a fixed time) and never goes deeper than `DEPTH`.

use crate::chars::{
    closers, is_bar, is_close_brace, is_close_bracket, is_close_paren, is_comma, is_open_brace, is_open_bracket,
    is_open_paren, is_quote,
};
use crate::tree::{Atom, Expr, Field};

/// Brackets inside brackets.
pub(crate) const DEPTH: usize = 16;

/// What ends the value that is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Brace { quoted: bool },
    Bracket,
    Angle,
    Line,
}

pub(crate) struct Reader<'a> {
    pub(crate) text: &'a [char],
    pub(crate) at: usize,
    depth: usize,
    budget: usize,
    /// The text went deeper than is read.
    pub(crate) too_deep: bool,
    /// The last failure was the end of the text inside a structure that had begun well.
    pub(crate) cut_off: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a [char]) -> Self {
        let budget = text.len().saturating_mul(400).saturating_add(10_000);
        Self { text, at: 0, depth: 0, budget, too_deep: false, cut_off: false }
    }

    /// Begins again elsewhere, with what is left of the budget.
    pub(crate) fn jump(&mut self, at: usize) {
        self.at = at;
        self.depth = 0;
        self.cut_off = false;
    }

    pub(crate) fn peek(&mut self) -> Option<char> {
        self.look(0)
    }

    pub(crate) fn look(&mut self, ahead: usize) -> Option<char> {
        self.budget = self.budget.checked_sub(1)?;
        self.text.get(self.at + ahead).copied()
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= DEPTH {
            self.too_deep = true;
            return None;
        }
        self.depth += 1;
        let out = read(self);
        self.depth -= 1;
        out
    }

    /// `{ … }` with the position on the opening brace.
    pub(crate) fn object(&mut self) -> Option<Vec<Field>> {
        self.deeper(Self::object_inside)
    }

    fn object_inside(&mut self) -> Option<Vec<Field>> {
        self.at += 1;
        if self.peek().is_some_and(is_open_brace) {
            return self.doubled();
        }
        let mut fields: Vec<Field> = Vec::new();
        let mut quoted = None;
        loop {
            let comment = self.gap();
            if let (false, Some(last)) = (comment.is_empty(), fields.last_mut()) {
                last.value.comment.push_str(&comment);
            }
            match self.peek() {
                Some(c) if is_close_brace(c) => break,
                None => {
                    self.cut_off |= !fields.is_empty();
                    return None;
                }
                Some(c) => {
                    let quoted = *quoted.get_or_insert(is_quote(c));
                    fields.push(self.field(quoted)?);
                }
            }
        }
        self.at += 1;
        Some(fields)
    }

    /// `{{ … }}`, as templates write it.
    fn doubled(&mut self) -> Option<Vec<Field>> {
        let fields = self.object()?;
        self.gap();
        if self.peek().is_some_and(is_close_brace) {
            self.at += 1;
            return Some(fields);
        }
        None
    }

    fn field(&mut self, quoted: bool) -> Option<Field> {
        let (key, any_key, optional) = self.key()?;
        let colon = self.colon();
        let value = if colon { self.expr(End::Brace { quoted })? } else { Expr::default() };
        if !colon {
            let next = self.peek()?;
            if !(is_comma(next) || is_close_brace(next) || next == '\n' || next == '/' || next == '#') {
                return None;
            }
        }
        Some(Field { key, optional, any_key, value })
    }

    /// `[ … ]` with the position on the opening bracket.
    pub(crate) fn array(&mut self) -> Option<Vec<Expr>> {
        self.deeper(|reader| reader.items(End::Bracket))
    }

    fn items(&mut self, end: End) -> Option<Vec<Expr>> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.gap();
            let c = self.peek()?;
            if closes(end, c) {
                self.at += 1;
                return Some(items);
            }
            let before = self.at;
            let item = self.expr(end)?;
            if self.at == before {
                return None;
            }
            if !item.atoms.is_empty() {
                items.push(item);
            }
        }
    }

    /// A value up to what ends it; the end itself is not consumed.
    pub(crate) fn expr(&mut self, end: End) -> Option<Expr> {
        let mut expr = Expr::default();
        loop {
            while self.peek().is_some_and(|c| c != '\n' && c.is_whitespace()) {
                self.at += 1;
            }
            let Some(c) = self.peek() else {
                self.cut_off = true;
                return (end == End::Line).then_some(expr);
            };
            if closes(end, c) || (c == ',' && end == End::Angle) {
                return Some(expr);
            }
            if c == '\n' || is_comma(c) {
                if self.separates(end, c) {
                    return Some(expr);
                }
                self.at += 1;
                if c != '\n' {
                    expr.atoms.push(Atom::Comma(c));
                }
            } else if let Some(comment) = self.comment() {
                expr.comment.push_str(&comment);
            } else {
                self.atom(end, &mut expr.atoms)?;
            }
        }
    }

    fn separates(&mut self, end: End, c: char) -> bool {
        match end {
            End::Brace { quoted } => self.field_follows(quoted),
            End::Bracket | End::Angle => c != '\n',
            End::Line => c == '\n' || c == ';' || c == '；',
        }
    }

    fn atom(&mut self, end: End, atoms: &mut Vec<Atom>) -> Option<()> {
        let c = self.peek()?;
        if is_open_brace(c) {
            let atom = if let Some(name) = self.holder() { Atom::Holder(name) } else { Atom::Obj(self.object()?) };
            atoms.push(atom);
        } else if is_open_bracket(c) {
            atoms.push(Atom::Arr(self.array()?));
        } else if is_bar(c) {
            self.at += 1;
            atoms.push(Atom::Bar);
        } else if let Some(text) = self.string() {
            atoms.push(Atom::Str(text));
        } else if let Some(text) = self.paren() {
            atoms.push(Atom::Paren(text));
        } else if c == '<' && matches!(atoms.last(), Some(Atom::Word(w)) if generic(w)) {
            let items = self.deeper(|reader| reader.items(End::Angle))?;
            if let Some(Atom::Word(name)) = atoms.pop() {
                atoms.push(Atom::Generic(name, items));
            }
        } else if let Some(name) = self.holder() {
            atoms.push(Atom::Holder(name));
        } else {
            let word = self.word(end);
            atoms.push(Atom::Word(word));
        }
        Some(())
    }

    /// A run of plain text; always at least one character.
    fn word(&mut self, end: End) -> String {
        let mut out = String::new();
        while let Some(c) = self.peek() {
            let apostrophe = matches!(c, '\'' | '’') && out.ends_with(char::is_alphanumeric);
            let special = is_open_brace(c) || is_open_bracket(c) || is_open_paren(c) || is_bar(c) || is_comma(c);
            let stops = c == '\n' || closes(end, c) || special || (is_quote(c) && !apostrophe) || c == '<';
            if !out.is_empty() && (stops || self.comment_here()) {
                break;
            }
            out.push(c);
            self.at += 1;
        }
        let kept = out.trim_end().len();
        out.truncate(kept);
        out
    }

    /// A quoted text on one line; no move when there is none.
    pub(crate) fn string(&mut self) -> Option<String> {
        let close = closers(self.peek()?);
        if close.is_empty() {
            return None;
        }
        let (mut out, mut ahead) = (String::new(), 1);
        loop {
            let c = self.look(ahead)?;
            ahead += 1;
            match c {
                '\n' => return None,
                '\\' => {
                    let escaped = self.look(ahead)?;
                    ahead += 1;
                    out.push(if escaped == 'n' { '\n' } else { escaped });
                }
                c if close.contains(&c) => break,
                c => out.push(c),
            }
        }
        self.at += ahead;
        Some(out)
    }

    /// `( … )` on one line, inner ones included.
    pub(crate) fn paren(&mut self) -> Option<String> {
        if !is_open_paren(self.peek()?) {
            return None;
        }
        let (mut out, mut open) = (String::new(), 0_usize);
        for ahead in 0..400 {
            let c = self.look(ahead)?;
            if c == '\n' {
                return None;
            }
            open = (open + usize::from(is_open_paren(c))).saturating_sub(usize::from(is_close_paren(c)));
            if open == 0 {
                self.at += ahead + 1;
                return Some(out.chars().skip(1).collect());
            }
            out.push(c);
        }
        None
    }
}

fn generic(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    matches!(
        word.as_str(),
        "array"
            | "list"
            | "set"
            | "record"
            | "map"
            | "dict"
            | "partial"
            | "readonlyarray"
            | "optional"
            | "vec"
            | "option"
    )
}

pub(crate) const fn closes(end: End, c: char) -> bool {
    match end {
        End::Brace { .. } => is_close_brace(c),
        End::Bracket => is_close_bracket(c),
        End::Angle => c == '>',
        End::Line => is_close_brace(c) || c == '\n',
    }
}
