//! What operators did: who, what, to what, when and why. Never changed.

mod store;

use secondme_kit::{Millis, Page};
use secondme_store::Tx;

use crate::app::App;
use crate::error::{ApiError, Lang, Problem, Result};

/// The longest reason.
const REASON_MAX: usize = 500;

/// A line of the trail.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Line {
    pub at: Millis,
    pub operator: String,
    pub action: String,
    pub kind: String,
    pub id: String,
    pub reason: String,
}

impl Line {
    /// What was done, in the reader's language; a word that this version does not know stays as it is.
    pub fn deed(&self, lang: &Lang) -> &str {
        let zh = match self.action.as_str() {
            "suspend" => "停用",
            "reinstate" => "恢复",
            "make operator" => "设为管理员",
            "no operator" => "取消管理员",
            "approve" => "批准",
            "reject" => "驳回",
            "choose" => "选择模型",
            other => other,
        };
        lang.pick(self.action.as_str(), zh)
    }
}

/// Something that an operator does.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Deed<'a> {
    pub operator: &'a str,
    pub action: &'a str,
    pub kind: &'a str,
    pub id: &'a str,
    pub reason: &'a str,
}

/// Writes a line, in the transaction that does it.
///
/// # Errors
/// `invalid.param` when the reason is too long.
pub async fn write(app: &App, tx: &mut Tx, deed: Deed<'_>) -> Result<()> {
    let reason = deed.reason.trim();
    if reason.chars().count() > REASON_MAX {
        return Err(ApiError::invalid("reason", &Problem::TooLong(REASON_MAX)));
    }
    store::insert(tx, Deed { reason, ..deed }, app.now()).await?;
    Ok(())
}

/// A page of the trail, the newest first, and how many lines there are.
///
/// # Errors
/// Storage failures only.
pub async fn lines(app: &App, page: Page) -> Result<(Vec<Line>, i64)> {
    Ok((store::lines(app.store(), page).await?, store::count(app.store()).await?))
}

/// What was done to one thing, the newest first; at most 20 lines.
///
/// # Errors
/// Storage failures only.
pub async fn about(app: &App, kind: &str, id: &str) -> Result<Vec<Line>> {
    Ok(store::about(app.store(), kind, id).await?)
}
