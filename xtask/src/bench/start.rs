//! Start and rest: the time from the process's start to its first answer, and its memory when nobody asks for anything.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;

use super::model::{self, Model};
use super::report::{Goal, Report, number};
use super::samples::median;
use super::server::Launch;
use super::{Bench, machine};

const STARTS: usize = 10;

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let models = model::present();
    let echo =
        Launch { bin: bench.bin.clone(), data: bench.work.join("echo"), flags: &["--model", "echo"], environment: &[] };
    let commands: Vec<String> =
        std::iter::once(echo.command()).chain(models.iter().map(|m| with_model(bench, m, "start").command())).collect();
    bench.report.begin("Start and rest", &commands);
    let server = bench
        .report
        .round(async || {
            drop(std::fs::remove_dir_all(&echo.data));
            echo.start().await
        })
        .await?;
    bench
        .report
        .row("first start without a model (an empty data folder: migrations, demo world)", &ms(server.first_answer));
    sleep(Duration::from_secs(2)).await;
    let (resident, _) = machine::memory(server.pid());
    server.stop();
    let (again, _) = bench.report.round(async || starts(&echo).await).await?;
    let idle = memory_row(&mut bench.report, "no model", resident, again.1);
    bench.report.goal("idle memory without a model", Goal::AtMost(25.0), idle, " MB");
    bench.report.row("start to first answer without a model", &format!("{:.0} ms", again.0));
    for model in &models {
        let launch = with_model(bench, model, "model");
        let server = launch.start().await?;
        server.wait_for_model().await?;
        sleep(Duration::from_secs(2)).await;
        let (resident, anonymous) = machine::memory(server.pid());
        server.stop();
        let ((first, _), worst) = bench.report.round(async || starts(&launch).await).await?;
        let what = format!("start to first answer while {} loads", model.name);
        bench.report.row(&what, &format!("{first:.0} ms (worst of {STARTS}: {worst:.0} ms)"));
        bench.report.goal(&what, Goal::AtMost(150.0), first, " ms");
        let text = format!(
            "{} MB resident, of which {} MB are not the mapped model file",
            number(resident),
            number(anonymous)
        );
        bench.report.row(&format!("idle memory with {} loaded", model.name), &text);
    }
    bench.report.end();
    if models.is_empty() {
        bench.report.note(&model::absent());
    }
    Ok(())
}

fn with_model<'a>(bench: &Bench, model: &'a Model, folder: &str) -> Launch<'a> {
    let data: PathBuf = bench.work.join(format!("{folder}-{}", model.name));
    Launch { bin: bench.bin.clone(), data, flags: model.flags(), environment: &[] }
}

/// Median start in milliseconds and median memory a moment later, over several starts in the same data folder; and the longest start.
async fn starts(launch: &Launch<'_>) -> Result<((f64, f64), f64), String> {
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let server = launch.start().await?;
        times.push(server.first_answer.as_secs_f64() * 1e3);
        sleep(Duration::from_millis(200)).await;
        memory.push(machine::memory(server.pid()).0);
        server.stop();
    }
    let worst = times.iter().copied().fold(0.0, f64::max);
    Ok(((median(times), median(memory)), worst))
}

fn memory_row(report: &mut Report, what: &str, first: f64, again: f64) -> f64 {
    let text = format!("{} MB resident ({} MB after the first start)", number(again), number(first));
    report.row(&format!("idle memory, {what}"), &text);
    again
}

fn ms(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}
