//! What the app store shows of an application (contract 4.1): texts and addresses, all optional.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Application, owned, store};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};

const TEXT_MAX: usize = 200;
const URL_MAX: usize = 2_000;
const SCREENSHOTS_MAX: usize = 20;

/// The fields of a listing. In a change, what is absent stays and an empty text takes a field away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Listing {
    /// A line below the name.
    pub subtitle: Option<String>,
    /// The app's picture.
    pub icon_url: Option<String>,
    /// The picture of shared links.
    pub og_image_url: Option<String>,
    /// At most 20.
    pub screenshots: Option<Vec<String>>,
    /// A film about the app.
    pub promo_video_url: Option<String>,
    /// The app itself.
    pub website_url: Option<String>,
    /// Where its users find help.
    pub support_url: Option<String>,
    /// What it does with data.
    pub privacy_policy_url: Option<String>,
}

impl Listing {
    /// As the database keeps it.
    pub fn to_json(&self) -> String {
        // Plain texts; serialising them does not fail.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }

    /// Back from the database.
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// This listing with a change applied.
    ///
    /// # Errors
    /// `invalid.param` on texts that are too long and on addresses that are not http or https.
    pub fn changed_by(self, change: &Self) -> Result<Self> {
        if change.subtitle.as_ref().is_some_and(|text| text.chars().count() > TEXT_MAX) {
            return Err(ApiError::invalid("subtitle", &Problem::TooLong(TEXT_MAX)));
        }
        for (field, url) in change.urls() {
            check_url(field, url)?;
        }
        if change.screenshots.as_ref().is_some_and(|all| all.len() > SCREENSHOTS_MAX) {
            return Err(ApiError::invalid("screenshots", &Problem::TooMany(SCREENSHOTS_MAX)));
        }
        let pick = |old: Option<String>, new: &Option<String>| match new {
            Some(text) if text.is_empty() => None,
            Some(text) => Some(text.clone()),
            None => old,
        };
        Ok(Self {
            subtitle: pick(self.subtitle, &change.subtitle),
            icon_url: pick(self.icon_url, &change.icon_url),
            og_image_url: pick(self.og_image_url, &change.og_image_url),
            screenshots: change.screenshots.clone().or(self.screenshots),
            promo_video_url: pick(self.promo_video_url, &change.promo_video_url),
            website_url: pick(self.website_url, &change.website_url),
            support_url: pick(self.support_url, &change.support_url),
            privacy_policy_url: pick(self.privacy_policy_url, &change.privacy_policy_url),
        })
    }

    fn urls(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let single = [
            ("iconUrl", &self.icon_url),
            ("ogImageUrl", &self.og_image_url),
            ("promoVideoUrl", &self.promo_video_url),
            ("websiteUrl", &self.website_url),
            ("supportUrl", &self.support_url),
            ("privacyPolicyUrl", &self.privacy_policy_url),
        ];
        let single = single.into_iter().filter_map(|(field, url)| Some((field, url.as_deref()?)));
        single.chain(self.screenshots.iter().flatten().map(|url| ("screenshots", url.as_str())))
    }
}

/// Addresses are links in other people's browsers, so a scheme that runs code is none.
fn check_url(field: &str, url: &str) -> Result<()> {
    if url.is_empty() && field != "screenshots" {
        return Ok(());
    }
    if url.len() > URL_MAX {
        return Err(ApiError::invalid(field, &Problem::TooLong(URL_MAX)));
    }
    let known = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if known {
        Ok(())
    } else {
        Err(ApiError::invalid(field, &Problem::Expected("an http or https URL", " http 或 https 地址")))
    }
}
/// Asks for a place in the catalogue; where the operator reviews apps, that waits for a decision.
///
/// # Errors
/// As [`super::owned`]; `oauth2.application.*` when the app is not approved.
pub async fn apply_listing(app: &App, owner: i64, app_id: &str, change: &Listing) -> Result<Application> {
    let known = owned(app.store(), owner, app_id).await?;
    known.check_status()?;
    let listing = known.listing.changed_by(change)?;
    let status = if app.config().policy.app_review { "pending_review" } else { "listed" };
    let mut tx = app.store().write().await?;
    store::set_listing(&mut tx, owner, app_id, &listing.to_json(), status, app.now()).await?;
    tx.commit().await?;
    owned(app.store(), owner, app_id).await
}
