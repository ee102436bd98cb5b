//! Authorised reads: `GET user/info` with the demo user's token.

use super::Bench;
use super::load::Load;
use super::report::{Goal, number};
use super::server::{API, Launch, TOKEN};
use super::{machine, tokens};

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let launch = Launch {
        bin: bench.bin.clone(),
        data: bench.work.join("reads"),
        flags: &["--model", "echo"],
        environment: &[],
    };
    let server = launch.start().await?;
    let token = format!("Bearer {TOKEN}");
    let path = format!("{API}/secondme/user/info");
    let load = Load {
        address: server.address,
        pid: server.pid(),
        method: "GET",
        path: &path,
        headers: &[("Authorization", &token)],
        body: "",
        connections: 64,
        seconds: bench.options.seconds,
    };
    bench.report.begin("Authorised reads", &[launch.command(), load.command()]);
    let rate = load.rounds(bench.options.rounds, &bench.work, &mut bench.report).await?;
    tokens::rate_row(&mut bench.report, "`GET user/info`, 64 connections", rate);
    let single =
        Load { connections: 1, ..load }.rounds(bench.options.rounds.min(3), &bench.work, &mut bench.report).await?;
    tokens::rate_row(&mut bench.report, "the same, 1 connection", single);
    bench.report.row("memory after it", &format!("{} MB resident", number(machine::memory(server.pid()).0)));
    bench.report.end();
    bench.report.goal("authorised reads", Goal::AtLeast(30_000.0), rate.per_second, "/s");
    server.stop();
    Ok(())
}
