//! The LoCoMo conversations: turns with speaker, time and caption, and questions with the turns that answer them.

use std::collections::HashMap;
use std::path::Path;

use secondme_recall::{Image, Item, dates, passage};
use serde_json::Value;

/// One conversation of many sessions.
pub struct Conversation {
    pub turns: Vec<Turn>,
    pub questions: Vec<Asked>,
    /// The time of the last session.
    pub now: i64,
}

/// One turn.
pub struct Turn {
    pub speaker: String,
    pub text: String,
    pub session: String,
    pub position: i64,
    pub at: i64,
    /// What the embedder is given.
    pub passage: String,
}

/// One question.
pub struct Asked {
    pub text: String,
    /// Places of the turns that answer it.
    pub evidence: Vec<usize>,
    pub category: i64,
}

/// Reads the file.
pub fn read(path: &Path) -> Result<Vec<Conversation>, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let all: Value = serde_json::from_slice(&bytes).map_err(|e| format!("{}: {e}", path.display()))?;
    all.as_array().ok_or("not a list")?.iter().map(conversation).collect()
}

fn conversation(item: &Value) -> Result<Conversation, String> {
    let (mut turns, mut places) = (Vec::new(), HashMap::new());
    let sessions = &item["conversation"];
    for number in 1..1_000 {
        let session = format!("session_{number}");
        let Some(said) = sessions[&session].as_array() else { continue };
        let at = time(sessions[format!("{session}_date_time")].as_str().unwrap_or_default())?;
        let mut before: Option<(String, String)> = None;
        for (position, turn) in said.iter().enumerate() {
            let speaker = turn["speaker"].as_str().unwrap_or_default().to_owned();
            let mut text = turn["text"].as_str().unwrap_or_default().to_owned();
            if let Some(caption) = turn["blip_caption"].as_str() {
                text = format!("{text} [{caption}]");
            }
            places.insert(turn["dia_id"].as_str().unwrap_or_default().to_owned(), turns.len());
            let earlier = before.as_ref().map(|(text, speaker)| (text.as_str(), Some(speaker.as_str())));
            let passage = passage(earlier, (&text, Some(&speaker)));
            before = Some((text.clone(), speaker.clone()));
            let position = i64::try_from(position).unwrap_or(0);
            turns.push(Turn { speaker, text, session: session.clone(), position, at, passage });
        }
    }
    let now = turns.iter().map(|turn| turn.at).max().unwrap_or(0);
    let questions = item["qa"].as_array().ok_or("no questions")?;
    let questions = questions.iter().map(|q| question(q, &places)).filter(|q| !q.evidence.is_empty()).collect();
    Ok(Conversation { turns, questions, now })
}

fn question(item: &Value, places: &HashMap<String, usize>) -> Asked {
    let named = item["evidence"].as_array().into_iter().flatten().filter_map(Value::as_str);
    // Some keys name two turns in one text.
    let ids = named.flat_map(|ids| ids.split([';', ' ']));
    let mut evidence: Vec<usize> = ids.filter_map(|id| places.get(id.trim()).copied()).collect();
    evidence.sort_unstable();
    evidence.dedup();
    Asked {
        text: item["question"].as_str().unwrap_or_default().to_owned(),
        evidence,
        category: item["category"].as_i64().unwrap_or(0),
    }
}

/// `1:56 pm on 8 May, 2023`, to the day.
fn time(text: &str) -> Result<i64, String> {
    let spans = dates::spans(text.split_once(" on ").map_or(text, |(_, day)| day), 0);
    spans.first().map(|span| span.from).ok_or_else(|| format!("no date: {text}"))
}

impl Conversation {
    /// The image of its turns; a turn's id is its place.
    pub fn image(&self) -> Image {
        let mut image = Image::default();
        for (id, turn) in self.turns.iter().enumerate() {
            image.put(&Item {
                id: i64::try_from(id).unwrap_or(0),
                text: &turn.text,
                speaker: Some(&turn.speaker),
                conversation: Some(&turn.session),
                position: turn.position,
                at: turn.at,
                importance: 0.5,
                kind: 0,
            });
        }
        image
    }
}
