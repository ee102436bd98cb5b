//! One message and its answer, from the lease to the last frame.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use secondme_kit::secret::sha256;
use secondme_llm::{ChatEvent, ChatStream};
use serde_json::Map;
use tokio::time::{Instant, sleep_until};

use super::store::Question;
use super::{lease, past, store};
use crate::app::App;
use crate::avatars::center::{self, Avatar, Kind};
use crate::avatars::interactions::Sender;
use crate::chat::memories::Section;
use crate::chat::persona::{self, Persona};
use crate::chat::prompt::Past;
use crate::chat::reply::refused;
use crate::chat::sources;
use crate::chat::speak::{self, Remembering, Speech};
use crate::error::{self, ApiError, Code, Lang, Result};
use crate::memory::audience::Listener;
use crate::users::{profile, shades};
use crate::visitor::log::{self, Draft, Lease};
use crate::visitor::sessions::{self, Session};
use crate::visitor::who;

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The message has its answer, or was given up; the next one may be looked at.
    Answered,
    /// Somebody else has the lease now.
    Lost,
    /// It is tried again later.
    Later,
}

/// A message that is being answered.
pub(super) struct Turn<'a> {
    app: &'a App,
    holder: &'a str,
    session: Session,
    avatar: Avatar,
    question: Question,
    reply_id: String,
    past: Vec<Past>,
    /// What the log has of the answer.
    said: String,
    /// Frames it has of it.
    frames: i64,
    /// What it had in its prompt of memories.
    memories: Option<Section>,
    /// When the lease is to be renewed.
    renew_at: Instant,
}

/// What a generation brings next.
enum Heard {
    Text(String),
    End,
    Failed(ApiError),
    /// Nothing for a while: the lease is to be renewed.
    Silence,
    Stopping,
}

impl<'a> Turn<'a> {
    /// Takes the lease and the next message that waits. `None`: nothing waits, or somebody else is at it.
    pub(super) async fn begin(app: &'a App, session_id: &str, holder: &'a str) -> Result<Option<Self>> {
        let now = app.now();
        let mut tx = app.store().write().await?;
        if store::hold(&mut tx, session_id, holder, now, now + app.config().visitor.lease_ms).await? == 0 {
            return Ok(None);
        }
        let session = sessions::get(&mut tx, session_id).await?;
        let question = store::next_question(&mut tx, session_id).await?;
        let (Some(session), Some(question)) = (session, question) else {
            // Under the row's lock: a message that is being stored right now finds the lease free.
            store::release(&mut tx, session_id, holder).await?;
            tx.commit().await?;
            return Ok(None);
        };
        let fresh = || format!("vmsg_{}", app.entropy().alphanumeric(20));
        let reply_id = question.reply_id.clone().unwrap_or_else(fresh);
        store::begin(&mut tx, session_id, question.id, &reply_id).await?;
        let (said, frames) =
            if question.attempts > 0 { log::said(&mut tx, session_id, &reply_id).await? } else { (String::new(), 0) };
        let past = past::load(&mut tx, session_id, question.id).await?;
        let avatar = center::by_id(&mut tx, session.avatar_id).await?;
        let avatar = avatar.ok_or_else(|| ApiError::new(Code::VisitorSessionUnknown))?;
        tx.commit().await?;
        let renew_at = Instant::now() + lease(app) / 3;
        Ok(Some(Self {
            app,
            holder,
            session,
            avatar,
            question,
            reply_id,
            past,
            said,
            frames,
            memories: None,
            renew_at,
        }))
    }

    /// Generates the answer, or the rest of it.
    pub(super) async fn run(mut self) -> Result<Outcome> {
        if self.question.attempts >= self.app.config().visitor.attempts_max {
            return self.give_up(&ApiError::new(Code::ModelUnavailable).arg("it failed too often")).await;
        }
        // What was said before a crash comes first again, when the model can repeat itself, and is not written twice.
        let mut repeated = self.said.clone();
        let mut stream = match self.speak("").await {
            Ok(stream) => stream,
            Err(error) => return self.failed(error).await,
        };
        let mut pending = None;
        loop {
            let heard = match pending.take() {
                Some(heard) => heard,
                None => self.hear(&mut stream).await,
            };
            let text = match heard {
                Heard::Text(text) => text,
                Heard::End if repeated.is_empty() => return self.finish("").await,
                Heard::End => String::new(),
                Heard::Failed(error) => return self.failed(error).await,
                Heard::Stopping => return Ok(Outcome::Later),
                Heard::Silence if self.renew().await? => continue,
                Heard::Silence => return Ok(Outcome::Lost),
            };
            let Some(fresh) = beyond(&mut repeated, &text) else {
                // It says something else now: it goes on from what the visitor has.
                repeated.clear();
                let said = self.said.clone();
                stream = match self.speak(&said).await {
                    Ok(stream) => stream,
                    Err(error) => return self.failed(error).await,
                };
                continue;
            };
            let mut fresh = fresh.to_owned();
            if fresh.is_empty() {
                continue;
            }
            // What came meanwhile goes into the same frame.
            while let Some(event) = stream.next().now_or_never() {
                match heard_of(event) {
                    Heard::Text(text) => fresh.push_str(&text),
                    Heard::End => return self.finish(&fresh).await,
                    other => {
                        pending = Some(other);
                        break;
                    }
                }
            }
            if !self.write(&fresh).await? {
                return Ok(Outcome::Lost);
            }
        }
    }

