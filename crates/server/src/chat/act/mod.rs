//! Act: a judgement of the avatar as JSON (contract 11), with a guarantee the hosted service does not give: the concatenated
//! deltas always parse and have the structure that `actionControl` describes, or the client gets a typed error.

mod bound;
mod extract;
pub mod http;

use secondme_llm::{ChatMessage, ChatModel, ChatStream, FinishReason};
use secondme_shape::Shape;
use serde_json::Value;

use super::reply::{End, Reply, Show};
use super::stream;
use crate::error::{ApiError, Code};

/// What is to be decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The developer's words.
    pub control: String,
    /// The structure they describe.
    pub shape: Shape,
}

impl Decision {
    /// From an `actionControl` that was checked.
    pub fn new(control: String) -> Self {
        let shape = secondme_shape::shape(&control);
        Self { control, shape }
    }

    /// What the model is told.
    pub(super) fn instructions(&self, name: &str) -> String {
        format!(
            "Judge the message as {name} would, by the rules below. Answer with the JSON alone: no explanation, no code fence.\n\n{}",
            self.control
        )
    }
}

/// Follows a generation that is to become JSON, and sends only what is valid.
///
/// A model whose output is constrained, and whose whole document is sure to fit, streams as it comes. Everything else is held
/// back until it is valid; what is not gets one repair round.
pub(super) async fn decide(reply: &mut Reply, decision: &Decision, stream: ChatStream) -> End {
    reply.notes.insert("schema".into(), decision.shape.schema.clone());
    reply.notes.insert("understood".into(), decision.shape.understood.into());
    if may_stream(&*reply.model(), &decision.shape.schema, reply.turn.max_tokens) {
        let end = reply.follow(stream, Show::AsItComes).await;
        return match (&end, check(decision, &reply.said)) {
            (End::Finished(..), Err(problem)) => failed(problem),
            _ => end,
        };
    }
    let first = reply.follow(stream, Show::HeldBack).await;
    let (reason, problem) = match settle(reply, decision, first) {
        Settled::Done(end) => return end,
        Settled::Invalid(reason, problem) => (reason, problem),
    };
    if reason == FinishReason::Length {
        return failed(problem);
    }
    match repair(reply, &problem).await {
        Ok(stream) => {
            let second = reply.follow(stream, Show::HeldBack).await;
            match settle(reply, decision, second) {
                Settled::Done(end) => end,
                Settled::Invalid(_, problem) => failed(problem),
            }
        }
        Err(error) => End::Failed(error),
    }
}

/// Why a text is no answer.
struct Flaw {
    code: Code,
    problem: String,
    text: String,
}

enum Settled {
    Done(End),
    Invalid(FinishReason, Flaw),
}

/// Sends a held-back answer when it is valid; takes it back when it is not.
fn settle(reply: &mut Reply, decision: &Decision, end: End) -> Settled {
    let said = std::mem::take(&mut reply.said);
    let (reason, usage) = match end {
        End::Finished(reason, usage) => (reason, usage),
        other => return Settled::Done(other),
    };
    match check(decision, &said) {
        Ok(value) => {
            reply.said = value.to_string();
            reply.send(stream::delta(reply.turn.model, &reply.said, reply.app.config().compat.sdk_content));
            Settled::Done(End::Finished(FinishReason::Stop, usage))
        }
        Err(mut flaw) => {
            if reason == FinishReason::Length {
                flaw.code = Code::ActIncomplete;
            }
            Settled::Invalid(reason, flaw)
        }
    }
}

fn check(decision: &Decision, said: &str) -> Result<Value, Flaw> {
    let flaw = |problem: String| Flaw { code: Code::ActInvalidOutput, problem, text: said.to_owned() };
    valid(&decision.shape.schema, said).map_err(flaw)
}

/// The document in what was said, when it is valid; else what is wrong.
pub(super) fn valid(schema: &Value, said: &str) -> Result<Value, String> {
    let value = extract::json(said).ok_or_else(|| "it is not one JSON document".to_owned())?;
    secondme_shape::validate(schema, &value).map(|()| value)
}

/// What a model is told whose document was not valid, after that document.
pub(super) fn again(problem: &str) -> String {
    format!("That answer cannot be used: {problem}. Answer again with only the JSON that was asked for.")
}

/// Whether a document may stream as it comes: it is bound by the schema, and sure to be whole.
pub(super) fn may_stream(model: &dyn ChatModel, schema: &Value, max_tokens: u32) -> bool {
    model.info().constrains && bound::max_bytes(schema).is_some_and(|bytes| bytes <= max_tokens)
}

fn failed(flaw: Flaw) -> End {
    tracing::warn!(problem = flaw.problem, "a judgement was not valid");
    End::Failed(ApiError::new(flaw.code))
}

/// Asks once more, with the answer and what is wrong with it.
async fn repair(reply: &mut Reply, flaw: &Flaw) -> crate::error::Result<ChatStream> {
    reply.notes.insert("repaired".into(), true.into());
    let message = reply.turn.message.clone();
    let mut request = reply.request(&message)?;
    let told: String = flaw.text.chars().take(2_000).collect();
    request.messages.push(ChatMessage::assistant(told));
    request.messages.push(ChatMessage::user(again(&flaw.problem)));
    reply.ask(request).await
}
