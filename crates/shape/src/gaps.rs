//! What stands between the values: keys, comments, separators, placeholders.

use crate::chars::{
    closers, is_close_brace, is_close_bracket, is_colon, is_comma, is_key_char, is_open_brace, is_open_bracket,
    is_quote,
};
use crate::read::Reader;

const KEY: usize = 100;

impl Reader<'_> {
    /// Skips white space, separators, bullets, ellipses and comments; the comments come back.
    pub(crate) fn gap(&mut self) -> String {
        let mut comments = String::new();
        while let Some(c) = self.peek() {
            let fence =
                c == '`' && (self.look(1) == Some('`') || (self.at > 0 && self.text.get(self.at - 1) == Some(&'`')));
            if c.is_whitespace() || is_comma(c) || matches!(c, '…' | '•') || fence {
                self.at += 1;
            } else if c == '.' && self.look(1) == Some('.') {
                while self.peek() == Some('.') {
                    self.at += 1;
                }
            } else if matches!(c, '-' | '*' | '+') && self.look(1).is_some_and(char::is_whitespace) {
                self.at += 1;
            } else if let Some(comment) = self.comment() {
                comments.push_str(&comment);
            } else {
                break;
            }
        }
        comments
    }

    pub(crate) fn comment_here(&mut self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.text.get(at)).copied();
        let clear = before
            .is_none_or(|c| c.is_whitespace() || is_comma(c) || is_quote(c) || matches!(c, '{' | '[' | '}' | ']'));
        match self.peek() {
            Some('/') => matches!(self.look(1), Some('/' | '*')) && before.is_none_or(|c| !is_colon(c)),
            Some('#') => clear && self.look(1).is_none_or(|c| c != '/'),
            Some('<') => self.look(1) == Some('!') && self.look(2) == Some('-'),
            _ => false,
        }
    }

    /// `// …`, `# …`, `/* … */` from here, with a space before it so that several stay apart.
    pub(crate) fn comment(&mut self) -> Option<String> {
        if !self.comment_here() {
            return None;
        }
        let block = self.look(1) == Some('*');
        let last_brace = !block && self.no_brace_after_line();
        let mut out = String::from(" ");
        self.at += if self.peek() == Some('#') { 1 } else { 2 };
        while let Some(c) = self.peek() {
            if block && c == '*' && self.look(1) == Some('/') {
                self.at += 2;
                break;
            }
            if !block && (c == '\n' || (last_brace && (is_close_brace(c) || (is_comma(c) && self.quoted_key_next())))) {
                break;
            }
            out.push(c);
            self.at += 1;
        }
        Some(out)
    }

    /// A comma, then a quoted key and its colon. Does not move.
    fn quoted_key_next(&mut self) -> bool {
        let from = self.at;
        self.at += 1;
        self.blanks();
        let found = self.string().is_some() && {
            self.blanks();
            self.colon()
        };
        self.at = from;
        found
    }

    /// Whether the closing brace must be on this line, so that a comment cannot run over it.
    fn no_brace_after_line(&mut self) -> bool {
        let mut ahead = 0;
        let mut lines = 0;
        while let Some(c) = self.look(ahead) {
            lines += usize::from(c == '\n');
            if lines > 0 && is_close_brace(c) {
                return false;
            }
            ahead += 1;
        }
        true
    }

    /// The key, whether it stands for any key, and whether it is marked optional.
    pub(crate) fn key(&mut self) -> Option<(String, bool, bool)> {
        let first = self.peek()?;
        let (key, any_key) = if let Some(text) = self.string() {
            let holder = text.starts_with(['<', '{', '$']) && text.ends_with(['>', '}']);
            (text, holder)
        } else if is_open_bracket(first) {
            self.index_signature()?
        } else if let Some(name) = self.holder() {
            (name, true)
        } else {
            let mut name = String::new();
            while let Some(c) = self.peek().filter(|c| is_key_char(*c)) {
                name.push(c);
                self.at += 1;
            }
            (name, false)
        };
        if key.trim().is_empty() || key.chars().count() > KEY {
            return None;
        }
        Some((key.trim().to_owned(), any_key, self.key_marks()))
    }

    /// `?`, `(optional)`, `*` behind a key.
    fn key_marks(&mut self) -> bool {
        self.blanks();
        let mut optional = false;
        if matches!(self.peek(), Some('?' | '？')) {
            self.at += 1;
            optional = true;
        }
        if let Some(text) = self.paren() {
            optional |= crate::marks::optional(&text);
        }
        self.blanks();
        optional
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) && self.peek() != Some('\n') {
            self.at += 1;
        }
    }

    /// `:`, `：`, `=`, `=>`; no move when there is none.
    pub(crate) fn colon(&mut self) -> bool {
        match self.peek() {
            Some(c) if is_colon(c) => self.at += 1,
            Some('=') => self.at += if self.look(1) == Some('>') { 2 } else { 1 },
            _ => return false,
        }
        true
    }

    /// `[key: string]`
    fn index_signature(&mut self) -> Option<(String, bool)> {
        let mut name = String::new();
        for ahead in 1..60 {
            let c = self.look(ahead)?;
            if is_close_bracket(c) {
                self.at += ahead + 1;
                return name.contains([':', '：', ' ']).then_some((name, true));
            }
            name.push(c);
        }
        None
    }

    /// `<reason>`, `${reason}`, `{{reason}}`, `{reason}`: a name where a value or a key should be.
    pub(crate) fn holder(&mut self) -> Option<String> {
        let mut ahead = usize::from(self.peek() == Some('$') && self.look(1).is_some_and(is_open_brace));
        let angle = self.peek() == Some('<');
        if !angle && !self.look(ahead).is_some_and(is_open_brace) {
            return None;
        }
        while self.look(ahead).is_some_and(|c| is_open_brace(c) || c == '<') {
            ahead += 1;
        }
        let mut name = String::new();
        loop {
            let c = self.look(ahead)?;
            ahead += 1;
            if c == '>' && angle || is_close_brace(c) && !angle {
                break;
            }
            if c == '\n'
                || name.len() > 240
                || (!angle && (is_colon(c) || is_quote(c) || is_comma(c)))
                || matches!(c, '<' | '{')
            {
                return None;
            }
            name.push(c);
        }
        if !angle && self.look(ahead).is_some_and(is_close_brace) && self.look(1).is_some_and(is_open_brace) {
            ahead += 1;
        }
        let name = name.trim();
        if name.is_empty() || name.starts_with('=') || (!angle && !name.chars().all(|c| is_key_char(c) || c == ' ')) {
            return None;
        }
        self.at += ahead;
        Some(name.to_owned())
    }

    /// Whether, after the separator here, another field or the end of the object comes. Does not move.
    pub(crate) fn field_follows(&mut self, quoted: bool) -> bool {
        let from = self.at;
        let dots = self.text.get(from + 1..from + 8).is_some_and(|near| {
            let near: String = near.iter().collect();
            near.trim_start().starts_with("..") || near.trim_start().starts_with('…')
        });
        self.at += 1;
        self.gap();
        let found = dots || self.key_with_colon(quoted);
        self.at = from;
        found
    }

    fn key_with_colon(&mut self, quoted: bool) -> bool {
        let Some(c) = self.peek() else { return true };
        if is_close_brace(c) {
            return true;
        }
        let opens = !closers(c).is_empty() || c == '<' || is_open_bracket(c);
        if !opens && (quoted || !is_key_char(c)) {
            return false;
        }
        self.key().is_some() && self.colon() && !(self.peek() == Some('/') && self.look(1) == Some('/'))
    }
}
