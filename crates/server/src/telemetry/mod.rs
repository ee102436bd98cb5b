//! Logs, metrics and traces. Ids are fields; tokens, mail addresses, message texts and prompts never are.

pub mod traces;

use std::io::{BufWriter, IsTerminal};

use axum::http::Method;
use metrics::Label;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::config::{Log, Traces};

/// What is still to be written or sent when the process ends; that happens when this is dropped.
pub struct Guard {
    _traces: Option<traces::Provider>,
    _logs: WorkerGuard,
}

/// Sends logs to standard error, as text or JSON, and traces to the collector, if there is one. Logs are written by a thread of
/// their own, many lines at a time.
///
/// # Errors
/// When the filter is not one, the collector's address cannot be used, or logging was set up already.
pub fn start(log: &Log, traces: &Traces) -> Result<Guard, Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(&log.filter)?.add_directive(traces::NOT_IN_THE_LOG.parse()?);
    let lines = BufWriter::with_capacity(64 * 1024, std::io::stderr());
    let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(lines);
    let lines = fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(writer);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if log.format == "json" {
        lines.json().flatten_event(true).with_filter(filter).boxed()
    } else {
        lines.compact().with_target(false).with_filter(filter).boxed()
    };
    let provider = traces::provider(traces)?;
    let spans = provider.as_ref().map(traces::layer);
    tracing_subscriber::registry().with(lines).with(spans).try_init()?;
    Ok(Guard { _traces: provider, _logs: guard })
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

    /// One request that a busy node refused.
    pub fn shed(&self) {
        metrics::with_local_recorder(&self.recorder, || metrics::counter!("secondme_http_shed_total").increment(1));
    }

    /// A number that only grows and is counted elsewhere.
    pub fn count(&self, name: &'static str, value: u64) {
        metrics::with_local_recorder(&self.recorder, || metrics::counter!(name).absolute(value));
    }

    /// The same, for one kind of what is counted.
    pub fn count_kind(&self, name: &'static str, kind: &'static str, value: u64) {
        metrics::with_local_recorder(&self.recorder, || metrics::counter!(name, "kind" => kind).absolute(value));
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
