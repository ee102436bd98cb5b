//! One turn: context → prompt → model → stored answer.
//!
//! The model is asked before anything is stored, so that a refused request leaves no trace and can be sent again. From then
//! on a tracked task owns the answer: it goes on when the client hangs up, and stores what was said, whatever happens.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use secondme_llm::{
    ChatEvent, ChatModel, ChatRequest, ChatStream, FinishReason, ModelError, Output, Role, Sampling, Usage,
};
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until, timeout};

use super::persona::{self, Persona};
use super::prompt::{self, Material};
use super::sessions::{self, Context, NewMessage};
use super::turn::Turn;
use super::{search, stream};
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::users::{profile, shades};

/// A request that was handed to a model: accepted already, or still waiting for its place.
enum Starting {
    Accepted(ChatStream),
    Waiting(BoxFuture<'static, std::result::Result<ChatStream, ModelError>>),
    /// A search comes first; the model is asked after it.
    AfterSearch,
}

/// Starts a turn and returns the frames of its answer.
///
/// # Errors
/// Everything that is known before the first byte: a foreign session, too long a message, a model that refuses or fails.
pub async fn start(app: &App, turn: Turn, lang: Lang) -> Result<UnboundedReceiver<Bytes>> {
    let (context, persona) = load(app, &turn).await?;
    let searching = turn.web_search && search::is_configured(&app.config().search);
    let (frames, receiver) = mpsc::unbounded_channel();
    let mut reply = Reply { app: app.clone(), turn, context, persona, lang, frames, said: String::new(), left_out: 0 };
    let starting = if searching { Starting::AfterSearch } else { reply.ask_model().await? };
    reply.store_question().await?;
    if reply.context.is_new {
        reply.send(stream::session(&reply.context.session_id));
    }
    app.spawn(async move { reply.run(starting).await });
    Ok(receiver)
}

/// Reads all that the prompt needs in one snapshot, and closes it.
async fn load(app: &App, turn: &Turn) -> Result<(Context, Persona)> {
    let mut tx = app.store().read().await?;
    let context = sessions::resolve(app, &mut tx, turn.user_id, turn.session_id.as_deref()).await?;
    let profile = profile::get_in(&mut tx, turn.user_id).await?;
    let shades = shades::list_in(&mut tx, turn.user_id).await?;
    Ok((context, persona::of_owner(&profile, &shades)))
}

struct Reply {
    app: App,
    turn: Turn,
    context: Context,
    persona: Persona,
    lang: Lang,
    frames: UnboundedSender<Bytes>,
    said: String,
    left_out: usize,
}

/// How an answer ended.
enum End {
    Finished(FinishReason, Usage),
    Failed(ApiError),
    /// The client left and the time for finishing is over.
    Abandoned,
}

impl Reply {
    /// Hands the prompt to the model. A failure within a moment is an HTTP error; a new session does not wait longer for its
    /// first frame, an existing one, which has none, waits until a keep-alive would be due.
    async fn ask_model(&mut self) -> Result<Starting> {
        let request = self.request(&self.turn.message.clone())?;
        let model = self.model();
        let mut starting: BoxFuture<'static, _> = Box::pin(async move { model.start(request).await });
        let chat = &self.app.config().chat;
        let patience = if self.context.is_new {
            Duration::from_millis(chat.accept_ms)
        } else {
            Duration::from_secs(chat.keep_alive_seconds)
        };
        match timeout(patience, &mut starting).await {
            Ok(Ok(stream)) => Ok(Starting::Accepted(stream)),
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => Ok(Starting::Waiting(starting)),
        }
    }

    fn model(&self) -> std::sync::Arc<dyn ChatModel> {
        self.app.models().get(self.turn.model).clone()
    }

    fn request(&mut self, message: &str) -> Result<ChatRequest> {
        let chat = &self.app.config().chat;
        let system_prompt =
            if self.context.is_new { &self.turn.system_prompt } else { &self.context.system_prompt }.as_deref();
        let material = Material {
            persona: &self.persona,
            system_prompt,
            past: &self.context.past,
            message,
            images: &self.turn.images,
            max_tokens: self.turn.max_tokens,
            history_percent: chat.history_percent,
        };
        let prompt = prompt::build(self.model().as_ref(), &material)?;
        self.left_out = prompt.left_out;
        Ok(ChatRequest {
            messages: prompt.messages,
            max_tokens: self.turn.max_tokens,
            sampling: Sampling { temperature: chat.temperature_percent as f32 / 100.0, ..Sampling::default() },
            cache_key: Some(self.context.session_id.clone()),
            output: Output::Text,
            stop: Vec::new(),
        })
    }

