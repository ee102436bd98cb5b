//! A place for a model: empty while its file is being fetched, then filled, and filled anew when the operator chooses another.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use secondme_llm::{ChatModel, ChatRequest, ChatStream, Load, ModelError, ModelInfo, ModelStatus};

/// A model that may not be here yet: it says so until there is a real one.
#[derive(Default)]
pub struct Place {
    real: RwLock<Option<Arc<dyn ChatModel>>>,
    context_tokens: usize,
    news: Mutex<News>,
}

/// What to tell those who ask before there is a model.
#[derive(Clone, Debug, Default)]
struct News {
    text: String,
    failed: bool,
}

impl Place {
    /// A place for a model with this much context.
    pub fn new(context_tokens: usize) -> Self {
        Self { context_tokens, ..Self::default() }
    }

    /// Puts a model in; gives the one that was there, which may still be answering.
    pub fn fill(&self, real: Arc<dyn ChatModel>) -> Option<Arc<dyn ChatModel>> {
        self.real.write().unwrap_or_else(PoisonError::into_inner).replace(real)
    }

    /// There will be no model: why. One that is here stays.
    pub fn fail(&self, why: String) {
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = News { text: why, failed: true };
    }

    /// What to tell those who ask meanwhile.
    pub fn tell(&self, text: String) {
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = News { text, failed: false };
    }

    fn real(&self) -> Option<Arc<dyn ChatModel>> {
        self.real.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn news(&self) -> News {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl ChatModel for Place {
    async fn start(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        match self.real() {
            Some(real) => real.start(request).await,
            None => Err(ModelError::Unavailable(self.news().text)),
        }
    }

    fn info(&self) -> ModelInfo {
        match self.real() {
            Some(real) => real.info(),
            None => ModelInfo {
                name: "pending".to_owned(),
                context_tokens: self.context_tokens,
                vision: false,
                constrains: false,
                late_system: false,
                tools: false,
            },
        }
    }

    fn status(&self) -> ModelStatus {
        match self.real() {
            Some(real) => real.status(),
            None => match self.news() {
                News { text, failed: true } => ModelStatus::Failed(text),
                News { failed: false, .. } => ModelStatus::Loading,
            },
        }
    }

    fn load(&self) -> Option<Load> {
        self.real()?.load()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.real().map_or_else(|| secondme_llm::estimate_tokens(text), |real| real.count_tokens(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secondme_llm::Scripted;

    #[test]
    fn an_empty_place_says_how_it_stands_and_a_full_one_lets_the_model_speak() {
        let place = Place::new(100);
        assert_eq!(place.status(), ModelStatus::Loading);
        place.fail("no network".to_owned());
        assert_eq!(place.status(), ModelStatus::Failed("no network".to_owned()));
        assert!(place.fill(Arc::new(Scripted::echo())).is_none());
        assert_eq!(place.status(), ModelStatus::Ready);
        place.fail("another one could not be fetched".to_owned());
        assert_eq!(place.status(), ModelStatus::Ready, "what is here stays");
        assert!(place.fill(Arc::new(Scripted::echo())).is_some());
    }
}
