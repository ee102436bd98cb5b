//! `secondme serve`: opens everything, listens at once, loads and fetches models in the background, stops cleanly.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secondme_jobs::Runner;
use secondme_kit::{Entropy, SystemClock};
use tokio::net::TcpListener;
use toml::Value;

use super::{Outcome, models, open, say};
use crate::access::{log, revocations};
use crate::app::{App, Parts};
use crate::chat::models::supply;
use crate::config::{Config, Overrides};
use crate::http::limits::shared;
use crate::learning::extraction::jobs::ReadChat;
use crate::learning::extraction::material::{ReadEvents, ReadNote};
use crate::learning::portrait;
use crate::learning::portrait::jobs::{DreamJob, Forgotten, Nightfall};
use crate::memory::forgetting::ForgetApp;
use crate::memory::index::waiting;
use crate::memory::notes::jobs::FetchLinks;
use crate::oauth::housekeeping::{self, Housekeeping};
use crate::oauth::{inspector, webhooks};
use crate::platform::clock;
use crate::users::accounts::people;
use crate::users::uploads;
use crate::{avatars, demo, pages, plaza, router, telemetry, visitor};

/// Flags of `serve`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Address and port to listen on (default 127.0.0.1:8787).
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Seed the demo world: two users, an app, fixed credentials that work on this machine only.
    #[arg(long)]
    demo: bool,
    /// The model behind secondme/nano and secondme/pro: a catalogue name, a path of a GGUF file, or `echo`
    /// (which brings no embedder either).
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// What this node does: `all`, `api` (answers requests) or `worker` (runs jobs).
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
}

impl Args {
    /// What the flags change in the configuration.
    pub(super) fn overrides(&self) -> Overrides {
        let text = |key: &str, value: &str| (key.to_owned(), Value::String(value.to_owned()));
        let mut flags = Vec::new();
        if let Some(listen) = &self.listen {
            flags.push(text("server.listen", listen));
        }
        if let Some(role) = &self.role {
            flags.push(text("server.role", role));
        }
        match self.model.as_deref() {
            None => {}
            Some("echo") => flags.extend([
                text("models.nano.kind", "echo"),
                text("models.pro.kind", ""),
                text("recall.embedder", ""),
                text("speech.kind", "hum"),
            ]),
            Some(name) => flags.extend([
                text("models.nano.kind", "embedded"),
                text("models.nano.model", name),
                text("models.pro.kind", ""),
            ]),
        }
        flags
    }
}

pub(super) async fn run(config: Config, args: Args) -> Outcome {
    secondme_llm::install_tls();
    let _telemetry = telemetry::start(&config.log, &config.traces)?;
    let address = config.listen()?;
    let listener = TcpListener::bind(address).await.map_err(|e| {
        format!("cannot listen on {address}: {e}; choose another with --listen, for example --listen 127.0.0.1:8788")
    })?;
    let bound = listener.local_addr()?;
    let store = open::store(&config).await?;
    let chosen = match models::is_of_catalogue(&config.models.nano) {
        true => supply::chosen(&store, &config.models.nano.model).await?,
        false => None,
    };
    let opened = models::open(&config, chosen.as_deref())?;
    let app = App::new(Parts {
        public_url: config.public_url(bound.port()),
        store,
        clock: Arc::new(SystemClock),
        entropy: Entropy::system(),
        key: open::key(&config)?,
        models: opened.models.clone(),
        bus: open::bus(&config).await?,
        config,
    });
    if args.demo {
        let made = demo::seed(&app).await?;
        demo::remember(&app, &made).await?;
        demo::write(&demo::world(&app), &app.config().data_dir())?;
    }
    if app.config().server.role != "api" {
        app.run_jobs(jobs(&app));
    }
    background(&app);
    app.spawn(super::embedder::open(app.clone()));
    app.spawn(waiting::run(app.clone()));
    keep_metrics_small(&app);
    let announced = app.clone();
    app.spawn(async move {
        let fetched = opened.fetch(&announced).await;
        say(&greeting(&announced, bound, args.demo));
        if people::is_empty(&announced).await.unwrap_or(false) {
            say(&first_run(&announced));
        }
        if let Err(problem) = fetched {
            super::complain(&problem);
        }
    });
    serve(app, listener).await
}

/// What runs beside requests until the server stops.
fn background(app: &App) {
    app.spawn(revocations::listen(app.clone()));
    app.spawn(log::run(app.clone()));
    app.spawn(clock::run(app.clone()));
    if !app.config().bus.url.is_empty() {
        app.spawn(shared::run(app.clone()));
    }
    app.spawn(inspector::run(app.clone()));
    app.spawn(super::speech::open(app.clone()));
    if app.config().server.role != "api" {
        app.spawn(webhooks::run(app.clone()));
    }
}

