//! The whole way with a real language model inside. `make test-model` fetches the small model and runs these.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::events;

const MODEL: &str = "smollm2-135m";
const CHAT: [&str; 4] = ["-sN", "-HAuthorization: Bearer lba_at_demo_ada", "-HContent-Type: application/json", "-d"];

struct Server(Child, String);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(data: &Path) -> Server {
    start_with(data, MODEL)
}

fn start_with(data: &Path, model: &str) -> Server {
    let mut child = Command::new(env!("CARGO_BIN_EXE_secondme"))
        .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--model", model, "--data-dir"])
        .arg(data)
        .current_dir(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).find_map(|l| l.strip_prefix("SecondMe is ready: ").map(str::to_owned));
    let url = ready.expect("the server ended before it was ready").split(' ').next().unwrap().to_owned();
    Server(child, format!("{url}/gate/lab/api/secondme/chat"))
}

impl Server {
    fn chat(&self, body: &Value) -> String {
        let output = Command::new("curl").args(CHAT).arg(body.to_string()).arg(format!("{}/stream", self.1)).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    fn history(&self, session: &str) -> Value {
        self.get(&format!("/session/messages?sessionId={session}"))
    }

    fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.1);
        let output = Command::new("curl").args(&CHAT[..2]).arg(url).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[test]
#[ignore = "needs a model: run by make test-model"]
fn real_model_chats_and_remembers_the_conversation() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    let first =
        events(&server.chat(&serde_json::json!({"message": "Say hello in one short sentence.", "maxTokens": 40})));
    assert_eq!(first[0].name, "session");
    let said: String = first.iter().filter_map(|e| e.delta()).collect();
    assert!(said.trim().len() > 1, "{said:?}");
    let session = first[0].data["sessionId"].as_str().unwrap();
    let body = serde_json::json!({"message": "And goodbye?", "maxTokens": 40, "sessionId": session});
    assert!(events(&server.chat(&body)).iter().all(|e| e.name != "error"));
    let history = server.history(session);
    let messages = history["data"]["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 4);
    assert_eq!(messages[1]["content"].as_str(), Some(said.as_str()));
}

#[test]
#[ignore = "needs a model: run by make test-model"]
fn real_model_streams_end_with_an_error_event_when_the_server_stops() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(dir.path());
    let session = "labs_sess_0123456789ab";
    let body = serde_json::json!({"message": "Tell me a very long story.", "maxTokens": 2000, "sessionId": session});
    let mut curl = Command::new("curl")
        .args(CHAT)
        .arg(body.to_string())
        .arg(format!("{}/stream", server.1))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stream = curl.stdout.take().unwrap();
    let mut text = String::new();
    while text.matches("choices").count() < 3 {
        let mut chunk = [0; 512];
        let n = stream.read(&mut chunk).unwrap();
        assert!(n > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&chunk[..n]));
    }
    assert!(Command::new("kill").args(["-INT", &server.0.id().to_string()]).status().unwrap().success());
    stream.read_to_string(&mut text).unwrap();
    curl.wait().unwrap();
    let seen = events(&text);
    let error = seen.iter().find(|e| e.name == "error").unwrap_or_else(|| panic!("no error event: {text}"));
    assert_eq!(error.data["subCode"], "secondme.server.stopping");
    assert!(server.0.wait().unwrap().success());
    let again = start(dir.path());
    let history = again.history(session);
    let answer = &history["data"]["messages"][1];
    assert_eq!(answer["status"], "interrupted");
    let said: String = seen.iter().filter_map(|e| e.delta()).collect();
    assert_eq!(answer["content"].as_str(), Some(said.as_str()));
}

