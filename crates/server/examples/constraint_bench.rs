//! What a constraint costs on the embedded engine: decode speed with and without one, with the schemas of real-looking control
//! texts, and the time from a control text never seen before to the first mask over the vocabulary.
//!
//! `constraint_bench MODEL.gguf CORPUS_FOLDER [DECODE_THREADS PROMPT_THREADS [ROUNDS]]`, run by `make bench ARGS="--only act"`.
//! The same prompt is answered with and without the schema, in turn, so that other load meets both alike.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt;
use secondme_llm::embedded::raw;
use secondme_llm::{
    ChatEvent, ChatMessage, ChatModel, ChatRequest, Embedded, EmbeddedOptions, Output, Sampling, ensure_passive_threads,
};
use serde_json::Value;

type Res<T> = Result<T, Box<dyn Error>>;

/// Every so many controls of the corpus are answered in a round.
const EVERY: usize = 16;
const MAX_TOKENS: u32 = 100;
const MESSAGE: &str =
    "I walked along the river with Mary today. It was lovely, though the café was closed and we were hungry.";

fn main() -> Res<()> {
    ensure_passive_threads()?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [path, corpus, ..] = args.as_slice() else {
        eprintln!("usage: constraint_bench MODEL.gguf CORPUS_FOLDER [DECODE_THREADS PROMPT_THREADS [ROUNDS]]");
        return Ok(());
    };
    let number = |i: usize, default: usize| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let cores = std::thread::available_parallelism()?.get();
    let controls = controls(Path::new(corpus))?;
    set_up(path, &controls)?;
    let options = EmbeddedOptions {
        decode_threads: number(2, (cores / 2).max(1)),
        prompt_threads: number(3, cores),
        ..EmbeddedOptions::new(path)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let model = Embedded::open(&options)?;
    runtime.block_on(model.ready())?;
    let mut shares = Vec::new();
    let (mut with, mut without) = (Speed::default(), Speed::default());
    for round in 0..number(4, 3).max(1) {
        let (a, b) = runtime.block_on(alternate(&model, &controls, round))?;
        shares.push(a.per_second() / b.per_second());
        with.add(&a);
        without.add(&b);
    }
    shares.sort_by(f64::total_cmp);
    println!("decode with the constraint: {:.2} tokens/s ({} tokens)", with.per_second(), with.tokens);
    println!("decode without it: {:.2} tokens/s ({} tokens)", without.per_second(), without.tokens);
    println!("share (median of the rounds): {:.3}", shares[shares.len() / 2]);
    Ok(())
}

/// The control texts of the corpus that the API takes.
fn controls(folder: &Path) -> Res<Vec<String>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut controls = Vec::new();
    for file in files {
        let entries: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file)?)?;
        controls.extend(entries.iter().filter_map(|entry| entry["text"].as_str()).map(str::to_owned));
    }
    controls.retain(|control| (20..=8_000).contains(&control.chars().count()));
    Ok(controls)
}

/// From text to first mask: every control, its quoted names changed so that nothing of it was seen before.
fn set_up(path: &str, controls: &[String]) -> Res<()> {
    let model = raw::load(path)?;
    let constraints = raw::Constraints::of(&model)?;
    let mut times = Vec::new();
    for round in 0..5 {
        for (i, control) in controls.iter().enumerate() {
            let control = control.replace("\":", &format!("_{round}x{i}\":"));
            let start = Instant::now();
            let shape = secondme_shape::shape(&control);
            constraints.first_mask(&shape.schema)?;
            times.push(start.elapsed());
        }
    }
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 1_000].as_secs_f64() * 1e3;
    println!(
        "set-up of {} unseen controls: p50 {:.2} ms, p99 {:.2} ms, worst {:.2} ms",
        times.len(),
        at(500),
        at(990),
        at(1_000)
    );
    Ok(())
}

#[derive(Default)]
struct Speed {
    tokens: u32,
    time: Duration,
}

impl Speed {
    fn add(&mut self, other: &Self) {
        self.tokens += other.tokens;
        self.time += other.time;
    }

    fn per_second(&self) -> f64 {
        f64::from(self.tokens) / self.time.as_secs_f64()
    }
}

async fn alternate(model: &Embedded, controls: &[String], round: usize) -> Res<(Speed, Speed)> {
    let (mut with, mut without) = (Speed::default(), Speed::default());
    for control in controls.iter().skip(round % EVERY).step_by(EVERY) {
        let schema = secondme_shape::shape(control).schema;
        let seed = Some(u64::try_from(round)?);
        let constrained = answer(model, control, seed, Output::Json(schema)).await?;
        let free = answer(model, control, seed, Output::Text).await?;
        with.add(&constrained);
        without.add(&free);
    }
    Ok((with, without))
}

/// Tokens after the first, and the time they took.
async fn answer(model: &Embedded, control: &str, seed: Option<u64>, output: Output) -> Res<Speed> {
    let messages = vec![ChatMessage::system(control), ChatMessage::user(MESSAGE)];
    let sampling = Sampling { seed, ..Sampling::default() };
    let request = ChatRequest { sampling, output, ..ChatRequest::new(messages, MAX_TOKENS) };
    let mut stream = model.start(request).await?;
    let (mut first, mut tokens) = (None, 0);
    while let Some(event) = stream.next().await {
        match event? {
            ChatEvent::Text(_) => {
                first.get_or_insert_with(Instant::now);
            }
            ChatEvent::Call(_) => {}
            ChatEvent::Finished { usage, .. } => tokens = usage.completion_tokens.saturating_sub(1),
        }
    }
    let time = first.map_or(Duration::ZERO, |first| first.elapsed());
    Ok(Speed { tokens, time })
}
