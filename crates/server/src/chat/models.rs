//! `secondme/nano` and `secondme/pro`: the names clients use, and the models that config puts behind them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use secondme_llm::{ChatModel, ChatRequest, ChatStream, ModelError, ModelInfo, ModelStatus};
use serde_json::Value;

use crate::config::Compat;
use crate::error::{ApiError, Problem, Result};

/// A model by the name that clients use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelName {
    /// Fast and cheap; the default.
    Nano,
    /// Better at hard questions and strict output.
    Pro,
}

impl ModelName {
    /// The name in requests and chunks.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nano => "secondme/nano",
            Self::Pro => "secondme/pro",
        }
    }

    /// From the request's `model`: absent, `null` and `""` mean nano, anything unknown is 422 (contract 10.2).
    ///
    /// # Errors
    /// 422 on any other value.
    pub fn parse(value: Option<&Value>, compat: &Compat) -> Result<Self> {
        match value {
            None | Some(Value::Null) => Ok(Self::Nano),
            Some(Value::String(name)) => match name.as_str() {
                "" | "secondme/nano" => Ok(Self::Nano),
                "secondme/pro" => Ok(Self::Pro),
                "google_ai_studio/gemini-2.0-flash" if compat.legacy_models => Ok(Self::Nano),
                "anthropic/claude-sonnet-4-5" | "cloudsway/claude-sonnet-4.6" if compat.legacy_models => Ok(Self::Pro),
                _ => Err(Self::refused()),
            },
            Some(_) => Err(Self::refused()),
        }
    }

    fn refused() -> ApiError {
        let problem = Problem::Expected("`secondme/nano` or `secondme/pro`", " `secondme/nano` 或 `secondme/pro`");
        ApiError::unprocessable("model", "value_error", &problem)
    }
}

/// The models of this server.
#[derive(Clone)]
pub struct Models {
    nano: Arc<dyn ChatModel>,
    pro: Arc<dyn ChatModel>,
    present: Arc<AtomicBool>,
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Models").field("nano", &self.nano.info()).field("pro", &self.pro.info()).finish()
    }
}

impl Models {
    /// A model for each name; they may be the same.
    pub fn new(nano: Arc<dyn ChatModel>, pro: Arc<dyn ChatModel>) -> Self {
        Self { nano, pro, present: Arc::new(AtomicBool::new(true)) }
    }

    /// The model behind a name.
    pub fn get(&self, name: ModelName) -> &Arc<dyn ChatModel> {
        match name {
            ModelName::Nano => &self.nano,
            ModelName::Pro => &self.pro,
        }
    }

    /// Whether the files of all models are here; until then the server is not ready.
    pub fn are_present(&self) -> bool {
        self.present.load(Ordering::Acquire)
    }

    /// Notes that the files are still being fetched, or have come.
    pub fn set_present(&self, present: bool) {
        self.present.store(present, Ordering::Release);
    }
}

/// A model whose file is still being fetched: it says so until the real one is put in its place.
#[derive(Default)]
pub struct Pending {
    real: OnceLock<Arc<dyn ChatModel>>,
    context_tokens: usize,
    news: Mutex<String>,
    failed: OnceLock<String>,
}

impl Pending {
    /// A place for a model with this much context.
    pub fn new(context_tokens: usize) -> Self {
        Self { context_tokens, ..Self::default() }
    }

    /// Puts the real model in; the first one stays.
    pub fn fill(&self, real: Arc<dyn ChatModel>) {
        let _ = self.real.set(real);
    }

    /// There will be no real model: why.
    pub fn fail(&self, why: String) {
        self.tell(why.clone());
        let _ = self.failed.set(why);
    }

    /// What to tell those who ask meanwhile.
    pub fn tell(&self, news: String) {
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = news;
    }

    fn news(&self) -> String {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl ChatModel for Pending {
    async fn start(&self, request: ChatRequest) -> std::result::Result<ChatStream, ModelError> {
        match self.real.get() {
            Some(real) => real.start(request).await,
            None => Err(ModelError::Unavailable(self.news())),
        }
    }

    fn info(&self) -> ModelInfo {
        match self.real.get() {
            Some(real) => real.info(),
            None => ModelInfo {
                name: "pending".to_owned(),
                context_tokens: self.context_tokens,
                vision: false,
                constrains: false,
                late_system: false,
            },
        }
    }

    fn status(&self) -> ModelStatus {
        match (self.real.get(), self.failed.get()) {
            (Some(real), _) => real.status(),
            (None, Some(why)) => ModelStatus::Failed(why.clone()),
            (None, None) => ModelStatus::Loading,
        }
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.real.get().map_or_else(|| secondme_llm::estimate_tokens(text), |real| real.count_tokens(text))
    }
}
