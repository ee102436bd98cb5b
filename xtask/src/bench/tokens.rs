//! Durable writes: tokens by client credentials and by refresh, each one on the disk before it is answered.

use serde_json::{Value, json};

use super::Bench;
use super::http::request;
use super::load::{Load, Rate};
use super::report::{Goal, Report, number};
use super::server::{API, Launch, Server, TOKEN};

const CLIENT_ID: &str = "de300000-0000-4000-8000-000000000001";
const CLIENT_SECRET: &str = "demo-client-secret";
const REDIRECT_URI: &str = "http://localhost:3000/api/auth/callback";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let launch = Launch {
        bin: bench.bin.clone(),
        data: bench.work.join("tokens"),
        flags: &["--model", "echo"],
        environment: &[],
    };
    let server = launch.start().await?;
    let client = format!("client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
    let by_client = format!("grant_type=client_credentials&{client}&scope=chat.write");
    let refresh_token = refresh_token(&server, &client).await?;
    let by_refresh = format!("grant_type=refresh_token&{client}&refresh_token={refresh_token}");
    let (client_path, refresh_path) = (format!("{API}/oauth/token/client"), format!("{API}/oauth/token/refresh"));
    let seconds = bench.options.seconds;
    let load = |path, body, connections| Load {
        address: server.address,
        pid: server.pid(),
        method: "POST",
        path,
        headers: &[FORM],
        body,
        connections,
        seconds,
    };
    let commands = [
        launch.command(),
        load(&client_path, &by_client, 64).command(),
        load(&refresh_path, &by_refresh, 64).command(),
    ];
    bench.report.begin("Durable tokens (SQLite, `synchronous = full`)", &commands);
    let rounds = bench.options.rounds;
    for connections in [64, 256] {
        let rate = load(&client_path, &by_client, connections).rounds(rounds, &bench.work, &mut bench.report).await?;
        rate_row(&mut bench.report, &format!("`token/client`, {connections} connections"), rate);
        let what = format!("durable client-credential tokens, {connections} connections");
        bench.report.goal(&what, Goal::AtLeast(8_000.0), rate.per_second, "/s");
    }
    let rate = load(&refresh_path, &by_refresh, 64).rounds(rounds, &bench.work, &mut bench.report).await?;
    rate_row(&mut bench.report, "`token/refresh`, 64 connections", rate);
    let rate = load(&client_path, &by_client, 1).rounds(rounds.min(3), &bench.work, &mut bench.report).await?;
    rate_row(&mut bench.report, "`token/client`, 1 connection", rate);
    bench.report.end();
    server.stop();
    Ok(())
}

/// The row of a rate.
pub fn rate_row(report: &mut Report, what: &str, rate: Rate) {
    let Rate { per_second, p50, p99, processor } = rate;
    let per_second = number(per_second);
    report.row(
        what,
        &format!(
            "{per_second}/s, p50 {p50:.2} ms, p99 {p99:.2} ms; {processor:.0} µs of the server's processor time each"
        ),
    );
}

/// A refresh token as an app gets one: the user's approval, a code, the exchange.
async fn refresh_token(server: &Server, client: &str) -> Result<String, String> {
    let token = format!("Bearer {TOKEN}");
    let approval = json!({"clientId": CLIENT_ID, "redirectUri": REDIRECT_URI, "scope": ["userinfo", "chat.write"], "state": "bench"});
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let path = format!("{API}/oauth/authorize/external");
    let answer = server.ask(&request("POST", &path, &headers, &approval.to_string())).await?;
    let code = text(&answer, "/data/code")?;
    let form = format!(
        "grant_type=authorization_code&{client}&code={code}&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fapi%2Fauth%2Fcallback"
    );
    let answer = server.ask(&request("POST", &format!("{API}/oauth/token/code"), &[FORM], &form)).await?;
    text(&answer, "/data/refreshToken")
}

fn text(value: &Value, pointer: &str) -> Result<String, String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("no {pointer} in {value}"))
}
