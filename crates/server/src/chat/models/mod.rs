//! `secondme/nano` and `secondme/pro`: the names clients use, and the models that config, or the operator, puts behind them.

mod place;
mod store;
pub mod supply;
mod turns;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use secondme_llm::ChatModel;
use serde_json::Value;

pub use place::Place;
pub use supply::Supply;

use super::traced::Traced;
use crate::config::Compat;
use crate::error::{ApiError, Problem, Result};
use turns::Turns;

/// A model by the name that clients use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelName {
    /// Fast and cheap; the default.
    Nano,
    /// Better at hard questions and strict output.
    Pro,
}

impl ModelName {
    /// The name in requests and chunks.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nano => "secondme/nano",
            Self::Pro => "secondme/pro",
        }
    }

    /// From the request's `model`: absent, `null` and `""` mean nano, anything unknown is 422 (contract 10.2).
    ///
    /// # Errors
    /// 422 on any other value.
    pub fn parse(value: Option<&Value>, compat: &Compat) -> Result<Self> {
        match value {
            None | Some(Value::Null) => Ok(Self::Nano),
            Some(Value::String(name)) => match name.as_str() {
                "" | "secondme/nano" => Ok(Self::Nano),
                "secondme/pro" => Ok(Self::Pro),
                "google_ai_studio/gemini-2.0-flash" if compat.legacy_models => Ok(Self::Nano),
                "anthropic/claude-sonnet-4-5" | "cloudsway/claude-sonnet-4.6" if compat.legacy_models => Ok(Self::Pro),
                _ => Err(Self::refused()),
            },
            Some(_) => Err(Self::refused()),
        }
    }

    fn refused() -> ApiError {
        let problem = Problem::Expected("`secondme/nano` or `secondme/pro`", " `secondme/nano` 或 `secondme/pro`");
        ApiError::unprocessable("model", "value_error", &problem)
    }
}

/// The models of this server.
#[derive(Clone)]
pub struct Models {
    nano: Arc<dyn ChatModel>,
    pro: Arc<dyn ChatModel>,
    /// Whether both are the same.
    one: bool,
    present: Arc<AtomicBool>,
    supply: Arc<OnceLock<Supply>>,
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Models").field("nano", &self.nano.info()).field("pro", &self.pro.info()).finish()
    }
}

impl Models {
    /// A model for each name; they may be the same.
    pub fn new(nano: Arc<dyn ChatModel>, pro: Arc<dyn ChatModel>) -> Self {
        let one = Arc::ptr_eq(&nano, &pro);
        // One line in front of each model, whatever its names.
        let nano = Turns::around(nano);
        let pro = if one { Arc::clone(&nano) } else { Turns::around(pro) };
        let (nano, pro) = (Traced::around(ModelName::Nano, nano), Traced::around(ModelName::Pro, pro));
        Self { nano, pro, one, present: Arc::new(AtomicBool::new(true)), supply: Arc::default() }
    }

    /// Where models of the catalogue come from; none where no model is of the catalogue.
    pub fn supply(&self) -> Option<&Supply> {
        self.supply.get()
    }

    /// Says where models of the catalogue come from; the first one stays.
    pub fn set_supply(&self, supply: Supply) {
        let _ = self.supply.set(supply);
    }

    /// Whether both names lead to the same model.
    pub fn are_one(&self) -> bool {
        self.one
    }

    /// The model behind a name.
    pub fn get(&self, name: ModelName) -> &Arc<dyn ChatModel> {
        match name {
            ModelName::Nano => &self.nano,
            ModelName::Pro => &self.pro,
        }
    }

    /// Whether the files of all models are here; until then the server is not ready.
    pub fn are_present(&self) -> bool {
        self.present.load(Ordering::Acquire)
    }

    /// Notes that the files are still being fetched, or have come.
    pub fn set_present(&self, present: bool) {
        self.present.store(present, Ordering::Release);
    }
}
