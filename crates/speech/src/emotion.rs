//! How something is said (contract 12), and what that means for an engine that knows only pace, pitch and loudness.

/// The emotion of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Emotion {
    Happy,
    Sad,
    Angry,
    Fearful,
    Disgusted,
    Surprised,
    Calm,
    /// Without one; the default.
    #[default]
    Fluent,
}

/// Factors on pace (bigger is faster), pitch, loudness and the pauses between sentences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prosody {
    pub pace: f32,
    pub pitch: f32,
    pub gain: f32,
    pub pause: f32,
}

impl Emotion {
    /// All of them, in the contract's order.
    pub const ALL: [Self; 8] = [
        Self::Happy,
        Self::Sad,
        Self::Angry,
        Self::Fearful,
        Self::Disgusted,
        Self::Surprised,
        Self::Calm,
        Self::Fluent,
    ];

    /// The name in requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Happy => "happy",
            Self::Sad => "sad",
            Self::Angry => "angry",
            Self::Fearful => "fearful",
            Self::Disgusted => "disgusted",
            Self::Surprised => "surprised",
            Self::Calm => "calm",
            Self::Fluent => "fluent",
        }
    }

    /// The emotion of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|emotion| emotion.as_str() == name)
    }

    /// What listeners take for the emotion: joy and fear are quick and high, grief is slow and low, anger loud.
    pub(crate) fn prosody(self) -> Prosody {
        let (pace, pitch, gain, pause) = match self {
            Self::Happy => (1.08, 1.05, 1.1, 0.85),
            Self::Sad => (0.86, 0.96, 0.75, 1.4),
            Self::Angry => (1.1, 1.02, 1.3, 0.7),
            Self::Fearful => (1.14, 1.06, 0.85, 0.8),
            Self::Disgusted => (0.92, 0.95, 1.0, 1.1),
            Self::Surprised => (1.04, 1.08, 1.15, 0.9),
            Self::Calm => (0.92, 0.99, 0.9, 1.3),
            Self::Fluent => (1.0, 1.0, 1.0, 1.0),
        };
        Prosody { pace, pitch, gain, pause }
    }

    /// The same in words, for engines that take instructions.
    pub(crate) fn instructions(self) -> Option<String> {
        (self != Self::Fluent).then(|| format!("Speak in a {} tone.", self.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_emotion_has_a_name_and_a_manner_of_its_own() {
        for (index, emotion) in Emotion::ALL.into_iter().enumerate() {
            assert_eq!(Emotion::parse(emotion.as_str()), Some(emotion));
            for other in &Emotion::ALL[..index] {
                assert_ne!(emotion.prosody(), other.prosody());
            }
        }
        assert_eq!(Emotion::parse("bored"), None);
    }
}
