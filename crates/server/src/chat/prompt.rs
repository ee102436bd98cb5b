//! What the model sees: persona, the session's system prompt, as much of the past as fits, and the new message.
//!
//! The beginning stays the same from turn to turn, so that the model's prefix cache is hit: the past is cut in large steps,
//! not turn by turn, and nothing that changes (time, search results) stands before it. What is recalled for this turn alone stands as late as the model
//! allows: as a system message of its own right before the new message, or, for servers that take one system message only, at
//! the end of that one.

use secondme_llm::{ChatMessage, ChatModel, Image, ModelInfo, Role};

use super::persona::Persona;
use crate::error::{ApiError, Code, Result};

/// One earlier message of the session.
#[derive(Clone, Debug)]
pub struct Past {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub text: String,
    /// Pictures that came with it.
    pub images: Vec<Image>,
}

/// What goes into a prompt.
#[derive(Debug)]
pub struct Material<'a> {
    /// Who speaks.
    pub persona: &'a Persona,
    /// Instructions of the session's first request.
    pub system_prompt: Option<&'a str>,
    /// What is recalled for this turn; empty: nothing.
    pub memories: &'a str,
    /// What to do with the message, when it is not simply answered.
    pub task: Option<&'a str>,
    /// Earlier messages, oldest first.
    pub past: &'a [Past],
    /// What is said now, with what a search found.
    pub message: &'a str,
    /// Pictures that come with it.
    pub images: &'a [Image],
    /// The most tokens of the answer.
    pub max_tokens: u32,
    /// Share of the context, in percent, that the past may take.
    pub history_percent: usize,
}

/// A prompt, and how much of the past it left out.
#[derive(Debug)]
pub struct Prompt {
    /// The conversation for the model.
    pub messages: Vec<ChatMessage>,
    /// Earlier messages that did not fit.
    pub left_out: usize,
    /// Whether the memories are in it; they give way when there is no room.
    pub remembers: bool,
}

/// Tokens that a chat template adds around a message.
const PER_MESSAGE: usize = 8;
const CUT_NOTE: &str = "\n\n(Earlier parts of this conversation are no longer shown.)";

/// Builds the prompt for `model`.
///
/// # Errors
/// `secondme.context.too_long` when persona and message alone leave no room for an answer.
pub fn build(model: &dyn ChatModel, material: &Material<'_>) -> Result<Prompt> {
    let context = model.info().context_tokens;
    // Room for the answer: what was asked for, but at most a quarter of the context.
    let reserve = usize::try_from(material.max_tokens).unwrap_or(usize::MAX).min(context / 4);
    let limit = context.saturating_sub(reserve);
    let mut system = material.persona.text.clone();
    if let Some(prompt) = material.system_prompt {
        system.push_str("\n\n## Instructions for this conversation\n");
        system.push_str(prompt);
    }
    if let Some(task) = material.task {
        system.push_str("\n\n## Task\n");
        system.push_str(task);
    }
    let count = |text: &str| model.count_tokens(text) + PER_MESSAGE;
    let fixed = count(&system) + count(CUT_NOTE) + count(material.message);
    if fixed > limit {
        return Err(ApiError::new(Code::ContextTooLong).arg(limit));
    }
    let recalled = if material.memories.is_empty() { 0 } else { count(material.memories) };
    let remembers = recalled > 0 && fixed + recalled <= limit;
    let fixed = if remembers { fixed + recalled } else { fixed };
    let sizes: Vec<usize> = material.past.iter().map(|p| count(&p.text)).collect();
    let usual = context * material.history_percent / 100;
    let left_out = cut(&sizes, usual, limit - fixed);
    if left_out > 0 {
        system.push_str(CUT_NOTE);
    }
    let ModelInfo { vision, late_system, .. } = model.info();
    let late = remembers && late_system && left_out < material.past.len();
    if remembers && !late {
        system.push_str("\n\n");
        system.push_str(material.memories);
    }
    let mut messages = vec![ChatMessage::system(system)];
    for past in material.past.iter().skip(left_out) {
        messages.push(message(past.role, &past.text, &past.images, vision));
    }
    if late {
        messages.push(ChatMessage::system(material.memories));
    }
    messages.push(message(Role::User, material.message, material.images, vision));
    Ok(Prompt { messages, left_out, remembers })
}

