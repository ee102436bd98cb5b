//! A deterministic embedder for tests: texts that share words have vectors that are near.

use async_trait::async_trait;

use super::{Embedder, Purpose};
use crate::{ModelError, ModelStatus};

const DIMENSIONS: usize = 64;

/// Every word adds a direction of its own.
#[derive(Debug, Default)]
pub struct ScriptedEmbedder {
    /// Words that are to be taken for each other.
    synonyms: Vec<(String, String)>,
}

impl ScriptedEmbedder {
    /// Takes the first word of each pair for the second.
    pub fn with_synonyms(pairs: &[(&str, &str)]) -> Self {
        Self { synonyms: pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect() }
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let lower = text.to_lowercase();
        let mut vector = vec![0.0; DIMENSIONS];
        for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let word = self.synonyms.iter().find(|(from, _)| from == word).map_or(word, |(_, to)| to.as_str());
            let mut hash =
                word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
            for value in &mut vector {
                hash = hash.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *value += if hash >> 63 == 1 { 1.0 } else { -1.0 };
            }
        }
        vector
    }
}

#[async_trait]
impl Embedder for ScriptedEmbedder {
    async fn embed(&self, _: Purpose, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }

    fn name(&self) -> &str {
        "scripted"
    }

    fn status(&self) -> ModelStatus {
        ModelStatus::Ready
    }
}
