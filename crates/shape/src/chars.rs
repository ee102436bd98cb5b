//! Which characters mean the same in English and in Chinese typing.

pub(crate) const fn is_open_brace(c: char) -> bool {
    matches!(c, '{' | '｛')
}

pub(crate) const fn is_close_brace(c: char) -> bool {
    matches!(c, '}' | '｝')
}

pub(crate) const fn is_open_bracket(c: char) -> bool {
    matches!(c, '[' | '［')
}

pub(crate) const fn is_close_bracket(c: char) -> bool {
    matches!(c, ']' | '］')
}

pub(crate) const fn is_open_paren(c: char) -> bool {
    matches!(c, '(' | '（')
}

pub(crate) const fn is_close_paren(c: char) -> bool {
    matches!(c, ')' | '）')
}

pub(crate) const fn is_colon(c: char) -> bool {
    matches!(c, ':' | '：')
}

pub(crate) const fn is_comma(c: char) -> bool {
    matches!(c, ',' | '，' | ';' | '；' | '、')
}

pub(crate) const fn is_bar(c: char) -> bool {
    matches!(c, '|' | '｜')
}

/// The characters that may close a string opened by `c`; nothing when `c` opens none.
pub(crate) const fn closers(c: char) -> &'static [char] {
    match c {
        '"' => &['"'],
        '\'' => &['\''],
        '`' => &['`'],
        '“' | '”' => &['”', '“', '"'],
        '‘' | '’' => &['’', '‘'],
        '「' => &['」'],
        '『' => &['』'],
        '＂' => &['＂'],
        _ => &[],
    }
}

pub(crate) fn is_quote(c: char) -> bool {
    !closers(c).is_empty() || matches!(c, '」' | '』')
}

/// May stand in a key that has no quotes.
pub(crate) fn is_key_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '.')
}

pub(crate) fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
}

/// A text pasted out of source code has `\"` and `\n` where the developer sees `"` and a new line.
pub(crate) fn unescape_pasted(text: &str) -> String {
    let open = |s: &str| s.trim_start_matches("\\n").trim_start_matches(char::is_whitespace).starts_with("\\\"");
    let pasted = text.match_indices('{').any(|(at, _)| text.get(at + 1..).is_some_and(open));
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if pasted { text.replace("\\\"", "\"").replace("\\n", "\n").replace("\\t", " ") } else { text }
}
