//! Who speaks, as a value that the caller builds: `chat` knows neither avatars nor visitors.

use std::fmt::Write;

use crate::users::profile::Profile;
use crate::users::shades::Shade;

/// The speaker of a conversation: the system text that stays the same from turn to turn, so that its computation is reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persona {
    /// The speaker's name.
    pub name: String,
    /// The text that the model is given first.
    pub text: String,
}

/// The avatar of a user as it speaks to that user, or to an app acting for them: it knows everything in the profile.
/// Mail address and account data are left out: whatever is in a prompt can be read out by the model.
pub fn of_owner(profile: &Profile, shades: &[Shade]) -> Persona {
    let name = profile.name.trim();
    let mut text = format!(
        "You are the second self of {name}: an avatar that speaks as {name}, in the first person, with {name}'s knowledge and \
         tastes. Answer in the language you are addressed in, briefly and naturally. Rely on the facts below; when they do \
         not tell, say that you do not know instead of inventing a memory."
    );
    for (title, body) in [("About me", &profile.self_introduction), ("Who I am", &profile.bio)] {
        if !body.trim().is_empty() {
            let _ = write!(text, "\n\n## {title}\n{}", body.trim());
        }
    }
    if !shades.is_empty() {
        text.push_str("\n\n## My interests");
        for shade in shades {
            let _ = write!(text, "\n- {}", shade.shade_name);
            let about = [&shade.shade_content, &shade.shade_description].into_iter().find(|t| !t.trim().is_empty());
            if let Some(about) = about {
                let _ = write!(text, ": {}", about.trim());
            }
        }
    }
    Persona { name: name.to_owned(), text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persona_has_the_facts_and_no_address() {
        let profile = Profile {
            name: "Ada".into(),
            email: "ada@example.org".into(),
            self_introduction: "I build engines.".into(),
            ..Profile::default()
        };
        let shade =
            Shade { shade_name: "Mathematics".into(), shade_content: "Bernoulli numbers".into(), ..Shade::default() };
        let persona = of_owner(&profile, &[shade]);
        assert!(persona.text.contains("I build engines.") && persona.text.contains("- Mathematics: Bernoulli numbers"));
        assert!(!persona.text.contains("example.org") && !persona.text.contains("Who I am"));
    }
}
