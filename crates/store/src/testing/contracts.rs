//! What a migration takes away: the version before it still runs beside the new one and would fail.

use crate::migrate::Migration;

/// The statements of a migration that the version before it may not survive, each with the reason. A migration that says so
/// itself ([`CONTRACTS`](crate::CONTRACTS)) is released only when no version needs what it takes away, and has none here.
pub fn taking_away(migration: &Migration) -> Vec<String> {
    if migration.contracts() {
        return Vec::new();
    }
    let texts = [Some(migration.sql), migration.sqlite, migration.postgres];
    let all: String = texts.into_iter().flatten().map(|text| format!("{}\n;", without_comments(text))).collect();
    let statements: Vec<Vec<String>> = all.split(';').map(words).filter(|words| !words.is_empty()).collect();
    let new: Vec<&str> = statements.iter().filter_map(|words| created(words)).collect();
    let named = |words: &Vec<String>| {
        let reason = harm(words, &new)?;
        Some(format!("{}: {reason}: {}", migration.name, words.join(" ")))
    };
    statements.iter().filter_map(named).collect()
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The words of a statement in capitals, with brackets and commas as words of their own.
fn words(statement: &str) -> Vec<String> {
    let spaced: String = statement
        .chars()
        .flat_map(|c| if "(),".contains(c) { vec![' ', c, ' '] } else { vec![c.to_ascii_uppercase()] })
        .collect();
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// The table that a statement makes.
fn created(words: &[String]) -> Option<&str> {
    let at = words.windows(2).position(|pair| pair[0] == "CREATE" && pair[1] == "TABLE")?;
    let name = words[at + 2..].iter().find(|word| !["IF", "NOT", "EXISTS"].contains(&word.as_str()))?;
    Some(name)
}

fn harm(words: &[String], new: &[&str]) -> Option<&'static str> {
    let has = |phrase: &str| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        words.windows(phrase.len()).any(|part| part.iter().zip(&phrase).all(|(a, b)| a == b))
    };
    let begins = |phrase: &str| words.iter().map(String::as_str).zip(phrase.split(' ')).all(|(a, b)| a == b);
    if begins("DROP") || begins("TRUNCATE") {
        return Some("takes away what the version before it uses");
    }
    if begins("CREATE UNIQUE INDEX") {
        let table = words.iter().skip_while(|word| *word != "ON").nth(1)?;
        return (!new.contains(&table.as_str())).then_some("refuses what the version before it writes");
    }
    if !begins("ALTER TABLE") || words.get(2).is_some_and(|table| new.contains(&table.as_str())) {
        return None;
    }
    if has("RENAME") || has("DROP COLUMN") || has("DROP DEFAULT") || has("DROP CONSTRAINT") {
        return Some("takes away what the version before it uses");
    }
    if has("SET NOT NULL") || has("ADD CONSTRAINT") || has("ADD CHECK") || has("ADD UNIQUE") {
        return Some("refuses what the version before it writes");
    }
    if has("TYPE") && words.get(3).is_some_and(|word| word == "ALTER") {
        return Some("changes what the version before it reads");
    }
    let adds = has("ADD COLUMN") || has("ADD");
    (adds && has("NOT NULL") && !has("DEFAULT")).then_some("refuses rows of the version before it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harms(sql: &'static str) -> usize {
        taking_away(&Migration { name: "m", sql, sqlite: None, postgres: None }).len()
    }

    #[test]
    fn what_only_adds_is_let_through() {
        for sql in [
            "CREATE TABLE a (id BIGINT NOT NULL); CREATE UNIQUE INDEX b ON a (id); ALTER TABLE a ADD COLUMN c TEXT NOT NULL;",
            "ALTER TABLE old ADD COLUMN c TEXT NOT NULL DEFAULT ''; -- DROP TABLE old;",
            "ALTER TABLE old ADD COLUMN type TEXT; CREATE INDEX i ON old (c); INSERT INTO old (c) VALUES ('x');",
            "CREATE TRIGGER t AFTER DELETE ON old BEGIN DELETE FROM a WHERE id = old.id; END;",
            "-- contracts: nobody has read it since 0.4\nALTER TABLE old DROP COLUMN c;",
        ] {
            assert_eq!(harms(sql), 0, "{sql}");
        }
    }

    #[test]
    fn what_takes_away_is_found() {
        for sql in [
            "DROP TABLE old;",
            "alter table old drop column c;",
            "ALTER TABLE old RENAME COLUMN c TO d;",
            "ALTER TABLE old ALTER COLUMN c SET NOT NULL;",
            "ALTER TABLE old ALTER COLUMN c TYPE BIGINT;",
            "ALTER TABLE old ADD COLUMN c TEXT NOT NULL;",
            "ALTER TABLE old ADD CONSTRAINT c CHECK(x > 0);",
            "CREATE UNIQUE INDEX i ON old(c);",
            "DROP INDEX i;",
        ] {
            assert_eq!(harms(sql), 1, "{sql}");
        }
        let only_there =
            Migration { name: "m", sql: "", sqlite: Some("DROP TABLE a;"), postgres: Some("DROP TABLE b;") };
        assert_eq!(taking_away(&only_there).len(), 2);
    }
}
