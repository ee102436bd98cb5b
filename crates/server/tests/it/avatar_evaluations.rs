//! Evaluations: a run from its beginning to a report that clients accept, cut off in between, and its public page (contract 17.18).

use std::sync::Arc;

use secondme_jobs::Runner;
use secondme_llm::scripted::Step;
use secondme_llm::{ChatRequest, ModelError, Output, Role, Scripted};
use secondme_server::avatars::evaluations::jobs::Evaluating;
use secondme_server::avatars::housekeeping;
use serde_json::{Value, json};

use crate::harness::{ADA, LIN, START, TestDb, World, both, data, refused};

const DAY: i64 = 86_400_000;

/// Plays all three: asked for JSON it judges, told to play a visitor it asks on, else it is the avatar.
fn cast(request: &ChatRequest) -> Vec<Step> {
    let system = &request.messages[0].text;
    if let Output::Json(schema) = &request.output {
        let turns = schema["properties"]["turnReasons"]["minItems"].as_u64().unwrap();
        let probed = request.last_user_text().contains("The visitor: stranger");
        let judgement = json!({
            "turnReasons": (0..turns).map(|n| format!("reason {n}")).collect::<Vec<_>>(),
            "valueDelivery": "PASS", "personaLikeness": if probed { "WARN" } else { "PASS" }, "safetyBoundary": "PASS",
            "summary": "Went well.", "issue": if probed { "Too cold." } else { "" },
            "targetField": if probed { "scenarioPrompt" } else { "none" }, "suggestion": if probed { "Be warm." } else { "" },
        });
        return vec![Step::text(judgement.to_string())];
    }
    let said = if system.starts_with("You play a visitor") { "And what else?" } else { "I bake bread." };
    vec![Step::text(said)]
}

fn runner(world: &World) -> Runner {
    let app = world.app.clone();
    Runner::new(
        app.store().clone(),
        app.clock(),
        app.entropy().clone(),
        vec![Arc::new(Evaluating(app.clone()))],
        vec![],
    )
}

async fn begin(world: &World, body: Value) -> Value {
    data(world.post("secondme/avatar/1/evaluations", ADA, &body).await)
}

async fn status(world: &World, run: &Value) -> Value {
    data(world.get(&format!("secondme/avatar/evaluations/{}", run["runId"].as_str().unwrap()), ADA).await)
}

