//! Evaluations: visitors that a model plays talk to the avatar the way visitors do, a model judges, a report says what to change
//! (contract 17.18).
//!
//! A job that keeps what was said after every turn, so that a run that was cut off goes on. Nothing of it shows in the dashboard.

pub mod http;
pub mod jobs;
mod judge;
pub mod pages;
mod personas;
mod report;
mod run;
mod store;
mod transcript;

use secondme_jobs::NewJob;
use secondme_kit::{Millis, clock::iso};
use secondme_store::Tx;
use serde_json::{Value, json};

use super::center::{self, Avatar};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::users::{profile, shades};
use report::Evidence;

const DAY_MS: Millis = 86_400_000;
/// How long an expired report is known to have been there.
const REMEMBERED_MS: Millis = 90 * DAY_MS;
const KEY_MAX_CHARS: usize = 100;

/// How thorough a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Three visitors, two turns each.
    Smoke,
    /// Ten visitors, three turns each.
    Full,
}

impl Mode {
    /// The word in requests and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Full => "full",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Smoke, Self::Full].into_iter().find(|mode| mode.word() == word)
    }

    fn personas(self) -> i64 {
        match self {
            Self::Smoke => 3,
            Self::Full => 10,
        }
    }

    fn turns(self) -> usize {
        match self {
            Self::Smoke => 2,
            Self::Full => 3,
        }
    }
}

/// A run as its owner sees it.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of contract 17.18")]
pub struct Run {
    pub run_id: String,
    pub user_id: i64,
    pub avatar_id: i64,
    pub mode: Mode,
    /// `PENDING`, `RUNNING`, `SUCCEEDED` or `FAILED`.
    pub status: String,
    /// `QUEUED`, `PLANNING`, `CONVERSING`, `JUDGING`, `COMPLETED` or `FAILED`.
    pub stage: String,
    pub evidence_level: String,
    pub total_personas: i64,
    pub completed_personas: i64,
    pub total_turns: i64,
    pub completed_turns: i64,
    /// Conversations that were judged.
    pub judged: i64,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub created_at: Millis,
    /// Until when the report can be read.
    pub expires_at: Millis,
}

impl Run {
    /// How far it is, in percent: conversations are most of the work.
    pub fn percent(&self) -> i64 {
        let share = |part: i64, of: i64, weight: i64| (part * weight).checked_div(of).unwrap_or(0);
        match self.stage.as_str() {
            "COMPLETED" => 100,
            "QUEUED" => 0,
            _ => 5 + share(self.completed_turns, self.total_turns, 70) + share(self.judged, self.total_personas, 24),
        }
    }