    /// Asks the model, for all of the answer or for what follows `said`.
    async fn speak(&mut self, said: &str) -> Result<ChatStream> {
        let listener = who::listener(self.session.user_id, self.session.visitor_user_id);
        let persona = self.persona(&listener).await?;
        let memories = self.remember(&listener).await?;
        let speech = Speech {
            persona: &persona,
            memories: &memories.text,
            past: &self.past,
            message: &self.question.content,
            said,
            // Signed-in visitors have turns of their own, the others those of whom they visit.
            on_behalf_of: Some(self.session.visitor_user_id.unwrap_or(self.avatar.user_id)),
            cache_key: &self.session.session_id,
            seed: seed(&self.reply_id),
            max_tokens: self.app.config().visitor.max_tokens,
        };
        let speaking = speak::speak(self.app, &speech);
        tokio::pin!(speaking);
        loop {
            // A model may let us wait for its place longer than the lease lasts.
            tokio::select! {
                stream = &mut speaking => return stream,
                () = sleep_until(self.renew_at) => {
                    let until = self.app.now() + self.app.config().visitor.lease_ms;
                    let mut tx = self.app.store().write().await?;
                    store::extend(&mut tx, &self.session.session_id, self.holder, until).await?;
                    tx.commit().await?;
                    self.renew_at = Instant::now() + lease(self.app) / 3;
                }
                () = self.app.stopping().cancelled() => return Err(ApiError::new(Code::ShuttingDown)),
            }
        }
    }

    /// What the avatar remembers of the message: the same for all attempts of this turn.
    async fn remember(&mut self, listener: &Listener) -> Result<Section> {
        if let Some(memories) = &self.memories {
            return Ok(memories.clone());
        }
        let avatar = &self.avatar;
        // Owners who try an avatar out hear what its visitors would; their primary one is theirs.
        let tried_out = Listener::Visitor { signed_in: true };
        let is_theirs = *listener != Listener::Owner || avatar.kind == Kind::Primary;
        let listener = if is_theirs { listener } else { &tried_out };
        let (owner_name, notes) = (avatar.owner_name.as_str(), avatar.related_note_ids.as_slice());
        let who = Remembering { owner_id: avatar.user_id, owner_name, listener, notes };
        let memories = speak::remember(self.app, &who, &self.question.content).await?;
        self.memories = Some(memories.clone());
        Ok(memories)
    }

    /// Who speaks: to its owner, the primary avatar is the one that chats with them elsewhere.
    async fn persona(&self, listener: &Listener) -> Result<Persona> {
        if *listener == Listener::Owner && self.avatar.kind == Kind::Primary {
            let mut tx = self.app.store().read().await?;
            let profile = profile::get_in(&mut tx, self.avatar.user_id).await?;
            let shades = shades::list_in(&mut tx, self.avatar.user_id).await?;
            return Ok(persona::of_owner(&profile, &shades));
        }
        Ok(center::persona_for_visitor(self.app, &self.avatar, listener).await?.persona)
    }

    async fn hear(&self, stream: &mut ChatStream) -> Heard {
        let stall = Duration::from_secs(self.app.config().chat.stall_seconds);
        tokio::select! {
            biased;
            () = self.app.stopping().cancelled() => Heard::Stopping,
            event = stream.next() => heard_of(event),
            () = sleep_until(self.renew_at) => Heard::Silence,
            () = tokio::time::sleep(stall) => Heard::Failed(ApiError::new(Code::ModelTimeout).arg("it fell silent")),
        }
    }

    async fn renew(&mut self) -> Result<bool> {
        let until = self.app.now() + self.app.config().visitor.lease_ms;
        let mut tx = self.app.store().write().await?;
        let held = store::extend(&mut tx, &self.session.session_id, self.holder, until).await? > 0;
        tx.commit().await?;
        self.renew_at = Instant::now() + lease(self.app) / 3;
        Ok(held)
    }

    /// Writes a piece of the answer. False: the lease is lost, and nothing was written.
    async fn write(&mut self, text: &str) -> Result<bool> {
        let draft = Draft::piece(&self.reply_id, self.frames, text);
        let mut tx = self.app.store().write().await?;
        let news = log::append(self.app, &mut tx, &self.session.session_id, Some(self.lease()), &[draft]).await?;
        let Some(news) = news else { return Ok(false) };
        tx.commit().await?;
        news.publish(self.app).await;
        self.said.push_str(text);
        self.frames += 1;
        self.renew_at = Instant::now() + lease(self.app) / 3;
        Ok(true)
    }