/// The runner of the server's durable jobs.
pub fn jobs(app: &App) -> Runner {
    Runner::new(
        app.store().clone(),
        app.clock(),
        app.entropy().clone(),
        vec![
            Arc::new(Housekeeping(app.clone())),
            Arc::new(avatars::housekeeping::Housekeeping(app.clone())),
            Arc::new(avatars::export::jobs::Exporting(app.clone())),
            Arc::new(avatars::evaluations::jobs::Evaluating(app.clone())),
            Arc::new(FetchLinks(app.clone())),
            Arc::new(ForgetApp(app.clone())),
            Arc::new(ReadChat(app.clone())),
            Arc::new(ReadNote(app.clone())),
            Arc::new(ReadEvents(app.clone())),
            Arc::new(Nightfall(app.clone())),
            Arc::new(DreamJob(app.clone())),
            Arc::new(Forgotten(app.clone())),
            Arc::new(visitor::answer::jobs::Watch(app.clone())),
            Arc::new(visitor::learning::ReadVisit(app.clone())),
            Arc::new(visitor::answer::jobs::Housekeeping(app.clone())),
            Arc::new(uploads::jobs::Sweep(app.clone())),
            Arc::new(plaza::posts::jobs::Preview(app.clone())),
        ],
        vec![
            housekeeping::cron(),
            avatars::housekeeping::cron(),
            portrait::jobs::cron(),
            visitor::answer::jobs::cron(),
            uploads::jobs::cron(),
        ],
    )
}

/// How long observations are kept one by one.
const TIDY_METRICS: Duration = Duration::from_secs(5);

fn keep_metrics_small(app: &App) {
    let tidied = app.clone();
    app.spawn(async move {
        while tokio::time::timeout(TIDY_METRICS, tidied.stopping().cancelled()).await.is_err() {
            tidied.metrics().tidy();
        }
    });
}

/// Serves until the process is told to stop; then streams end with an error event, and what they said is stored.
async fn serve(app: App, listener: TcpListener) -> Outcome {
    let server = router::serve(app.clone(), listener);
    let limit = Duration::from_secs(app.config().server.shutdown_seconds);
    let signals = app.clone();
    app.spawn(async move {
        tokio::select! {
            () = signal() => signals.stopping().cancel(),
            () = signals.stopping().cancelled() => {}
        }
    });
    let deadline = async {
        app.stopping().cancelled().await;
        tracing::info!("stopping");
        tokio::time::sleep(limit).await;
    };
    tokio::select! {
        result = server => result?,
        () = deadline => tracing::warn!("stopping although clients are still connected"),
    }
    app.stop().await;
    Ok(())
}

/// Waits for Ctrl-C or, on Unix, the signal that service managers send.
async fn signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

/// What a person reads when there is no account yet.
fn first_run(app: &App) -> String {
    let url = app.public_url();
    format!("\nThere is no account yet. Create yours: {url}/welcome?code={}\n", pages::welcome::code(app))
}

/// What a person reads when the server is ready.
fn greeting(app: &App, bound: SocketAddr, with_demo: bool) -> String {
    let url = app.public_url();
    let mut text = format!("\nSecondMe is ready: {url}  (listening on {bound}; API reference: {url}/docs)\n");
    if !with_demo {
        text.push_str("Create a user and an app with `secondme user create` and `secondme app create`.\n");
        return text;
    }
    let world = demo::world(app);
    let Some(user) = world.users.first() else { return text };
    let base = &world.base_url;
    let token = &user.access_token;
    let redirect = url::form_urlencoded::byte_serialize(demo::REDIRECT_URI.as_bytes()).collect::<String>();
    let file: PathBuf = app.config().data_dir().join("demo.json");
    text.push_str(&format!(
        "\n  Demo user       {} / {}\n  Client ID       {}\n  Client Secret   {}\n  Redirect URI    {}\n  All of it       {}\n\
         \nTry it:\n\n  curl {base}/api/secondme/user/info -H 'Authorization: Bearer {token}'\n\
         \n  curl -N {base}/api/secondme/chat/stream -H 'Authorization: Bearer {token}' \
         -H 'Content-Type: application/json' -d '{{\"message\":\"Hello, introduce yourself\"}}'\n\
         \n  curl -L '{}?client_id={}&redirect_uri={redirect}&response_type=code&state=demo'   # or open it in a browser\n",
        user.email,
        user.password,
        demo::CLIENT_ID,
        demo::CLIENT_SECRET,
        demo::REDIRECT_URI,
        file.display(),
        world.oauth_url,
        demo::CLIENT_ID,
    ));
    text
}
