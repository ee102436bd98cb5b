//! What changed between two portraits, for people: a line for each sentence that went (`- `) or came (`+ `).

/// The difference of two texts of one sentence a line; empty when they are the same.
pub(super) fn of(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let table = common(&old, &new);
    let at = |i: usize, j: usize| table.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0);
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while i < old.len() || j < new.len() {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => (i, j) = (i + 1, j + 1),
            (Some(a), b) if b.is_none() || at(i + 1, j) >= at(i, j + 1) => {
                out.push(format!("- {a}"));
                i += 1;
            }
            (_, Some(b)) => {
                out.push(format!("+ {b}"));
                j += 1;
            }
            (_, None) => break,
        }
    }
    out.join("\n")
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// For each pair of places the length of the longest sequence of lines that both have from there on.
fn common(old: &[&str], new: &[&str]) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            table[i][j] = if old[i] == new[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_stays_is_not_shown() {
        assert_eq!(of("a\nb\nc", "a\nx\nc\nd"), "- b\n+ x\n+ d");
        assert_eq!(of("", "a"), "+ a");
        assert_eq!(of("a\n", "a"), "");
    }

    proptest! {
        #[test]
        fn the_difference_turns_the_old_into_the_new(old in "[ab\n]{0,20}", new in "[ab\n]{0,20}") {
            let mut left: Vec<&str> = lines(&old);
            let diff = of(&old, &new);
            for gone in diff.lines().filter_map(|line| line.strip_prefix("- ")) {
                let at = left.iter().position(|line| *line == gone).unwrap();
                left.remove(at);
            }
            let come = diff.lines().filter(|line| line.starts_with("+ ")).count();
            prop_assert_eq!(left.len() + come, lines(&new).len());
        }
    }
}
