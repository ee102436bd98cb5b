//! The door: what is learned becomes a memory only through here, and only if it is new, sourced, and the owner's own words.
//!
//! Nothing enters without a source; nothing enters that its sources do not say; nothing enters that the avatar said before
//! the source did (it would be its own memory coming back); what is there already, exactly or nearly, is heard again and not
//! stored again; what disagrees with a memory is linked to it, and supersedes it when it was said to.

use secondme_kit::Millis;
use secondme_store::{StoreError, Tx};

use super::{KeyMemory, NewMemory, Source, put, remember, store};
use crate::memory::words::Bag;

/// Something that may be worth remembering.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The memory it would become.
    pub memory: NewMemory<'a>,
    /// Where it was said.
    pub sources: Vec<Source>,
    /// The words of the sources.
    pub said: &'a str,
    /// What the avatar said before the sources, in the same conversation.
    pub heard_before: &'a [String],
    /// Memories that it takes the place of, as its finder believes.
    pub replaces: Vec<i64>,
}

/// An active memory, ready to be compared.
#[derive(Clone, Debug)]
pub struct Known {
    /// The memory.
    pub memory: KeyMemory,
    /// Its words, without the name of whom it is about.
    pub bag: Bag,
}

/// The user's active memories, the last changed first: what a candidate is compared with.
///
/// # Errors
/// Storage failures only.
pub async fn known(tx: &mut Tx, user_id: i64, limit: i64) -> Result<Vec<Known>, StoreError> {
    Ok(store::active(tx, user_id, limit).await?.into_iter().map(Known::from).collect())
}

/// Brings `known` up to date after a verdict, for the next candidate.
///
/// # Errors
/// Storage failures only.
pub async fn refresh(tx: &mut Tx, user_id: i64, known: &mut Vec<Known>, verdict: &Verdict) -> Result<(), StoreError> {
    let (id, gone): (i64, &[i64]) = match verdict {
        Verdict::New(id) | Verdict::Contradicts(id, _) => (*id, &[]),
        Verdict::Replaced(id, old) => (*id, old),
        Verdict::Known(_) | Verdict::Unsourced | Verdict::Unsupported | Verdict::Echo => return Ok(()),
    };
    known.retain(|known| !gone.contains(&known.memory.id));
    known.extend(store::find(tx, user_id, id).await?.map(Known::from));
    Ok(())
}

impl From<KeyMemory> for Known {
    fn from(memory: KeyMemory) -> Self {
        Self { bag: Bag::of(&memory.content).without(&Bag::of(&memory.actor)), memory }
    }
}

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A new memory.
    New(i64),
    /// A new memory that took the place of older ones.
    Replaced(i64, Vec<i64>),
    /// A new memory that disagrees with others; both stand, linked.
    Contradicts(i64, Vec<i64>),
    /// This one says it already; it has one more source now.
    Known(i64),
    /// It has no source.
    Unsourced,
    /// Its sources do not say it, or it says nothing: a question, small talk.
    Unsupported,
    /// The avatar said it first.
    Echo,
}

/// Alike from here on, and not disagreeing: the same memory.
const SAME: f64 = 0.72;
/// So much of a text in another, longer one: the same memory, said more briefly.
const WITHIN: f64 = 0.95;
/// Alike from here on, and disagreeing: about the same thing.
const ABOUT: f64 = 0.5;
/// So much of a memory's words must be in its sources.
const SUPPORT: f64 = 0.5;
/// So much of a memory's words in one answer of the avatar: it comes from there.
const ECHO: f64 = 0.8;

/// Lets a candidate in, or says why not. `known`: the active memories to compare with.
///
/// # Errors
/// Storage failures only.
pub async fn learn(
    tx: &mut Tx,
    user_id: i64,
    candidate: &Candidate<'_>,
    known: &[Known],
    now: Millis,
) -> Result<Verdict, StoreError> {
    let new = &candidate.memory;
    // A name that stands in every memory says nothing about any of them.
    let bag = Bag::of(new.content).without(&Bag::of(new.actor));
    if let Some(refusal) = refusal(candidate, &bag) {
        return Ok(refusal);
    }
    if let Some(same) = known.iter().find(|old| is_same(&bag, &old.bag)).map(|old| old.memory.id) {
        for source in &candidate.sources {
            store::insert_source(tx, user_id, same, source).await?;
        }
        store::touch(tx, user_id, same, now).await?;
        return Ok(Verdict::Known(same));
    }
    let (id, is_new) = put(tx, user_id, new, &candidate.sources, now).await?;
    if !is_new {
        return Ok(Verdict::Known(id));
    }
    let is_replaced = |old: &&Known| candidate.replaces.contains(&old.memory.id) && bag.covered_by(&old.bag) > 0.0;
    let is_denied =
        |old: &&Known| old.memory.kind == new.kind && bag.disagrees(&old.bag) && bag.likeness(&old.bag) >= ABOUT;
    let replaced: Vec<i64> = known.iter().filter(is_replaced).map(|old| old.memory.id).collect();
    let contradicted = known.iter().filter(is_denied).map(|old| old.memory.id);
    let contradicted: Vec<i64> = contradicted.filter(|old| !replaced.contains(old)).collect();
    link(tx, user_id, id, (&replaced, &contradicted), new.valid_from, now).await?;
    Ok(match (replaced.is_empty(), contradicted.is_empty()) {
        (false, _) => Verdict::Replaced(id, replaced),
        (true, false) => Verdict::Contradicts(id, contradicted),
        (true, true) => Verdict::New(id),
    })
}

/// Ends what a new memory replaces, and links it to what it contradicts.
async fn link(
    tx: &mut Tx,
    user_id: i64,
    id: i64,
    (replaced, contradicted): (&[i64], &[i64]),
    since: Millis,
    now: Millis,
) -> Result<(), StoreError> {
    for old in replaced {
        store::supersede(tx, user_id, *old, id, since, now).await?;
        store::link(tx, user_id, id, *old, "supersedes", now).await?;
        remember(tx, user_id, *old).await?;
    }
    for old in contradicted {
        store::link(tx, user_id, id, *old, "contradicts", now).await?;
    }
    Ok(())
}

/// Why a candidate may not enter, if it may not.
fn refusal(candidate: &Candidate<'_>, bag: &Bag) -> Option<Verdict> {
    if candidate.sources.is_empty() {
        return Some(Verdict::Unsourced);
    }
    let is_question = candidate.memory.content.trim_end().ends_with(['?', '？']);
    if is_question || bag.is_small_talk() || bag.covered_by(&Bag::of(candidate.said)) < SUPPORT {
        return Some(Verdict::Unsupported);
    }
    let echo = candidate.heard_before.iter().any(|heard| bag.covered_by(&Bag::of(heard)) >= ECHO);
    echo.then_some(Verdict::Echo)
}

fn is_same(a: &Bag, b: &Bag) -> bool {
    !a.disagrees(b) && (a.likeness(b) >= SAME || a.covered_by(b) >= WITHIN)
}
