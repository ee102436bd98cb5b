//! From what was said to key memories: what the owner said, wrote or did, how they speak, whom they know; and what others said
//! about themselves to the owner's avatars.
//!
//! Each reading takes what was said since the last one. Memories and the place reached are stored in one transaction, so a
//! reading that is cut off is done again and nothing is learned twice.

mod examples;
pub mod jobs;
pub mod material;
mod prompt;
mod store;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use secondme_kit::Millis;
use serde::Deserialize;

use super::ask::{self, NoAnswer, Question};
use crate::app::App;
use crate::error::Result;
use crate::memory::key_memories::{self, Candidate, Known, NewMemory, Source, Verdict};
use crate::memory::settings;
use crate::users::profile;

/// Who says a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The owner of the memory.
    Owner,
    /// The owner's avatar: what it says is never learned.
    Avatar,
    /// Somebody else, by name.
    Other(String),
}

/// A line of a conversation, a part of a note, an event.
#[derive(Clone, Debug)]
pub struct Line {
    /// Where it stands: the source of what is learned from it.
    pub source: Source,
    /// Who says it.
    pub speaker: Speaker,
    /// What is said.
    pub text: String,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter {
    /// What people and the avatar said to each other.
    Chat,
    /// What the owner wrote down.
    Note,
    /// What apps saw the owner do.
    Events,
}

/// A stretch of a conversation, or of something else that is read like one. With lines of somebody else it is learned who they are to the owner, and nothing else.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// Whose memory it enters.
    pub user_id: i64,
    /// What it is.
    pub matter: Matter,
    /// The conversation's id, unique for the user.
    pub conversation: String,
    /// The place in the conversation that is reached with the last line.
    pub position: i64,
    /// What was said, oldest first.
    pub lines: Vec<Line>,
    /// What the avatar said lately before that, in any conversation.
    pub heard: Vec<String>,
}

/// What a reading brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What became of each proposal of the model, in its order.
    pub verdicts: Vec<Verdict>,
}

/// What a model proposes.
#[derive(Debug, Deserialize)]
struct Proposal {
    content: String,
    kind: String,
    #[serde(default)]
    actor: String,
    #[serde(default)]
    object: String,
    #[serde(default)]
    from: Vec<usize>,
    #[serde(default)]
    replaces: Vec<usize>,
    #[serde(default)]
    since: String,
    #[serde(default)]
    sure: f64,
}

#[derive(Debug, Deserialize)]
struct Proposals {
    #[serde(default)]
    memories: Vec<Proposal>,
}

/// Known memories that the model is shown, so that it can say which of them are no longer true.
const SHOWN: usize = 20;
const ANSWER_TOKENS: u32 = 1_500;

/// The place in a conversation up to which was read.
///
/// # Errors
/// Storage failures only.
pub async fn reached(app: &App, user_id: i64, conversation: &str) -> Result<i64> {
    Ok(store::reached(app.store(), user_id, conversation).await?)
}

/// Reads a stretch of a conversation and stores what there is to learn, with the place reached.
///
/// # Errors
/// The inner error says that the model gave no answer and the reading should be tried again; nothing was stored.
pub async fn learn(app: &App, transcript: &Transcript) -> Result<std::result::Result<Reading, String>> {
    let user_id = transcript.user_id;
    let owner = profile::get(app.store(), user_id).await?.name;
    let mut tx = app.store().read().await?;
    let known = key_memories::known(&mut tx, user_id, app.config().learning.compare_max).await?;
    drop(tx);
    let is_source = |line: &Line| line.speaker == listened_to(transcript);
    let proposals = if transcript.lines.iter().any(is_source) {
        let shown = prompt::relevant(transcript, &known, SHOWN);
        let asked = prompt::build(app, transcript, owner.trim(), &shown);
        let question = Question {
            instructions: &asked.instructions,
            examples: &asked.examples,
            material: &asked.material,
            schema: asked.schema,
            max_tokens: ANSWER_TOKENS,
        };
        match ask::json(app, question).await {
            Ok(answer) => match serde_json::from_value::<Proposals>(answer) {
                Ok(proposals) => (proposals.memories, shown.iter().map(|known| known.memory.id).collect()),
                Err(_) => return Ok(Err("the answer has not the shape asked for".to_owned())),
            },
            Err(NoAnswer::Off) => (Vec::new(), Vec::new()),
            Err(NoAnswer::Failed(why)) => return Ok(Err(why)),
        }
    } else {
        (Vec::new(), Vec::new())
    };
    let zone = settings::zone(app, user_id).await?;
    let (proposals, shown): (Vec<Proposal>, Vec<i64>) = proposals;
    store(app, transcript, owner.trim(), &proposals, &shown, known, &zone).await.map(Ok)
}

