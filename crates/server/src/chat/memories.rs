//! What of the past enters a prompt: recalled for the one who listens, cut to a budget, and named in the answer's manifest.
//!
//! Whatever is in a prompt can be read out by the model, so the listener decides here, in the search, and not in instructions.

use std::collections::HashSet;

use secondme_kit::clock::iso;
use secondme_llm::ChatModel;
use secondme_store::{StoreError, Tx};

use crate::app::App;
use crate::error::Result;
use crate::memory::audience::{Audience, Listener};
use crate::memory::index::{self, Entry, Kind};
use crate::memory::retrieval::{self, Hit, Query};

/// The section of a prompt, and the memories in it.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// What the model reads; empty when there is nothing to say.
    pub text: String,
    /// The memories in it, the best first.
    pub sources: Vec<Hit>,
}

/// Characters of one memory that are shown.
const SHOWN_CHARS: usize = 400;
/// How important the avatar's own words are: they are seldom news to it.
const OWN_WORDS: f64 = 0.2;

/// Finds what fits `message`, among what `listener` may hear; nothing of the session that goes on, which is in the prompt anyway.
///
/// # Errors
/// Storage failures only.
pub async fn recall(
    app: &App,
    user_id: i64,
    listener: &Listener,
    message: &str,
    session_id: Option<&str>,
) -> Result<Vec<Hit>> {
    let max = app.config().chat.memories_max;
    if max == 0 || app.config().chat.memory_tokens == 0 {
        return Ok(Vec::new());
    }
    let query = Query {
        user_id,
        listener,
        text: message,
        now: app.now(),
        limit: max * 3,
        kinds: &[],
        except_conversation: session_id,
    };
    let mut hits = without_echoes(retrieval::search(app, &query).await?, message);
    hits.truncate(max);
    Ok(hits)
}

/// What an avatar of `user_id` remembers towards somebody who is not its owner: in its `notes` (those that its owner named for it), among the
/// memories that `listener` may hear, and the key memories that every such listener may know.
///
/// # Errors
/// Storage failures only.
pub async fn recall_for_visitor(
    app: &App,
    user_id: i64,
    listener: &Listener,
    message: &str,
    notes: &[i64],
) -> Result<Vec<Hit>> {
    let max = app.config().chat.memories_max;
    let query = Query {
        user_id,
        listener,
        text: message,
        now: app.now(),
        limit: max / 2,
        kinds: &[],
        except_conversation: None,
    };
    let mut hits = retrieval::in_notes(app, &query, notes).await?;
    hits.extend(recall(app, user_id, listener, message, None).await?);
    hits.extend(retrieval::always(app.store(), user_id, listener, max).await?);
    let mut seen = HashSet::new();
    hits.retain(|hit| seen.insert(hit.entry_id));
    let mut hits = without_echoes(hits, message);
    hits.truncate(max);
    Ok(hits)
}

/// Leaves out what the avatar itself said, whose slips would come back as memories; then the question when it was asked before,
/// which answers nothing, and what is said a second time. In this order: an avatar that repeats a fact must not hide it.
fn without_echoes(mut hits: Vec<Hit>, message: &str) -> Vec<Hit> {
    let key = |text: &str| {
        let mut tokens = secondme_recall::words(text).tokens;
        tokens.sort_unstable();
        tokens
    };
    let mut seen = HashSet::from([key(message)]);
    hits.retain(|hit| hit.kind != Kind::Message || hit.speaker.is_some());
    hits.retain(|hit| seen.insert(key(&hit.text)));
    hits
}

/// The memories as the model reads them, as many as fit into `budget` tokens, the best first; of long ones what fits `message`.
/// What one speaker said on one day stands under one heading: a name or a day in each line is what small models answer with.
pub fn section(model: &dyn ChatModel, name: &str, message: &str, hits: &[Hit], budget: usize) -> Section {
    let intro = format!(
        "## What you remember\nThings from {name}'s notes and earlier conversations. Use those that fit; the others are to stay unsaid."
    );
    let mut used = model.count_tokens(&intro);
    let mut groups: Vec<(String, String)> = Vec::new();
    let mut sources = Vec::new();
    for hit in hits {
        let heading = heading(hit);
        let line = format!("\n- {}", secondme_recall::excerpt(&hit.text, message, SHOWN_CHARS));
        let place = groups.iter().position(|(other, _)| *other == heading);
        used += model.count_tokens(&line);
        if place.is_none() {
            used += model.count_tokens(&heading);
        }
        if used > budget {
            break;
        }
        match place.and_then(|place| groups.get_mut(place)) {
            Some((_, lines)) => lines.push_str(&line),
            None => groups.push((heading, line)),
        }
        sources.push(hit.clone());
    }
    if sources.is_empty() {
        return Section::default();
    }
    let said: String = groups.into_iter().map(|(heading, lines)| heading + &lines).collect();
    Section { text: intro + &said, sources }
}

