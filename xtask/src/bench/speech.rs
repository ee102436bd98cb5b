//! The speech engine through the real server: how long a second of speech takes (the real-time factor), and a text spoken before.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::Bench;
use super::http::request;
use super::machine;
use super::report::{Goal, number};
use super::samples::median;
use super::server::{API, Launch, Server, TOKEN};

/// A text of some sentences; each round's is its own, so that none was spoken before.
fn text(language: &str, round: usize) -> String {
    match language {
        "English" => format!(
            "This is round {round} of a small measurement. I live in Lisbon with a cat called Babbage, and on Saturdays I bake \
             sourdough bread for the whole street. What would you like to hear about next?"
        ),
        _ => format!(
            "这是第{round}轮测量。我住在杭州，喜欢徒步、摄影和手冲咖啡，周末常在西湖边拍日出。你想先听我讲哪一件事？"
        ),
    }
}

/// Speaks a text; the time it took, and the seconds of speech.
async fn speak(server: &Server, text: &str, emotion: &str) -> Result<(f64, f64), String> {
    let token = format!("Bearer {TOKEN}");
    let body = json!({"text": text, "emotion": emotion}).to_string();
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let begun = Instant::now();
    let answer = server.ask(&request("POST", &format!("{API}/secondme/tts/generate"), &headers, &body)).await?;
    let took = begun.elapsed().as_secs_f64();
    let millis = answer.pointer("/data/durationMs").and_then(Value::as_f64).ok_or("no durationMs")?;
    Ok((took, millis / 1_000.0))
}

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let launch = Launch {
        bin: bench.bin.clone(),
        data: bench.work.join("speech"),
        flags: &[],
        environment: &[("SECONDME_MODELS__NANO__KIND", "echo")],
    };
    let server = launch.start().await?;
    // Loads the engine; its files must be in the cache.
    let mut ready = Err(String::new());
    for _ in 0..100 {
        ready = speak(&server, "Hello.", "fluent").await;
        if ready.is_ok() {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    if let Err(why) = ready {
        bench.report.note(&format!(
            "Nothing was spoken (`secondme model pull kokoro-82m`, `kokoro-voices`, `onnxruntime`): {why}"
        ));
        return Ok(());
    }
    bench.report.begin("Speech", &[launch.command()]);
    let mut worst: f64 = 0.0;
    for language in ["English", "Chinese"] {
        let (mut factors, mut seconds, mut tries) = (Vec::new(), Vec::new(), 0);
        for _ in 0..bench.options.rounds {
            let (took, lasts) = bench
                .report
                .round(async || {
                    tries += 1;
                    speak(&server, &text(language, tries), "fluent").await
                })
                .await?;
            factors.push(took / lasts);
            seconds.push(lasts);
        }
        let (factor, lasts) = (median(factors), median(seconds));
        let value = format!("{} (a text of {} s)", number(factor), number(lasts));
        bench.report.row(&format!("real-time factor, {language}"), &value);
        worst = worst.max(factor);
    }
    let (again, _) = speak(&server, "Hello.", "fluent").await?;
    bench.report.row("a text that was spoken before", &format!("{} ms", number(again * 1e3)));
    bench.report.row("memory after it", &format!("{} MB resident", number(machine::memory(server.pid()).0)));
    bench.report.end();
    bench.report.goal("real-time factor of speech", Goal::AtMost(0.3), worst, "");
    server.stop();
    Ok(())
}
