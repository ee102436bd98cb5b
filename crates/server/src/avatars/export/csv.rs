//! Conversations as CSV for spreadsheets: BOM, CRLF, and no cell that a spreadsheet would take for a formula.

use crate::avatars::interactions::Said;
use crate::avatars::zone::Zone;
use crate::error::Lang;

/// What a spreadsheet needs to read UTF-8.
const BOM: &str = "\u{feff}";

/// The columns, documented in `docs/API.md`.
const COLUMNS: [(&str, &str); 6] = [
    ("Session ID", "会话 ID"),
    ("Visitor", "访客"),
    ("Sender", "发送者"),
    ("Time", "时间"),
    ("Message", "消息内容"),
    ("Message ID", "消息 ID"),
];

/// A file that grows.
pub(super) struct Csv {
    text: String,
    lang: Lang,
}

impl Csv {
    pub(super) fn new(lang: Lang) -> Self {
        let mut csv = Self { text: BOM.to_owned(), lang };
        csv.row(&COLUMNS.map(|(en, zh)| lang.pick(en, zh).to_owned()));
        csv
    }

    pub(super) fn message(&mut self, said: &Said, zone: &Zone) {
        let sender = match said.sender.as_str() {
            "visitor" => self.lang.pick("Visitor", "访客"),
            "owner" => self.lang.pick("Owner", "本人"),
            _ => self.lang.pick("Avatar", "分身"),
        };
        self.row(&[
            said.session_id.clone(),
            said.visitor_name.clone(),
            sender.to_owned(),
            zone.plain(said.created_at),
            said.content.clone(),
            said.id.to_string(),
        ]);
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    fn row(&mut self, cells: &[String]) {
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            self.text.push_str(&quoted(&harmless(cell)));
        }
        self.text.push_str("\r\n");
    }
}

/// An apostrophe before what a spreadsheet would take for a formula; also before an apostrophe, so that it can be undone. A
/// formula can hide behind white space, so the first visible character counts; NUL has no place in a text file.
fn harmless(cell: &str) -> String {
    let cell = cell.replace('\0', "\u{fffd}");
    let first =
        cell.trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}').chars().next();
    let leading_control = cell.starts_with(['\t', '\r', '\n']);
    match first {
        Some('=' | '+' | '-' | '@' | '\'' | '＝' | '＋' | '－' | '＠' | '|' | '%') => format!("'{cell}"),
        _ if leading_control => format!("'{cell}"),
        _ => cell,
    }
}

/// In quotes, with quotes doubled (RFC 4180), whether it needs them or not.
fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a file as RFC 4180 says.
    fn parse(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut cell, mut inside) = (Vec::new(), Vec::new(), String::new(), false);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match (inside, c) {
                (true, '"') if chars.peek() == Some(&'"') => cell.push(chars.next().unwrap()),
                (_, '"') => inside = !inside,
                (false, ',') => row.push(std::mem::take(&mut cell)),
                (false, '\r') => {}
                (false, '\n') => {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                (_, c) => cell.push(c),
            }
        }
        assert!(!inside && cell.is_empty() && row.is_empty());
        rows
    }

    #[test]
    fn formulas_are_made_texts() {
        for formula in
            ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\u{feff}=1", "＝1", "\n=cmd|' /C calc'!A0", "\tx"]
        {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        assert_eq!(harmless("1 + 1 = 2"), "1 + 1 = 2");
        assert_eq!(harmless("满"), "满");
    }

    proptest! {
        #[test]
        fn every_cell_comes_back_and_none_begins_a_formula(cells in prop::collection::vec("[=+@'\",;\r\n\t a满-]{0,6}|\\PC{0,10}", 1..5)) {
            let mut csv = Csv { text: String::new(), lang: Lang::En };
            csv.row(&cells);
            csv.row(&cells);
            let rows = parse(&csv.text);
            prop_assert_eq!(rows.len(), 2);
            for (cell, read) in cells.iter().zip(&rows[1]) {
                prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r']));
                let undone = read.strip_prefix('\'').unwrap_or(read);
                prop_assert_eq!(undone, &cell.replace('\0', "\u{fffd}"));
            }
        }
    }
}
