//! What an owner can set of an avatar, and the limits of it.

use secondme_store::Tx;
use serde_json::Value;

use crate::app::App;
use crate::avatars::{contract, monetization, skills};
use crate::error::{ApiError, Code, Problem, Result};

/// What is to be set; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are those of contract 17.4 and 17.5")]
pub struct Definition {
    pub title: Option<String>,
    pub scenario_prompt: Option<String>,
    pub opening: Option<String>,
    pub cover_url: Option<String>,
    pub welcome_note: Option<String>,
    pub api_enabled: Option<bool>,
    pub wxapp_enabled: Option<bool>,
    /// Replaces the whole set.
    pub skill_keys: Option<Vec<String>>,
    /// Replaces the whole object.
    pub monetization: Option<Value>,
    pub material: Option<Value>,
    pub related_note_ids: Option<Vec<i64>>,
}

const URL_MAX_CHARS: usize = 2_000;

impl Definition {
    /// Checks what can be checked without the database.
    ///
    /// # Errors
    /// `invalid.param` with the field.
    pub fn check(&self, app: &App) -> Result<()> {
        let limits = &app.config().avatars;
        at_most("title", self.title.as_deref(), limits.title_max_chars)?;
        at_most("scenarioPrompt", self.scenario_prompt.as_deref(), limits.scenario_prompt_max_chars)?;
        at_most("opening", self.opening.as_deref(), limits.greeting_max_chars)?;
        at_most("welcomeNote", self.welcome_note.as_deref(), limits.greeting_max_chars)?;
        at_most("coverUrl", self.cover_url.as_deref(), URL_MAX_CHARS)?;
        if self.title.as_deref().is_some_and(|title| title.trim().is_empty()) {
            return Err(ApiError::invalid("title", &Problem::Required));
        }
        if self.cover_url.as_deref().is_some_and(|url| !url.is_empty() && !is_web_url(url)) {
            let problem = Problem::Expected("an http or https URL", " http 或 https 链接");
            return Err(ApiError::invalid("coverUrl", &problem));
        }
        if let Some(monetization) = &self.monetization {
            monetization::check(monetization)?;
        }
        self.check_lists(limits.skills_max, limits.related_notes_max)?;
        check_material(self.material.as_ref(), limits.material_max_chars)
    }

    fn check_lists(&self, skills_max: usize, notes_max: usize) -> Result<()> {
        if self.skill_keys.as_ref().is_some_and(|keys| keys.len() > skills_max) {
            return Err(ApiError::invalid("skillKeys", &Problem::TooMany(skills_max)));
        }
        if self.related_note_ids.as_ref().is_some_and(|ids| ids.len() > notes_max) {
            return Err(ApiError::invalid("relatedNoteIds", &Problem::TooMany(notes_max)));
        }
        Ok(())
    }

    /// Checks what only the database knows: skills that exist, and the contract behind `PAID`.
    ///
    /// # Errors
    /// `invalid.param` for an unknown skill; `failed` for `PAID` without a signed contract.
    pub(super) async fn check_in(&self, tx: &mut Tx, user_id: i64, failed: Code) -> Result<()> {
        if let Some(keys) = &self.skill_keys {
            skills::check_keys(tx, user_id, keys).await?;
        }
        let paid = self.monetization.as_ref().is_some_and(monetization::is_paid);
        if paid && contract::status_in(tx, user_id).await? != contract::Status::Signed {
            let why = "PAID needs a signed contract; this server has no till, its operator records contracts";
            return Err(ApiError::new(failed).arg(why));
        }
        Ok(())
    }
}

fn check_material(material: Option<&Value>, max: usize) -> Result<()> {
    match material {
        None => Ok(()),
        Some(Value::Object(_)) => at_most("material", material.map(Value::to_string).as_deref(), max),
        Some(_) => Err(ApiError::invalid("material", &Problem::Expected("an object", "对象"))),
    }
}

/// Refuses a text of more than `max` characters.
pub(in crate::avatars) fn at_most(field: &str, text: Option<&str>, max: usize) -> Result<()> {
    match text {
        Some(text) if text.chars().count() > max => Err(ApiError::invalid(field, &Problem::TooLong(max))),
        _ => Ok(()),
    }
}

fn is_web_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|u| matches!(u.scheme(), "http" | "https"))
}
