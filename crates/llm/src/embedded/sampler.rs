//! Logits → the next token: the schema's mask, the 40 likeliest, top-p, temperature, chance.
//!
//! The likeliest are picked out here, in one pass over the vocabulary, before the engine's samplers see them: handing those all
//! of 152,000 candidates cost 5 % of a small model's speed.

use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;
use llguidance::Matcher;

use crate::{ModelError, Sampling};

/// The likeliest tokens that are looked at before `top_p`.
const TOP_K: usize = 40;

/// Chooses the tokens of one answer.
pub(super) struct Sampler {
    matcher: Option<Matcher>,
    /// `None` = always the likeliest.
    chance: Option<LlamaSampler>,
}

impl Sampler {
    pub(super) fn new(sampling: &Sampling, matcher: Option<Matcher>) -> Self {
        let greedy = sampling.temperature <= 0.0 || sampling.temperature.is_nan();
        Self { matcher, chance: (!greedy).then(|| chance(sampling)) }
    }

    /// The next token.
    ///
    /// # Errors
    /// `Broken` when nothing is allowed or the schema's matcher gave up; only this answer is concerned.
    pub(super) fn choose(&mut self, logits: &[f32]) -> Result<LlamaToken, ModelError> {
        let broken = |why: String| ModelError::Broken(format!("no next token: {why}"));
        let mask = match &mut self.matcher {
            Some(matcher) => Some(matcher.compute_mask_or_eos().map_err(|e| broken(e.to_string()))?),
            None => None,
        };
        let allowed = |token: u32| mask.as_ref().is_none_or(|mask| mask.is_allowed(token));
        let count = if self.chance.is_some() { TOP_K } else { 1 };
        let best = likeliest(logits, count, allowed);
        let token = match (&mut self.chance, best.first()) {
            (_, None) => return Err(broken("every token is forbidden".into())),
            (None, Some(&(_, token))) => LlamaToken(token),
            (Some(chance), _) => {
                let data = best.iter().map(|&(logit, token)| LlamaTokenData::new(LlamaToken(token), logit, 0.0));
                let chosen = LlamaTokenDataArray::from_iter(data, true).with_sampler(chance).selected_token();
                chosen.ok_or_else(|| broken("the engine chose none".into()))?
            }
        };
        if let Some(matcher) = self.matcher.as_mut().filter(|m| !m.is_stopped()) {
            matcher.consume_token(token.0.cast_unsigned()).map_err(|e| broken(e.to_string()))?;
        }
        Ok(token)
    }
}

/// Top-p, temperature, a draw.
fn chance(sampling: &Sampling) -> LlamaSampler {
    let mut chain = Vec::new();
    if sampling.top_p < 1.0 {
        chain.push(LlamaSampler::top_p(sampling.top_p.max(0.0), 1));
    }
    chain.push(LlamaSampler::temp(sampling.temperature));
    chain.push(LlamaSampler::dist(seed(sampling.seed)));
    LlamaSampler::chain_simple(chain)
}

/// The engine takes 32 bits, of which the highest value means a random seed.
fn seed(seed: Option<u64>) -> u32 {
    match seed {
        None => u32::MAX,
        Some(seed) => u32::try_from((seed ^ (seed >> 32)) & 0xffff_ffff).unwrap_or(0).min(u32::MAX - 1),
    }
}

/// The `count` highest allowed logits with their tokens, highest first.
fn likeliest(logits: &[f32], count: usize, allowed: impl Fn(u32) -> bool) -> Vec<(f32, i32)> {
    let mut best: Vec<(f32, i32)> = Vec::with_capacity(count * 4);
    let mut floor = f32::NEG_INFINITY;
    let highest_first = |a: &(f32, i32), b: &(f32, i32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    for (token, &logit) in (0u32..).zip(logits) {
        // Almost every token ends here.
        if logit <= floor || logit.is_nan() || !allowed(token) {
            continue;
        }
        best.push((logit, token.cast_signed()));
        if best.len() == count * 4 {
            best.select_nth_unstable_by(count - 1, highest_first);
            best.truncate(count);
            floor = best[count - 1].0;
        }
    }
    best.sort_unstable_by(highest_first);
    best.truncate(count);
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seeds_never_mean_a_random_one() {
        assert_eq!((seed(None), seed(Some(u64::from(u32::MAX)))), (u32::MAX, u32::MAX - 1));
        assert_eq!((seed(Some(0)), seed(Some(1 << 32 | 2))), (0, 3));
    }

    #[test]
    fn greedy_takes_the_likeliest_and_nothing_is_an_error() {
        let mut greedy = Sampler::new(&Sampling::greedy(), None);
        assert_eq!(greedy.choose(&[0.0, f32::NAN, 3.0, 2.0]).unwrap(), LlamaToken(2));
        assert!(matches!(greedy.choose(&[f32::NAN; 3]), Err(ModelError::Broken(_))));
    }

    #[test]
    fn chance_follows_seed_and_temperature() {
        let logits: Vec<f32> = (0..100u8).map(|i| f32::from(i % 10)).collect();
        let draw = |temperature, seed| {
            let mut sampler = Sampler::new(&Sampling { temperature, top_p: 1.0, seed: Some(seed) }, None);
            (0..50).map(|_| sampler.choose(&logits).unwrap().0).collect::<Vec<_>>()
        };
        assert_eq!(draw(1.0, 7), draw(1.0, 7));
        assert_ne!(draw(1.0, 7), draw(1.0, 8));
        assert!(draw(0.05, 7).iter().all(|token| token % 10 == 9), "cold: only the likeliest ten");
        assert!(draw(100.0, 7).iter().any(|token| token % 10 < 8), "hot: anything of the top 40");
    }

    proptest! {
        #[test]
        fn the_likeliest_are_those_of_a_full_sort(
            logits in prop::collection::vec(-5i8..5, 0..300), count in 1usize..50, modulus in 1u32..4,
        ) {
            let logits: Vec<f32> = logits.into_iter().map(f32::from).collect();
            let got = likeliest(&logits, count, |token| token % modulus == 0);
            let mut all: Vec<f32> = logits.iter().copied().step_by(modulus as usize).collect();
            all.sort_by(|a, b| b.total_cmp(a));
            all.truncate(count);
            prop_assert_eq!(got.iter().map(|(logit, _)| *logit).collect::<Vec<_>>(), all);
            for (logit, token) in got {
                prop_assert_eq!(token % i32::try_from(modulus).unwrap(), 0);
                prop_assert_eq!(logits[usize::try_from(token).unwrap()], logit);
            }
        }
    }
}
