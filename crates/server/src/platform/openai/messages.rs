//! The messages of a request as OpenAI has them, read into the avatar's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secondme_llm::{ChatMessage, Image, Role, ToolCall};
use serde::Deserialize;
use serde_json::Value;

use super::OpenAiError;
use crate::chat::turn::MEDIA_TYPES;
use crate::config::Config;
use crate::error::Problem;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    role: String,
    content: Option<Content>,
    tool_calls: Option<Vec<Call>>,
    tool_call_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Part {
    r#type: String,
    text: String,
    image_url: Option<ImageUrl>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ImageUrl {
    Bare(String),
    Object { url: String },
}

#[derive(Deserialize)]
struct Call {
    id: String,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: String,
}

/// Instructions (of `system` and `developer`) and the rest of the conversation.
pub(super) struct Read {
    pub(super) instructions: String,
    pub(super) messages: Vec<ChatMessage>,
}

/// Reads them.
pub(super) fn read(config: &Config, messages: Vec<Message>) -> Result<Read, OpenAiError> {
    let max = config.openai.messages_max;
    if messages.len() > max {
        return Err(OpenAiError::invalid("messages", &Problem::TooMany(max)));
    }
    let mut read = Read { instructions: String::new(), messages: Vec::with_capacity(messages.len()) };
    for (at, message) in messages.into_iter().enumerate() {
        one(config, at, message, &mut read)?;
    }
    check(config, &read)?;
    Ok(read)
}

fn one(config: &Config, at: usize, message: Message, read: &mut Read) -> Result<(), OpenAiError> {
    let field = format!("messages[{at}]");
    let (text, images) = content(config, &field, message.content)?;
    let mut made = match message.role.as_str() {
        "system" | "developer" => {
            if !read.instructions.is_empty() {
                read.instructions.push_str("\n\n");
            }
            read.instructions.push_str(&text);
            return Ok(());
        }
        "user" => ChatMessage::user(text),
        "assistant" => ChatMessage::assistant(text),
        "tool" => match message.tool_call_id {
            Some(id) => ChatMessage::result(id, text),
            None => return Err(OpenAiError::invalid(&format!("{field}.tool_call_id"), &Problem::Required)),
        },
        _ => {
            let roles = Problem::Expected(
                "system, developer, user, assistant or tool",
                " system、developer、user、assistant 或 tool",
            );
            return Err(OpenAiError::invalid(&format!("{field}.role"), &roles));
        }
    };
    made.images = images;
    let call = |call: Call| ToolCall { id: call.id, name: call.function.name, arguments: call.function.arguments };
    made.calls = message.tool_calls.unwrap_or_default().into_iter().map(call).collect();
    read.messages.push(made);
    Ok(())
}

fn check(config: &Config, read: &Read) -> Result<(), OpenAiError> {
    let chat = &config.chat;
    let last = read.messages.iter().rfind(|message| message.role == Role::User);
    let Some(last) = last.filter(|last| !last.text.trim().is_empty() || !last.images.is_empty()) else {
        return Err(OpenAiError::invalid(
            "messages",
            &Problem::Expected("at least one message of the user", "至少一条用户消息"),
        ));
    };
    if last.text.chars().count() > chat.message_max_chars {
        return Err(OpenAiError::invalid("messages", &Problem::TooLong(chat.message_max_chars)));
    }
    if read.instructions.chars().count() > chat.system_prompt_max_chars {
        return Err(OpenAiError::invalid("messages", &Problem::TooLong(chat.system_prompt_max_chars)));
    }
    if read.messages.iter().map(|message| message.images.len()).sum::<usize>() > chat.images_max {
        return Err(OpenAiError::invalid("messages", &Problem::TooMany(chat.images_max)));
    }
    Ok(())
}

fn content(config: &Config, field: &str, content: Option<Content>) -> Result<(String, Vec<Image>), OpenAiError> {
    let parts = match content {
        None => return Ok(Default::default()),
        Some(Content::Text(text)) => return Ok((text, Vec::new())),
        Some(Content::Parts(parts)) => parts,
    };
    let (mut texts, mut images) = (Vec::new(), Vec::new());
    for (at, part) in parts.into_iter().enumerate() {
        let field = format!("{field}.content[{at}]");
        match (part.r#type.as_str(), part.image_url) {
            ("text", _) => texts.push(part.text),
            ("image_url", Some(ImageUrl::Bare(url) | ImageUrl::Object { url })) => {
                images.push(image(config, &field, &url)?)
            }
            _ => return Err(OpenAiError::unsupported(&field)),
        }
    }
    Ok((texts.join("\n"), images))
}

/// A picture that came with the request; others are not fetched.
fn image(config: &Config, field: &str, url: &str) -> Result<Image, OpenAiError> {
    let expected = Problem::Expected(
        "a data URL with base64 of a png, jpeg, gif or webp",
        "png、jpeg、gif 或 webp 的 Base64 data URL",
    );
    let read = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")).and_then(|(kind, data)| {
        let kind = MEDIA_TYPES.into_iter().find(|known| *known == kind)?;
        Some(Image { media_type: kind.to_owned(), data: STANDARD.decode(data).ok()? })
    });
    let image = read.ok_or_else(|| OpenAiError::invalid(field, &expected))?;
    let max = config.chat.image_max_bytes;
    if image.data.len() > max {
        return Err(OpenAiError::invalid(field, &Problem::Parser(format!("is larger than {max} bytes"))));
    }
    Ok(image)
}

/// `stop`: one text or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Stop {
    One(String),
    Many(Vec<String>),
}

impl Stop {
    pub(super) fn into_list(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// The name inside `tool_choice`, or one of its words.
pub(super) fn chosen(choice: &Value) -> Option<&str> {
    choice.as_str().or_else(|| choice.pointer("/function/name")?.as_str())
}