async fn page(world: &World, run: &Value) -> (u16, String) {
    let response = world.http.get(run["evaluationUrl"].as_str().unwrap()).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

both! {
    async fn a_run_ends_in_a_report_that_clients_accept(db: TestDb) {
        let world = World::with_model(db, Scripted::with(cast)).await;
        let run = begin(&world, json!({"mode": "smoke", "triggerType": "owner_manual"})).await;
        let id = run["runId"].as_str().unwrap();
        assert!(id.strip_prefix("ave_20250615_").is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit())), "{id}");
        let progress = json!({"stage": "QUEUED", "percent": 0, "totalPersonas": 3, "completedPersonas": 0, "totalTurns": 6, "completedTurns": 0});
        let expected = json!({"runId": id, "avatarModeId": 1, "status": "PENDING", "mode": "smoke", "evidenceLevel": "LOW", "errorCode": null,
            "errorMessage": null, "progress": progress, "evaluationUrl": format!("{}/avatars/evaluations/{id}", world.url), "expiresAt": START + 30 * DAY});
        assert_eq!(run, expected);
        assert_eq!(status(&world, &run).await, expected);
        refused(&world.get(&format!("secondme/avatar/evaluations/{id}/report"), ADA).await, 409, "avatar.evaluation.not_ready");
        assert!(page(&world, &run).await.1.contains("running"));
        assert_eq!(runner(&world).step().await.unwrap(), 1);
        let done = status(&world, &run).await;
        assert_eq!((&done["status"], &done["progress"]), (&json!("SUCCEEDED"), &json!({"stage": "COMPLETED", "percent": 100, "totalPersonas": 3,
            "completedPersonas": 3, "totalTurns": 6, "completedTurns": 6})));
        let answer = data(world.get(&format!("secondme/avatar/evaluations/{id}/report"), ADA).await);
        assert_eq!((&answer["runId"], &answer["avatarModeId"]), (&json!(id), &json!(1)));
        let report = &answer["report"];
        assert_eq!((&report["runId"], &report["mode"], &report["avatarModeId"], &report["avatarName"], &report["ownerUserId"]),
            (&json!(id), &json!("smoke"), &json!(1), &json!("Ada"), &json!(1)));
        assert_eq!(report["releaseRecommendation"], "smoke_passed_run_full_before_publish");
        for (question, verdict) in [("valueDelivery", "PASS"), ("personaLikeness", "WARN"), ("safetyBoundary", "PASS")] {
            let answer = &report["answers"][question];
            assert_eq!(answer["status"], verdict);
            assert!(!answer["summary"].as_str().unwrap().is_empty());
            let evidence = &answer["evidence"][0];
            assert!(["identityType", "user", "avatar", "reason"].iter().all(|f| !evidence[*f].as_str().unwrap().is_empty()), "{evidence}");
        }
        assert_eq!(report["answers"]["personaLikeness"]["issues"], json!(["Too cold."]));
        assert_eq!(report["topActions"], json!([{"priority": "P2", "targetField": "scenarioPrompt", "why": "Too cold.", "copyableText": "Be warm.",
            "rerunSuite": "smoke", "personaId": "prober"}]));
        assert_eq!(report["likenessEvidence"]["evidenceLevel"], "LOW");
        assert_eq!(report["likenessEvidence"]["sourceTypes"], json!(["selfIntroduction", "publicInterests"]));
        assert_eq!(report["likenessEvidence"]["missingMaterials"], json!(["scenarioPrompt", "opening", "material", "skills"]));
        let personas = report["personas"].as_array().unwrap();
        assert_eq!(personas.len(), 3);
        for (at, persona) in personas.iter().enumerate() {
            assert_eq!((&persona["index"], &persona["runtime"]), (&json!(at), &json!({"calledRealInterface": true, "sourceSurface": "avatar_evaluation",
                "noSideEffect": true, "toolsEnabled": false, "interface": "visitor-chat"})));
            assert!(["personaId", "identityType", "focus", "profile", "scenario", "expectedOutcome"].iter().all(|f| !persona[*f].as_str().unwrap().is_empty()));
            let turns = persona["turns"].as_array().unwrap();
            assert_eq!(turns.len(), 2);
            assert_eq!(turns[1], json!({"turnIndex": 1, "user": "And what else?", "avatar": "I bake bread.", "judgement": {"reason": "reason 1"}}));
        }
        // It left no trace among the visitors.
        assert_eq!(data(world.get("secondme/avatar/1/interactions", ADA).await), json!([]));
        assert_eq!(data(world.get("secondme/avatar/detail?avatarId=1", ADA).await)["usageCount"], 0);
        // The avatar was asked with the visitors' prompt and the whole conversation.
        let requests = world.model.requests();
        let avatar: Vec<_> = requests.iter().filter(|r| r.messages[0].text.starts_with("You are \"Ada\"")).collect();
        assert_eq!(avatar.len(), 6);
        assert!(avatar.iter().all(|r| !r.messages[0].text.contains("ada@demo.local")));
        assert_eq!(avatar[1].messages.iter().filter(|m| m.role == Role::Assistant).count(), 1);
    }

    async fn the_page_is_for_whoever_has_the_link_until_it_expires(db: TestDb) {
        let world = World::with_model(db, Scripted::with(cast)).await;
        let run = begin(&world, json!({"mode": "smoke"})).await;
        runner(&world).step().await.unwrap();
        let (code, html) = page(&world, &run).await;
        assert_eq!(code, 200);
        for shown in ["Ada", "run the full one", "Too cold.", "Be warm.", "I bake bread.", "reason 1", "noindex"] {
            assert!(html.contains(shown), "{shown} is missing in {html}");
        }
        let id = run["runId"].as_str().unwrap();
        refused(&world.get(&format!("secondme/avatar/evaluations/{id}"), LIN).await, 404, "avatar.fetch.failed");
        refused(&world.get(&format!("secondme/avatar/evaluations/{id}/report"), LIN).await, 404, "avatar.fetch.failed");
        assert_eq!(world.http.get(format!("{}/avatars/evaluations/ave_20250615_0", world.url)).send().await.unwrap().status(), 404);
        assert_eq!(housekeeping::reclaim(&world.app).await.unwrap(), 0);
        world.clock.advance(30 * DAY);
        assert_eq!(page(&world, &run).await.0, 410);
        refused(&world.get(&format!("secondme/avatar/evaluations/{id}/report"), ADA).await, 410, "avatar.evaluation.expired");
        assert_eq!(housekeeping::reclaim(&world.app).await.unwrap(), 1);
        assert_eq!(page(&world, &run).await.0, 410);
        world.clock.advance(90 * DAY);
        assert_eq!(housekeeping::reclaim(&world.app).await.unwrap(), 1);
        assert_eq!(page(&world, &run).await.0, 404);
    }

    async fn a_run_that_is_cut_off_goes_on_where_it_was(db: TestDb) {
        // The ninth request fails as a busy model does; what was said before is not asked for again.
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let model = Scripted::with(move |request| {
            if asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 8 {
                return vec![Step::Refuse(ModelError::Busy { retry_after_secs: 1 })];
            }
            cast(request)
        });
        let world = World::with_model(db, model).await;
        let run = begin(&world, json!({"mode": "smoke"})).await;
        runner(&world).step().await.unwrap();
        let half = status(&world, &run).await;
        assert_eq!((&half["status"], &half["progress"]["stage"], &half["progress"]["completedTurns"]), (&json!("RUNNING"), &json!("CONVERSING"), &json!(5)), "{half}");
        world.clock.advance(DAY);
        runner(&world).step().await.unwrap();
        assert_eq!(status(&world, &run).await["status"], "SUCCEEDED");
        // 6 answers, 3 questions of personas, 3 judgements; the answer that failed, and once more the question before it.
        assert_eq!(world.model.requests().len(), 14);
    }

    async fn a_model_that_never_answers_fails_the_run(db: TestDb) {
        let world = World::with_model(db, Scripted::new(vec![Step::Refuse(ModelError::Unavailable("away".into()))])).await;
        let run = begin(&world, json!({})).await;
        assert_eq!((&run["mode"], &run["progress"]["totalPersonas"], &run["progress"]["totalTurns"]), (&json!("full"), &json!(10), &json!(30)));
        for _ in 0..6 {
            runner(&world).step().await.unwrap();
            world.clock.advance(2 * 3_600_000);
        }
        let failed = status(&world, &run).await;
        assert_eq!((&failed["status"], &failed["progress"]["stage"], &failed["errorCode"]), (&json!("FAILED"), &json!("FAILED"), &json!("secondme.model.unavailable")));
        assert!(failed["errorMessage"].as_str().is_some_and(|m| !m.is_empty()));
        let (code, html) = page(&world, &run).await;
        assert!(code == 200 && html.contains("failed"));
        // Another one may begin now.
        assert_ne!(begin(&world, json!({})).await["runId"], run["runId"]);
    }

    async fn a_judge_without_judgement_leaves_the_questions_open(db: TestDb) {
        let model = Scripted::with(|request| match &request.output {
            Output::Json(_) => vec![Step::text("I think it was fine.")],
            Output::Text => cast(request),
        });
        let world = World::with_model(db, model).await;
        let run = begin(&world, json!({"mode": "smoke"})).await;
        runner(&world).step().await.unwrap();
        let report = data(world.get(&format!("secondme/avatar/evaluations/{}/report", run["runId"].as_str().unwrap()), ADA).await)["report"].clone();
        assert_eq!(report["releaseRecommendation"], "revise_before_publish");
        assert_eq!(report["answers"]["valueDelivery"]["status"], "UNKNOWN");
        assert!(!report["personas"][0]["turns"][0]["judgement"]["reason"].as_str().unwrap().is_empty());
    }

    async fn runs_are_begun_once_and_not_too_often(db: TestDb) {
        let world = World::with_config(db, |config| config.avatars.evaluations_per_day = 2).await;
        let key = json!({"idempotencyKey": "4f9f1f2e-0000-4000-8000-000000000001", "mode": "smoke"});
        let first = begin(&world, key.clone()).await;
        assert_eq!(begin(&world, key.clone()).await, first);
        assert_eq!(begin(&world, json!({})).await, first, "while one is running, a call without a key gives it");
        refused(&world.post("secondme/avatar/1/evaluations", ADA, &json!({"idempotencyKey": "another"})).await, 409, "avatar.evaluation.running");
        for body in [json!({"mode": "huge"}), json!({"idempotencyKey": "x".repeat(101)}), json!({"triggerType": "x".repeat(101)})] {
            refused(&world.post("secondme/avatar/1/evaluations", ADA, &body).await, 400, "invalid.param");
        }
        refused(&world.post("secondme/avatar/1/evaluations", LIN, &json!({})).await, 404, "avatar.fetch.failed");
        runner(&world).step().await.unwrap();
        assert_eq!(begin(&world, key).await["status"], "SUCCEEDED");
        let made = data(world.post("secondme/avatar/create", ADA, &json!({"title": "Other"})).await);
        let path = format!("secondme/avatar/{}/evaluations", made["avatarId"]);
        data(world.post(&path, ADA, &json!({"mode": "smoke"})).await);
        runner(&world).step().await.unwrap();
        let answer = world.request(reqwest::Method::POST, &path, ADA).json(&json!({})).send().await.unwrap();
        assert_eq!(answer.headers()["retry-after"], "86401");
        refused(&crate::harness::answer(answer).await, 429, "request.rate.limited");
        world.clock.advance(DAY + 1);
        data(world.post(&path, ADA, &json!({"mode": "smoke"})).await);
    }
}
