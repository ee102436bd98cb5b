//! A turn for callers that want the whole answer and not a stream: the same turn, stored the same way.

use serde_json::Value;

use super::act::{self, Decision};
use super::models::ModelName;
use super::reply;
use super::turn::{ChatBody, Task};
use crate::access::Caller;
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};

/// What is asked.
#[derive(Debug)]
pub struct Question {
    /// What is said, or is to be judged.
    pub message: String,
    /// The session to go on with.
    pub session_id: Option<String>,
    /// The structure of a judgement, when one is wanted.
    pub control: Option<String>,
    /// Which model answers.
    pub model: ModelName,
}

/// What was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// The session that it was said in.
    pub session_id: String,
    /// The words.
    pub text: String,
}

/// Asks the caller's avatar and waits for the whole answer.
///
/// # Errors
/// As the routes of chat and act; what fails after the first word is `secondme.stream.error`.
pub async fn ask(app: &App, caller: &Caller, question: Question) -> Result<Answered> {
    let body = ChatBody {
        message: question.message,
        session_id: question.session_id.clone(),
        model: Some(question.model.as_str().into()),
        ..ChatBody::default()
    };
    let mut turn = body.check(app, caller, &Default::default())?;
    if let Some(control) = question.control {
        act::http::check(app, &control, Lang::En)?;
        turn.task = Task::Act(Box::new(Decision::new(control)));
    }
    let mut frames = reply::start(app, turn, Lang::En).await?;
    let mut answered = Answered { session_id: question.session_id.unwrap_or_default(), text: String::new() };
    while let Some(frame) = frames.recv().await {
        add(&mut answered, &frame)?;
    }
    Ok(answered)
}

/// Reads one frame of a stream.
fn add(answered: &mut Answered, frame: &[u8]) -> Result<()> {
    let frame = String::from_utf8_lossy(frame);
    let (name, rest) = match frame.strip_prefix("event: ") {
        Some(named) => named.split_once('\n').unwrap_or_default(),
        None => ("", &*frame),
    };
    let data: Value =
        rest.trim().strip_prefix("data: ").and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
    match name {
        "session" => answered.session_id = data["sessionId"].as_str().unwrap_or_default().to_owned(),
        "" => answered.text.push_str(data["choices"][0]["delta"]["content"].as_str().unwrap_or_default()),
        "error" => return Err(ApiError::new(Code::StreamError).arg(data["message"].as_str().unwrap_or_default())),
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::stream;
    use crate::http::sse;

    #[test]
    fn frames_become_an_answer() {
        let mut answered = Answered::default();
        for frame in [
            stream::session("labs_sess_1"),
            stream::tool_call(),
            stream::delta(ModelName::Nano, "Good\n", true),
            stream::delta(ModelName::Nano, "day", false),
            sse::DONE.as_bytes().into(),
        ] {
            add(&mut answered, &frame).unwrap();
        }
        assert_eq!(answered, Answered { session_id: "labs_sess_1".into(), text: "Good\nday".into() });
        let failure = stream::failure(&ApiError::new(Code::ModelBusy).arg(3), Lang::En);
        assert_eq!(add(&mut answered, &failure).unwrap_err().code(), Code::StreamError);
    }
}
