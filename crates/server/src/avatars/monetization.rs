//! The printed rules of `monetization` (contract 17.4). This server has no till: prices are kept and shown, nothing is sold.

use serde_json::Value;

use crate::error::{ApiError, Problem, Result};

/// Units of one yuan: unit amounts are yuan × 100,000, not cents.
const UNITS_PER_YUAN: i64 = 100_000;
const PRICE_MIN: i64 = UNITS_PER_YUAN;
const PRICE_MAX: i64 = 10_000 * UNITS_PER_YUAN;
const TRIAL_MAX: i64 = 10;
/// The cards that can be offered: the beginning of their two members' names.
const CARDS: [&str; 3] = ["threeDay", "thirtyDay", "year"];

/// Who pays for a visitor's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The visitor's own quota.
    Free,
    /// The owner's quota.
    Sponsored,
    /// A subscription; `trial` messages are free.
    Paid {
        /// Messages of each visitor before the avatar has to be unlocked.
        trial: i64,
    },
}

impl Access {
    /// How an avatar can be used, from its checked `monetization`.
    pub fn of(monetization: &Value) -> Self {
        match monetization["accessType"].as_str() {
            Some("SPONSORED") => Self::Sponsored,
            Some("PAID") => Self::Paid { trial: monetization["freeChatCount"].as_i64().unwrap_or(0) },
            _ => Self::Free,
        }
    }

    /// The word of `accessType`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Free => "FREE",
            Self::Sponsored => "SPONSORED",
            Self::Paid { .. } => "PAID",
        }
    }
}

/// Whether visitors are to pay.
pub fn is_paid(monetization: &Value) -> bool {
    matches!(Access::of(monetization), Access::Paid { .. })
}

/// Refuses a `monetization` that breaks a rule; members that no rule names pass through.
///
/// # Errors
/// `invalid.param` with the member.
pub fn check(monetization: &Value) -> Result<()> {
    if !monetization.is_object() {
        return Err(ApiError::invalid("monetization", &Problem::Expected("an object", "对象")));
    }
    one_of(monetization, "accessType", &["FREE", "SPONSORED", "PAID"], true)?;
    one_of(monetization, "accessScope", &["PUBLIC"], false)?;
    one_of(monetization, "currency", &["CNY"], false)?;
    one_of(monetization, "saleStatus", &["ON_SALE", "OFF_SALE"], false)?;
    for flag in ["freeChatUnlimited", "agreementAccepted"] {
        if present(monetization, flag).is_some_and(|value| !value.is_boolean()) {
            return refused(flag, "true or false", " true 或 false");
        }
    }
    if present(monetization, "freeChatCount").is_some_and(|v| !v.as_i64().is_some_and(|n| (0..=TRIAL_MAX).contains(&n)))
    {
        return refused("freeChatCount", "a whole number from 0 to 10", " 0 到 10 的整数");
    }
    let mut complete = 0;
    for card in CARDS {
        complete += i32::from(check_card(monetization, card)?);
    }
    if !is_paid(monetization) {
        return Ok(());
    }
    if complete == 0 {
        return refused(
            "threeDayPriceUnitAmount",
            "given with its quota for one card at least when PAID",
            "价格与额度，PAID 至少需要一组",
        );
    }
    if monetization["agreementAccepted"] != Value::Bool(true) {
        return refused("agreementAccepted", "true when PAID", " true（PAID）");
    }
    Ok(())
}

/// Whether a card is offered, that is, has a valid price and quota.
fn check_card(monetization: &Value, card: &str) -> Result<bool> {
    let (price_name, quota_name) = (format!("{card}PriceUnitAmount"), format!("{card}ReplyQuota"));
    let (price, quota) = (present(monetization, &price_name), present(monetization, &quota_name));
    let (price, quota) = match (price, quota) {
        (None, None) => return Ok(false),
        (Some(price), Some(quota)) => (price, quota),
        (Some(_), None) => return refused(&quota_name, "given with its price", "与价格同时提供的额度"),
        (None, Some(_)) => return refused(&price_name, "given with its quota", "与额度同时提供的价格"),
    };
    let Some(price) = price.as_i64().filter(|price| (PRICE_MIN..=PRICE_MAX).contains(price)) else {
        let (en, zh) = (
            "a whole number from 100000 (1 yuan) to 1000000000 (10000 yuan)",
            " 100000 到 1000000000 的整数（1 到 10000 元）",
        );
        return refused(&price_name, en, zh);
    };
    let ceiling = quota_ceiling(price);
    if !quota.as_i64().is_some_and(|quota| (1..=ceiling).contains(&quota)) {
        let problem = Problem::Parser(format!("must be a whole number from 1 to {ceiling} at this price"));
        return Err(ApiError::invalid(&format!("monetization.{quota_name}"), &problem));
    }
    Ok(true)
}

