//! What makes two events equal (seed 003 "Idempotency").

use secondme_kit::secret::sha256;

/// The key of an event: the supplied one, else the seed's formula over the first ref. A client that computed the seed's
/// formula itself and sends it as its key gets the same one.
pub(super) fn of(supplied: Option<&str>, platform: &str, object_type: &str, object_id: &str, user_id: i64) -> [u8; 32] {
    let Some(supplied) = supplied else {
        return sha256(format!("external:{platform}:{object_type}:{object_id}:{user_id}").as_bytes());
    };
    let computed = Some(supplied).filter(|key| key.len() == 64).and_then(|key| hex::decode(key).ok());
    computed.and_then(|bytes| bytes.try_into().ok()).unwrap_or_else(|| sha256(supplied.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_seeds_formula_computed_by_a_client_is_the_same_key() {
        let ours = of(None, "client-1", "post", "abc", 7);
        let theirs = hex::encode(sha256(b"external:client-1:post:abc:7"));
        assert_eq!(ours, of(Some(&theirs), "other", "x", "y", 8));
    }

    proptest! {
        #[test]
        fn any_difference_is_another_key(a in "[a-z]{1,4}", b in "[a-z]{1,4}", c in "[a-z]{1,4}", user in 1i64..9) {
            let key = of(None, &a, &b, &c, user);
            prop_assert_eq!(key, of(None, &a, &b, &c, user));
            prop_assert_ne!(key, of(None, &a, &b, &c, user + 1));
            prop_assert_ne!(key, of(None, &a, &b, &format!("{c}x"), user));
            prop_assert_ne!(key, of(Some(&c), &a, &b, &c, user));
        }
    }
}
