//! What stands in a text but is not said: marks of Markdown, addresses behind links, pictures.

/// The text without what is not said. Line breaks stay, they are pauses.
pub(super) fn spoken(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn line(line: &str) -> String {
    let trimmed = line.trim_start();
    let without_bullet = ["- ", "* ", "+ ", "> "].iter().find_map(|mark| trimmed.strip_prefix(mark)).unwrap_or(trimmed);
    let without_heading = without_bullet.trim_start_matches('#').trim_start();
    let rule = !without_heading.is_empty()
        && without_heading.chars().all(|c| matches!(c, '-' | '*' | '_' | '=' | ' ' | '|' | ':'));
    if rule { String::new() } else { inline(without_heading) }
}

/// Emphasis, code marks and links inside a line.
fn inline(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '`' | '|' => out.push(' '),
            '*' | '~' if is_double(&chars, at) || is_mark(&chars, at) => {}
            '_' if is_mark(&chars, at) => {}
            '_' => out.push(' '),
            '[' | '!' if let Some((label, end)) = link(&chars, at) => {
                out.push_str(&label);
                at = end;
                continue;
            }
            'h' if let Some(end) = address(&chars, at) => {
                out.push_str(&said(&chars[at..end].iter().collect::<String>()));
                at = end;
                continue;
            }
            c => out.push(c),
        }
        at += 1;
    }
    out
}

fn is_double(chars: &[char], at: usize) -> bool {
    let same = |other: Option<&char>| other == chars.get(at);
    same(chars.get(at + 1)) || at > 0 && same(chars.get(at - 1))
}

/// Whether a star or an underscore opens or closes an emphasis: a word on one side only.
fn is_mark(chars: &[char], at: usize) -> bool {
    let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
    let before = at.checked_sub(1).and_then(|i| chars.get(i));
    word(before) != word(chars.get(at + 1))
}

/// `[label](address)` or `![label](address)`: the label, and where it ends.
fn link(chars: &[char], at: usize) -> Option<(String, usize)> {
    let open = if chars[at] == '!' { at + 1 } else { at };
    if chars.get(open) != Some(&'[') {
        return None;
    }
    let close = open + chars[open..].iter().position(|c| *c == ']')?;
    if chars.get(close + 1) != Some(&'(') {
        return None;
    }
    let end = close + chars[close..].iter().position(|c| *c == ')')?;
    Some((chars[open + 1..close].iter().collect(), end + 1))
}

/// Where an address that begins here ends.
fn address(chars: &[char], at: usize) -> Option<usize> {
    let starts = |with: &str| with.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let at_word = at == 0 || !chars[at - 1].is_alphanumeric();
    if !at_word || !(starts("http://") || starts("https://")) {
        return None;
    }
    let length = chars[at..].iter().take_while(|c| c.is_ascii_graphic() && !matches!(c, ')' | '>' | '"')).count();
    let mut end = at + length;
    while matches!(chars.get(end - 1), Some('.' | ',' | '!' | '?' | ';' | ':')) {
        end -= 1;
    }
    Some(end)
}

/// Of an address only the host is said.
fn said(address: &str) -> String {
    let host = address.split("//").nth(1).and_then(|rest| rest.split(['/', '?', '#', ':']).next()).unwrap_or(address);
    host.trim_start_matches("www.").replace('.', " dot ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_not_said() {
        for (written, expected) in [
            ("**Hello** *you*", "Hello you"),
            ("# A title\n- one\n- two", "A title\none\ntwo"),
            ("See [the docs](https://example.org/x?y=1).", "See the docs."),
            ("Go to https://www.example.org/a/b?c=d, please.", "Go to example dot org, please."),
            ("call `snake_case` now", "call  snake case  now"),
            ("2 * 3", "2 * 3"),
            ("---", ""),
            ("我**真的**很好", "我真的很好"),
        ] {
            assert_eq!(spoken(written), expected, "{written}");
        }
    }
}
