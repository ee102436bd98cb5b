//! Chat models (and [embedders](Embedder)) behind one trait each: an engine in this process, any OpenAI-compatible server, and a scripted fake.
//!
//! Start reading at [`ChatModel`] (what a model can do), then [`ChatRequest`] and [`ChatStream`] (what goes in and comes out).
//! [`ModelSpec`] is the piece of configuration that names a model, [`open`] makes it. Invariant: dropping a [`ChatStream`] stops
//! the generation behind it, whatever the model is.

pub mod catalogue;
mod embed;
pub mod embedded;
mod error;
mod estimate;
mod model;
mod process;
mod request;
pub mod scripted;
mod spec;
mod stream;
mod tls;
mod tools;
pub mod upstream;

pub use embed::{EmbeddedEmbedder, Embedder, Purpose, ScriptedEmbedder, UpstreamEmbedder};
pub use embedded::{Embedded, EmbeddedOptions};
pub use error::ModelError;
pub use estimate::estimate_tokens;
pub use model::{ChatModel, Load, ModelInfo, ModelStatus};
pub use process::{PASSIVE_THREADS, ensure_environment, ensure_passive_threads};
pub use request::{ChatMessage, ChatRequest, Image, Output, Role, Sampling};
pub use scripted::Scripted;
pub use spec::{ModelSpec, open};
pub use stream::{Answer, ChatEvent, ChatStream, FinishReason, Usage};
pub use tls::install_tls;
pub use tools::{Tool, ToolCall, ToolChoice, start_with_tools};
pub use upstream::{Upstream, UpstreamOptions};
