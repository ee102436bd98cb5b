//! Prompts: what users ask of their second self again and again, as agents' menus show it. They hold no data of the user; they tell
//! the agent which tools to use.

use rmcp::model::{GetPromptResult, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::{Map, Value};

use crate::error::{ApiError, Problem, Result};

/// One prompt. `{}` in the text is its argument.
struct Row {
    name: &'static str,
    about: &'static str,
    argument: (&'static str, &'static str),
    /// In the place of an argument that was left out; none: it is required.
    default: Option<&'static str>,
    text: &'static str,
}

const PROMPTS: [Row; 3] = [
    Row {
        name: "my_day",
        about: "What I did on a day, in a few sentences.",
        argument: ("date", "yyyy-MM-dd; today when absent."),
        default: Some("today"),
        text: "Ask day_overview what I did ({}), look up with search_memory what you do not understand, and tell me in at most \
               five sentences what kind of day it was. Name what was important first.",
    },
    Row {
        name: "in_my_words",
        about: "Says something as I would say it.",
        argument: ("text", "What is to be said."),
        default: None,
        text: "Have my avatar say this as I would, with the chat tool, and give me its answer without a comment of yours:\n\n{}",
    },
    Row {
        name: "what_do_i_know",
        about: "What I have written, said or done about something.",
        argument: ("topic", "A question or words."),
        default: None,
        text: "Search my memory (search_memory, in two or three wordings) for what I have written, said or done about the \
               following, and answer with what you found and when it was. Add nothing that is not there.\n\n{}",
    },
];

/// All of them.
pub(super) fn all() -> Vec<Prompt> {
    let prompt = |row: &Row| {
        let (name, about) = row.argument;
        let argument = PromptArgument::new(name).with_description(about).with_required(row.default.is_none());
        Prompt::new(row.name, Some(row.about), Some(vec![argument]))
    };
    PROMPTS.iter().map(prompt).collect()
}

/// One of them, filled in.
pub(super) fn get(name: &str, arguments: &Map<String, Value>) -> Result<GetPromptResult> {
    let row = PROMPTS.iter().find(|row| row.name == name);
    let row = row
        .ok_or_else(|| ApiError::invalid("name", &Problem::Expected("one of `prompts/list`", " prompts/list 之一")))?;
    let given = arguments.get(row.argument.0).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let value = given.or(row.default).ok_or_else(|| ApiError::invalid(row.argument.0, &Problem::Required))?;
    let mut prompt = GetPromptResult::new(vec![PromptMessage::new_text(Role::User, row.text.replace("{}", value))]);
    prompt.description = Some(row.about.to_owned());
    Ok(prompt)
}
