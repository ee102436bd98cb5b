//! Spans as OTLP over HTTP, in its JSON encoding: `opentelemetry-otlp` would bring protobuf, its code generator and a second HTTP client
//! for this one message (docs/decisions/0031).

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value as Json, json};
use tokio::runtime::Handle;

use crate::config::Traces;

/// Sends spans to a collector.
#[derive(Debug)]
pub(super) struct Exporter {
    http: reqwest::Client,
    /// The exporter's thread is none of the runtime's, so the runtime does the work.
    runtime: Handle,
    url: String,
    headers: HeaderMap,
    resource: Vec<Json>,
}

impl Exporter {
    pub(super) fn new(config: &Traces, http: reqwest::Client) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let authorization = config.authorization.expose();
        if !authorization.is_empty() {
            let mut value = HeaderValue::from_str(authorization).map_err(|_| "traces.authorization is no header")?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let url = format!("{}/v1/traces", config.url.trim_end_matches('/'));
        Ok(Self { http, runtime: Handle::try_current()?, url, headers, resource: Vec::new() })
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans: Vec<Json> = batch.iter().map(span).collect();
        let body = json!({"resourceSpans": [{
            "resource": {"attributes": self.resource},
            "scopeSpans": [{"scope": {"name": "secondme"}, "spans": spans}],
        }]});
        let asked = self.http.post(&self.url).headers(self.headers.clone()).body(body.to_string());
        let failed = |why: String| OTelSdkError::InternalFailure(why);
        // Made inside of the runtime, too: the request's time-out is a timer of the runtime's.
        let answer = self.runtime.spawn(async move { asked.send().await }).await.map_err(|e| failed(e.to_string()))?;
        let answer = answer.map_err(|e| failed(e.without_url().to_string()))?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(failed(format!("the collector answered {}", answer.status())))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.iter().map(|(key, value)| attribute(key.as_str(), value)).collect();
    }
}

/// One span, as the specification spells it: ids in hexadecimal, 64-bit numbers as text.
fn span(span: &SpanData) -> Json {
    let attributes: Vec<Json> =
        span.attributes.iter().map(|KeyValue { key, value, .. }| attribute(key.as_str(), value)).collect();
    let mut object = Map::new();
    object.insert("traceId".to_owned(), span.span_context.trace_id().to_string().into());
    object.insert("spanId".to_owned(), span.span_context.span_id().to_string().into());
    if span.parent_span_id != SpanId::INVALID {
        object.insert("parentSpanId".to_owned(), span.parent_span_id.to_string().into());
    }
    object.insert("name".to_owned(), span.name.as_ref().into());
    object.insert("kind".to_owned(), kind(&span.span_kind).into());
    object.insert("startTimeUnixNano".to_owned(), nanos(span.start_time).into());
    object.insert("endTimeUnixNano".to_owned(), nanos(span.end_time).into());
    object.insert("attributes".to_owned(), attributes.into());
    let status = match span.status {
        Status::Unset => json!({}),
        Status::Ok => json!({"code": 1}),
        Status::Error { .. } => json!({"code": 2}),
    };
    object.insert("status".to_owned(), status);
    Json::Object(object)
}

fn kind(kind: &SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn nanos(at: SystemTime) -> String {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

fn attribute(key: &str, value: &Value) -> Json {
    let value = match value {
        Value::Bool(b) => json!({"boolValue": b}),
        Value::I64(n) => json!({"intValue": n.to_string()}),
        Value::F64(x) => json!({"doubleValue": x}),
        Value::Array(Array::String(list)) => {
            let list: Vec<Json> = list.iter().map(|text| json!({"stringValue": text.as_str()})).collect();
            json!({"arrayValue": {"values": list}})
        }
        other => json!({"stringValue": other.as_str()}),
    };
    json!({"key": key, "value": value})
}
