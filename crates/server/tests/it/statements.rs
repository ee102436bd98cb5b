//! Every SQL text of the server is prepared on both databases; it replaces queries that are checked when compiled.

use secondme_store::testing::prepare_all;

use crate::harness::{TestDb, World, both};

both! {
    async fn every_statement_is_understood(db: TestDb) {
        let world = World::new(db).await;
        let problems = prepare_all(world.app.store(), concat!(env!("CARGO_MANIFEST_DIR"), "/src")).await;
        assert!(problems.is_empty(), "{problems:#?}");
    }
}
