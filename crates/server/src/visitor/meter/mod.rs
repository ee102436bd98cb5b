//! What visitors may use: so many messages per visitor, app and avatar, and the quotas of `FREE`, `SPONSORED` and `PAID` avatars.
//!
//! Counted in the transaction of what is counted: what is refused costs nothing.

mod store;

use secondme_kit::Millis;
use secondme_store::Tx;

use super::sessions::Session;
use crate::app::App;
use crate::avatars::center::Avatar;
use crate::avatars::monetization::Access;
use crate::error::{ApiError, Code, Result};

const MINUTE: Millis = 60_000;
const DAY: Millis = 86_400_000;

/// One use of something that is limited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Whose, and of what.
    meter: String,
    window: Window,
    /// How often in a window.
    limit: i64,
    refusal: Code,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    /// Begins anew every so many milliseconds.
    Every(Millis),
    /// Never begins anew.
    Ever,
}

impl Use {
    /// A conversation that an app opens; `None` without a limit.
    pub fn init(app: &App, app_id: &str) -> Option<Self> {
        Self::per(MINUTE, format!("init:{app_id}"), app.config().visitor.inits_per_minute, Code::RateLimited)
    }

    /// `None` without a limit.
    fn per(window: Millis, meter: String, limit: i64, refusal: Code) -> Option<Self> {
        (limit > 0).then_some(Self { meter, window: Window::Every(window), limit, refusal })
    }
}

/// What a message uses.
pub fn of_message(app: &App, session: &Session, avatar: &Avatar, app_id: Option<&str>) -> Vec<Use> {
    let config = &app.config().visitor;
    let rate = |meter: String, limit: i64| Use::per(MINUTE, meter, limit, Code::RateLimited);
    let mut uses: Vec<Use> = Vec::new();
    uses.extend(rate(format!("visitor:{}", session.session_id), config.visitor_per_minute));
    if session.is_owners() {
        return uses;
    }
    uses.extend(app_id.and_then(|app_id| rate(format!("app:{app_id}"), config.app_per_minute)));
    uses.extend(rate(format!("avatar:{}", avatar.id), config.avatar_per_minute));
    uses.extend(quota(app, session, avatar));
    uses
}

fn quota(app: &App, session: &Session, avatar: &Avatar) -> Option<Use> {
    let config = &app.config().visitor;
    let daily = |meter: String, limit: i64| Use::per(DAY, meter, limit, Code::VisitorQuota);
    match (Access::of(&avatar.monetization), session.visitor_user_id) {
        (Access::Free, Some(user_id)) => daily(format!("free:u:{user_id}"), config.free_user_per_day),
        (Access::Free, None) => daily(format!("free:{}:{}", avatar.id, session.visitor), config.free_anonymous_per_day),
        (Access::Sponsored, _) => daily(format!("sponsored:{}", avatar.user_id), config.sponsored_per_day),
        (Access::Paid { trial }, _) => Some(Use {
            meter: format!("trial:{}:{}", avatar.id, session.visitor),
            window: Window::Ever,
            limit: trial,
            refusal: Code::AvatarUnlock,
        }),
    }
}

/// Counts uses inside the caller's transaction.
///
/// # Errors
/// The first that is over its limit: `request.rate.limited` and `visitor_chat.quota_exhausted` with `Retry-After`,
/// `avatar.unlock.required`. The transaction must then be dropped.
pub async fn count(app: &App, tx: &mut Tx, uses: &[Use]) -> Result<()> {
    let now = app.now();
    let mut uses: Vec<&Use> = uses.iter().collect();
    // The same order everywhere, so that two transactions do not wait for each other.
    uses.sort_unstable_by(|a, b| a.meter.cmp(&b.meter));
    for one in uses {
        let end = match one.window {
            Window::Every(ms) => (now.div_euclid(ms) + 1) * ms,
            Window::Ever => Millis::MAX,
        };
        if store::count(tx, &one.meter, end).await? <= one.limit {
            continue;
        }
        let refused = ApiError::new(one.refusal);
        if one.window == Window::Ever {
            return Err(refused);
        }
        let seconds = u32::try_from((end - now + 999) / 1_000).unwrap_or(u32::MAX).max(1);
        return Err(refused.arg(seconds).retry_after(seconds));
    }
    Ok(())
}

/// Deletes at most `limit` counters whose window is over; returns how many.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, now: Millis, limit: i64) -> Result<u64> {
    Ok(store::reclaim(tx, now, limit).await?)
}
