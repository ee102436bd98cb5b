//! What an attempt's outcome means: done, again later, or never again.

use axum::http::{HeaderMap, StatusCode, header};
use secondme_kit::clock::from_http_date;
use secondme_kit::{Entropy, Millis};

use crate::http::outbound::{Answer, OutboundError};

/// No receiver may ask for a longer pause.
const LONGEST_PAUSE_MS: Millis = 86_400_000;

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Delivered,
    /// It may work later; not before this many milliseconds, when the receiver says so.
    Later(Option<Millis>),
    /// It will not work.
    Never,
    /// The receiver wants no events at all any more.
    Gone,
}

/// Any 2xx is a success. Time-outs, failed connections, 408, 429 and 5xx are worth another try; any other answer is final, and
/// 410 switches the webhook off (contract 4.11).
pub fn of(outcome: &Result<Answer, OutboundError>, now: Millis) -> Verdict {
    match outcome {
        Ok(answer) => of_status(answer.status, &answer.headers, now),
        Err(OutboundError::Timeout(_) | OutboundError::Connection(_) | OutboundError::Unresolved) => {
            Verdict::Later(None)
        }
        Err(OutboundError::Url | OutboundError::Private) => Verdict::Never,
    }
}

fn of_status(status: StatusCode, headers: &HeaderMap, now: Millis) -> Verdict {
    match status.as_u16() {
        200..=299 => Verdict::Delivered,
        408 | 429 | 500..=599 => Verdict::Later(pause(headers, now)),
        410 => Verdict::Gone,
        _ => Verdict::Never,
    }
}

/// `Retry-After`, in seconds or as a date.
fn pause(headers: &HeaderMap, now: Millis) -> Option<Millis> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse::<i64>() {
        Ok(seconds) => seconds.saturating_mul(1_000),
        Err(_) => from_http_date(text)?.saturating_sub(now),
    };
    Some(pause.clamp(0, LONGEST_PAUSE_MS))
}

/// How long to wait after the attempt number `tries` (from 1); none when that was the last. The plan's wait is changed by up to
/// a tenth, so that events which failed together do not come back together, and is never shorter than what was asked for.
pub fn wait(plan: &[i64], tries: u32, asked: Option<Millis>, entropy: &Entropy) -> Option<Millis> {
    let planned = plan.get(usize::try_from(tries).ok()?.checked_sub(1)?)?.max(&0).saturating_mul(1_000);
    let tenth = planned / 10;
    let jitter = i64::try_from(entropy.below(u64::try_from(2 * tenth + 1).ok()?)).ok()? - tenth;
    Some((planned + jitter).max(asked.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Webhooks;

    fn status(code: u16, retry_after: &str) -> Verdict {
        let mut headers = HeaderMap::new();
        if !retry_after.is_empty() {
            headers.insert(header::RETRY_AFTER, retry_after.parse().unwrap());
        }
        of_status(StatusCode::from_u16(code).unwrap(), &headers, 784_111_777_000)
    }

    #[test]
    fn every_status_has_its_meaning() {
        for code in [200, 201, 204, 299] {
            assert_eq!(status(code, ""), Verdict::Delivered);
        }
        for code in [408, 429, 500, 502, 503, 504, 599] {
            assert_eq!(status(code, ""), Verdict::Later(None));
        }
        for code in [301, 302, 307, 308, 400, 401, 403, 404, 409, 422] {
            assert_eq!(status(code, "5"), Verdict::Never);
        }
        assert_eq!(status(410, ""), Verdict::Gone);
        assert_eq!(status(429, "120"), Verdict::Later(Some(120_000)));
        assert_eq!(status(503, "Sun, 06 Nov 1994 08:50:37 GMT"), Verdict::Later(Some(60_000)));
        assert_eq!(status(503, "Sun, 06 Nov 1994 08:48:37 GMT"), Verdict::Later(Some(0)));
        assert_eq!(status(503, "999999999"), Verdict::Later(Some(86_400_000)));
        assert_eq!(status(503, "soon"), Verdict::Later(None));
    }

    #[test]
    fn the_plan_lasts_three_days() {
        let (plan, entropy) = (Webhooks::default().retry_seconds, Entropy::seeded(1));
        let total: i64 = (1..).map_while(|tries| wait(&plan, tries, None, &entropy)).sum();
        let days = total as f64 / 86_400_000.0;
        assert!((2.7..3.3).contains(&days), "{days} days");
        assert_eq!(wait(&plan, 1, Some(60_000), &entropy), Some(60_000));
        assert!(wait(&plan, 12, Some(60_000), &entropy).unwrap() > 60_000_000);
        assert_eq!(wait(&plan, 13, Some(60_000), &entropy), None);
        assert_eq!(wait(&plan, 0, None, &entropy), None);
        let waits: Vec<Millis> = (0..200).map(|_| wait(&plan, 6, None, &entropy).unwrap()).collect();
        assert!(waits.iter().all(|wait| (3_240_000..=3_960_000).contains(wait)));
        assert!(waits.iter().any(|wait| *wait < 3_400_000) && waits.iter().any(|wait| *wait > 3_800_000));
    }
}
