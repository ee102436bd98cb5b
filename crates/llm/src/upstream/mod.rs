//! Any server that speaks OpenAI's `/v1/chat/completions`: llama.cpp's server, Ollama, vLLM, hosted ones.
//!
//! Servers differ in the details, so everything in their answers is optional here. One request holds one of `max_concurrent`
//! permits until its stream is dropped; there is no queue, a server has its own.

mod answer;
mod body;
mod failure;
mod frame;
mod options;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub use options::UpstreamOptions;

use crate::{ChatModel, ChatRequest, ChatStream, Load, ModelError, ModelInfo, ModelStatus, estimate_tokens};
use answer::Answering;
use body::Features;

/// A model behind an OpenAI-compatible server.
pub struct Upstream {
    options: UpstreamOptions,
    endpoint: String,
    client: reqwest::Client,
    permits: Arc<Semaphore>,
    /// The server refused `stream_options`; it is not sent again.
    without_usage: AtomicBool,
    /// The server refused a JSON Schema; it gets `json_object` and the schema in words.
    without_schema: AtomicBool,
}

impl Upstream {
    /// Makes the client; the server is not asked anything yet. Needs [`crate::install_tls`] first.
    ///
    /// # Errors
    /// `Unavailable` when the address is unusable.
    pub fn new(options: UpstreamOptions) -> Result<Self, ModelError> {
        let endpoint = options.endpoint()?;
        let client = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout())
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| ModelError::Unavailable(format!("no HTTP client: {}", e.without_url())))?;
        Ok(Self {
            endpoint,
            client,
            permits: Arc::new(Semaphore::new(options.max_concurrent.max(1))),
            without_usage: AtomicBool::new(false),
            without_schema: AtomicBool::new(!options.json_schema),
            options,
        })
    }

    /// Sends the request once and returns the answer's head, whatever its status is.
    async fn send(
        &self,
        request: &ChatRequest,
        features: Features,
        deadline: Instant,
    ) -> Result<reqwest::Response, ModelError> {
        let payload = serde_json::to_vec(&body::build(&self.options.model, request, features))
            .map_err(|e| ModelError::Unsupported(format!("the request cannot be written as JSON: {e}")))?;
        let mut call = self
            .client
            .post(&self.endpoint)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream, application/json")
            .body(payload);
        if !self.options.api_key.is_empty() {
            call = call.bearer_auth(self.options.api_key.expose());
        }
        match tokio::time::timeout_at(deadline, call.send()).await {
            Err(_) => Err(ModelError::Timeout("no answer from the model server in time".into())),
            Ok(Err(error)) => Err(failure::from_transport(error)),
            Ok(Ok(response)) => Ok(response),
        }
    }

    /// What the server has not refused so far.
    fn features(&self) -> Features {
        Features {
            usage: !self.without_usage.load(Ordering::Relaxed),
            schema: !self.without_schema.load(Ordering::Relaxed),
        }
    }

    /// Whether the refusal names something that `features` can do without. A feature that the server does not have is not sent
    /// again; a schema that it does not like is given up for this request only.
    fn gives_way(&self, error: &ModelError, features: &mut Features) -> bool {
        let ModelError::Upstream { status: Some(400..=422), message } = error else { return false };
        let mentions = |words: &[&str]| words.iter().any(|w| message.contains(w));
        if features.usage && mentions(&["stream_options", "include_usage"]) {
            self.without_usage.store(true, Ordering::Relaxed);
            features.usage = false;
            return true;
        }
        let this_one = mentions(&["nvalid schema", "nvalid_json_schema"]);
        if features.schema && (this_one || mentions(&["response_format", "json_schema"])) {
            self.without_schema.fetch_or(!this_one, Ordering::Relaxed);
            features.schema = false;
            return true;
        }
        false
    }
}

#[async_trait]
impl ChatModel for Upstream {
    async fn start(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        if request.has_images() && !self.options.vision {
            return Err(ModelError::Unsupported("images".into()));
        }
        let permit = Arc::clone(&self.permits)
            .try_acquire_owned()
            .map_err(|_| ModelError::Busy { retry_after_secs: failure::DEFAULT_RETRY_SECS })?;
        let deadline = Instant::now() + self.options.first_token_timeout();
        let mut features = self.features();
        loop {
            let response = self.send(&request, features, deadline).await?;
            if response.status().is_success() {
                let idle = self.options.idle_timeout();
                return Ok(Answering::new(response, &request, self.options.api_key.clone(), permit, deadline, idle)
                    .into_stream());
            }
            let error = failure::from_response(response, &self.options).await;
            if !self.gives_way(&error, &mut features) {
                return Err(error);
            }
        }
    }

    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: self.options.model.clone(),
            context_tokens: self.options.context_tokens,
            vision: self.options.vision,
            constrains: false,
            // Some servers refuse a conversation with a second one.
            late_system: false,
            tools: self.options.tools,
        }
    }

    fn status(&self) -> ModelStatus {
        ModelStatus::Ready
    }

    fn load(&self) -> Option<Load> {
        let slots = self.options.max_concurrent.max(1);
        let running = slots.saturating_sub(self.permits.available_permits());
        Some(Load { running, slots, waiting: 0, queue: 0 })
    }

    fn count_tokens(&self, text: &str) -> usize {
        estimate_tokens(text)
    }
}

#[cfg(test)]
mod tests;
