//! What a new account must look like: address, password, name, and the route made from them.

use crate::config::Accounts;
use crate::error::{ApiError, Lang, Problem};
use crate::users::profile::is_reserved;

const NAME_MAX: usize = 50;
const EMAIL_MAX: usize = 254;
const ROUTE_MAX: usize = 40;

/// Somebody who wants an account.
#[derive(Clone, Copy, Debug)]
pub struct NewUser<'a> {
    /// The address that they will log in with.
    pub email: &'a str,
    /// In the clear; it is hashed and forgotten.
    pub password: &'a str,
    /// The name that others see; empty: made from the address.
    pub name: &'a str,
}

/// A [`NewUser`] that keeps the rules.
#[derive(Debug)]
pub struct Checked<'a> {
    pub(super) email: String,
    pub(super) password: &'a str,
    pub(super) name: String,
}

/// Which rule a field breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The address is none.
    Email,
    /// The password has fewer characters than this.
    PasswordShort(usize),
    /// The password has more characters than this.
    PasswordLong(usize),
    /// The name has more characters than this.
    NameLong(usize),
}

impl Flaw {
    /// The field's name in forms.
    pub fn field(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PasswordShort(_) | Self::PasswordLong(_) => "password",
            Self::NameLong(_) => "name",
        }
    }

    /// A sentence for the person who typed it.
    pub fn words(self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Email, Lang::En) => "Enter an e-mail address, such as ada@example.com.".to_owned(),
            (Self::Email, Lang::Zh) => "请输入有效的邮箱地址，例如 ada@example.com。".to_owned(),
            (Self::PasswordShort(n), Lang::En) => format!("Use at least {n} characters."),
            (Self::PasswordShort(n), Lang::Zh) => format!("至少 {n} 个字符。"),
            (Self::PasswordLong(n) | Self::NameLong(n), Lang::En) => format!("Use at most {n} characters."),
            (Self::PasswordLong(n) | Self::NameLong(n), Lang::Zh) => format!("最多 {n} 个字符。"),
        }
    }
}

impl From<Flaw> for ApiError {
    fn from(flaw: Flaw) -> Self {
        let problem = match flaw {
            Flaw::Email => Problem::Expected("an e-mail address", "邮箱地址"),
            Flaw::PasswordShort(n) => Problem::TooShort(n),
            Flaw::PasswordLong(n) | Flaw::NameLong(n) => Problem::TooLong(n),
        };
        Self::invalid(flaw.field(), &problem)
    }
}

/// Checks every field; the first flaw in the order of the form.
///
/// # Errors
/// The flaw.
pub fn check<'a>(config: &Accounts, new: &NewUser<'a>) -> Result<Checked<'a>, Flaw> {
    let name = new.name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().count() > NAME_MAX {
        return Err(Flaw::NameLong(NAME_MAX));
    }
    let email = email(new.email).ok_or(Flaw::Email)?;
    password(config, new.password)?;
    let name = if name.is_empty() { local_part(&email).chars().take(NAME_MAX).collect() } else { name };
    Ok(Checked { email, password: new.password, name })
}

/// Refuses a password that is too short or too long.
///
/// # Errors
/// The flaw.
pub fn password(config: &Accounts, password: &str) -> Result<(), Flaw> {
    let length = password.chars().count();
    if length < config.password_min_chars {
        return Err(Flaw::PasswordShort(config.password_min_chars));
    }
    if length > config.password_max_chars {
        return Err(Flaw::PasswordLong(config.password_max_chars));
    }
    Ok(())
}

/// The address trimmed and in lower case, when it is one by the rule that browsers use for `<input type=email>`.
pub fn email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let (local, domain) = email.split_once('@')?;
    let is_local = |b: u8| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let good =
        email.len() <= EMAIL_MAX && !local.is_empty() && local.bytes().all(is_local) && domain.split('.').all(is_label);
    good.then_some(email)
}

fn local_part(email: &str) -> &str {
    email.split('@').next().unwrap_or_default()
}

/// The route of a home page, from the name or else the address; empty when neither has a usable character.
pub fn slug(name: &str, email: &str) -> String {
    [name, local_part(email)]
        .into_iter()
        .map(dashed)
        .find(|s| !s.is_empty())
        .map_or_else(String::new, |slug| if is_reserved(&slug) { format!("{slug}-1") } else { slug })
}

/// Lower-case letters and digits, everything else one dash.
fn dashed(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(ROUTE_MAX);
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::profile::is_route;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_checked_and_made_canonical() {
        assert_eq!(email("  Ada@Demo.Local ").as_deref(), Some("ada@demo.local"));
        for good in ["a@b", "o'neil+x@mail.example.co.uk", "1@1-1.cn"] {
            assert!(email(good).is_some(), "{good}");
        }
        let long = format!("a@{}.com", "b".repeat(260));
        for bad in
            ["", "ada", "@b.c", "a@", "a@b..c", "a@-b.c", "a@b-.c", "a@@b.c", "a b@c.d", "a@b c.d", "a@b\n.c", &long]
        {
            assert!(email(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn the_first_flaw_is_named() {
        let config = Accounts { password_min_chars: 8, password_max_chars: 12, ..Accounts::default() };
        let new = |email, password, name| check(&config, &NewUser { email, password, name }).map(|c| c.name);
        assert_eq!(new("ada@x.y", "12345678", "").unwrap(), "ada");
        assert_eq!(new("ada@x.y", "十二三四五六七八", " Ada \n Lovelace ").unwrap(), "Ada Lovelace");
        assert_eq!(new("ada@x.y", "1234567", "").unwrap_err(), Flaw::PasswordShort(8));
        assert_eq!(new("ada@x.y", "1234567890123", "").unwrap_err(), Flaw::PasswordLong(12));
        assert_eq!(new("ada", "1", "").unwrap_err(), Flaw::Email);
        assert_eq!(new("ada@x.y", "12345678", &"n".repeat(51)).unwrap_err(), Flaw::NameLong(50));
    }

    #[test]
    fn a_route_comes_from_the_name_or_the_address() {
        assert_eq!(slug("Ada Lovelace", "x@y"), "ada-lovelace");
        assert_eq!(slug("小明", "Xiao.Ming+1@y"), "xiao-ming-1");
        assert_eq!(slug("--", "+@y"), "");
        assert_eq!(slug("Login", "x@y"), "login-1");
    }

    proptest! {
        #[test]
        fn a_slug_is_a_route_or_empty(name in ".{0,80}", local in "[a-z+.]{1,64}") {
            let slug = slug(&name, &format!("{local}@example.com"));
            prop_assert!(slug.is_empty() || is_route(&slug), "{}", slug);
        }
    }
}
