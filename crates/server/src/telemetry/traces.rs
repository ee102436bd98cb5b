//! Traces over OTLP. Spans have a target of their own, so that logs stay as they are; without a collector they cost nothing.
//!
//! Spans carry ids, routes and outcomes; never tokens, addresses or texts.

mod otlp;

use std::error::Error;
use std::time::Duration;

use axum::extract::Request;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::field::Empty;
use tracing::{Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use crate::config::Traces;

/// The target of all spans.
const TARGET: &str = "otel";
/// The directive that keeps spans out of the log.
pub(super) const NOT_IN_THE_LOG: &str = "otel=off";
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends what is left when dropped.
pub(super) struct Provider(SdkTracerProvider);

impl Drop for Provider {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(cause = %error, "the last traces were not sent");
        }
    }
}

/// What sends spans to the configured collector; nothing without one.
///
/// # Errors
/// When the address cannot be used.
pub(super) fn provider(config: &Traces) -> Result<Option<Provider>, Box<dyn Error + Send + Sync>> {
    if config.url.is_empty() {
        return Ok(None);
    }
    let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let exporter = otlp::Exporter::new(config, http)?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let sampled = Sampler::TraceIdRatioBased(config.sample.clamp(0.0, 1.0));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(sampled)))
        .with_resource(Resource::builder().with_service_name("secondme").with_attribute(version).build())
        .build();
    Ok(Some(Provider(provider)))
}

/// The layer that makes spans of ours into spans of the collector's.
pub(super) fn layer<S>(provider: &Provider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let tracer = provider.0.tracer("secondme");
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
}

/// The span of a request, from its arrival to the head of its answer.
pub fn request(config: &Traces, request: &Request, route: &str, request_id: &str) -> Span {
    let span = tracing::info_span!(target: TARGET, parent: None, "request", otel.name = Empty, otel.kind = "server",
        otel.status_code = Empty, http.request.method = %request.method(), http.route = route,
        http.response.status_code = Empty, request_id);
    if span.is_disabled() {
        return span;
    }
    span.record("otel.name", format!("{} {route}", request.method()));
    let parent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    if let Some(parent) = parent.filter(|_| config.trust_clients) {
        secondme_jobs::trace::join(&span, parent);
    }
    span
}

/// Writes down how a request went.
pub fn answered(span: &Span, status: u16) {
    // A collector's whole numbers are signed.
    span.record("http.response.status_code", i64::from(status));
    if status >= 500 {
        failed(span);
    }
}

/// Writes down that something came to nothing.
pub fn failed(span: &Span) {
    span.record("otel.status_code", "ERROR");
}

/// The span of a call of a model, to the end of its answer.
pub fn model(name: &'static str) -> Span {
    tracing::info_span!(target: TARGET, "model", otel.name = name, otel.kind = "client", otel.status_code = Empty,
        gen_ai.request.model = Empty, gen_ai.usage.input_tokens = Empty, gen_ai.usage.output_tokens = Empty,
        first_piece_ms = Empty, failure = Empty)
}

/// The span of one attempt to deliver an event.
pub fn webhook(event_id: &str, event_type: &str) -> Span {
    tracing::info_span!(target: TARGET, "webhook", otel.kind = "producer", otel.status_code = Empty, event_id, event_type,
        http.response.status_code = Empty)
}