/// The most replies a card of this price may hold: ten per yuan, rounded up; the next full hundred when that is at most ten away.
pub fn quota_ceiling(price: i64) -> i64 {
    let ceiling = (price * 10 + UNITS_PER_YUAN - 1) / UNITS_PER_YUAN;
    let hundred = (ceiling + 99) / 100 * 100;
    if hundred - ceiling <= 10 { hundred } else { ceiling }
}

/// A member that is there and not `null`.
fn present<'v>(monetization: &'v Value, member: &str) -> Option<&'v Value> {
    monetization.get(member).filter(|value| !value.is_null())
}

fn one_of(monetization: &Value, member: &str, known: &[&str], required: bool) -> Result<()> {
    let problem = || Problem::Parser(format!("must be one of {}", known.join(", ")));
    match present(monetization, member) {
        None if required => Err(ApiError::invalid(&format!("monetization.{member}"), &Problem::Required)),
        Some(value) if !value.as_str().is_some_and(|word| known.contains(&word)) => {
            Err(ApiError::invalid(&format!("monetization.{member}"), &problem()))
        }
        _ => Ok(()),
    }
}

fn refused<T>(member: &str, en: &'static str, zh: &'static str) -> Result<T> {
    Err(ApiError::invalid(&format!("monetization.{member}"), &Problem::Expected(en, zh)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_ceiling_is_ten_per_yuan_or_the_hundred_nearby() {
        // 1 yuan: 10; 9 yuan: 90, ten away from 100; 8.9 yuan: 89, eleven away.
        assert_eq!(quota_ceiling(100_000), 10);
        assert_eq!(quota_ceiling(900_000), 100);
        assert_eq!(quota_ceiling(890_000), 89);
        assert_eq!(quota_ceiling(890_001), 100);
        assert_eq!(quota_ceiling(1_000_000), 100);
        assert_eq!(quota_ceiling(1_000_001), 101);
        assert_eq!(quota_ceiling(1_000_000_000), 100_000);
    }

    #[test]
    fn paid_needs_a_complete_card_and_the_agreement() {
        let paid = json!({"accessType": "PAID", "currency": "CNY", "yearPriceUnitAmount": 9_900_000, "yearReplyQuota": 1000,
            "freeChatCount": 3, "agreementAccepted": true, "saleStatus": "ON_SALE", "somethingNew": [1]});
        check(&paid).unwrap();
        assert_eq!(Access::of(&paid), Access::Paid { trial: 3 });
        for (member, value) in [
            ("accessType", json!("GRATIS")),
            ("accessType", Value::Null),
            ("accessScope", json!("FRIENDS")),
            ("currency", json!("USD")),
            ("freeChatCount", json!(11)),
            ("freeChatCount", json!(1.5)),
            ("freeChatUnlimited", json!("yes")),
            ("agreementAccepted", json!(false)),
            ("yearPriceUnitAmount", Value::Null),
            ("yearPriceUnitAmount", json!(99_999)),
            ("yearPriceUnitAmount", json!(1_000_000_001)),
            ("yearReplyQuota", json!(0)),
            ("yearReplyQuota", json!(1_001)),
            ("thirtyDayReplyQuota", json!(10)),
        ] {
            let mut changed = paid.clone();
            changed[member] = value;
            let error = check(&changed).unwrap_err();
            assert!(error.message(crate::error::Lang::En).contains("monetization"), "{member}");
        }
        check(&json!({"accessType": "FREE", "freeChatUnlimited": false})).unwrap();
        check(&json!({"accessType": "SPONSORED", "accessScope": "PUBLIC"})).unwrap();
        assert!(check(&json!("FREE")).is_err());
    }

    proptest! {
        #[test]
        fn the_ceiling_never_falls_and_never_exceeds_ten_more(price in PRICE_MIN..PRICE_MAX) {
            let ceiling = quota_ceiling(price);
            prop_assert!(ceiling <= quota_ceiling(price + 1));
            prop_assert!(ceiling * UNITS_PER_YUAN >= price * 10 && (ceiling - 11) * UNITS_PER_YUAN < price * 10);
        }
    }
}
