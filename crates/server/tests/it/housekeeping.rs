//! What has ended long ago is reclaimed, and nothing else.

use secondme_server::access::{Kind, tokens};
use secondme_server::oauth::housekeeping;

use crate::harness::{ADA, TestDb, World, both, data, refused};

both! {
    async fn expired_tokens_stay_a_week_and_go(db: TestDb) {
        let world = World::new(db).await;
        let token = world.mint(Kind::Access, "userinfo").await;
        data(world.get("secondme/user/info", &token).await);
        assert_eq!(housekeeping::reclaim(&world.app).await.unwrap(), 0);
        world.clock.advance(3_600_000 + 86_400_000);
        assert_eq!(housekeeping::reclaim(&world.app).await.unwrap(), 0);
        refused(&world.get("secondme/user/info", &token).await, 401, "oauth2.token.expired");
        world.clock.advance(7 * 86_400_000);
        assert_eq!(housekeeping::reclaim(&world.app).await.unwrap(), 1);
        world.app.grants().invalidate_all();
        refused(&world.get("secondme/user/info", &token).await, 401, "auth.token.invalid");
        data(world.get("secondme/user/info", ADA).await);
        let hash = tokens::digest(world.app.key(), &token);
        let sql = secondme_store::sql!("SELECT kind FROM tokens WHERE token_hash = $1");
        assert!(world.app.store().opt(sql, secondme_store::params![hash]).await.unwrap().is_none());
    }
}
