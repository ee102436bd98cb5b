//! How well memories are found: on the conversations of LoCoMo, against plain BM25 and against the embedder alone.
//!
//! The data may not be shipped, so it is looked for beside the repository (`../shared/data`) or where `--data` says.

mod data;

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::process::{Command, Stdio};

use secondme_recall::{Code, Image, Question, Weights};

use super::report::Goal;
use super::{Bench, cargo_build, model};
use data::Conversation;

const AT: [usize; 4] = [1, 5, 10, 20];
/// Results that are looked at to tell the first five sessions.
const DEPTH: usize = 100;
const CATEGORIES: [(i64, &str); 5] =
    [(1, "multi-hop"), (2, "temporal"), (3, "open-domain"), (4, "single-hop"), (5, "adversarial")];

/// The server's package is named too, so that both are built with the same features and the engine is compiled once.
const EMBED: [&str; 6] = ["--package", "secondme-llm", "--package", "secondme-server", "--example", "embed"];

/// A conversation ready to be asked, with the vectors of its questions.
struct Ready {
    conversation: Conversation,
    image: Image,
    questions: Vec<Option<Code>>,
}

/// What a way of searching reached.
#[derive(Default)]
struct Score {
    turns: [f64; 4],
    sessions: f64,
    questions: f64,
    categories: BTreeMap<i64, (f64, f64)>,
}

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let path = bench.options.data.clone().unwrap_or_else(|| bench.root.join("../shared/data/locomo-dev.json"));
    if !path.is_file() {
        bench.report.note(&format!(
            "recall: skipped, because there is no {} (`--data PATH` names another place)",
            path.display()
        ));
        return Ok(());
    }
    let conversations = data::read(&path)?;
    bench.report.begin("Finding memories (LoCoMo)", &["no language model; one image per conversation".to_owned()]);
    let ready = prepare(bench, conversations)?;
    let with_vectors = ready.iter().all(|r| r.image.vectors() > 0);
    row(bench, "plain BM25", &measure(&ready, &Weights::words_alone()));
    row(bench, "BM25 over a window of one turn", &measure(&ready, &Weights::window_alone()));
    if with_vectors {
        row(bench, "embedder alone", &measure(&ready, &Weights::meaning_alone()));
    }
    let all = measure(&ready, &Weights::default());
    row(bench, if with_vectors { "everything" } else { "everything, without an embedder" }, &all);
    bench.report.goal("turn recall@10", Goal::AtLeast(0.77), all.turns[2] / all.questions, "");
    bench.report.goal("session any@5", Goal::AtLeast(0.955), all.sessions / all.questions, "");
    bench.report.end();
    Ok(())
}

fn row(bench: &mut Bench, what: &str, score: &Score) {
    let share = |n: f64| format!("{:.3}", n / score.questions.max(1.0));
    let turns: Vec<String> = AT.iter().zip(score.turns).map(|(at, n)| format!("@{at} {}", share(n))).collect();
    let categories: Vec<String> = CATEGORIES
        .iter()
        .filter_map(|(number, name)| {
            let (found, asked) = score.categories.get(number)?;
            Some(format!("{name} {:.3} of {asked:.0}", found / asked))
        })
        .collect();
    let text = format!(
        "turn recall {}; session any@5 {}; @10 by category: {}",
        turns.join(", "),
        share(score.sessions),
        categories.join(", ")
    );
    bench.report.row(&format!("{what} ({:.0} questions)", score.questions), &text);
}

fn prepare(bench: &mut Bench, conversations: Vec<Conversation>) -> Result<Vec<Ready>, String> {
    let vectors = match model::embedder() {
        Some(path) => vectors(bench, &path, &conversations)?,
        None => {
            bench.report.note("recall: without an embedder; `secondme model pull e5-small` fetches it");
            Vec::new()
        }
    };
    let mut vectors = vectors.into_iter();
    let ready = conversations.into_iter().map(|conversation| {
        let mut image = conversation.image();
        for id in 0..conversation.turns.len() {
            if let Some(code) = vectors.next() {
                image.set_vector(i64::try_from(id).unwrap_or(0), &code);
            }
        }
        let questions = conversation.questions.iter().map(|_| vectors.next()).collect();
        Ready { conversation, image, questions }
    });
    Ok(ready.collect())
}

/// The vectors of all turns and questions, by the engine that the server uses.
fn vectors(bench: &Bench, model: &std::path::Path, conversations: &[Conversation]) -> Result<Vec<Code>, String> {
    let bin = cargo_build(&bench.root, &EMBED, "examples/embed")?;
    let mut child = Command::new(bin)
        .arg(model)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("the embedder does not start: {e}"))?;
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines = String::new();
    for conversation in conversations {
        conversation.turns.iter().for_each(|turn| lines += &format!("P\t{}\n", one_line(&turn.passage)));
        conversation.questions.iter().for_each(|asked| lines += &format!("Q\t{}\n", one_line(&asked.text)));
    }
    let mut input = child.stdin.take().ok_or("no input")?;
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    writer.join().map_err(|_| "the writer failed")?.map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let code = |line: &str| Code::of(&line.split_whitespace().filter_map(|n| n.parse().ok()).collect::<Vec<f32>>());
    let codes: Vec<Code> = text.lines().map(code).collect();
    let expected: usize = conversations.iter().map(|c| c.turns.len() + c.questions.len()).sum();
    if codes.len() == expected { Ok(codes) } else { Err(format!("{} vectors of {expected}", codes.len())) }
}

fn measure(ready: &[Ready], weights: &Weights) -> Score {
    let mut score = Score::default();
    for Ready { conversation, image, questions } in ready {
        for (asked, vector) in conversation.questions.iter().zip(questions) {
            let question = Question {
                text: &asked.text,
                vector: vector.as_ref(),
                now: conversation.now,
                limit: DEPTH,
                kinds: 0,
                except: None,
            };
            let found = image.search_with(&question, weights);
            let places: Vec<usize> = found.iter().filter_map(|f| usize::try_from(f.id).ok()).collect();
            count(&mut score, conversation, asked, &places);
        }
    }
    score
}

fn count(score: &mut Score, conversation: &Conversation, asked: &data::Asked, found: &[usize]) {
    let share = |at: usize| {
        let top: HashSet<&usize> = found.iter().take(at).collect();
        asked.evidence.iter().filter(|place| top.contains(place)).count() as f64 / asked.evidence.len() as f64
    };
    for (sum, at) in score.turns.iter_mut().zip(AT) {
        *sum += share(at);
    }
    let category = score.categories.entry(asked.category).or_default();
    *category = (category.0 + share(10), category.1 + 1.0);
    let mut sessions: Vec<&str> = Vec::new();
    for place in found {
        let session = conversation.turns[*place].session.as_str();
        if !sessions.contains(&session) {
            sessions.push(session);
        }
    }
    sessions.truncate(5);
    let any = asked.evidence.iter().any(|place| sessions.contains(&conversation.turns[*place].session.as_str()));
    score.sessions += f64::from(u8::from(any));
    score.questions += 1.0;
}
