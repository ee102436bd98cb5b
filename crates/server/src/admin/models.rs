//! The models behind the two names, and choosing another one of the catalogue.

use secondme_llm::{Load, ModelInfo, ModelStatus};

use super::trail::{self, Deed};
use crate::app::App;
use crate::chat::models::{ModelName, supply};
use crate::error::Result;

/// A model behind a name.
#[derive(Clone, Debug)]
pub struct Model {
    /// `secondme/nano`.
    pub name: &'static str,
    /// What it is.
    pub info: ModelInfo,
    /// Whether it can be asked.
    pub status: ModelStatus,
    /// What it has to do.
    pub load: Option<Load>,
}

impl Model {
    /// Why it cannot be asked; none: it can, or will be.
    pub fn failure(&self) -> Option<&str> {
        if let ModelStatus::Failed(why) = &self.status { Some(why) } else { None }
    }

    /// Whether it answers.
    pub fn is_ready(&self) -> bool {
        self.status == ModelStatus::Ready
    }
}

/// Both, or one where they are the same.
pub fn all(app: &App) -> Vec<Model> {
    let names: &[ModelName] =
        if app.models().are_one() { &[ModelName::Nano] } else { &[ModelName::Nano, ModelName::Pro] };
    let look = |name: &ModelName| {
        let model = app.models().get(*name);
        Model { name: name.as_str(), info: model.info(), status: model.status(), load: model.load() }
    };
    names.iter().map(look).collect()
}

/// Chooses a model of the catalogue; it is fetched when it is not here.
///
/// # Errors
/// As [`supply::choose_in`].
pub async fn choose(app: &App, operator: &str, name: &str) -> Result<()> {
    let mut tx = app.store().write().await?;
    supply::choose_in(app, &mut tx, name).await?;
    trail::write(app, &mut tx, Deed { operator, action: "choose", kind: "model", id: name, reason: "" }).await?;
    tx.commit().await?;
    Ok(())
}
