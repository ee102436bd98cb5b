//! Reading the definition of a custom skill: fields of the request, and the front matter of its Markdown, which wins.

use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};

use super::SCENE;

/// A skill to make; only [`NewSkill::read`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of contract 17.16")]
pub struct NewSkill {
    pub title: String,
    pub description: String,
    pub when_to_use: String,
    pub version: String,
    pub scene_modes: Vec<String>,
    pub content: String,
}

/// The fields of a request, as they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Raw {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) when_to_use: Option<String>,
    pub(super) version: Option<String>,
    pub(super) scene_mode: Option<String>,
    pub(super) scene_modes: Option<Vec<String>>,
    pub(super) content: Option<String>,
}

const TITLE_MAX: usize = 100;
const LINE_MAX: usize = 1_000;

/// A skill as its owner writes it in a form.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are those of contract 17.16")]
pub struct Written {
    pub title: String,
    pub description: String,
    pub when_to_use: String,
    pub content: String,
}

impl NewSkill {
    /// Checks what was written in a form.
    ///
    /// # Errors
    /// As for a request: `avatar.custom.skill.content.required`, `avatar.custom.skill.definition.invalid`.
    pub fn written(app: &App, written: &Written) -> Result<Self> {
        let Written { title, description, when_to_use, content } = written.clone();
        let (title, description, when_to_use) = (Some(title), Some(description), Some(when_to_use));
        Self::read(app, Raw { title, description, when_to_use, content: Some(content), ..Raw::default() })
    }

    /// Checks a request. `name` and `description` of the front matter win over the fields; a title has to be in one of them.
    ///
    /// # Errors
    /// `avatar.custom.skill.content.required`, `avatar.custom.skill.definition.invalid`.
    pub(super) fn read(app: &App, raw: Raw) -> Result<Self> {
        let text = raw.content.unwrap_or_default();
        let (matter, body) = front_matter(&text);
        if body.trim().is_empty() {
            return Err(ApiError::new(Code::SkillContentRequired));
        }
        let from_matter = |name: &str| matter.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        let given = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let title = from_matter("name").or_else(|| given(raw.title)).unwrap_or_default();
        if title.is_empty() {
            return Err(invalid("title", &Problem::Required));
        }
        let skill = Self {
            title,
            description: from_matter("description").or_else(|| given(raw.description)).unwrap_or_default(),
            when_to_use: given(raw.when_to_use).unwrap_or_default(),
            version: given(raw.version).unwrap_or_else(|| "1.0.0".to_owned()),
            scene_modes: scenes(raw.scene_mode, raw.scene_modes)?,
            content: body.trim().to_owned(),
        };
        for (field, text, max) in [
            ("title", &skill.title, TITLE_MAX),
            ("description", &skill.description, LINE_MAX),
            ("whenToUse", &skill.when_to_use, LINE_MAX),
            ("version", &skill.version, 20),
            ("contentMarkdown", &skill.content, app.config().avatars.skill_max_chars),
        ] {
            if text.chars().count() > max {
                return Err(invalid(field, &Problem::TooLong(max)));
            }
        }
        Ok(skill)
    }
}

fn scenes(one: Option<String>, many: Option<Vec<String>>) -> Result<Vec<String>> {
    let mut scenes = many.unwrap_or_default();
    scenes.extend(one);
    scenes.dedup();
    if scenes.iter().any(|scene| scene != SCENE) {
        return Err(invalid("sceneMode", &Problem::Expected("`avatar_chat`", " `avatar_chat`")));
    }
    Ok(vec![SCENE.to_owned()])
}

fn invalid(field: &str, problem: &Problem) -> ApiError {
    ApiError::new(Code::SkillInvalid).about(field, problem)
}

/// The `name: value` lines between two lines of `---` at the beginning, and the rest. Quotes around a value are dropped.
fn front_matter(text: &str) -> (Vec<(&str, &str)>, &str) {
    let text = text.trim_start_matches('\u{feff}');
    let Some(rest) = text.strip_prefix("---").and_then(|rest| rest.trim_start_matches([' ', '\r']).strip_prefix('\n'))
    else {
        return (Vec::new(), text);
    };
    let mut matter = Vec::new();
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        at += line.len();
        if line.trim() == "---" {
            return (matter, &rest[at..]);
        }
        if let Some((name, value)) = line.split_once(':') {
            let value = value.trim().trim_matches(['"', '\'']);
            if !value.is_empty() {
                matter.push((name.trim(), value));
            }
        }
    }
    (Vec::new(), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn front_matter_is_read_and_removed() {
        let (matter, body) =
            front_matter("---\r\nname: \"Tea: a guide\"\nempty:\ndescription: how to brew\n---\n# Tea\n");
        assert_eq!(matter, [("name", "Tea: a guide"), ("description", "how to brew")]);
        assert_eq!(body, "# Tea\n");
        assert_eq!(front_matter("# Tea\n---\n"), (vec![], "# Tea\n---\n"));
        assert_eq!(front_matter("---\nname: never closed"), (vec![], "---\nname: never closed"));
    }

    proptest! {
        #[test]
        fn the_body_is_always_an_end_of_the_text(text in "(---\n)?([a-z]{0,4}:? ?[\"a-z-]{0,4}\r?\n){0,6}") {
            let (_, body) = front_matter(&text);
            prop_assert!(text.ends_with(body));
        }
    }
}
