//! Signatures: the documented SecondMe headers, and the Standard Webhooks trio for libraries that exist already
//! (HOUSE-RULES "Webhook"). During a rotation both secrets sign.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secondme_kit::secret::hmac_sha256;
use secondme_kit::{Entropy, Secret};

/// What secrets of ours begin with.
const PREFIX: &str = "whs_";

/// A fresh secret: `whs_` and 32 random bytes in base64.
pub fn fresh(entropy: &Entropy) -> Secret {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(entropy.bytes::<32>())))
}

/// The key of Standard Webhooks: the bytes behind a secret of ours, else the secret's text itself.
fn standard_key(secret: &Secret) -> Vec<u8> {
    let ours = secret.expose().strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
    ours.filter(|bytes| bytes.len() == 32).unwrap_or_else(|| secret.expose().as_bytes().to_vec())
}

/// The same secret as Standard Webhooks libraries take it: `whsec_…`.
pub fn standard_form(secret: &Secret) -> Secret {
    Secret::new(format!("whsec_{}", STANDARD.encode(standard_key(secret))))
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The event's id.
    pub event_id: &'a str,
    /// Its type.
    pub event_type: &'a str,
    /// Unix seconds of this attempt.
    pub timestamp: i64,
    /// The body, to the byte.
    pub body: &'a str,
}

/// The headers of a delivery. The first secret is the current one; others still sign beside it.
pub fn headers(signed: &Signed<'_>, secrets: &[Secret]) -> HeaderMap {
    let ours = |secret: &Secret| {
        let text = format!("{}.{}", signed.timestamp, signed.body);
        format!("sha256={}", hex::encode(hmac_sha256(secret.expose().as_bytes(), text.as_bytes())))
    };
    let standard = |secret: &Secret| {
        let text = format!("{}.{}.{}", signed.event_id, signed.timestamp, signed.body);
        format!("v1,{}", STANDARD.encode(hmac_sha256(&standard_key(secret), text.as_bytes())))
    };
    let both: Vec<String> = secrets.iter().map(standard).collect();
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| {
        // Ids, numbers and encoded hashes are header values.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put(header::CONTENT_TYPE.as_str(), "application/json");
    put("x-secondme-timestamp", &signed.timestamp.to_string());
    put("x-secondme-event", signed.event_type);
    put("x-secondme-event-id", signed.event_id);
    for (name, secret) in ["x-secondme-signature", "x-secondme-signature-previous"].into_iter().zip(secrets) {
        put(name, &ours(secret));
    }
    put("webhook-id", signed.event_id);
    put("webhook-timestamp", &signed.timestamp.to_string());
    put("webhook-signature", &both.join(" "));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_example_of_standard_webhooks_verifies() {
        // Of the Standard Webhooks specification.
        let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let text = r#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        let signature = STANDARD.encode(hmac_sha256(&bytes, text.as_bytes()));
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn both_forms_of_a_secret_are_the_same_key() {
        let secret = fresh(&Entropy::seeded(1));
        assert!(secret.expose().starts_with("whs_") && secret.expose().len() == 48);
        let standard = standard_form(&secret);
        assert_eq!(standard.expose()["whsec_".len()..], secret.expose()["whs_".len()..]);
        let own = Secret::new("whs_my own words");
        assert_eq!(STANDARD.decode(&standard_form(&own).expose()["whsec_".len()..]).unwrap(), b"whs_my own words");
    }

    proptest! {
        #[test]
        fn a_signature_depends_on_everything_that_is_signed(id in "[a-z0-9]{1,9}", at in 0_i64..9_999, body in ".{0,40}") {
            let secrets = [fresh(&Entropy::seeded(1)), fresh(&Entropy::seeded(2))];
            let signed = Signed { event_id: &id, event_type: "t", timestamp: at, body: &body };
            let all = headers(&signed, &secrets);
            let value = |headers: &HeaderMap, name: &str| headers.get(name).map(|v| v.to_str().unwrap().to_owned());
            let pair = value(&all, "webhook-signature").unwrap();
            prop_assert_eq!(pair.split(' ').count(), 2);
            let newest = headers(&signed, &secrets[..1]);
            prop_assert_eq!(value(&newest, "webhook-signature").unwrap(), pair.split(' ').next().unwrap());
            prop_assert_eq!(value(&newest, "x-secondme-signature"), value(&all, "x-secondme-signature"));
            prop_assert!(value(&newest, "x-secondme-signature-previous").is_none());
            for other in [Signed { timestamp: at + 1, ..signed }, Signed { body: "other body", ..signed }] {
                let other = headers(&other, &secrets);
                for name in ["webhook-signature", "x-secondme-signature", "x-secondme-signature-previous"] {
                    prop_assert_ne!(value(&other, name), value(&all, name));
                }
            }
        }
    }
}