/// Whose lines are learned from: the owner's, or in a conversation with somebody else theirs.
fn listened_to(transcript: &Transcript) -> Speaker {
    let other = transcript.lines.iter().find(|line| matches!(line.speaker, Speaker::Other(_)));
    other.map_or(Speaker::Owner, |line| line.speaker.clone())
}

async fn store(
    app: &App,
    transcript: &Transcript,
    owner: &str,
    proposals: &[Proposal],
    shown: &[i64],
    mut known: Vec<Known>,
    zone: &TimeZone,
) -> Result<Reading> {
    let (user_id, now) = (transcript.user_id, app.now());
    let mut reading = Reading::default();
    let mut tx = app.store().write().await?;
    for proposal in proposals.iter().take(app.config().learning.memories_max) {
        let found = Found::new(transcript, proposal);
        let memory = memory(transcript, owner, proposal, &found, zone);
        let candidate = Candidate {
            memory,
            sources: found.sources,
            said: &found.said,
            heard_before: &found.heard_before,
            replaces: proposal.replaces.iter().filter_map(|n| shown.get(n.checked_sub(1)?).copied()).collect(),
        };
        let verdict = key_memories::learn(&mut tx, user_id, &candidate, &known, now).await?;
        key_memories::refresh(&mut tx, user_id, &mut known, &verdict).await?;
        reading.verdicts.push(verdict);
    }
    store::reach(&mut tx, user_id, &transcript.conversation, transcript.position, now).await?;
    tx.commit().await?;
    Ok(reading)
}

fn memory<'p>(
    transcript: &Transcript,
    owner: &'p str,
    proposal: &'p Proposal,
    found: &Found,
    zone: &TimeZone,
) -> NewMemory<'p> {
    let with_others = matches!(listened_to(transcript), Speaker::Other(_));
    let kind = ["FACT", "STYLE", "RELATION"].into_iter().find(|kind| *kind == proposal.kind).unwrap_or("FACT");
    let actor = proposal.actor.trim();
    let since = proposal.since.parse::<Date>().ok().and_then(|date| date.to_zoned(zone.clone()).ok());
    let since = since.map(|at| at.timestamp().as_millisecond()).filter(|at| *at <= found.at);
    NewMemory {
        kind: if with_others { "RELATION" } else { kind },
        actor: if kind != "RELATION" && !with_others || actor.is_empty() { owner } else { actor },
        object: Some(proposal.object.trim()).filter(|object| !object.is_empty()).unwrap_or("general"),
        content: proposal.content.trim(),
        visibility: 0,
        data_type: match transcript.matter {
            Matter::Chat => "CHAT",
            Matter::Note => "NOTE",
            Matter::Events => "EVENT",
        },
        confidence: (proposal.sure / 100.0).clamp(0.1, 0.95),
        valid_from: since.unwrap_or(found.at),
    }
}

/// The lines behind a proposal.
struct Found {
    sources: Vec<Source>,
    said: String,
    heard_before: Vec<String>,
    at: Millis,
}

impl Found {
    fn new(transcript: &Transcript, proposal: &Proposal) -> Self {
        let listened_to = listened_to(transcript);
        let mut this = Self { sources: Vec::new(), said: String::new(), heard_before: Vec::new(), at: 0 };
        let mut first = transcript.lines.len();
        for n in &proposal.from {
            let Some(at) = n.checked_sub(1) else { continue };
            let Some(line) = transcript.lines.get(at).filter(|line| line.speaker == listened_to) else { continue };
            // Two parts of a note are one source.
            if !this.sources.contains(&line.source) {
                this.sources.push(line.source.clone());
            }
            this.said.push_str(&line.text);
            this.said.push('\n');
            first = first.min(at);
        }
        this.at = transcript.lines.get(first).map_or(0, |line| line.source.at);
        let before = transcript.lines.iter().take(first).filter(|line| line.speaker == Speaker::Avatar);
        this.heard_before = transcript.heard.iter().cloned().chain(before.map(|line| line.text.clone())).collect();
        this
    }
}