    fn lease(&self) -> Lease<'a> {
        Lease { token: self.holder, until: self.app.now() + self.app.config().visitor.lease_ms }
    }

    /// The last piece, the end, the stored message: all of it or nothing.
    async fn finish(mut self, rest: &str) -> Result<Outcome> {
        let mut drafts = Vec::new();
        if !rest.is_empty() {
            drafts.push(Draft::piece(&self.reply_id, self.frames, rest));
        }
        drafts.push(Draft::end(&self.reply_id));
        self.said.push_str(rest);
        self.close(&drafts, "answered", "complete").await
    }

    async fn close(&self, drafts: &[Draft<'_>], state: &str, reply_state: &str) -> Result<Outcome> {
        let (app, session) = (self.app, &self.session);
        let mut tx = app.store().write().await?;
        let news = log::append(app, &mut tx, &session.session_id, Some(self.lease()), drafts).await?;
        let Some(news) = news else { return Ok(Outcome::Lost) };
        if !self.said.is_empty() {
            let message = (self.reply_id.as_str(), Sender::Avatar, reply_state);
            sessions::add_message(app, &mut tx, session, message, &self.said).await?;
            let told = self.memories.as_ref().map(|memories| memories.sources.as_slice()).unwrap_or_default();
            sources::put_of_visitor(&mut tx, session.user_id, &self.reply_id, told).await?;
        }
        store::settle(&mut tx, &session.session_id, self.question.id, state).await?;
        tx.commit().await?;
        news.publish(app).await;
        Ok(Outcome::Answered)
    }

    /// What fails for a reason that passes is tried again; the rest is told.
    async fn failed(self, error: ApiError) -> Result<Outcome> {
        tracing::warn!(session_id = self.session.session_id, cause = %error, "a reply failed");
        match error.code() {
            Code::ContextTooLong | Code::InvalidParam => self.give_up(&error).await,
            _ => Ok(Outcome::Later),
        }
    }

    /// Tells the visitor that there will be no answer, in a frame that documented clients do not read, and ends the reply.
    async fn give_up(self, error: &ApiError) -> Result<Outcome> {
        let mut about = Map::new();
        about.insert("error".to_owned(), error::body(error, Lang::En));
        let drafts = [Draft::event(&self.reply_id, about, "error"), Draft::end(&self.reply_id)];
        self.close(&drafts, "failed", "interrupted").await
    }
}

fn heard_of(event: Option<std::result::Result<ChatEvent, secondme_llm::ModelError>>) -> Heard {
    match event {
        Some(Ok(ChatEvent::Text(text))) => Heard::Text(text),
        // Visitors' avatars are offered no functions.
        Some(Ok(ChatEvent::Call(_))) => Heard::Failed(ApiError::new(Code::StreamError).arg("it asked for a function")),
        Some(Ok(ChatEvent::Finished { .. })) => Heard::End,
        Some(Err(error)) => Heard::Failed(refused(error)),
        None => Heard::Failed(ApiError::new(Code::StreamError).arg("the answer ended without an end")),
    }
}

/// What `text` adds to what is repeated; `None` when it is not the same, or ends too early (empty).
fn beyond<'t>(repeated: &mut String, text: &'t str) -> Option<&'t str> {
    if repeated.is_empty() {
        return Some(text);
    }
    if let Some(rest) = text.strip_prefix(repeated.as_str()) {
        repeated.clear();
        return Some(rest);
    }
    if !text.is_empty() && repeated.starts_with(text) {
        repeated.drain(..text.len());
        return Some("");
    }
    None
}

/// The same for every attempt at a reply.
fn seed(reply_id: &str) -> u64 {
    let hash = sha256(reply_id.as_bytes());
    // Some servers take 31 bits only.
    u64::from(u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_said_is_not_said_again(text in "\\PC{0,40}", cut in 0usize..40, sizes in proptest::collection::vec(1usize..6, 40)) {
            let chars: Vec<char> = text.chars().collect();
            let said: String = chars.iter().take(cut).collect();
            let (mut repeated, mut out, mut at) = (said.clone(), said.clone(), 0);
            for size in sizes {
                let piece: String = chars.iter().skip(at).take(size).collect();
                at += size;
                if !piece.is_empty() {
                    out.push_str(beyond(&mut repeated, &piece).unwrap());
                }
            }
            prop_assert_eq!(out, text);
        }
    }

    #[test]
    fn another_answer_is_noticed() {
        assert_eq!(beyond(&mut "Hello".to_owned(), "Help"), None);
        assert_eq!(beyond(&mut "Hello".to_owned(), ""), None, "it ends before what was said");
        assert_eq!(seed("vmsg_a"), seed("vmsg_a"));
        assert!(seed("vmsg_a") != seed("vmsg_b") && seed("vmsg_b") < 1 << 31);
    }
}
