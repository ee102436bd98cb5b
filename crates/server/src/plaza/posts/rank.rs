//! How the featured feed ranks a post: what others made of it, against its age (documented in `docs/API.md`).

use secondme_kit::Millis;

/// Twice the attention makes up for this much age.
const DOUBLING_MS: f64 = 12.0 * 3_600_000.0;

/// The rank of a post with this much attention (1 for every like, 2 for every comment, none for the author's own). It changes
/// with the attention only, never with the time: posts of another time keep their order, so an index can hold it.
pub fn hot(heat: i64, created_at: Millis) -> f64 {
    (1.0 + heat.max(0) as f64).log2() + created_at as f64 / DOUBLING_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attention_makes_up_for_age() {
        let (now, half_a_day) = (1_750_000_000_000, 12 * 3_600_000);
        assert!(hot(1, now) > hot(0, now) && hot(0, now) > hot(0, now - 1));
        assert!((hot(1, now - half_a_day) - hot(0, now)).abs() < 1e-6);
        assert!(hot(15, now - 3 * half_a_day) > hot(0, now));
        assert!(hot(15, now - 5 * half_a_day) < hot(0, now));
    }
}