/// A message with its pictures; a model that cannot see is told that there were some, so that the avatar can say so.
fn message(role: Role, text: &str, images: &[Image], vision: bool) -> ChatMessage {
    if images.is_empty() {
        return ChatMessage::new(role, text);
    }
    if vision {
        return ChatMessage { images: images.to_vec(), ..ChatMessage::new(role, text) };
    }
    ChatMessage::new(role, format!("{text}\n\n[{} picture(s) were attached that you cannot see.]", images.len()))
}

/// How many of the oldest messages to leave out, given their sizes: in steps of half the usual budget, so that the first
/// message shown stays the same for many turns; more only if the room of this turn demands it.
fn cut(sizes: &[usize], usual: usize, room: usize) -> usize {
    let total: usize = sizes.iter().sum();
    let step = (usual / 2).max(1);
    let excess = total.saturating_sub(usual);
    let mut drop_tokens = excess.div_ceil(step) * step;
    drop_tokens = drop_tokens.max(total.saturating_sub(room));
    let mut dropped = 0;
    let mut count = 0;
    for size in sizes {
        if dropped >= drop_tokens {
            break;
        }
        dropped += size;
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secondme_llm::Scripted;

    fn persona() -> Persona {
        Persona { name: "Ada".into(), text: "You are Ada.".into() }
    }

    fn material<'a>(persona: &'a Persona, past: &'a [Past], message: &'a str) -> Material<'a> {
        Material {
            persona,
            system_prompt: None,
            memories: "",
            task: None,
            past,
            message,
            images: &[],
            max_tokens: 200,
            history_percent: 50,
        }
    }

    #[test]
    fn a_message_beyond_the_context_is_refused_by_name() {
        let (model, persona) = (Scripted::echo(), persona());
        let text = "word ".repeat(200_000);
        let error = build(&model, &material(&persona, &[], &text)).unwrap_err();
        assert_eq!(error.code(), Code::ContextTooLong);
    }

    #[test]
    fn memories_stand_as_late_as_the_model_allows_and_give_way() {
        let (model, persona) = (Scripted::echo(), persona());
        let past = [Past { role: Role::User, text: "before".into(), images: Vec::new() }];
        let texts = |past: &[Past], memories: &str| {
            let material = Material { memories, ..material(&persona, past, "now") };
            let prompt = build(&model, &material).unwrap();
            (prompt.messages.into_iter().map(|m| m.text).collect::<Vec<_>>(), prompt.remembers)
        };
        assert_eq!(
            texts(&past, "I keep bees."),
            (vec!["You are Ada.".into(), "before".into(), "I keep bees.".into(), "now".into()], true)
        );
        assert_eq!(texts(&[], "I keep bees."), (vec!["You are Ada.\n\nI keep bees.".into(), "now".into()], true));
        assert_eq!(texts(&[], &"bees ".repeat(50_000)), (vec!["You are Ada.".into(), "now".into()], false));
    }

    #[test]
    fn the_prefix_stays_while_the_conversation_grows() {
        // 1,000 messages of 100 tokens, a usual budget of 1,000: the first message shown moves in steps of five.
        let mut firsts = Vec::new();
        for n in 0..1_000 {
            firsts.push(cut(&vec![100; n], 1_000, 10_000));
        }
        let moves = firsts.windows(2).filter(|w| w[0] != w[1]).count();
        assert!(moves <= 1_000 / 5 + 1, "{moves} moves");
    }

    proptest! {
        #[test]
        fn what_is_kept_always_fits(sizes in proptest::collection::vec(1usize..400, 0..200), usual in 1usize..5_000, room in 0usize..5_000) {
            let kept: usize = sizes[cut(&sizes, usual, room)..].iter().sum();
            prop_assert!(kept <= usual && kept <= room);
        }

        #[test]
        fn nothing_is_left_out_without_need(sizes in proptest::collection::vec(1usize..10, 0..50)) {
            prop_assert_eq!(cut(&sizes, 500, 500), 0);
        }
    }
}