    /// Stores session, system prompt and question: from here on they are not lost.
    async fn store_question(&self) -> Result<()> {
        let (app, turn, session_id) = (&self.app, &self.turn, &self.context.session_id);
        let mut tx = app.store().write().await?;
        if self.context.is_new {
            let about = (turn.kind, turn.bucket.as_str(), turn.client_app_id.as_deref());
            sessions::open(app, &mut tx, turn.user_id, session_id, about).await?;
            if let Some(prompt) = &turn.system_prompt {
                let system = NewMessage { content: prompt, ..NewMessage::plain(Role::System) };
                sessions::append(app, &mut tx, turn.user_id, session_id, &system).await?;
            }
        }
        let question = NewMessage { content: &turn.message, images: &turn.images, ..NewMessage::plain(Role::User) };
        sessions::append(app, &mut tx, turn.user_id, session_id, &question).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn run(mut self, starting: Starting) {
        let begun = Instant::now();
        let mut first_token = None;
        let end = self.answer(starting, &mut first_token).await;
        let first_token = first_token.map(|at| at.duration_since(begun).as_secs_f64());
        let (outcome, tokens) = match &end {
            End::Finished(_, usage) => ("finished", usage.completion_tokens),
            End::Failed(_) => ("failed", 0),
            End::Abandoned => ("abandoned", 0),
        };
        self.app.metrics().answer(self.turn.model.as_str(), outcome, first_token, tokens);
        if let Err(error) = self.store_answer(&end).await {
            tracing::error!(session_id = self.context.session_id, cause = %error, "an answer could not be stored");
            self.send(stream::failure(&ApiError::new(Code::Internal), self.lang));
        }
        if let End::Failed(error) = &end {
            tracing::warn!(session_id = self.context.session_id, cause = %error, "an answer failed");
            self.send(stream::failure(error, self.lang));
        }
        self.send(Bytes::from_static(crate::http::sse::DONE.as_bytes()));
    }

    /// Gets the stream and passes it on.
    async fn answer(&mut self, starting: Starting, first_token: &mut Option<Instant>) -> End {
        let waiting = match starting {
            Starting::Accepted(stream) => return self.pass_on(stream, first_token).await,
            Starting::Waiting(waiting) => waiting,
            Starting::AfterSearch => match self.search().await {
                Ok(request) => {
                    let model = self.model();
                    Box::pin(async move { model.start(request).await })
                }
                Err(error) => return End::Failed(error),
            },
        };
        let stopping = self.app.stopping().clone();
        let accepted = tokio::select! {
            accepted = waiting => accepted,
            () = stopping.cancelled() => return End::Failed(ApiError::new(Code::ShuttingDown)),
        };
        match accepted {
            Ok(stream) => self.pass_on(stream, first_token).await,
            Err(error) => End::Failed(refused(error)),
        }
    }

    async fn search(&mut self) -> Result<ChatRequest> {
        let query = self.turn.message.clone();
        self.send(stream::tool_call());
        let found = search::run(&self.app, &query).await;
        self.send(stream::tool_result(&query, found.len()));
        self.request(&search::with_results(&query, &found))
    }

    /// Sends deltas as they come. When the client hangs up the answer goes on for a while, so that it is there when they return.
    async fn pass_on(&mut self, mut stream: ChatStream, first_token: &mut Option<Instant>) -> End {
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
                event = stream.next() => event,
                () = frames.closed(), if hung_up.is_none() => {
                    hung_up = Some(Instant::now());
                    continue;
                }
                () = sleep_until(deadline) => match hung_up {
                    Some(_) => return End::Abandoned,
                    None => return End::Failed(ApiError::new(Code::ModelTimeout).arg(format!("no token for {} s", stall.as_secs()))),
                },
            };
            match event {
                Some(Ok(ChatEvent::Text(text))) => {
                    first_token.get_or_insert_with(Instant::now);
                    self.send(stream::delta(self.turn.model, &text, sdk_content));
                    self.said.push_str(&text);
                }
                Some(Ok(ChatEvent::Finished { reason, usage })) => return End::Finished(reason, usage),
                Some(Err(error)) => return End::Failed(refused(error)),
                None => return End::Failed(refused(ModelError::Broken("the answer ended without an end".into()))),
            }
            if hung_up.is_some_and(|at| at.elapsed() >= grace) {
                return End::Abandoned;
            }
        }
    }

    /// Stores what was said; an answer without a word is not stored.
    async fn store_answer(&self, end: &End) -> Result<()> {
        if self.said.is_empty() {
            return Ok(());
        }
        let mut metadata = json!({"model": self.turn.model.as_str(), "leftOut": self.left_out});
        let status = match end {
            End::Finished(reason, usage) => {
                metadata["finishReason"] = json!(if *reason == FinishReason::Stop { "stop" } else { "length" });
                metadata["promptTokens"] = usage.prompt_tokens.into();
                metadata["cachedTokens"] = usage.cached_tokens.into();
                metadata["completionTokens"] = usage.completion_tokens.into();
                "complete"
            }
            End::Failed(error) => {
                metadata["error"] = error.code().row().sub_code.into();
                "interrupted"
            }
            End::Abandoned => "interrupted",
        };
        let answer = NewMessage { content: &self.said, status, metadata, ..NewMessage::plain(Role::Assistant) };
        let mut tx = self.app.store().write().await?;
        sessions::append(&self.app, &mut tx, self.turn.user_id, &self.context.session_id, &answer).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A frame for the client, if it is still there.
    fn send(&self, frame: Bytes) {
        let _ = self.frames.send(frame);
    }
}

/// The error of the table for what a model says.
fn refused(error: ModelError) -> ApiError {
    let this = match &error {
        ModelError::Busy { retry_after_secs } => {
            ApiError::new(Code::ModelBusy).arg(retry_after_secs).retry_after(*retry_after_secs)
        }
        ModelError::Unavailable(why) => ApiError::new(Code::ModelUnavailable).arg(why).retry_after(5),
        ModelError::TooLong { limit, .. } => ApiError::new(Code::ContextTooLong).arg(limit),
        ModelError::Timeout(what) => ApiError::new(Code::ModelTimeout).arg(what),
        ModelError::Upstream { .. } => ApiError::new(Code::ModelFailed).arg(&error),
        ModelError::Unsupported(what) => ApiError::invalid("model", &crate::error::Problem::Parser(what.clone())),
        ModelError::Broken(what) => ApiError::new(Code::StreamError).arg(what),
    };
    this.caused_by(error)
}
