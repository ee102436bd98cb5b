//! Following one generation: frames out as they come, and the rules for a client that leaves, a model that falls silent and
//! a server that stops.

use std::time::Duration;

use futures::StreamExt;
use secondme_llm::{ChatEvent, ChatStream, ModelError};
use tokio::time::{Instant, sleep_until};

use super::{End, Reply};
use crate::chat::stream;
use crate::error::{ApiError, Code, Problem};

/// Whether the client sees the text as it comes, or only what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum Show {
    /// Every piece is a frame at once.
    AsItComes,
    /// Nothing is sent; the text is collected in `said`.
    HeldBack,
}

impl Reply {
    /// Follows a generation to its end. When the client hangs up it goes on for a while, so that the answer is there when they
    /// return.
    pub(in crate::chat) async fn follow(&mut self, mut stream: ChatStream, show: Show) -> End {
        let chat = &self.app.config().chat;
        let (stall, grace) = (Duration::from_secs(chat.stall_seconds), Duration::from_secs(chat.hangup_grace_seconds));
        let sdk_content = self.app.config().compat.sdk_content;
        let stopping = self.app.stopping().clone();
        let frames = self.frames.clone();
        let mut hung_up: Option<Instant> = None;
        loop {
            let deadline = hung_up.map_or_else(|| Instant::now() + stall, |at| at + grace);
            let event = tokio::select! {
                biased;
                () = stopping.cancelled() => return End::Failed(ApiError::new(Code::ShuttingDown)),
                () = self.access.ended() => return End::Failed(ApiError::new(Code::AuthorizationRevoked)),
                () = self.answering.stopped() => return End::Abandoned,
                event = stream.next() => event,
                () = frames.closed(), if hung_up.is_none() => {
                    hung_up = Some(Instant::now());
                    continue;
                }
                () = sleep_until(deadline) => return if hung_up.is_some() { End::Abandoned } else { stalled(stall) },
            };
            match event {
                Some(Ok(ChatEvent::Text(text))) => {
                    self.first_token.get_or_insert_with(Instant::now);
                    if show == Show::AsItComes {
                        self.send(stream::delta(self.turn.model, &text, sdk_content));
                    }
                    self.said.push_str(&text);
                }
                Some(Ok(ChatEvent::Call(call))) => self.calls.push(call),
                Some(Ok(ChatEvent::Finished { reason, usage })) => return End::Finished(reason, usage),
                Some(Err(error)) => return End::Failed(refused(error)),
                None => return End::Failed(refused(ModelError::Broken("the answer ended without an end".into()))),
            }
            if hung_up.is_some_and(|at| at.elapsed() >= grace) {
                return End::Abandoned;
            }
        }
    }
}

fn stalled(after: Duration) -> End {
    End::Failed(ApiError::new(Code::ModelTimeout).arg(format!("no token for {} s", after.as_secs())))
}

/// The error of the table for what a model says.
pub(crate) fn refused(error: ModelError) -> ApiError {
    let this = match &error {
        ModelError::Busy { retry_after_secs } => {
            ApiError::new(Code::ModelBusy).arg(retry_after_secs).retry_after(*retry_after_secs)
        }
        ModelError::Unavailable(why) => ApiError::new(Code::ModelUnavailable).arg(why).retry_after(5),
        ModelError::TooLong { limit, .. } => ApiError::new(Code::ContextTooLong).arg(limit),
        ModelError::Timeout(what) => ApiError::new(Code::ModelTimeout).arg(what),
        ModelError::Upstream { .. } => ApiError::new(Code::ModelFailed).arg(&error),
        ModelError::Unsupported(what) => ApiError::invalid("model", &Problem::Parser(what.clone())),
        ModelError::Broken(what) => ApiError::new(Code::StreamError).arg(what),
    };
    this.caused_by(error)
}
