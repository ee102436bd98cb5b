//! Users' memories in memory, one image for each kind of listener: an image is read through the listener's filter, so what they
//! may not hear is not in it. Images follow the database by its version numbers and are given up when they take too much room.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use secondme_recall::{Found, Image, Question};
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use super::{Query, store};
use crate::app::App;
use crate::error::{ApiError, Result};
use crate::memory::audience::Listener;

/// From this many memories on, a search gets a thread of its own, so that other requests go on meanwhile.
const LARGE: usize = 20_000;
/// What a memory takes at most, roughly: to tell beforehand whether a user's fit at all.
const BYTES_EACH: usize = 700;

/// The images of a server.
#[derive(Default)]
pub struct Images {
    shelf: Mutex<HashMap<Key, Arc<Slot>>>,
    uses: AtomicU64,
}

/// The user, and what the listener may hear.
type Key = (i64, (bool, bool, String));

#[derive(Default)]
struct Slot {
    state: Arc<RwLock<State>>,
    used: AtomicU64,
    bytes: AtomicUsize,
    loading: AtomicBool,
}

/// An image, and up to which version it follows the database.
#[derive(Default)]
pub(super) struct State {
    pub(super) version: i64,
    /// The model whose vectors are in it.
    pub(super) model: String,
    pub(super) image: Image,
}

impl Images {
    /// Searches the user's image; `None` when there is none yet, or it would be too large.
    ///
    /// # Errors
    /// Storage failures only.
    pub async fn search(&self, app: &App, query: &Query<'_>, asked: Asked) -> Result<Option<Vec<Found>>> {
        let head = store::head(app.store(), query.user_id).await?;
        if head == 0 {
            return Ok(Some(Vec::new()));
        }
        let budget = app.config().recall.cache_mb << 20;
        let changes = usize::try_from(head).unwrap_or(usize::MAX);
        if changes.saturating_mul(BYTES_EACH) > budget.saturating_mul(2) {
            return Ok(None);
        }
        let slot = self.slot(query.user_id, query.listener);
        let state = Arc::clone(&slot.state).read_owned().await;
        let state = if state.version >= head && state.model == model(app) {
            state
        } else if state.version == 0 && head > app.config().recall.load_at_once {
            drop(state);
            self.load_later(app, &slot, query);
            return Ok(None);
        } else {
            drop(state);
            let state = follow(app, &slot, query.user_id, query.listener).await?;
            self.make_room(budget);
            state
        };
        Ok(Some(search(state, asked).await?))
    }

    fn slot(&self, user_id: i64, listener: &Listener) -> Arc<Slot> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = Arc::clone(shelf.entry((user_id, listener.filter())).or_default());
        slot.used.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        slot
    }

    /// Reads a large image in the background, once.
    fn load_later(&self, app: &App, slot: &Arc<Slot>, query: &Query<'_>) {
        if slot.loading.swap(true, Ordering::AcqRel) {
            return;
        }
        let (app, slot, user_id, listener) = (app.clone(), Arc::clone(slot), query.user_id, query.listener.clone());
        app.clone().spawn(async move {
            if let Err(error) = follow(&app, &slot, user_id, &listener).await {
                tracing::warn!(user_id, cause = %error, "memories could not be read");
            }
            slot.loading.store(false, Ordering::Release);
            app.images().make_room(app.config().recall.cache_mb << 20);
        });
    }

    /// Gives up the images that were not used for longest, until the rest fits.
    fn make_room(&self, budget: usize) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let mut total: usize = shelf.values().map(|slot| slot.bytes.load(Ordering::Relaxed)).sum();
        let mut oldest: Vec<(u64, Key)> =
            shelf.iter().map(|(key, slot)| (slot.used.load(Ordering::Relaxed), key.clone())).collect();
        oldest.sort_unstable();
        for (_, key) in oldest {
            if total <= budget {
                return;
            }
            total -= shelf.remove(&key).map_or(0, |slot| slot.bytes.load(Ordering::Relaxed));
        }
    }

    /// How many bytes all images take.
    pub fn bytes(&self) -> usize {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.values().map(|slot| slot.bytes.load(Ordering::Relaxed)).sum()
    }
}

/// Brings an image up to date.
async fn follow(app: &App, slot: &Slot, user_id: i64, listener: &Listener) -> Result<OwnedRwLockReadGuard<State>> {
    let mut state = Arc::clone(&slot.state).write_owned().await;
    let model = model(app);
    if state.model != model || state.image.is_worn() {
        *state = State { model, ..State::default() };
    }
    store::follow(app.store(), user_id, listener, &mut state).await?;
    slot.bytes.store(state.image.bytes(), Ordering::Relaxed);
    Ok(state.downgrade())
}

fn model(app: &App) -> String {
    app.embedder().map_or_else(String::new, |embedder| embedder.name().to_owned())
}

/// What is asked, for a search that may run on another thread.
pub struct Asked {
    /// The question's words.
    pub text: String,
    /// Its vector.
    pub vector: Option<secondme_recall::Code>,
    /// When it is asked.
    pub now: i64,
    /// The most results.
    pub limit: usize,
    /// The kinds that are wanted, a bit each; 0: all.
    pub kinds: u32,
    /// The conversation that is left out.
    pub except: Option<String>,
}

impl Asked {
    fn of(&self, image: &Image) -> Vec<Found> {
        image.search(&Question {
            text: &self.text,
            vector: self.vector.as_ref(),
            now: self.now,
            limit: self.limit,
            kinds: self.kinds,
            except: self.except.as_deref(),
        })
    }
}

async fn search(state: OwnedRwLockReadGuard<State>, asked: Asked) -> Result<Vec<Found>> {
    if state.image.len() < LARGE {
        return Ok(asked.of(&state.image));
    }
    tokio::task::spawn_blocking(move || asked.of(&state.image)).await.map_err(ApiError::internal)
}
