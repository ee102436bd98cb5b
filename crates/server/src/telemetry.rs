//! Logs and metrics. Ids are fields; tokens, mail addresses, message texts and prompts never are.

use std::io::{BufWriter, IsTerminal};

use axum::http::Method;
use metrics::Label;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// Sends logs to standard error, as text or JSON. They are written by a thread of their own, many lines at a time; what is
/// left is written when the guard is dropped.
///
/// # Errors
/// When the filter is not one, or logging was set up already.
pub fn start_logs(config: &Log) -> Result<WorkerGuard, Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let lines = BufWriter::with_capacity(64 * 1024, std::io::stderr());
    let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(lines);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(writer);
    if config.format == "json" {
        builder.json().flatten_event(true).try_init()?;
    } else {
        builder.compact().with_target(false).try_init()?;
    }
    Ok(guard)
}

/// Counters and histograms, rendered for Prometheus by `/metrics`.
#[derive(Debug)]
pub struct Metrics {
    recorder: metrics_exporter_prometheus::PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        let builder = PrometheusBuilder::new();
        // The list of buckets is not empty, which is the only thing that can be wrong with it.
        let builder = match builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets) {
            Ok(builder) => builder,
            Err(_) => PrometheusBuilder::new(),
        };
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        Self { recorder, handle }
    }
}

impl Metrics {
    /// One answered request.
    pub fn request(&self, method: &Method, route: &str, status: u16, seconds: f64) {
        metrics::with_local_recorder(&self.recorder, || {
            let labels = vec![
                Label::new("method", method.as_str().to_owned()),
                Label::new("route", route.to_owned()),
                Label::new("status", status.to_string()),
            ];
            metrics::counter!("secondme_http_requests_total", labels).increment(1);
            let labels = vec![Label::new("route", route.to_owned())];
            metrics::histogram!("secondme_http_request_seconds", labels).record(seconds);
        });
    }

    /// One finished answer of a model.
    pub fn answer(&self, model: &'static str, outcome: &'static str, first_token_seconds: Option<f64>, tokens: u32) {
        metrics::with_local_recorder(&self.recorder, || {
            metrics::counter!("secondme_model_answers_total", "model" => model, "outcome" => outcome).increment(1);
            metrics::counter!("secondme_model_tokens_total", "model" => model).increment(u64::from(tokens));
            if let Some(seconds) = first_token_seconds {
                metrics::histogram!("secondme_model_first_token_seconds", "model" => model).record(seconds);
            }
        });
    }

    /// One attempt to deliver an event: `delivered`, `retried` or `failed`.
    pub fn webhook(&self, outcome: &'static str) {
        metrics::with_local_recorder(&self.recorder, || {
            metrics::counter!("secondme_webhook_attempts_total", "outcome" => outcome).increment(1);
        });
    }

    /// A value that goes up and down.
    pub fn gauge(&self, name: &'static str, value: f64) {
        metrics::with_local_recorder(&self.recorder, || metrics::gauge!(name).set(value));
    }

    /// Sorts what was measured into its buckets. Until then every observation is kept: without it a server that nobody scrapes
    /// would grow with each request.
    pub fn tidy(&self) {
        self.handle.run_upkeep();
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        self.tidy();
        self.handle.render()
    }
}
