//! The featured feed: a ranking of the whole plaza, made at most once a minute and shared by all readers. Who pages through it
//! stays with the ranking that they began with. The rule is documented in `docs/API.md`.

use std::collections::HashMap;

use super::store;
use crate::app::App;
use crate::error::Result;

/// Candidates for each place, so that authors with many posts do not leave places empty.
const CANDIDATES_PER_PLACE: usize = 4;

/// The ranking of now: the last one, or a new one when that is too old.
pub(super) async fn current(app: &App) -> Result<i64> {
    let plaza = &app.config().plaza;
    if let Some((id, made_at)) = store::latest_ranking(app.store()).await?
        && app.now() - made_at < plaza.featured_seconds * 1_000
    {
        return Ok(id);
    }
    make(app).await
}

/// Makes a ranking; its id.
async fn make(app: &App) -> Result<i64> {
    let plaza = &app.config().plaza;
    let wanted = i64::try_from(plaza.featured_max.saturating_mul(CANDIDATES_PER_PLACE)).unwrap_or(i64::MAX);
    let hottest = store::hottest(app.store(), wanted).await?;
    let places = choose(&hottest, plaza.featured_max, plaza.featured_per_author);
    let mut tx = app.store().write().await?;
    let id = store::insert_ranking(&mut tx, &places, app.now()).await?;
    store::forget_rankings(&mut tx, app.now() - plaza.ranking_keep_seconds * 1_000).await?;
    tx.commit().await?;
    Ok(id)
}

/// The best, but of every author only so many.
fn choose(hottest: &[(i64, i64)], max: usize, per_author: usize) -> Vec<i64> {
    let mut taken: HashMap<i64, usize> = HashMap::new();
    let mut places = Vec::new();
    for (seq, author) in hottest {
        let taken = taken.entry(*author).or_default();
        if *taken < per_author && places.len() < max {
            *taken += 1;
            places.push(*seq);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_fills_the_feed() {
        let hottest = [(9, 1), (8, 1), (7, 1), (6, 2), (5, 3), (4, 2), (3, 2)];
        assert_eq!(choose(&hottest, 10, 2), [9, 8, 6, 5, 4]);
        assert_eq!(choose(&hottest, 3, 2), [9, 8, 6]);
    }
}
