//! One turn: context → prompt → model → stored answer.
//!
//! The model is asked before anything is stored, so that a refused request leaves no trace and can be sent again. From then
//! on a tracked task owns the answer: it goes on when the client hangs up, and stores what was said, whatever happens.

mod follow;
mod skills;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use secondme_llm::{
    ChatMessage, ChatModel, ChatRequest, ChatStream, FinishReason, ModelError, Output, Role, Sampling, ToolCall, Usage,
    start_with_tools,
};
use secondme_store::Tx;
use serde_json::{Map, Value};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, timeout};
use tracing::Instrument;

pub(super) use follow::Show;
pub(crate) use follow::refused;

use super::calls::{self, Made};
use super::persona::{self, Persona};
use super::prompt::{self, Material};
use super::sessions::{self, Context, NewMessage};
use super::stops::Answering;
use super::turn::{Task, Turn};
use super::{act, memories, search, sources, stream};
use crate::access::revocations::Watch;
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::sse;
use crate::integrations::enabled::{self, Offered};
use crate::memory::audience::Listener;
use crate::memory::retrieval::Hit;
use crate::memory::timeline::{self, Noted};
use crate::users::{profile, shades};

/// A request that was handed to a model: accepted already, or still waiting for its place.
enum Starting {
    Accepted(ChatStream),
    Waiting(BoxFuture<'static, std::result::Result<ChatStream, ModelError>>),
    /// A search comes first; the model is asked after it.
    AfterSearch,
}

/// A turn that is being answered.
pub(super) struct Reply {
    pub(super) app: App,
    pub(super) turn: Turn,
    context: Context,
    persona: Persona,
    /// What was recalled for this turn.
    recalled: Vec<Hit>,
    /// What of it is in the prompt.
    sources: Vec<Hit>,
    lang: Lang,
    frames: UnboundedSender<Bytes>,
    /// What was said so far; it becomes the stored message.
    pub(super) said: String,
    /// What the stored message's metadata says about it.
    pub(super) notes: Map<String, Value>,
    /// What the avatar may call; nothing in judgements.
    offered: Vec<Offered>,
    /// What the model was asked last, for going on after calls.
    asked: Vec<ChatMessage>,
    /// Functions that the model asks for.
    pub(super) calls: Vec<ToolCall>,
    /// What was called so far.
    made: Vec<Made>,
    first_token: Option<Instant>,
    /// The end of the access of the app that asked, if one did.
    access: Watch,
    /// Its place among the answers that can be stopped.
    answering: Answering,
}

/// How an answer ended.
pub(super) enum End {
    /// The model was done.
    Finished(FinishReason, Usage),
    /// Something went wrong; the client is told.
    Failed(ApiError),
    /// The client left and the time for finishing is over, or the user stopped it.
    Abandoned,
}

/// Starts a turn and returns the frames of its answer.
///
/// # Errors
/// Everything that is known before the first byte: a foreign session, too long a message, a model that refuses or fails.
pub async fn start(app: &App, turn: Turn, lang: Lang) -> Result<UnboundedReceiver<Bytes>> {
    let access = app.revocations().watch(app.store(), turn.user_id, turn.client_app_id.as_deref()).await?;
    let (context, persona) = load(app, &turn).await?;
    let searching = turn.task == Task::Talk { web_search: true } && search::is_configured(&app.config().search);
    let (frames, receiver) = mpsc::unbounded_channel();
    let recalled =
        memories::recall(app, turn.user_id, &Listener::Owner, &turn.message, Some(&context.session_id)).await?;
    let offered = match turn.task {
        Task::Talk { .. } => enabled::offered(app, turn.user_id).await?,
        Task::Act(_) => Vec::new(),
    };
    let answering = app.stops().begin(turn.user_id, &context.session_id);
    let mut reply = Reply {
        app: app.clone(),
        turn,
        context,
        persona,
        recalled,
        sources: Vec::new(),
        lang,
        frames,
        said: String::new(),
        notes: Map::new(),
        offered,
        asked: Vec::new(),
        calls: Vec::new(),
        made: Vec::new(),
        first_token: None,
        access,
        answering,
    };
    let starting = if searching { Starting::AfterSearch } else { reply.ask_patiently().await? };
    reply.store_question().await?;
    if reply.context.is_new {
        reply.send(stream::session(&reply.context.session_id));
    }
    app.spawn(async move { reply.run(starting).await }.in_current_span());
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

impl Reply {
    /// Hands the prompt to the model. A failure within a moment is an HTTP error; a new session does not wait longer for its
    /// first frame, an existing one, which has none, waits until a keep-alive would be due.
    async fn ask_patiently(&mut self) -> Result<Starting> {
        let request = self.request(&self.turn.message.clone())?;
        let model = self.model();
        let mut starting: BoxFuture<'static, _> = Box::pin(start_with_tools(model, request));
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

    /// The model of this turn.
    pub(super) fn model(&self) -> Arc<dyn ChatModel> {
        self.app.models().get(self.turn.model).clone()
    }

    /// The prompt of this turn, with `message` as what is said now.
    pub(super) fn request(&mut self, message: &str) -> Result<ChatRequest> {
        let chat = &self.app.config().chat;
        let system_prompt =
            if self.context.is_new { &self.turn.system_prompt } else { &self.context.system_prompt }.as_deref();
        let (task, output, sampling) = match &self.turn.task {
            Task::Talk { .. } => {
                let temperature = chat.temperature_percent as f32 / 100.0;
                (None, Output::Text, Sampling { temperature, ..Sampling::default() })
            }
            Task::Act(decision) => {
                let task = decision.instructions(&self.persona.name);
                (Some(task), Output::Json(decision.shape.schema.clone()), Sampling::greedy())
            }
        };
        let model = self.model();
        let (name, asked) = (&self.persona.name, &self.turn.message);
        let remembered = memories::section(model.as_ref(), name, asked, &self.recalled, chat.memory_tokens);
        let material = Material {
            persona: &self.persona,
            system_prompt,
            memories: &remembered.text,
            task: task.as_deref(),
            past: &self.context.past,
            message,
            images: &self.turn.images,
            max_tokens: self.turn.max_tokens,
            history_percent: chat.history_percent,
        };
        let prompt = prompt::build(model.as_ref(), &material)?;
        self.sources = if prompt.remembers { remembered.sources } else { Vec::new() };
        self.notes.insert("leftOut".into(), prompt.left_out.into());
        self.asked.clone_from(&prompt.messages);
        Ok(ChatRequest {
            tools: self.offered.iter().map(|offered| offered.tool.clone()).collect(),
            sampling,
            cache_key: Some(self.context.session_id.clone()),
            on_behalf_of: Some(self.turn.user_id),
            output,
            ..ChatRequest::new(prompt.messages, self.turn.max_tokens)
        })
    }

    /// Stores session, system prompt and question: from here on they are not lost.
    async fn store_question(&self) -> Result<()> {
        let (app, turn, session_id) = (&self.app, &self.turn, &self.context.session_id);
        let mut tx = app.store().write().await?;
        if self.context.is_new {
            let about = (turn.task.word(), turn.bucket.as_str(), turn.client_app_id.as_deref());
            sessions::open(app, &mut tx, turn.user_id, session_id, about).await?;
            if let Some(prompt) = &turn.system_prompt {
                let system = NewMessage { content: prompt, ..NewMessage::plain(Role::System) };
                sessions::append(app, &mut tx, turn.user_id, session_id, &system).await?;
            }
        }
        let question = NewMessage { content: &turn.message, images: &turn.images, ..NewMessage::plain(Role::User) };
        let message_id = sessions::append(app, &mut tx, turn.user_id, session_id, &question).await?;
        self.note_activity(&mut tx, &message_id).await?;
        if matches!(turn.task, Task::Talk { .. }) {
            sessions::read_when_quiet(app, &mut tx, turn.user_id, session_id).await?;
        }
        self.remember(&mut tx, &message_id, Some(&self.persona.name), &turn.message).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The owner's timeline shows that they talked.
    async fn note_activity(&self, tx: &mut Tx, message_id: &str) -> Result<()> {
        let turn = &self.turn;
        let (action, label) = match turn.task {
            Task::Talk { .. } => ("chat", "Talked with the avatar"),
            Task::Act(_) => ("judgement", "Asked the avatar for a judgement"),
        };
        let preview: String = turn.message.chars().take(100).collect();
        let noted = Noted {
            user_id: turn.user_id,
            platform: "secondme_chat",
            action,
            action_label: label,
            display_text: &preview,
            importance: 0.3,
            object: ("message", message_id),
            at: self.app.now(),
        };
        Ok(timeline::note(tx, &noted).await?)
    }

    async fn run(mut self, starting: Starting) {
        let begun = Instant::now();
        let end = self.answer(starting).await;
        let first_token = self.first_token.map(|at| at.duration_since(begun).as_secs_f64());
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
        self.send(Bytes::from_static(sse::DONE.as_bytes()));
    }

    async fn answer(&mut self, starting: Starting) -> End {
        let accepted = match starting {
            Starting::Accepted(stream) => Ok(stream),
            Starting::Waiting(waiting) => self.accepted(waiting).await,
            Starting::AfterSearch => match self.search().await {
                Ok(request) => self.ask(request).await,
                Err(error) => Err(error),
            },
        };
        match (accepted, self.turn.task.clone()) {
            (Err(error), _) => End::Failed(error),
            (Ok(stream), Task::Talk { .. }) => self.talk(stream).await,
            (Ok(stream), Task::Act(decision)) => act::decide(self, &decision, stream).await,
        }
    }

    /// Hands a request to the model and waits for its place, however long that takes.
    pub(super) async fn ask(&self, request: ChatRequest) -> Result<ChatStream> {
        let model = self.model();
        self.accepted(Box::pin(start_with_tools(model, request))).await
    }

    async fn accepted(
        &self,
        waiting: BoxFuture<'static, std::result::Result<ChatStream, ModelError>>,
    ) -> Result<ChatStream> {
        tokio::select! {
            accepted = waiting => accepted.map_err(refused),
            () = self.app.stopping().cancelled() => Err(ApiError::new(Code::ShuttingDown)),
            () = self.access.ended() => Err(ApiError::new(Code::AuthorizationRevoked)),
        }
    }

    async fn search(&mut self) -> Result<ChatRequest> {
        let query = self.turn.message.clone();
        self.send(stream::tool_call());
        let found = search::run(&self.app, &query).await;
        self.send(stream::tool_result(&query, found.len()));
        self.request(&search::with_results(&query, &found))
    }

    /// Stores what was said; an answer without a word is not stored.
    async fn store_answer(&self, end: &End) -> Result<()> {
        if self.said.is_empty() {
            return Ok(());
        }
        let mut metadata = Value::Object(self.notes.clone());
        metadata["model"] = self.turn.model.as_str().into();
        let status = match end {
            End::Finished(reason, usage) => {
                metadata["finishReason"] = reason.word().into();
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
        let (user_id, session_id) = (self.turn.user_id, &self.context.session_id);
        let message_id = sessions::append(&self.app, &mut tx, user_id, session_id, &answer).await?;
        sources::put(&mut tx, user_id, &message_id, &self.sources).await?;
        calls::put(&mut tx, user_id, &message_id, &self.made).await?;
        self.remember(&mut tx, &message_id, None, &self.said).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes a message something that can be recalled; judgements are not conversation.
    async fn remember(&self, tx: &mut Tx, message_id: &str, speaker: Option<&str>, text: &str) -> Result<()> {
        if !matches!(self.turn.task, Task::Talk { .. }) {
            return Ok(());
        }
        let said = memories::Said {
            user_id: self.turn.user_id,
            session_id: &self.context.session_id,
            message_id,
            speaker: speaker.filter(|name| !name.is_empty()),
            text,
            app_id: self.turn.client_app_id.as_deref(),
        };
        Ok(memories::remember(&self.app, tx, &said).await?)
    }

    /// A frame for the client, if it is still there.
    pub(super) fn send(&self, frame: Bytes) {
        let _ = self.frames.send(frame);
    }
}
