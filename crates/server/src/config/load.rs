//! Reading the configuration: a table of defaults that file, environment and flags may change, key by key.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Config;

/// Why a configuration was refused. The texts are for the operator, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{path} is not valid TOML: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
    /// A key nobody knows.
    #[error("{origin}: unknown key `{key}`{}", nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    Unknown {
        /// File or environment.
        origin: String,
        /// The key, dotted.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A value of the wrong kind.
    #[error("`{key}` = {value:?}: expected {expected}")]
    Value {
        /// The key, dotted.
        key: String,
        /// What was given.
        value: String,
        /// What is accepted.
        expected: String,
    },
}

impl ConfigError {
    pub(super) fn value(key: &str, value: &str, expected: &str) -> Self {
        Self::Value { key: key.to_owned(), value: value.to_owned(), expected: expected.to_owned() }
    }
}

/// What flags of the command line change, by dotted key.
pub type Overrides = Vec<(String, Value)>;

/// Loads the configuration: defaults, then `file`, then `environment`, then `flags`.
///
/// # Errors
/// [`ConfigError`] on the first key or value that is refused.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: Overrides,
) -> Result<Config, ConfigError> {
    let mut table = defaults()?;
    if let Some(path) = file {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let given: Table = text
            .parse()
            .map_err(|e: toml::de::Error| ConfigError::Syntax { path: path.to_owned(), message: e.to_string() })?;
        merge(&mut table, given, "", &path.display().to_string())?;
    }
    for (name, text) in environment {
        if let Some(rest) = name.strip_prefix("SECONDME_").filter(|rest| rest.contains("__")) {
            set_from_text(&mut table, &rest.to_lowercase().replace("__", "."), &text, &format!("environment {name}"))?;
        }
    }
    for (key, value) in flags {
        let slot = find(&mut table, &key).ok_or_else(|| unknown(&key, "flags"))?;
        *slot = value;
    }
    let config: Config = serde_path_to_error::deserialize(Value::Table(table)).map_err(|e| {
        let key = e.path().to_string();
        ConfigError::Value { key, value: String::new(), expected: e.into_inner().message().to_owned() }
    })?;
    config.check()?;
    Ok(config)
}

/// The defaults as a table: it doubles as the list of known keys.
pub(super) fn defaults() -> Result<Table, ConfigError> {
    Table::try_from(Config::default()).map_err(|e| ConfigError::value("defaults", "", &e.to_string()))
}

fn merge(into: &mut Table, from: Table, prefix: &str, origin: &str) -> Result<(), ConfigError> {
    for (key, value) in from {
        let dotted = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match (into.get_mut(&key), value) {
            (None, _) => return Err(unknown(&dotted, origin)),
            (Some(Value::Table(known)), Value::Table(given)) => merge(known, given, &dotted, origin)?,
            (Some(known), given) if known.type_str() == given.type_str() => *known = given,
            (Some(known), given) => {
                return Err(ConfigError::value(&dotted, &given.to_string(), &format!("a {}", known.type_str())));
            }
        }
    }
    Ok(())
}

fn set_from_text(table: &mut Table, key: &str, text: &str, origin: &str) -> Result<(), ConfigError> {
    let slot = find(table, key).ok_or_else(|| unknown(key, origin))?;
    let wrong = |expected: &str| ConfigError::value(key, text, expected);
    *slot = match slot {
        Value::String(_) => Value::String(text.to_owned()),
        Value::Integer(_) => Value::Integer(text.trim().parse().map_err(|_| wrong("a whole number"))?),
        Value::Boolean(_) => Value::Boolean(match text.trim().to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => return Err(wrong("true or false")),
        }),
        Value::Array(_) => Value::Array(
            text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|s| Value::String(s.to_owned())).collect(),
        ),
        _ => return Err(wrong("a key, not a section")),
    };
    Ok(())
}

fn find<'t>(table: &'t mut Table, key: &str) -> Option<&'t mut Value> {
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    match table.get_mut(first)? {
        Value::Table(inner) => find(inner, rest),
        other => rest.is_empty().then_some(other),
    }
}

fn unknown(key: &str, origin: &str) -> ConfigError {
    let nearest = defaults().ok().and_then(|table| {
        let mut known = Vec::new();
        dotted_keys(&table, "", &mut known);
        known.into_iter().map(|k| (distance(key, &k), k)).min().filter(|(d, k)| *d <= k.len() / 2).map(|(_, k)| k)
    });
    ConfigError::Unknown { origin: origin.to_owned(), key: key.to_owned(), nearest }
}

fn dotted_keys(table: &Table, prefix: &str, out: &mut Vec<String>) {
    for (key, value) in table {
        let dotted = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if let Value::Table(inner) = value {
            dotted_keys(inner, &dotted, out);
        }
        out.push(dotted);
    }
}

/// Levenshtein distance: how many letters to add, drop or change.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn load_text(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secondme.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path), std::iter::empty(), Vec::new())
    }

    #[test]
    fn flags_beat_environment_beats_file_beats_default() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        std::fs::write(&path, "[oauth]\ncode_seconds = 1\naccess_token_seconds = 1\napp_token_seconds = 1\n").unwrap();
        let environment = env(&[
            ("SECONDME_OAUTH__ACCESS_TOKEN_SECONDS", "2"),
            ("SECONDME_OAUTH__APP_TOKEN_SECONDS", "2"),
            ("SECONDME_MODELS__NANO__KIND", "echo"),
            ("SECONDME_TEST_MODEL_DIR", "not ours: no double underscore"),
        ]);
        let flags = vec![("oauth.app_token_seconds".to_owned(), Value::Integer(3))];
        let config = load(Some(&path), environment.into_iter(), flags).unwrap();
        assert_eq!(config.oauth.code_seconds, 1);
        assert_eq!(config.oauth.access_token_seconds, 2);
        assert_eq!(config.oauth.app_token_seconds, 3);
        assert_eq!(config.oauth.refresh_token_seconds, 31_536_000);
        assert_eq!(config.models.nano.kind, "echo");
    }

    #[test]
    fn an_unknown_key_names_its_neighbour() {
        let error = load_text("[server]\nlisten_on = \"x\"\n").unwrap_err().to_string();
        assert!(error.contains("`server.listen_on`") && error.contains("did you mean `server.listen`?"), "{error}");
        let error = load(None, env(&[("SECONDME_OAUTH__CODE_SECOND", "1")]).into_iter(), Vec::new()).unwrap_err();
        assert!(error.to_string().contains("did you mean `oauth.code_seconds`?"), "{error}");
    }

    #[test]
    fn a_wrong_value_names_key_and_expectation() {
        let error = load_text("[oauth]\ncode_seconds = \"soon\"\n").unwrap_err().to_string();
        assert!(error.contains("oauth.code_seconds") && error.contains("integer"), "{error}");
        let error = load_text("[server]\nlisten = \"here\"\n").unwrap_err().to_string();
        assert!(error.contains("server.listen") && error.contains("127.0.0.1:8787"), "{error}");
        let error = load_text("[models.nano]\nkind = \"openai\"\n").unwrap_err().to_string();
        assert!(error.contains("models.nano.base_url"), "{error}");
        let error = load_text("[database]\npool = -1\n").unwrap_err().to_string();
        assert!(error.contains("database.pool"), "{error}");
    }
}
