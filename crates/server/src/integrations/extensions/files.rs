//! The files that an agent on the user's machine is given for a skill (contract 6.2).

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::app::App;
use crate::integrations::registry::Released;

/// File name → content.
pub fn files(app: &App, skill: &Released) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("SKILL.md", skill_md(app, skill)),
        ("prompt.md", prompt(skill)),
        ("prompt_short.md", format!("{}\n", skill.manifest.prompts.activation_short.trim())),
    ])
}

fn prompt(skill: &Released) -> String {
    let prompts = &skill.manifest.prompts;
    let parts = [&prompts.activation_short, &prompts.activation_long, &prompts.system_summary];
    let parts: Vec<&str> = parts.into_iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    format!("{}\n", parts.join("\n\n"))
}

fn skill_md(app: &App, skill: &Released) -> String {
    let manifest = &skill.manifest;
    // JSON texts are YAML texts, too, and no line of a developer's ends the front matter.
    let quoted = |text: &str| Value::from(text).to_string();
    let mut out = format!(
        "---\nname: {}\ndescription: {}\nversion: {}\n---\n\n# {}\n\n{}\n",
        quoted(&manifest.skill.key),
        quoted(&manifest.skill.description),
        quoted(&skill.number.to_string()),
        manifest.skill.display_name.trim(),
        prompt(skill).trim_end()
    );
    let url = format!("{}/api/secondme/extensions/mcp/{}/rpc", app.base_url(), skill.integration_id);
    let _ = write!(
        out,
        "\n## How to call it\n\n`POST {url}` with the user's SecondMe token (`Authorization: Bearer …`) and a JSON body of \
         `method` (an action below) and `params`. The answer has `result` or `error`. With error code -32010 the user has not \
         authorized the app yet: show them `error.data.appStoreUrl`.\n\n## Actions\n"
    );
    for action in &manifest.actions {
        let _ = write!(out, "\n### `{}`\n\n{}\n", action.name, action.description.trim());
        if !action.payload_template.is_empty() {
            let template = Value::Object(action.payload_template.clone());
            let _ = write!(
                out,
                "\nParameters: the names in double braces, and any that override these.\n\n```json\n{template:#}\n```\n"
            );
        }
    }
    out
}
