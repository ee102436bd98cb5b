//! Just enough of Rust's lexical grammar to find paths: comments, strings and lifetimes are left out.

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Word(String),
    /// `::`
    PathSeparator,
    Mark(char),
}

/// The tokens of a source text, each with its line (from 1).
pub fn tokens(text: &str) -> Vec<(Token, usize)> {
    let mut scanner = Scanner { chars: text.chars().collect(), at: 0, line: 1 };
    let mut found = Vec::new();
    while let Some(token) = scanner.next() {
        found.push(token);
    }
    found
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn step(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    fn next(&mut self) -> Option<(Token, usize)> {
        loop {
            let line = self.line;
            match (self.peek(0)?, self.peek(1)) {
                ('/', Some('/')) => while self.step()? != '\n' {},
                ('/', Some('*')) => self.block_comment(),
                ('"', _) => self.string(0),
                ('\'', _) => self.quote(),
                (':', Some(':')) => {
                    self.skip(2);
                    return Some((Token::PathSeparator, line));
                }
                (c, _) if c == '_' || c.is_alphabetic() => {
                    if let Some(word) = self.word() {
                        return Some((Token::Word(word), line));
                    }
                }
                (c, _) => {
                    self.step();
                    if !c.is_whitespace() {
                        return Some((Token::Mark(c), line));
                    }
                }
            }
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while let Some(c) = self.peek(0) {
            match (c, self.peek(1)) {
                ('/', Some('*')) => depth += 1,
                ('*', Some('/')) => depth -= 1,
                _ => {
                    self.step();
                    continue;
                }
            }
            self.skip(2);
            if depth == 0 {
                return;
            }
        }
    }

    /// A string from its opening quote on. With hashes it is a raw one, where a backslash is nothing special.
    fn string(&mut self, hashes: usize) {
        self.string_until('"', hashes, hashes == 0);
    }

    fn string_until(&mut self, end: char, hashes: usize, escapes: bool) {
        self.step();
        while let Some(c) = self.step() {
            if escapes && c == '\\' {
                self.step();
            } else if c == end && (0..hashes).all(|i| self.peek(i) == Some('#')) {
                self.skip(hashes);
                return;
            }
        }
    }

    /// A character literal, or the tick of a lifetime (whose name then reads as a harmless word).
    fn quote(&mut self) {
        if self.peek(1) == Some('\\') || self.peek(2) == Some('\'') {
            self.string_until('\'', 0, true);
        } else {
            self.step();
            while self.peek(0).is_some_and(|c| c == '_' || c.is_alphanumeric()) {
                self.step();
            }
        }
    }

    /// A word; nothing if it was the prefix of a string literal, which is then skipped.
    fn word(&mut self) -> Option<String> {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            self.step();
        }
        let word: String = self.chars[start..self.at].iter().collect();
        let raw = matches!(word.as_str(), "r" | "br" | "cr");
        let hashes = (0..).take_while(|&i| self.peek(i) == Some('#')).count();
        if raw && self.peek(hashes) == Some('"') {
            self.skip(hashes);
            self.string_until('"', hashes, false);
            return None;
        }
        if word == "r" && hashes == 1 {
            self.step(); // r#name
            return self.word();
        }
        match (word.as_str(), self.peek(0)) {
            ("b" | "c", Some('"')) => self.string(0),
            ("b", Some('\'')) => self.string_until('\'', 0, true),
            _ => return Some(word),
        }
        None
    }
}
