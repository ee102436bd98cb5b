//! The server's engine, and the texts that are being spoken right now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures::future::{BoxFuture, Shared};
use secondme_speech::Speech;

use super::Spoken;
use crate::error::{ApiError, Code, Result};

/// A text on its way; everybody who asks for the same waits for the same.
pub(super) type Speaking = Shared<BoxFuture<'static, Result<Spoken>>>;

/// A text on its way, and for whom.
struct Running {
    user_id: i64,
    speaking: Speaking,
}

/// What a user whose texts are all on their way is told to wait, in seconds.
const RETRY_SECS: u32 = 5;

/// Who speaks, and what is being spoken.
#[derive(Default)]
pub struct Speaker {
    engine: OnceLock<Arc<dyn Speech>>,
    news: Mutex<String>,
    running: Mutex<HashMap<[u8; 32], Running>>,
}

impl Speaker {
    /// Puts the engine in; the first one stays.
    pub fn set(&self, engine: Arc<dyn Speech>) {
        let _ = self.engine.set(engine);
    }

    /// What to tell those who ask while there is no engine.
    pub fn tell(&self, news: String) {
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = news;
    }

    /// The engine.
    ///
    /// # Errors
    /// `tts.engine.unavailable` while there is none.
    pub(super) fn engine(&self) -> Result<Arc<dyn Speech>> {
        self.engine.get().cloned().ok_or_else(|| {
            let news = self.news.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let why = if news.is_empty() { "speech is switched off on this server".to_owned() } else { news };
            ApiError::new(Code::TtsUnavailable).arg(why)
        })
    }

    /// Waits for the text of this hash; begins with it if nobody did and no more than `most` texts of the user are on their way.
    ///
    /// # Errors
    /// `tts.engine.busy` for one more, and what the text's own errors are.
    pub(super) async fn once(
        &self,
        user_id: i64,
        hash: [u8; 32],
        most: usize,
        begin: impl FnOnce() -> Speaking,
    ) -> Result<Spoken> {
        let speaking = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(same) = running.get(&hash) {
                same.speaking.clone()
            } else if running.values().filter(|one| one.user_id == user_id).count() >= most.max(1) {
                return Err(ApiError::new(Code::TtsBusy).arg(RETRY_SECS).retry_after(RETRY_SECS));
            } else {
                let speaking = begin();
                running.insert(hash, Running { user_id, speaking: speaking.clone() });
                speaking
            }
        };
        speaking.await
    }

    /// The text is spoken, or failed: the next one who asks begins anew.
    pub(super) fn forget(&self, hash: &[u8; 32]) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(hash);
    }
}
