//! What our worker costs on top of the engine: the same file and threads, once through bare engine calls (one batch for the
//! prompt, one call a token, no sampling: what llama-bench does) and once through [`Embedded`].
//!
//! `cargo run --release -p secondme-llm --example raw_bench -- MODEL.gguf [DECODE_THREADS PROMPT_THREADS [ROUNDS]]`
//! Rounds alternate, so that other load meets both alike; medians are shown, and processor time, which load moves less.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::error::Error;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use futures::StreamExt;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;
use secondme_llm::embedded::raw;
use secondme_llm::{
    ChatEvent, ChatMessage, ChatModel, ChatRequest, Embedded, EmbeddedOptions, Sampling, Usage, ensure_passive_threads,
};

const PROMPT: usize = 500;
const ANSWER: u32 = 128;
/// So many conversations of the bench fill most of the default cache.
const FULL: usize = 6;

type Res<T> = Result<T, Box<dyn Error>>;

fn main() -> Res<()> {
    ensure_passive_threads()?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(path) = args.first() else {
        eprintln!("usage: raw_bench MODEL.gguf [DECODE_THREADS PROMPT_THREADS [ROUNDS]]");
        return Ok(());
    };
    let number = |i: usize, default: usize| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let cores = std::thread::available_parallelism()?.get();
    let (decode_threads, prompt_threads) = (number(1, (cores / 2).max(1)), number(2, cores));
    let options = EmbeddedOptions { decode_threads, prompt_threads, ..EmbeddedOptions::new(path) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    let model = raw::load(path)?;
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(2048))
        .with_n_threads(i32::try_from(decode_threads)?)
        .with_n_threads_batch(i32::try_from(prompt_threads)?)
        .with_n_batch(512)
        .with_n_ubatch(512);
    let mut context = model.new_context(raw::backend()?, params)?;
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    println!(
        "threads: {decode_threads} for decode, {prompt_threads} for prompts; prompt {PROMPT}, answer {ANSWER} tokens"
    );
    let rounds = number(3, 3).max(1);
    for round in 0..rounds {
        bare.push(bare_round(&mut context)?);
        // A new one each time: like the bare context, its cache is empty.
        let fresh = Embedded::open(&options)?;
        runtime.block_on(fresh.ready())?;
        ours.push(runtime.block_on(our_round(&fresh, round))?);
    }
    report(&bare, &ours);
    // One that remembers other conversations: every token looks past all of them.
    let used = Embedded::open(&options)?;
    for round in 0..FULL {
        runtime.block_on(our_round(&used, round))?;
    }
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        bare.push(bare_round(&mut context)?);
        ours.push(runtime.block_on(our_round(&used, FULL + round))?);
    }
    println!("the same with {FULL} and more remembered conversations:");
    report(&bare, &ours);
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    Ok(())
}

/// A span of wall-clock time and of the process's processor time.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall: f64,
    cpu: f64,
    tokens: f64,
}

struct Round {
    prompt: Cost,
    answer: Cost,
    second: Cost,
}

struct Clock(Instant, f64);

impl Clock {
    fn start() -> Self {
        Self(Instant::now(), cpu_seconds())
    }

    fn stop(&self, tokens: f64) -> Cost {
        Cost { wall: self.0.elapsed().as_secs_f64(), cpu: cpu_seconds() - self.1, tokens }
    }
}

/// Processor time of this process, from `/proc`; 0 where there is none.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let tasks = std::fs::read_dir("/proc/self/task").map(|d| d.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let of = |text: &str| text.split(' ').next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1e9;
    let sum: f64 =
        tasks.iter().map(|t| of(&std::fs::read_to_string(t.path().join("schedstat")).unwrap_or_default())).sum();
    if sum > 0.0 { sum } else { of(&text) }
}

