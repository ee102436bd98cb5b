//! The trace that a job belongs to: the request that enqueued it and the attempts that run it are seen as one. Nothing of it exists
//! unless the program around this crate exports spans.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::handler::Job;

/// The trace of whoever calls, as the header `traceparent` spells it; none when nothing is traced.
pub fn current() -> Option<String> {
    let context = Span::current().context();
    let here = context.span().span_context().clone();
    here.is_valid().then(|| format!("00-{}-{}-{:02x}", here.trace_id(), here.span_id(), here.trace_flags().to_u8()))
}

/// Makes a span a part of a trace that began elsewhere; what is not the text of a `traceparent` is ignored.
pub fn join(span: &Span, traceparent: &str) {
    if let Some(remote) = parse(traceparent) {
        // Refused only when the span has begun or nothing is exported: then it stands alone.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote));
    }
}

fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 2 || version == "ff" || trace.len() != 32 || span.len() != 16 || flags.len() != 2 {
        return None;
    }
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let remote = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    remote.is_valid().then_some(remote)
}

/// The span of one attempt.
pub(crate) fn attempt(job: &Job) -> Span {
    let span = tracing::info_span!(target: "otel", parent: None, "job", otel.name = job.kind, otel.kind = "consumer",
        otel.status_code = Empty, job.id = job.id, job.attempt = i64::from(job.attempt));
    if let Some(traceparent) = job.trace.as_deref().filter(|_| !span.is_disabled()) {
        join(&span, traceparent);
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_traceparent_is_one() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let remote = parse(text).unwrap();
        assert!(remote.is_sampled() && remote.is_remote());
        assert_eq!(remote.span_id().to_string(), "b7ad6b7169203331");
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c8031zz-b7ad6b7169203331-01",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        assert_eq!(current(), None, "nothing is exported here");
    }
}
