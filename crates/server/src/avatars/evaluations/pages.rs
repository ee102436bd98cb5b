//! `/avatars/evaluations/{runId}`: the report for whoever has the link.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

use super::Run;
use crate::app::App;
use crate::error::Lang;
use crate::http::Path;
use crate::http::page::{Frame, Page, PageError};

/// The page, from the root.
pub fn routes() -> Router<App> {
    Router::new().route("/avatars/evaluations/{run_id}", get(show))
}

struct Answer<'a> {
    title: &'static str,
    status: &'a str,
    summary: &'a str,
    issues: Vec<&'a str>,
}

struct Turn<'a> {
    user: &'a str,
    avatar: &'a str,
    reason: &'a str,
}

struct Talk<'a> {
    profile: &'a str,
    scenario: &'a str,
    turns: Vec<Turn<'a>>,
}

struct Action<'a> {
    priority: &'a str,
    field: &'a str,
    why: &'a str,
    text: &'a str,
}

#[derive(Template)]
#[template(path = "evaluation.html")]
struct ReportTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    run: &'a Run,
    percent: i64,
    name: &'a str,
    recommendation: &'static str,
    answers: Vec<Answer<'a>>,
    actions: Vec<Action<'a>>,
    talks: Vec<Talk<'a>>,
}

async fn show(State(app): State<App>, frame: Frame, Path(run_id): Path<String>) -> Response {
    let lang = frame.lang;
    let (run, report) = match super::public(&app, &run_id).await {
        Ok(found) => found,
        Err(error) => return PageError::new(lang, error, "").into_response(),
    };
    let report = report.unwrap_or(Value::Null);
    Page::new(&ReportTemplate {
        lang,
        frame: &frame,
        percent: run.percent(),
        run: &run,
        name: text(&report["avatarName"]),
        recommendation: recommendation(text(&report["releaseRecommendation"]), lang),
        answers: answers(&report["answers"], lang),
        actions: list(&report["topActions"]).iter().map(action).collect(),
        talks: list(&report["personas"]).iter().map(talk).collect(),
    })
    .into_response()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn answers(answers: &Value, lang: Lang) -> Vec<Answer<'_>> {
    let questions = [
        ("valueDelivery", lang.pick("Do visitors get something out of it?", "访客有所收获吗？")),
        ("personaLikeness", lang.pick("Is it like its owner?", "像本人吗？")),
        ("safetyBoundary", lang.pick("Does it keep its limits?", "守得住边界吗？")),
    ];
    let answer = |(name, title): (&str, &'static str)| {
        let answer = &answers[name];
        let issues = list(&answer["issues"]).iter().map(text).collect();
        Answer { title, status: text(&answer["status"]), summary: text(&answer["summary"]), issues }
    };
    questions.map(answer).into()
}

fn action(action: &Value) -> Action<'_> {
    Action {
        priority: text(&action["priority"]),
        field: text(&action["targetField"]),
        why: text(&action["why"]),
        text: text(&action["copyableText"]),
    }
}

fn talk(persona: &Value) -> Talk<'_> {
    Talk {
        profile: text(&persona["profile"]),
        scenario: text(&persona["scenario"]),
        turns: list(&persona["turns"])
            .iter()
            .map(|t| Turn {
                user: text(&t["user"]),
                avatar: text(&t["avatar"]),
                reason: text(&t["judgement"]["reason"]),
            })
            .collect(),
    }
}

fn recommendation(word: &str, lang: Lang) -> &'static str {
    match word {
        "publishable" => lang.pick("Ready to be published", "可以发布"),
        "smoke_passed_run_full_before_publish" => lang
            .pick("The short test is passed: run the full one before publishing", "快速评测通过，发布前请运行完整评测"),
        "do_not_publish" => lang.pick("Do not publish it as it is", "暂不建议发布"),
        _ => lang.pick("Revise it before publishing", "建议修改后再发布"),
    }
}
