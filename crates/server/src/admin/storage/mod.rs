//! What the server keeps, and how much room it takes.

mod store;

use crate::app::App;
use crate::error::Result;
use crate::users::uploads::{self, Usage};

/// How many users are named.
const LARGEST: i64 = 10;

/// What the server keeps.
#[derive(Clone, Debug)]
pub struct Figures {
    /// `SQLite` or `PostgreSQL`.
    pub database: &'static str,
    /// Bytes of the database.
    pub bytes: i64,
    /// Rows of the tables that grow, by table.
    pub rows: Vec<(String, i64)>,
    /// Uploaded files.
    pub uploads: Usage,
    /// Files of models: name and bytes.
    pub models: Vec<(String, u64)>,
}

/// What the server keeps now.
///
/// # Errors
/// Storage failures only.
pub async fn figures(app: &App) -> Result<Figures> {
    let database = match app.store().dialect() {
        secondme_store::Dialect::Sqlite => "SQLite",
        secondme_store::Dialect::Postgres => "PostgreSQL",
    };
    Ok(Figures {
        database,
        bytes: store::bytes(app.store()).await?,
        rows: store::rows(app.store()).await?,
        uploads: uploads::usage(app, LARGEST).await?,
        models: models(app).await,
    })
}

/// What lies in the folder of fetched models.
async fn models(app: &App) -> Vec<(String, u64)> {
    let Some(supply) = app.models().supply() else { return Vec::new() };
    let present = supply.list().into_iter().filter(|line| line.present);
    present.map(|line| (line.entry.name.to_owned(), line.entry.size)).collect()
}