/// `### Ada said on 2025-06-15`, on a line of its own.
fn heading(hit: &Hit) -> String {
    let day = iso(hit.happened_at);
    let day = day.get(..10).unwrap_or_default();
    match &hit.speaker {
        Some(speaker) => format!("\n### {speaker} said on {day}"),
        None => format!("\n### Noted on {day}"),
    }
}

/// A message that can be recalled from now on.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Whose memory it becomes.
    pub user_id: i64,
    /// The session.
    pub session_id: &'a str,
    /// `msg_…`.
    pub message_id: &'a str,
    /// Who said it; `None`: the avatar.
    pub speaker: Option<&'a str>,
    /// What was said.
    pub text: &'a str,
    /// The app it came through.
    pub app_id: Option<&'a str>,
}

/// Remembers a message, for the owner alone, in the transaction that stores it.
///
/// # Errors
/// Storage failures only.
pub async fn remember(app: &App, tx: &mut Tx, said: &Said<'_>) -> std::result::Result<(), StoreError> {
    let now = app.now();
    let entry = Entry {
        user_id: said.user_id,
        kind: Kind::Message,
        item_id: said.message_id.to_owned(),
        text: said.text,
        speaker: said.speaker,
        conversation: Some(said.session_id),
        position: now,
        happened_at: now,
        importance: if said.speaker.is_some() { 0.5 } else { OWN_WORDS },
        audience: &Audience::OwnerOnly,
        app_id: said.app_id,
    };
    index::put(tx, &entry).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use secondme_llm::Scripted;

    fn hit(id: i64, speaker: Option<&str>, text: &str) -> Hit {
        Hit {
            entry_id: id,
            kind: Kind::Message,
            item_id: id.to_string(),
            text: text.to_owned(),
            speaker: speaker.map(str::to_owned),
            conversation: None,
            position: 0,
            happened_at: 1_750_000_000_000,
            importance: 0.5,
            score: 1.0,
        }
    }

    #[test]
    fn a_section_names_day_and_speaker_once_and_stays_in_its_budget() {
        let hits = [
            hit(1, Some("Ada"), "I keep  bees\nin Lisbon"),
            hit(2, None, &"long ".repeat(300)),
            hit(3, Some("Ada"), "The bees sleep."),
        ];
        let all = section(&Scripted::echo(), "Ada", "bees", &hits, 10_000);
        let said =
            "\n### Ada said on 2025-06-15\n- I keep bees in Lisbon\n- The bees sleep.\n### Noted on 2025-06-15\n- long";
        assert!(all.text.contains(said) && all.text.ends_with('…'), "{}", all.text);
        assert_eq!(all.sources.iter().map(|s| s.entry_id).collect::<Vec<_>>(), [1, 2, 3]);
        let one = section(&Scripted::echo(), "Ada", "bees", &hits, 70);
        assert_eq!(one.sources.iter().map(|s| s.entry_id).collect::<Vec<_>>(), [1]);
        let none = section(&Scripted::echo(), "Ada", "bees", &hits, 5);
        assert!(none.text.is_empty() && none.sources.is_empty());
    }

    #[test]
    fn echoes_are_left_out_and_hide_nothing() {
        let hits = vec![
            hit(1, Some("Ada"), "Where are my keys?"),
            hit(2, None, "Your keys are in the blue bowl."),
            hit(3, Some("Ada"), "your keys are in the blue bowl"),
            hit(4, Some("Ada"), "Your keys are in the blue bowl!"),
        ];
        let kept: Vec<i64> = without_echoes(hits, "where are my keys").iter().map(|h| h.entry_id).collect();
        assert_eq!(kept, [3]);
    }
}
