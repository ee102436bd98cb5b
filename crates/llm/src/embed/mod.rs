//! Embedders: a text becomes a vector whose direction says what it is about.

mod embedded;
mod scripted;
mod upstream;

use async_trait::async_trait;

pub use embedded::EmbeddedEmbedder;
pub use scripted::ScriptedEmbedder;
pub use upstream::UpstreamEmbedder;

use crate::{ModelError, ModelStatus};

/// What a text is for. Some models want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody asks: the answer is wanted soon, so it overtakes what is to be stored.
    Query,
    /// It is to be found later.
    Passage,
}

/// An embedder. Implementations are shared by all requests.
#[async_trait]
pub trait Embedder: Send + Sync + 'static {
    /// A vector for each text, in their order, all of the same number of dimensions.
    ///
    /// # Errors
    /// `Unavailable`, `Upstream`, `Timeout`, `Broken`.
    async fn embed(&self, purpose: Purpose, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError>;

    /// The model's name. Vectors of different names are never compared.
    fn name(&self) -> &str;

    /// Whether it can be asked now. Cheap, never blocks.
    fn status(&self) -> ModelStatus;
}
