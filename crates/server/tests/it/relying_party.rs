//! Other people's libraries against this server: a certified relying party from npm, and the reference libraries of Standard
//! Webhooks from npm and PyPI. They are installed once into the cache folder, at pinned versions with their hashes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use secondme_kit::secret::sha256;
use secondme_server::demo;
use secondme_server::oauth::webhooks;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::harness::{ADA, Browser, Receiver, TestDb, World, both, data};

const KIT: Kit = Kit {
    sources: "tests/relying_party",
    cache: "relying-party",
    files: &["package.json", "package-lock.json", "requirements.txt", "flow.mjs", "verify.mjs", "verify.py"],
};

/// Scripts, and the libraries that they need from npm and PyPI.
pub struct Kit {
    /// The folder in this crate.
    pub sources: &'static str,
    /// The folder in the cache.
    pub cache: &'static str,
    pub files: &'static [&'static str],
}

both! {
    async fn a_certified_library_completes_the_flow_with_a_secret(db: TestDb) {
        let Some(folder) = installed() else { return };
        let world = World::new(db).await;
        flow(&world, folder, (demo::CLIENT_ID, demo::CLIENT_SECRET, demo::REDIRECT_URI)).await;
    }

    async fn a_certified_library_completes_the_flow_without_a_secret(db: TestDb) {
        let Some(folder) = installed() else { return };
        let world = World::new(db).await;
        let made = data(world.post("applications/external/create", ADA, &json!({
            "appName": "Native", "redirectUris": ["http://127.0.0.1/cb"], "allowedScopes": ["userinfo", "chat"], "clientType": "public",
        })).await);
        assert!(made.get("clientSecret").is_none());
        flow(&world, folder, (made["clientId"].as_str().unwrap(), "", "http://127.0.0.1:7/cb")).await;
    }

    async fn reference_libraries_verify_our_signatures(db: TestDb) {
        let Some(folder) = installed() else { return };
        let world = World::with_config(db, |config| config.webhooks.allow_private = true).await;
        // The libraries compare the timestamp with the real time.
        let now = jiff_now();
        world.clock.advance(now - world.app.now());
        let receiver = Receiver::new(vec![]).await;
        let change = json!({"authorizationRevokedWebhookUrl": receiver.url, "authorizationRevokedWebhookEnabled": true});
        let saved = data(world.post("applications/external/app_demo/update", ADA, &change).await);
        world.connect(ADA, &["chat"]).await;
        data(world.post("authorizations/app_demo/revoke", ADA, &json!({})).await);
        webhooks::step(&world.app).await.unwrap();
        let delivery = receiver.seen().remove(0);
        let given = json!({"secret": saved["authorizationRevokedWebhookStandardSecret"], "headers": delivery.headers, "body": delivery.body});
        let event_id = delivery.json()["eventId"].as_str().unwrap().to_owned();
        let python = [("PYTHONPATH", folder.join("python"))];
        for (program, script, environment) in [("node", "verify.mjs", &[][..]), ("python3", "verify.py", &python[..])] {
            let output = feed(Command::new(program).arg(folder.join(script)).envs(environment.iter().cloned()), &given);
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(said.trim(), event_id, "{program}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

fn jiff_now() -> i64 {
    secondme_kit::Clock::now(&secondme_kit::SystemClock)
}

/// Runs the relying party, and is its user's browser.
async fn flow(world: &World, folder: &Path, (id, secret, redirect_uri): (&str, &str, &str)) {
    let mut party = tokio::process::Command::new("node")
        .arg(folder.join("flow.mjs"))
        .envs([
            ("ISSUER", world.url.as_str()),
            ("CLIENT_ID", id),
            ("CLIENT_SECRET", secret),
            ("REDIRECT_URI", redirect_uri),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(party.stdout.take().unwrap()).lines();
    if let Some(path) = lines.next_line().await.unwrap() {
        let mut browser = Browser::new(&world.http, &world.url);
        let login = browser.open(&path).await;
        let fields = [("email", "ada@demo.local"), ("password", demo::PASSWORD)];
        let consent = browser.submit(&login, "password", &fields).await;
        let sent = browser.submit(&consent, "decision", &[("decision", "approve")]).await;
        assert!(sent.at.starts_with(redirect_uri), "{sent:?}");
        party.stdin.take().unwrap().write_all(format!("{}\n", sent.at).as_bytes()).await.unwrap();
    }
    let end = lines.next_line().await.unwrap();
    let output = party.wait_with_output().await.unwrap();
    assert_eq!(end.as_deref(), Some("done"), "{}", String::from_utf8_lossy(&output.stderr));
}

fn feed(command: &mut Command, given: &Value) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    serde_json::to_writer(child.stdin.take().unwrap(), given).unwrap();
    child.wait_with_output().unwrap()
}

/// The folder with the libraries and the scripts; none when they cannot be installed here, which CI does not accept.
fn installed() -> Option<&'static Path> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    skipped(FOLDER.get_or_init(|| install(&KIT))).map(PathBuf::as_path)
}

/// What was installed; none, and a word about it, when it could not be.
pub fn skipped(installed: &Result<PathBuf, String>) -> Option<&PathBuf> {
    match installed {
        Ok(folder) => Some(folder),
        Err(why) if variable("SECONDME_REQUIRE_SERVICES") == "1" => panic!("{why}"),
        Err(why) => {
            #[expect(clippy::print_stdout, reason = "a test that does not run says so")]
            {
                println!("skipped: {why}");
            }
            None
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the cache is, and whether a skip is allowed, is the environment's to say"
)]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Whole or not at all: another test run may be doing the same.
pub fn install(kit: &Kit) -> Result<PathBuf, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join(kit.sources);
    let failed = |what: &'static str| move |error: std::io::Error| format!("{what}: {error}");
    let mut all = Vec::new();
    for &file in kit.files {
        all.extend(std::fs::read(sources.join(file)).map_err(failed(file))?);
    }
    let home = || Path::new(&variable("HOME")).join(".cache");
    let cache = Some(variable("XDG_CACHE_HOME")).filter(|dir| !dir.is_empty()).map_or_else(home, PathBuf::from);
    let folder = cache.join("secondme").join(kit.cache).join(hex::encode(&sha256(&all)[..8]));
    if folder.join("package.json").exists() {
        return Ok(folder);
    }
    let part = folder.with_extension(std::process::id().to_string());
    std::fs::create_dir_all(&part).map_err(failed("cache folder"))?;
    for &file in kit.files {
        std::fs::copy(sources.join(file), part.join(file)).map_err(failed(file))?;
    }
    run(&part, "npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
    let target = part.join("python").display().to_string();
    run(
        &part,
        "python3",
        &[
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--target",
            &target,
            "-r",
            "requirements.txt",
        ],
    )?;
    match std::fs::rename(&part, &folder) {
        Err(error) if !folder.exists() => Err(failed("cache folder")(error)),
        _ => Ok(folder),
    }
}

fn run(folder: &Path, program: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(args).current_dir(folder).stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("{program}: {error}")),
    }
}