#[test]
#[ignore = "needs a model: run by make test-model"]
fn real_model_evaluates_an_avatar_to_a_report() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    let api = server.1.replace("/secondme/chat", "/secondme/avatar");
    let curl = |args: &[&str], url: &str| {
        let output = Command::new("curl").args(&CHAT[..3]).args(args).arg(url).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let begun = curl(&["-d", "{\"mode\": \"smoke\"}"], &format!("{api}/1/evaluations"));
    let url = format!("{api}/evaluations/{}", begun["data"]["runId"].as_str().unwrap());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(540);
    let done = loop {
        let status = curl(&[], &url)["data"].clone();
        if !["PENDING", "RUNNING"].contains(&status["status"].as_str().unwrap()) {
            break status;
        }
        assert!(std::time::Instant::now() < deadline, "{status}");
        std::thread::sleep(std::time::Duration::from_secs(2));
    };
    assert_eq!(done["status"], "SUCCEEDED", "{done}");
    let report = curl(&[], &format!("{url}/report"))["data"]["report"].clone();
    assert_eq!(report["personas"].as_array().unwrap().len(), 3);
    // The schema binds the embedded engine, so every conversation was judged.
    for question in ["valueDelivery", "personaLikeness", "safetyBoundary"] {
        assert!(
            ["PASS", "WARN", "FAIL"].contains(&report["answers"][question]["status"].as_str().unwrap()),
            "{report}"
        );
    }
    for persona in report["personas"].as_array().unwrap() {
        for turn in persona["turns"].as_array().unwrap() {
            assert!(["user", "avatar"].iter().all(|who| !turn[*who].as_str().unwrap().is_empty()), "{turn}");
        }
    }
}

#[test]
#[ignore = "needs a model: run by make test-model"]
fn real_model_is_found_in_the_list() {
    let output = Command::new(env!("CARGO_BIN_EXE_secondme")).args(["model", "list", "--json"]).output().unwrap();
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = list.as_array().unwrap().iter().find(|m| m["name"] == MODEL).unwrap();
    assert_eq!(row["state"], "present");
    assert!(PathBuf::from(row["path"].as_str().unwrap()).is_file());
}

/// A fact, a question about it, and words of which a right answer has one.
const FACTS: [(&str, &str, &[&str]); 10] = [
    ("My dentist is called Dr. Okonkwo.", "What is the name of my dentist?", &["okonkwo"]),
    (
        "I parked the car on level seven of the garage.",
        "On which level of the garage did I park the car?",
        &["seven", "7"],
    ),
    ("My sister Ines lives in Porto.", "In which city does my sister Ines live?", &["porto"]),
    ("The wifi password of the cabin is bluewhale.", "What is the wifi password of the cabin?", &["bluewhale"]),
    ("I am going to name the puppy Biscuit.", "What am I going to name the puppy?", &["biscuit"]),
    ("My flight to Oslo leaves on Thursday.", "On which day does my flight to Oslo leave?", &["thursday"]),
    ("The locker code at the gym is 4821.", "What is the locker code at the gym?", &["4821"]),
    ("My favourite tea is lapsang souchong.", "What is my favourite tea?", &["lapsang"]),
    ("Grandmother was born in 1931.", "In which year was Grandmother born?", &["1931"]),
    ("I lent my tent to Marcus.", "To whom did I lend my tent?", &["marcus"]),
];

/// The model that answers questions from what it is given; the smallest one makes things up.
const ABLE: &str = "qwen2.5-0.5b";

#[test]
#[ignore = "needs two larger models: run by make test-facts"]
fn real_model_answers_in_a_new_session_from_what_was_told_in_another() {
    let dir = tempfile::tempdir().unwrap();
    let server = start_with(dir.path(), ABLE);
    let mut session = Value::Null;
    for (fact, _, _) in FACTS {
        let told = events(&server.chat(&serde_json::json!({"message": fact, "sessionId": session, "maxTokens": 12})));
        if let Some(id) = told[0].data.get("sessionId") {
            session = id.clone();
        }
    }
    let mut wrong = Vec::new();
    for (fact, question, right) in FACTS {
        let asked = events(&server.chat(&serde_json::json!({"message": question, "maxTokens": 60})));
        let said = asked.iter().filter_map(|e| e.delta()).collect::<String>();
        let own = asked[0].data["sessionId"].as_str().unwrap();
        let answer = server.history(own)["data"]["messages"].as_array().unwrap().last().unwrap().clone();
        let sources = server.get(&format!("/messages/{}/sources", answer["messageId"].as_str().unwrap()));
        let sources = sources["data"]["sources"].as_array().unwrap().clone();
        assert!(sources.iter().any(|s| s["text"] == fact), "{question}: {sources:?}");
        if !right.iter().any(|word| said.to_lowercase().contains(word)) {
            wrong.push(format!("{question} {said}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} answers are wrong: {wrong:#?}", wrong.len(), FACTS.len());
}
