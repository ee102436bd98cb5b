//! A request as code that can be copied: curl, TypeScript and Python. Without a token: `$TOKEN` stands for it.

use std::fmt::Write;

/// A request to write down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// `POST`.
    pub method: String,
    /// The whole address, with the query.
    pub url: String,
    /// Whether it carries an access token.
    pub token: bool,
    /// The content type of the body; empty: there is none.
    pub media: String,
    /// The body: JSON text, or the pairs of a form.
    pub body: Body,
    /// Whether the answer is a stream of events.
    pub streams: bool,
}

/// What a request carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    #[default]
    None,
    /// JSON, as one text.
    Json(String),
    /// A form.
    Form(Vec<(String, String)>),
}

/// The same request in three languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippets {
    /// For a shell.
    pub curl: String,
    /// For Node, Deno, Bun and browsers.
    pub typescript: String,
    /// For Python with `requests`.
    pub python: String,
}

impl Call {
    /// The request in all languages.
    pub fn snippets(&self) -> Snippets {
        Snippets { curl: self.curl(), typescript: self.typescript(), python: self.python() }
    }

    fn curl(&self) -> String {
        let mut out = String::from("curl");
        if self.streams {
            out.push_str(" -N");
        }
        let implied = if self.body == Body::None { "GET" } else { "POST" };
        if self.method != implied {
            let _ = write!(out, " -X {}", self.method);
        }
        let _ = write!(out, " {}", shell(&self.url));
        if self.token {
            out.push_str(" \\\n  -H \"Authorization: Bearer $TOKEN\"");
        }
        match &self.body {
            Body::None => {}
            Body::Json(text) => {
                let _ = write!(out, " \\\n  -H 'Content-Type: application/json' \\\n  -d {}", shell(text));
            }
            Body::Form(pairs) => {
                for (name, value) in pairs {
                    let _ = write!(out, " \\\n  --data-urlencode {}", shell(&format!("{name}={value}")));
                }
            }
        }
        out
    }

    fn typescript(&self) -> String {
        let mut out =
            format!("const response = await fetch({}, {{\n  method: {},\n", quoted(&self.url), quoted(&self.method));
        let json = matches!(self.body, Body::Json(_));
        if self.token || json {
            out.push_str("  headers: {\n");
            if self.token {
                out.push_str("    Authorization: `Bearer ${process.env.TOKEN}`,\n");
            }
            if json {
                out.push_str("    \"Content-Type\": \"application/json\",\n");
            }
            out.push_str("  },\n");
        }
        match &self.body {
            Body::None => {}
            Body::Json(text) => {
                let _ = writeln!(out, "  body: JSON.stringify({}),", indented(text, "  "));
            }
            Body::Form(pairs) => {
                out.push_str("  body: new URLSearchParams({\n");
                for (name, value) in pairs {
                    let _ = writeln!(out, "    {}: {},", quoted(name), quoted(value));
                }
                out.push_str("  }),\n");
            }
        }
        out.push_str("});\n");
        out.push_str(if self.streams {
            "for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {\n  console.log(chunk);\n}\n"
        } else {
            "console.log(response.status, await response.json());\n"
        });
        out
    }

    fn python(&self) -> String {
        let mut out = String::from("import os, requests\n\n");
        let _ = write!(out, "response = requests.request(\n    {}, {},\n", quoted(&self.method), quoted(&self.url));
        if self.token {
            out.push_str("    headers={\"Authorization\": f\"Bearer {os.environ['TOKEN']}\"},\n");
        }
        match &self.body {
            Body::None => {}
            Body::Json(text) => {
                let _ = writeln!(out, "    json={},", python(&indented(text, "    ")));
            }
            Body::Form(pairs) => {
                out.push_str("    data={\n");
                for (name, value) in pairs {
                    let _ = writeln!(out, "        {}: {},", quoted(name), quoted(value));
                }
                out.push_str("    },\n");
            }
        }
        out.push_str(if self.streams {
            "    stream=True,\n)\nfor line in response.iter_lines(decode_unicode=True):\n    print(line)\n"
        } else {
            ")\nprint(response.status_code, response.json())\n"
        });
        out
    }
}

/// As one word for a shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// As a string of TypeScript, Python and JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// JSON over several lines, those after the first moved to the right; a text that is none stays as it is.
fn indented(json: &str, margin: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(json);
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| json.to_owned());
    pretty.replace('\n', &format!("\n{margin}"))
}

/// JSON's three words in Python's spelling, where they are values.
fn python(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    let mut word = String::new();
    for c in json.chars() {
        if !inside && c.is_ascii_alphabetic() {
            word.push(c);
            continue;
        }
        out.push_str(match word.as_str() {
            "true" => "True",
            "false" => "False",
            "null" => "None",
            other => other,
        });
        word.clear();
        if c == '"' && !escaped {
            inside = !inside;
        }
        escaped = inside && c == '\\' && !escaped;
        out.push(c);
    }
    out.push_str(&word);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_in_three_languages() {
        let call = Call {
            method: "POST".into(),
            url: "http://localhost:8787/gate/lab/api/x".into(),
            token: true,
            media: "application/json".into(),
            body: Body::Json(r#"{"message":"it's true","stream":true}"#.into()),
            streams: false,
        };
        let Snippets { curl, typescript, python } = call.snippets();
        assert_eq!(
            curl,
            "curl 'http://localhost:8787/gate/lab/api/x' \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  \
             -H 'Content-Type: application/json' \\\n  -d '{\"message\":\"it'\\''s true\",\"stream\":true}'"
        );
        assert!(typescript.contains("\"stream\": true") && typescript.contains("Bearer ${process.env.TOKEN}"));
        assert!(python.contains("\"message\": \"it's true\"") && python.contains("\"stream\": True"), "{python}");
    }

    #[test]
    fn other_methods_and_forms() {
        let delete = Call { method: "DELETE".into(), url: "http://a/b".into(), ..Call::default() };
        assert_eq!(delete.snippets().curl, "curl -X DELETE 'http://a/b'");
        let form = vec![("grant_type".to_owned(), "refresh_token".to_owned())];
        let call = Call { method: "POST".into(), url: "http://a".into(), body: Body::Form(form), ..Call::default() };
        assert_eq!(call.snippets().curl, "curl 'http://a' \\\n  --data-urlencode 'grant_type=refresh_token'");
        assert!(call.snippets().python.contains("data={\n        \"grant_type\": \"refresh_token\",\n    }"));
    }
}
