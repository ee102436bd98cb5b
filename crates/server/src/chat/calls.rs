//! What the avatar calls while it answers its owner: actions of skills that the owner switched on. Never in judgements.
//!
//! A call that fails is told to the model, not to the client as an error: the answer goes on without it.

use secondme_kit::Millis;
use secondme_llm::ToolCall;
use secondme_store::{Row, StoreError, Tx, params, sql};
use serde_json::{Map, Value};

use crate::app::App;
use crate::integrations::bridge::{self, Question, Refusal};
use crate::integrations::enabled::Offered;
use crate::integrations::extensions::text_of;
use crate::integrations::headers;

/// A call and what came of it, as the answer's sources show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Whose action.
    pub skill_key: String,
    /// Which action.
    pub action: String,
    /// The parameters that the model filled in.
    pub arguments: String,
    /// What the model read.
    pub result: String,
    /// Whether it failed.
    pub failed: bool,
    /// When.
    pub at: Millis,
}

/// Makes a call that the model asked for, if it is one of those that it was offered.
pub(super) async fn make(app: &App, user_id: i64, offered: &[Offered], call: &ToolCall) -> Made {
    let known = offered.iter().find(|offered| offered.tool.name == call.name);
    let outcome = match known {
        Some(offered) => run(app, user_id, offered, call).await,
        None => Err("there is no such function".to_owned()),
    };
    let failed = outcome.is_err();
    let max = app.config().integrations.chat_result_max_chars;
    let result: String = outcome.unwrap_or_else(|why| format!("The call failed: {why}")).chars().take(max).collect();
    let (skill_key, action) = known.map_or_else(
        || (String::new(), call.name.clone()),
        |offered| (offered.skill.manifest.skill.key.clone(), offered.action.name.clone()),
    );
    Made { skill_key, action, arguments: call.arguments.clone(), result, failed, at: app.now() }
}

async fn run(app: &App, user_id: i64, offered: &Offered, call: &ToolCall) -> Result<String, String> {
    let given: Map<String, Value> =
        serde_json::from_str(&call.arguments).map_err(|_| "the arguments are no JSON object".to_owned())?;
    if call.arguments.len() > app.config().integrations.arguments_max_bytes {
        return Err("the arguments are too large".to_owned());
    }
    let arguments = headers::arguments(&offered.action.payload_template, &given);
    let question = Question::Call(&offered.action.tool_name, &arguments);
    match bridge::ask(app, user_id, &offered.skill, None, question).await {
        Ok(result) if result["isError"] == true => Err(text_of(&result)),
        Ok(result) => Ok(words(&result)),
        Err(Refusal::Unauthorized { place }) => {
            Err(format!("the user has not authorized the app; they can at {}", place.app_store_url))
        }
        Err(Refusal::Call(error)) => Err(error.to_string()),
        Err(Refusal::Other(error)) => {
            tracing::warn!(cause = %error, "an avatar's call to an app failed");
            Err(error.message(crate::error::Lang::En))
        }
    }
}

/// What a model reads of a result.
fn words(result: &Value) -> String {
    let text = text_of(result);
    if !text.is_empty() {
        return text;
    }
    let structured = &result["structuredContent"];
    if structured.is_null() { result.to_string() } else { structured.to_string() }
}

/// Stores the calls of a message, in the transaction that stores the message.
///
/// # Errors
/// Storage failures only.
pub(super) async fn put(tx: &mut Tx, user_id: i64, message_id: &str, made: &[Made]) -> Result<(), StoreError> {
    let insert = sql!(
        "INSERT INTO chat_tool_calls (message_id, position, user_id, skill_key, tool, arguments, result, failed, called_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    for (position, made) in (0_i64..).zip(made) {
        let Made { skill_key, action, arguments, result, failed, at } = made;
        tx.run(insert, params![message_id, position, user_id, skill_key, action, arguments, result, *failed, *at])
            .await?;
    }
    Ok(())
}

/// The calls of a message.
///
/// # Errors
/// Storage failures only.
pub(super) async fn list(tx: &mut Tx, user_id: i64, message_id: &str) -> Result<Vec<Made>, StoreError> {
    let list = sql!(
        "SELECT skill_key, tool, arguments, result, failed, called_at FROM chat_tool_calls
         WHERE user_id = $1 AND message_id = $2 ORDER BY position"
    );
    let made = |row: &Row| {
        Ok(Made {
            skill_key: row.get("skill_key")?,
            action: row.get("tool")?,
            arguments: row.get("arguments")?,
            result: row.get("result")?,
            failed: row.get("failed")?,
            at: row.get("called_at")?,
        })
    };
    tx.all(list, params![user_id, message_id]).await?.iter().map(made).collect()
}
