//! Profile and shades.

use serde_json::json;

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};

both! {
    async fn user_info_has_the_documented_fields(db: TestDb) {
        let world = World::new(db).await;
        let info = data(world.get("secondme/user/info", ADA).await);
        assert_eq!(info, json!({
            "userId": "1", "name": "Ada", "email": "ada@demo.local", "avatar": "", "avatarUrl": "", "bio": "",
            "selfIntroduction": info["selfIntroduction"], "profileCompleteness": 6, "route": "ada", "cover": "",
            "video": "", "layout": "avatar", "hasVoice": true, "accountStatus": "normal",
        }));
        assert!(info["selfIntroduction"].as_str().unwrap().contains("Lisbon"));
    }

    async fn a_profile_update_is_partial_and_echoed_in_both_spellings(db: TestDb) {
        let world = World::new(db).await;
        let changed = data(world.post("secondme/user/profile", ADA, &json!({
            "cover": "https://example.org/c.png", "aboutMe": "New", "origin_route": "ada-2", "unknown": 1, "name": null,
        })).await);
        assert_eq!(changed, json!({
            "name": "Ada", "avatar": "", "cover": "https://example.org/c.png", "about_me": "New", "aboutMe": "New",
            "origin_route": "ada-2", "originRoute": "ada-2", "homepage": format!("{}/ada-2", world.url),
        }));
        let cleared = data(world.post("secondme/user/profile", ADA, &json!({"cover": ""})).await);
        assert_eq!((cleared["cover"].as_str(), cleared["about_me"].as_str()), (Some(""), Some("New")));
        let info = data(world.get("secondme/user/info", ADA).await);
        assert_eq!((info["route"].as_str(), info["selfIntroduction"].as_str()), (Some("ada-2"), Some("New")));
    }

    async fn a_refused_update_changes_nothing(db: TestDb) {
        let world = World::new(db).await;
        let before = data(world.get("secondme/user/info", ADA).await);
        let long = "x".repeat(51);
        for body in [
            json!({"name": "New", "origin_route": "lin"}),
            json!({"name": "New", "origin_route": "no spaces"}),
            json!({"name": "New", "origin_route": "oauth"}),
            json!({"name": long, "about_me": "New"}),
            json!({"name": "New", "about_me": "x".repeat(501)}),
            json!({"name": "New", "avatar": "javascript:alert(1)"}),
            json!({"name": "  ", "about_me": "New"}),
        ] {
            refused(&world.post("secondme/user/profile", ADA, &body).await, 400, "user.profile.update_failed");
        }
        refused(&world.post("secondme/user/profile", ADA, &json!({"name": 7})).await, 400, "invalid.param");
        assert_eq!(data(world.get("secondme/user/info", ADA).await), before);
        // 50 characters are counted as characters, not bytes.
        data(world.post("secondme/user/profile", ADA, &json!({"name": "满".repeat(50)})).await);
    }

    async fn shades_are_ones_own_and_have_eighteen_fields(db: TestDb) {
        let world = World::new(db).await;
        let ada = data(world.get("secondme/user/shades", ADA).await);
        let lin = data(world.get("secondme/user/shades", LIN).await);
        assert_eq!(ada["shades"].as_array().unwrap().len(), 3);
        assert_eq!(lin["shades"].as_array().unwrap().len(), 2);
        let shade = ada["shades"][0].as_object().unwrap();
        assert_eq!(shade.len(), 18);
        assert_eq!(shade["shadeName"], "Programming");
        assert_eq!(shade["sourceTopics"], json!(["rust", "compilers"]));
        assert_eq!(shade["hasPublicContent"], true);
    }
}
