//! Headers of calls: templates with placeholders, `{{token}}` for the user's token and `{{NAME}}` for a secret of the developer.

use std::collections::BTreeMap;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::manifest::{Faults, Mcp};

/// The placeholder of the user's token.
const TOKEN: &str = "token";
/// These belong to the connection and to the protocol.
const RESERVED: [&str; 9] =
    ["host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "cookie", "te", "upgrade"];

/// Names between `{{` and `}}`.
pub fn placeholders(template: &str) -> Vec<&str> {
    let parts = template.split("{{").skip(1);
    parts.filter_map(|part| part.split_once("}}").map(|(name, _)| name.trim())).collect()
}

/// Checks how calls prove themselves.
pub(super) fn check(mcp: &Mcp, secrets: &[&str], faults: &mut Faults) {
    const MODE: &str = "mcp.authMode";
    const TEMPLATE: &str = "mcp.headersTemplate";
    let templates: Vec<(&String, &str)> =
        mcp.headers_template.iter().map(|(name, value)| (name, value.as_str().unwrap_or_default())).collect();
    let uses_token = templates.iter().any(|(_, value)| placeholders(value).contains(&TOKEN));
    let authorization = mcp.headers_template.keys().any(|name| name.eq_ignore_ascii_case("authorization"));
    match mcp.auth_mode.as_str() {
        "none" => faults.check(!uses_token, TEMPLATE, "uses {{token}}, which authMode none does not send"),
        "bearer_token" => {
            faults.check(!authorization, TEMPLATE, "must not have Authorization: bearer_token sends it by itself");
        }
        "header_template" => faults.check(!templates.is_empty(), TEMPLATE, "is required with authMode header_template"),
        _ => faults.check(false, MODE, "must be none, bearer_token or header_template"),
    }
    faults.check(templates.len() <= 20, TEMPLATE, "has more than 20 headers");
    let mut used = Vec::new();
    for (name, value) in mcp.headers_template.iter() {
        let path = format!("{TEMPLATE}.{name}");
        let lower = name.to_ascii_lowercase();
        let free = HeaderName::from_bytes(name.as_bytes()).is_ok()
            && !RESERVED.contains(&lower.as_str())
            && !lower.starts_with("mcp-");
        faults.check(free, &path, "is no header that can be set");
        let Some(value) = value.as_str() else {
            faults.check(false, &path, "must be a text");
            continue;
        };
        let plain = value.len() <= 1_000 && HeaderValue::from_str(value).is_ok();
        faults.check(plain, &path, "must be one line of at most 1000 characters");
        for placeholder in placeholders(value) {
            let known = placeholder == TOKEN || secrets.contains(&placeholder);
            faults.check(
                known,
                &path,
                &format!("uses {{{{{placeholder}}}}}, which is no value of envSecrets.release.values"),
            );
            used.push(placeholder.to_owned());
        }
    }
    for secret in secrets {
        let needed = used.iter().any(|name| name == secret);
        faults.check(needed, &format!("envSecrets.release.values.{secret}"), "is used by no header");
    }
}

/// The headers of a call.
///
/// # Errors
/// Which header cannot be sent as it came out.
pub fn render(mcp: &Mcp, token: &str, secrets: &BTreeMap<String, String>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &mcp.headers_template {
        let text = fill(value.as_str().unwrap_or_default(), token, secrets);
        let bad = || format!("the header {name} came out as something that cannot be sent");
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(&text).map_err(|_| bad())?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    if mcp.auth_mode == "bearer_token" {
        let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
        headers.insert(AUTHORIZATION, bearer.map_err(|_| "the token cannot be sent".to_owned())?);
    }
    Ok(headers)
}

fn fill(template: &str, token: &str, secrets: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, tail)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        match name.trim() {
            TOKEN => out.push_str(token),
            name => out.push_str(secrets.get(name).map_or("", String::as_str)),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Arguments of a call: the template, with `{{name}}` replaced by the caller's parameter, and then the other parameters.
pub fn arguments(template: &serde_json::Map<String, Value>, given: &serde_json::Map<String, Value>) -> Value {
    let mut used = Vec::new();
    let mut out = serde_json::Map::new();
    for (name, value) in template {
        if let Some(value) = filled(value, given, &mut used) {
            out.insert(name.clone(), value);
        }
    }
    for (name, value) in given {
        if !used.iter().any(|used| used == name) {
            out.insert(name.clone(), value.clone());
        }
    }
    Value::Object(out)
}

/// A value with its placeholders replaced; none when it is nothing but a parameter that was not given.
fn filled(value: &Value, given: &serde_json::Map<String, Value>, used: &mut Vec<String>) -> Option<Value> {
    let text = match value {
        Value::String(text) if text.contains("{{") => text,
        Value::Object(inner) => {
            let inner = inner.iter().filter_map(|(name, value)| Some((name.clone(), filled(value, given, used)?)));
            return Some(Value::Object(inner.collect()));
        }
        Value::Array(inner) => return Some(inner.iter().filter_map(|value| filled(value, given, used)).collect()),
        other => return Some(other.clone()),
    };
    let names = placeholders(text);
    used.extend(names.iter().map(|name| (*name).to_owned()));
    let whole = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim);
    if let Some(name) = whole.filter(|_| names.len() == 1) {
        return given.get(name).cloned();
    }
    let word = |name: &&str| match given.get(*name) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    let values: BTreeMap<String, String> = names.iter().map(|name| ((*name).to_owned(), word(name))).collect();
    let token = values.get(TOKEN).cloned().unwrap_or_default();
    Some(fill(text, &token, &values).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> serde_json::Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn headers_are_filled_in() {
        let mcp = Mcp {
            auth_mode: "header_template".into(),
            headers_template: object(json!({"X-Key": "k {{ KEY }}", "X-User": "{{token}}"})),
            ..Mcp::default()
        };
        let secrets = BTreeMap::from([("KEY".to_owned(), "s3cret".to_owned())]);
        let headers = render(&mcp, "tok", &secrets).unwrap();
        assert_eq!((headers["x-key"].to_str().unwrap(), headers["x-user"].to_str().unwrap()), ("k s3cret", "tok"));
        let smuggled = BTreeMap::from([("KEY".to_owned(), "a\r\nHost: b".to_owned())]);
        assert!(render(&mcp, "tok", &smuggled).is_err());
    }

    #[test]
    fn templates_and_secrets_must_fit_each_other() {
        let faults = |mode: &str, template: Value, secrets: &[&str]| {
            let mcp = Mcp { auth_mode: mode.into(), headers_template: object(template), ..Mcp::default() };
            let mut faults = Faults::default();
            check(&mcp, secrets, &mut faults);
            faults.0.into_iter().map(|fault| fault.path).collect::<Vec<_>>()
        };
        assert!(faults("header_template", json!({"X-Key": "{{KEY}} {{token}}"}), &["KEY"]).is_empty());
        assert!(faults("bearer_token", json!({}), &[]).is_empty());
        assert_eq!(faults("bearer_token", json!({"Authorization": "Bearer {{token}}"}), &[]), ["mcp.headersTemplate"]);
        assert_eq!(faults("none", json!({"X": "{{token}}"}), &[]), ["mcp.headersTemplate"]);
        assert_eq!(faults("header_template", json!({"Host": "x"}), &[]), ["mcp.headersTemplate.Host"]);
        assert_eq!(faults("header_template", json!({"X": "{{KEY}}"}), &[]), ["mcp.headersTemplate.X"]);
        assert_eq!(faults("bearer_token", json!({}), &["KEY"]), ["envSecrets.release.values.KEY"]);
    }

    #[test]
    fn arguments_are_templates_and_parameters() {
        let template =
            object(json!({"limit": 5, "query": "{{q}}", "text": "about {{topic}} today", "gone": "{{none}}"}));
        let given = object(json!({"q": ["a"], "topic": "bees", "extra": true, "limit": 9}));
        assert_eq!(
            arguments(&template, &given),
            json!({"limit": 9, "query": ["a"], "text": "about bees today", "extra": true})
        );
    }
}