fn bare_round(context: &mut LlamaContext<'_>) -> Res<Round> {
    let token = |i: usize| LlamaToken(i32::try_from(100 + (i * 7) % 5000).unwrap_or(100));
    let mut batch = LlamaBatch::new(512, 1);
    context.clear_kv_cache();
    let clock = Clock::start();
    for i in 0..PROMPT {
        batch.add(token(i), i32::try_from(i)?, &[0], i + 1 == PROMPT)?;
    }
    context.decode(&mut batch)?;
    context.synchronize();
    let prompt = clock.stop(PROMPT as f64);
    let clock = Clock::start();
    for i in 0..ANSWER as usize {
        batch.clear();
        batch.add(token(i), i32::try_from(PROMPT + i)?, &[0], true)?;
        context.decode(&mut batch)?;
        context.synchronize();
    }
    Ok(Round { prompt, answer: clock.stop(f64::from(ANSWER)), second: Cost::default() })
}

/// A prompt of just about [`PROMPT`] tokens that no earlier round began with.
fn prompt(model: &Embedded, round: usize) -> String {
    let mut text = format!("Round {round}: ");
    for i in 0.. {
        if model.count_tokens(&text) + 12 >= PROMPT {
            break;
        }
        text.push_str(["apple ", "river ", "stone ", "cloud ", "table "][(i * 7 + round) % 5]);
    }
    text
}

async fn our_round(model: &Embedded, round: usize) -> Res<Round> {
    model.ready().await?;
    let mut messages = vec![ChatMessage::user(prompt(model, round) + "\nWrite a very long story.")];
    let (first, answer, text) = ask(model, messages.clone()).await?;
    messages.extend([ChatMessage::assistant(text), ChatMessage::user("What happened then? Go on for long.")]);
    let (second, _, _) = ask(model, messages).await?;
    Ok(Round { prompt: first, answer, second })
}

/// Time to the first token and time of the others; the temperature is that of a chat.
async fn ask(model: &Embedded, messages: Vec<ChatMessage>) -> Res<(Cost, Cost, String)> {
    let sampling = Sampling { seed: Some(1), ..Sampling::default() };
    let request = ChatRequest { sampling, cache_key: Some("bench".into()), ..ChatRequest::new(messages, ANSWER) };
    let clock = Clock::start();
    let mut stream = model.start(request).await?;
    let (mut text, mut first, mut rest, mut usage) = (String::new(), Cost::default(), Clock::start(), Usage::default());
    while let Some(event) = stream.next().await {
        match event? {
            ChatEvent::Text(piece) => {
                if text.is_empty() {
                    first = clock.stop(0.0);
                    rest = Clock::start();
                }
                text.push_str(&piece);
            }
            ChatEvent::Call(_) => {}
            ChatEvent::Finished { usage: total, .. } => usage = total,
        }
    }
    first.tokens = f64::from(usage.prompt_tokens - usage.cached_tokens);
    let answer = rest.stop(f64::from(usage.completion_tokens.saturating_sub(1)));
    // So that the two do not meet.
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok((first, answer, text))
}

fn report(bare: &[Round], ours: &[Round]) {
    let line = |what: &str, of: fn(&Round) -> f64| {
        let ratios = bare.iter().zip(ours).map(|(bare, ours)| of(ours) / of(bare));
        let (a, b, ratio) = (median(bare.iter().map(of)), median(ours.iter().map(of)), median(ratios));
        println!("{what:34} engine {a:8.2}   through the worker {b:8.2}   ratio (median of the rounds') {ratio:.3}");
    };
    line("prompt, tokens/s", |r| r.prompt.tokens / r.prompt.wall);
    line("prompt, tokens/processor second", |r| r.prompt.tokens / r.prompt.cpu);
    line("answer, tokens/s", |r| r.answer.tokens / r.answer.wall);
    line("answer, tokens/processor second", |r| r.answer.tokens / r.answer.cpu);
    let (first, second) = (median(ours.iter().map(|r| r.prompt.wall)), median(ours.iter().map(|r| r.second.wall)));
    let share = median(ours.iter().map(|r| r.second.wall / r.prompt.wall));
    let new = median(ours.iter().map(|r| r.second.tokens));
    println!("first token: turn 1 {first:.3} s, turn 2 {second:.3} s ({new} new tokens), share {share:.3}");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
