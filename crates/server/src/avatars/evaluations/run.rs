//! One run: every persona talks, every conversation is judged, the report is counted.

use secondme_llm::{ChatMessage, ChatRequest, Role};

use super::personas::{ALL, Persona};
use super::transcript::{Exchange, Transcript};
use super::{Run, evidence, judge, report, store};
use crate::app::App;
use crate::avatars::center::{self, Avatar, Voice, persona_for_visitor};
use crate::chat::models::ModelName;
use crate::chat::prompt::Past;
use crate::chat::speak::{self, Remembering, Speech};
use crate::error::{Code, Lang, Result};
use crate::memory::audience::Listener;

/// Most tokens of what a persona says.
const PERSONA_TOKENS: u32 = 120;
/// Characters of one line that are kept.
const LINE_CHARS: usize = 4_000;

/// The visitor that everybody is: somebody who has not signed in, so that a public report holds nothing that not all may hear.
const LISTENER: Listener = Listener::Visitor { signed_in: false };

/// What stays the same during a run.
struct Stage<'a> {
    app: &'a App,
    run: &'a Run,
    avatar: Avatar,
    voice: Voice,
    lang: Lang,
}

/// Goes on with a run from where it is, to its end.
pub(super) async fn go(app: &App, run: &Run) -> Result<()> {
    let mut tx = app.store().read().await?;
    let avatar = center::get_in(&mut tx, run.user_id, run.avatar_id, Code::AvatarUnknown).await?;
    let evidence = evidence(&mut tx, &avatar).await?;
    drop(tx);
    let voice = persona_for_visitor(app, &avatar, &LISTENER).await?;
    let stage = Stage { app, run, lang: language(&avatar), avatar, voice };
    let mut transcripts = store::transcripts(app.store(), run.user_id, &run.run_id).await?;
    let wanted = usize::try_from(run.total_personas).unwrap_or(ALL.len()).min(ALL.len());
    transcripts.resize(wanted, Transcript::default());
    stage.keep("PLANNING", &transcripts).await?;
    for at in 0..wanted {
        while transcripts[at].turns.len() < run.mode.turns() {
            let turn = stage.turn(&ALL[at], at, &transcripts[at].turns).await?;
            transcripts[at].turns.push(turn);
            stage.keep("CONVERSING", &transcripts).await?;
        }
    }
    for at in 0..wanted {
        if transcripts[at].judgement.is_none() {
            let definition = &stage.voice.persona.text;
            let judgement = judge::judge(app, &ALL[at], stage.lang, definition, &transcripts[at]).await?;
            transcripts[at].judgement = Some(judgement);
            stage.keep("JUDGING", &transcripts).await?;
        }
    }
    let report = report::build(run, &stage.avatar, &evidence, &transcripts, stage.lang);
    let mut tx = app.store().write().await?;
    store::succeed(&mut tx, run, &report, app.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Chinese when the avatar is described in Chinese.
fn language(avatar: &Avatar) -> Lang {
    let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let text = format!("{}{}{}{}", avatar.title, avatar.scenario_prompt, avatar.opening, avatar.owner_name);
    let chinese = text.chars().filter(|c| is_chinese(*c)).count();
    if chinese * 4 > text.chars().count() { Lang::Zh } else { Lang::En }
}

impl Stage<'_> {
    /// Stores how far the run is.
    async fn keep(&self, stage: &str, transcripts: &[Transcript]) -> Result<()> {
        let each = self.run.mode.turns();
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let personas = count(transcripts.iter().filter(|t| t.turns.len() >= each).count());
        let turns = count(transcripts.iter().map(|t| t.turns.len()).sum());
        let mut tx = self.app.store().write().await?;
        store::progress(&mut tx, self.run, stage, (personas, turns), transcripts).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What a persona says next, and what the avatar answers.
    async fn turn(&self, persona: &Persona, at: usize, before: &[Exchange]) -> Result<Exchange> {
        let user = match before {
            [] => persona.begins(&self.avatar.title, self.lang),
            _ => self.persona_says(persona, before).await?,
        };
        let avatar = self.avatar_says(at, before, &user).await?;
        Ok(Exchange { user, avatar })
    }

    /// The persona is the model's own role here: the avatar is the one it talks to.
    async fn persona_says(&self, persona: &Persona, before: &[Exchange]) -> Result<String> {
        let mut messages = vec![ChatMessage::system(persona.instructions(&self.avatar.title, self.lang))];
        messages.push(ChatMessage::user(self.lang.pick("(Begin.)", "（开始。）")));
        for turn in before {
            messages.push(ChatMessage::assistant(turn.user.clone()));
            messages.push(ChatMessage::user(turn.avatar.clone()));
        }
        let request = ChatRequest::new(messages, PERSONA_TOKENS);
        let stream = self.app.models().get(ModelName::Pro).start(request).await.map_err(judge::failed)?;
        let said = stream.collect_answer().await.map_err(judge::failed)?.text;
        Ok(line(&said, self.lang.pick("Please go on.", "请继续。")))
    }

    /// The same prompt, memories and model that a visitor's message goes through; nothing is stored of it.
    async fn avatar_says(&self, at: usize, before: &[Exchange], message: &str) -> Result<String> {
        let mut past = Vec::new();
        if let Some(opening) = &self.voice.opening {
            past.push(said(Role::Assistant, opening));
        }
        for turn in before {
            past.push(said(Role::User, &turn.user));
            past.push(said(Role::Assistant, &turn.avatar));
        }
        let who = Remembering {
            owner_id: self.avatar.user_id,
            owner_name: &self.avatar.owner_name,
            listener: &LISTENER,
            notes: &self.avatar.related_note_ids,
        };
        let memories = speak::remember(self.app, &who, message).await?;
        let speech = Speech {
            persona: &self.voice.persona,
            memories: &memories.text,
            past: &past,
            message,
            said: "",
            on_behalf_of: None,
            cache_key: &format!("{}:{at}", self.run.run_id),
            seed: u64::try_from(at).unwrap_or(0),
            max_tokens: self.app.config().avatars.evaluation_max_tokens,
        };
        let stream = speak::speak(self.app, &speech).await?;
        let answer = stream.collect_answer().await.map_err(judge::failed)?;
        Ok(line(&answer.text, self.lang.pick("(no answer)", "（没有回答）")))
    }
}

fn said(role: Role, text: &str) -> Past {
    Past { role, text: text.to_owned(), images: Vec::new() }
}

/// What is kept of a text; `instead` of an empty one.
fn line(text: &str, instead: &str) -> String {
    let text = text.trim();
    if text.is_empty() { instead.to_owned() } else { text.chars().take(LINE_CHARS).collect() }
}