    /// The public page of its report.
    pub fn url(&self, app: &App) -> String {
        format!("{}/avatars/evaluations/{}", app.public_url(), self.run_id)
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// `smoke` or `full`, which is the default.
    pub mode: Option<String>,
    /// Why; default `owner_manual`.
    pub trigger_type: Option<String>,
    /// Calls with the same key give the same run.
    pub idempotency_key: Option<String>,
}

/// Runs that a list shows.
const LISTED: i64 = 20;

/// The newest runs of one of the user's avatars.
///
/// # Errors
/// `avatar.fetch.failed` (404) for an avatar that is not theirs.
pub async fn list(app: &App, user_id: i64, avatar_id: i64) -> Result<Vec<Run>> {
    let mut tx = app.store().read().await?;
    center::get_in(&mut tx, user_id, avatar_id, Code::AvatarUnknown).await?;
    Ok(store::of_avatar(&mut tx, user_id, avatar_id, LISTED).await?)
}

/// Begins a run. While one of this avatar is running, a call without a key gives that one.
///
/// # Errors
/// `avatar.fetch.failed` (404) for an avatar that is not theirs; `invalid.param`; `avatar.evaluation.running` (409) with a new key;
/// 429 when there were too many today.
pub async fn begin(app: &App, user_id: i64, avatar_id: i64, wanted: &Wanted) -> Result<Run> {
    let mode = check(wanted)?;
    let (now, key) = (app.now(), wanted.idempotency_key.as_deref());
    let mut tx = app.store().write().await?;
    let avatar = center::get_in(&mut tx, user_id, avatar_id, Code::AvatarUnknown).await?;
    if let Some(key) = key
        && let Some(run) = store::by_key(&mut tx, user_id, avatar_id, key).await?
    {
        return Ok(run);
    }
    if let Some(run) = store::running(&mut tx, user_id, avatar_id).await? {
        return if key.is_none() { Ok(run) } else { Err(ApiError::new(Code::EvaluationRunning)) };
    }
    refuse_too_many(app, &mut tx, user_id).await?;
    let evidence = evidence(&mut tx, &avatar).await?;
    let run = Run {
        run_id: format!("ave_{}_{}", iso(now)[..10].replace('-', ""), app.entropy().hex(32)),
        user_id,
        avatar_id,
        mode,
        status: "PENDING".to_owned(),
        stage: "QUEUED".to_owned(),
        evidence_level: evidence.level().to_owned(),
        total_personas: mode.personas(),
        completed_personas: 0,
        total_turns: mode.personas() * i64::try_from(mode.turns()).unwrap_or(0),
        completed_turns: 0,
        judged: 0,
        error_code: None,
        error_message: None,
        created_at: now,
        expires_at: now + app.config().avatars.report_seconds * 1_000,
    };
    if !store::insert(&mut tx, &run, wanted.trigger_type.as_deref().unwrap_or("owner_manual"), key).await? {
        // Another node was faster.
        return Err(ApiError::new(Code::EvaluationRunning));
    }
    let payload = json!({"userId": user_id, "runId": run.run_id});
    secondme_jobs::enqueue(&mut tx, NewJob { kind: jobs::KIND, payload, run_at: now, dedupe: None }, now).await?;
    tx.commit().await?;
    Ok(run)
}

fn check(wanted: &Wanted) -> Result<Mode> {
    for (field, text) in [("idempotencyKey", &wanted.idempotency_key), ("triggerType", &wanted.trigger_type)] {
        super::center::definition::at_most(field, text.as_deref(), KEY_MAX_CHARS)?;
    }
    let problem = || ApiError::invalid("mode", &Problem::Expected("smoke or full", " smoke 或 full"));
    wanted.mode.as_deref().map_or(Ok(Mode::Full), |word| Mode::parse(word).ok_or_else(problem))
}

async fn refuse_too_many(app: &App, tx: &mut Tx, user_id: i64) -> Result<()> {
    let since = app.now() - DAY_MS;
    let (count, first) = store::since(tx, user_id, since).await?;
    if count < app.config().avatars.evaluations_per_day {
        return Ok(());
    }
    let seconds = u32::try_from((first - since) / 1_000 + 1).unwrap_or(86_400);
    Err(ApiError::new(Code::RateLimited).arg(seconds).retry_after(seconds))
}

/// What there is that the avatar can be like its owner by.
async fn evidence(tx: &mut Tx, avatar: &Avatar) -> Result<Evidence> {
    let profile = profile::get_in(tx, avatar.user_id).await?;
    let shades = shades::list_in(tx, avatar.user_id).await?;
    Ok(Evidence::of([
        ("scenarioPrompt", avatar.scenario_prompt.chars().count() >= 50),
        ("selfIntroduction", !profile.self_introduction.trim().is_empty()),
        ("publicInterests", shades.iter().any(|shade| shade.has_public_content)),
        ("opening", avatar.opening().is_some()),
        ("material", avatar.material.as_object().is_some_and(|m| !m.is_empty()) || !avatar.related_note_ids.is_empty()),
        ("skills", !avatar.skill_keys.is_empty()),
    ]))
}

/// A run of this user.
///
/// # Errors
/// `avatar.fetch.failed` (404) when it is not theirs.
pub async fn get(app: &App, user_id: i64, run_id: &str) -> Result<Run> {
    let run = store::by_id(app.store(), run_id).await?.filter(|run| run.user_id == user_id);
    run.ok_or_else(|| ApiError::new(Code::EvaluationUnknown))
}

/// The report of a run of this user.
///
/// # Errors
/// As [`get`]; `avatar.evaluation.not_ready` (409) before it has succeeded; `avatar.evaluation.expired` (410) after its time.
pub async fn report(app: &App, user_id: i64, run_id: &str) -> Result<(Run, Value)> {
    let run = get(app, user_id, run_id).await?;
    if run.status != "SUCCEEDED" {
        return Err(ApiError::new(Code::EvaluationNotReady).arg(&run.status));
    }
    shown(app, run).await.map(|(run, report)| (run, report.unwrap_or(Value::Null)))
}

/// Anybody's run by its id, which nobody can guess, with its report when it is ready.
///
/// # Errors
/// `avatar.fetch.failed` (404) for an unknown id; `avatar.evaluation.expired` (410) after its time.
pub async fn public(app: &App, run_id: &str) -> Result<(Run, Option<Value>)> {
    let run = store::by_id(app.store(), run_id).await?.ok_or_else(|| ApiError::new(Code::EvaluationUnknown))?;
    shown(app, run).await
}

async fn shown(app: &App, run: Run) -> Result<(Run, Option<Value>)> {
    if run.expires_at <= app.now() {
        return Err(ApiError::new(Code::ReportExpired));
    }
    let report = store::report(app.store(), &run.run_id).await?;
    Ok((run, report))
}

/// Empties at most `limit` reports whose time is over, and deletes as many that were over long ago.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, now: Millis, limit: i64) -> Result<u64> {
    Ok(store::empty(tx, now, limit).await? + store::delete(tx, now - REMEMBERED_MS, limit).await?)
}
