//! Digits in Chinese text, written out as they are said: 2026年, 3.5, 40%, 10:30, 13800138000.

const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
const PLACES: [&str; 4] = ["", "十", "百", "千"];
const GROUPS: [&str; 4] = ["", "万", "亿", "万亿"];
/// Longer numbers are identifiers, and said digit by digit.
const LONGEST: usize = 12;

/// Replaces every number of a text by its words.
pub(super) fn spell(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        if !chars[at].is_ascii_digit() {
            at += sign(&chars, at, &mut out);
            continue;
        }
        let whole = digits(&chars, at);
        let end = at + whole.chars().count();
        let next = chars.get(end).copied();
        let fraction = if matches!(next, Some('.')) { digits(&chars, end + 1) } else { String::new() };
        at = if !fraction.is_empty() {
            out.push_str(&percent(&chars, end + 1 + fraction.len(), &mut || {
                format!("{}点{}", cardinal(&strip(&whole)), one_by_one(&fraction))
            }));
            end + 1 + fraction.len() + usize::from(is_percent(&chars, end + 1 + fraction.len()))
        } else if let Some(minutes) = time(&chars, &whole, end) {
            out.push_str(&clock(&whole, &minutes));
            end + 1 + minutes.len()
        } else {
            let said = if next == Some('年') && strip(&whole).len() == 4
                || strip(&whole).len() > LONGEST
                || is_identifier(&whole)
            {
                one_by_one(&strip(&whole))
            } else {
                cardinal(&strip(&whole))
            };
            out.push_str(&percent(&chars, end, &mut || said.clone()));
            end + usize::from(is_percent(&chars, end))
        };
    }
    out
}

/// The digits from `at` on, with the commas that separate thousands.
fn digits(chars: &[char], at: usize) -> String {
    let mut out = String::new();
    let mut i = at;
    while let Some(&c) = chars.get(i) {
        let separates = c == ','
            && !out.is_empty()
            && chars.get(i + 1..i + 4).is_some_and(|three| three.iter().all(char::is_ascii_digit))
            && !chars.get(i + 4).is_some_and(char::is_ascii_digit);
        if !c.is_ascii_digit() && !separates {
            break;
        }
        out.push(c);
        i += 1;
    }
    out
}

fn strip(digits: &str) -> String {
    digits.replace(',', "")
}

/// Signs beside numbers; gives how many characters they took.
fn sign(chars: &[char], at: usize, out: &mut String) -> usize {
    let before_digit = chars.get(at + 1).is_some_and(char::is_ascii_digit);
    let behind_digit = at > 0 && chars[at - 1].is_ascii_digit();
    match chars[at] {
        '-' if before_digit && !behind_digit => out.push('负'),
        '-' | '~' | '～' if before_digit && behind_digit => out.push('到'),
        '¥' | '￥' if before_digit => {}
        '℃' => out.push_str("摄氏度"),
        other => out.push(other),
    }
    1
}

fn is_percent(chars: &[char], at: usize) -> bool {
    matches!(chars.get(at), Some('%' | '％'))
}

fn percent(chars: &[char], at: usize, said: &mut dyn FnMut() -> String) -> String {
    if is_percent(chars, at) { format!("百分之{}", said()) } else { said() }
}

/// The minutes behind `10:` if this is a time of day.
fn time(chars: &[char], hours: &str, end: usize) -> Option<String> {
    if !matches!(chars.get(end), Some(':' | '：')) || hours.len() > 2 {
        return None;
    }
    let minutes = digits(chars, end + 1);
    let is_minutes = minutes.len() == 2 && minutes.parse::<u8>().is_ok_and(|m| m < 60);
    (is_minutes && hours.parse::<u8>().is_ok_and(|h| h < 25)).then_some(minutes)
}

fn clock(hours: &str, minutes: &str) -> String {
    let hours = cardinal(hours);
    match minutes {
        "00" => format!("{hours}点"),
        "30" => format!("{hours}点半"),
        m if m.starts_with('0') => format!("{hours}点{}分", one_by_one(m)),
        m => format!("{hours}点{}分", cardinal(m)),
    }
}

/// Telephone numbers and codes: a leading zero, or eleven digits that begin with 1.
fn is_identifier(digits: &str) -> bool {
    !digits.contains(',')
        && (digits.len() > 1 && digits.starts_with('0') || digits.len() == 11 && digits.starts_with('1'))
}

fn one_by_one(digits: &str) -> String {
    digits.chars().filter_map(|c| c.to_digit(10)).map(|d| DIGITS[d as usize]).collect()
}

/// A whole number of at most [`LONGEST`] digits in words; 2 before 百, 千, 万 is 两 in speech.
fn cardinal(digits: &str) -> String {
    let trimmed = digits.trim_start_matches('0');
    if trimmed.is_empty() {
        return "零".to_owned();
    }
    if trimmed.len() > LONGEST {
        return one_by_one(digits);
    }
    let groups: Vec<&str> = groups_of_four(trimmed);
    let mut out = String::new();
    let mut gap = false;
    for (index, group) in groups.iter().enumerate() {
        let place = groups.len() - 1 - index;
        let value: u32 = group.parse().unwrap_or(0);
        if value == 0 {
            gap = true;
            continue;
        }
        if !out.is_empty() && (gap || value < 1000) {
            out.push('零');
        }
        gap = false;
        out.push_str(&if value == 2 && place > 0 { "两".to_owned() } else { below_ten_thousand(value) });
        out.push_str(GROUPS[place.min(3)]);
    }
    // 一十五 is said 十五.
    out.strip_prefix("一十").map_or(out.clone(), |rest| format!("十{rest}"))
}

fn groups_of_four(digits: &str) -> Vec<&str> {
    let first = digits.len() % 4;
    let (head, tail) = digits.split_at(first);
    let mut groups: Vec<&str> = if head.is_empty() { Vec::new() } else { vec![head] };
    let mut rest = tail;
    while rest.len() >= 4 {
        let (group, more) = rest.split_at(4);
        groups.push(group);
        rest = more;
    }
    groups
}

fn below_ten_thousand(value: u32) -> String {
    let mut out = String::new();
    let mut gap = false;
    for place in (0..4usize).rev() {
        let digit = value / 10u32.pow(u32::try_from(place).unwrap_or(0)) % 10;
        if digit == 0 {
            gap = !out.is_empty();
            continue;
        }
        if gap {
            out.push('零');
            gap = false;
        }
        out.push(if digit == 2 && place >= 2 { '两' } else { DIGITS[digit as usize] });
        out.push_str(PLACES[place]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        for (written, said) in [
            ("2026年11月22日", "二零二六年十一月二十二日"),
            ("有3.5公里", "有三点五公里"),
            ("涨了40%", "涨了百分之四十"),
            ("跌了3.25%吗", "跌了百分之三点二五吗"),
            ("10:30出发", "十点半出发"),
            ("8:05到", "八点零五分到"),
            ("一共1005个", "一共一千零五个"),
            ("200人", "两百人"),
            ("12,345元", "一万两千三百四十五元"),
            ("20000000", "两千万"),
            ("100000001", "一亿零一"),
            ("0", "零"),
            ("15", "十五"),
            ("-5度", "负五度"),
            ("3-5天", "三到五天"),
            ("电话13800138000", "电话一三八零零一三八零零零"),
            ("第007号", "第零零七号"),
            ("没有数字", "没有数字"),
            ("12345678901234567", "一二三四五六七八九零一二三四五六七"),
        ] {
            assert_eq!(spell(written), said, "{written}");
        }
    }
}
