//! Kokoro's voices: the ones that are good enough to offer, and the file that holds them all.

use std::path::Path;

use crate::{Language, SpeechError, Voice};

/// Numbers that describe a manner of speaking.
pub(super) const STYLE: usize = 256;
/// A voice has a style for each length of a text, in symbols.
const LENGTHS: usize = 510;

/// Every voice, in the order in which the file has them. The first is the default.
pub const VOICE_NAMES: [&str; 15] = [
    "af_heart",
    "af_bella",
    "af_nicole",
    "af_sarah",
    "am_fenrir",
    "am_michael",
    "am_puck",
    "zf_xiaobei",
    "zf_xiaoni",
    "zf_xiaoxiao",
    "zf_xiaoyi",
    "zm_yunjian",
    "zm_yunxi",
    "zm_yunxia",
    "zm_yunyang",
];

/// The voices as users see them.
pub(crate) fn all() -> Vec<Voice> {
    let voice = |id: &str| Voice {
        id: id.to_owned(),
        name: title(id),
        language: Some(language(id)),
        gender: if is_female(id) { "female" } else { "male" },
    };
    VOICE_NAMES.iter().copied().map(voice).collect()
}

fn title(id: &str) -> String {
    let name = id.split_once('_').map_or(id, |(_, name)| name);
    let mut chars = name.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn language(id: &str) -> Language {
    if id.starts_with('z') { Language::Chinese } else { Language::English }
}

fn is_female(id: &str) -> bool {
    id.as_bytes().get(1) == Some(&b'f')
}

/// Who speaks for a voice in a language: itself in its own, else a companion of the same gender. The styles of one language
/// make the other hard to understand.
pub(super) fn speaker(id: &str, spoken: Language) -> &str {
    match (language(id) == spoken, spoken, is_female(id)) {
        (true, ..) => id,
        (false, Language::English, true) => "af_heart",
        (false, Language::English, false) => "am_michael",
        (false, Language::Chinese, true) => "zf_xiaoxiao",
        (false, Language::Chinese, false) => "zm_yunxi",
    }
}

/// All styles of all voices.
pub(super) struct Styles(Vec<f32>);

impl Styles {
    /// Reads the file.
    ///
    /// # Errors
    /// `Unavailable` when it is not there or of another size.
    pub(super) fn read(path: &Path) -> Result<Self, SpeechError> {
        let bytes = std::fs::read(path).map_err(|e| SpeechError::Unavailable(format!("{}: {e}", path.display())))?;
        if bytes.len() != VOICE_NAMES.len() * LENGTHS * STYLE * 4 {
            return Err(SpeechError::Unavailable(format!("{} is not the file of Kokoro's voices", path.display())));
        }
        Ok(Self(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()))
    }

    /// The style of a voice for a text of so many symbols.
    pub(super) fn of(&self, voice: &str, symbols: usize) -> Option<&[f32]> {
        let index = VOICE_NAMES.iter().position(|name| *name == voice)?;
        let start = (index * LENGTHS + symbols.clamp(1, LENGTHS) - 1) * STYLE;
        self.0.get(start..start + STYLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_has_a_companion_of_its_gender_for_the_other_language() {
        for voice in all() {
            for spoken in [Language::English, Language::Chinese] {
                let speaker = speaker(&voice.id, spoken);
                assert_eq!((language(speaker), is_female(speaker)), (spoken, is_female(&voice.id)));
                assert!(VOICE_NAMES.contains(&speaker));
            }
        }
        assert_eq!(speaker("zf_xiaoyi", Language::Chinese), "zf_xiaoyi");
        assert_eq!(title("zf_xiaoyi"), "Xiaoyi");
    }

    #[test]
    fn a_file_of_another_size_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(Styles::read(file.path()), Err(SpeechError::Unavailable(_))));
        assert!(matches!(Styles::read(Path::new("/no/such")), Err(SpeechError::Unavailable(_))));
    }
}
