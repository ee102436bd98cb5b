//! The avatar center: every field, limit and error of contract 17.1 to 17.9, 17.13, 17.14.

use secondme_server::avatars::contract::{self, Status};
use secondme_server::users::accounts::{self, NewUser};
use serde_json::{Value, json};

use crate::harness::{ADA, Browser, LIN, TestDb, World, both, data, refused};

const AVATAR_FIELDS: [&str; 21] = [
    "avatarId",
    "type",
    "title",
    "scenarioPrompt",
    "opening",
    "coverUrl",
    "welcomeNote",
    "modes",
    "distribution",
    "skillKeys",
    "monetization",
    "material",
    "relatedNoteIds",
    "shareCode",
    "shareUrl",
    "isDefault",
    "usageCount",
    "viewCount",
    "createdAt",
    "modes",
    "type",
];

async fn create(world: &World, body: Value) -> Value {
    data(world.post("secondme/avatar/create", ADA, &body).await)
}

async fn detail(world: &World, id: &Value) -> Value {
    data(world.get(&format!("secondme/avatar/detail?avatarId={id}"), ADA).await)
}

fn paid() -> Value {
    json!({"accessType": "PAID", "currency": "CNY", "saleStatus": "ON_SALE", "threeDayPriceUnitAmount": 100_000,
        "threeDayReplyQuota": 10, "freeChatCount": 2, "agreementAccepted": true})
}

both! {
    async fn everybody_has_one_primary_avatar_that_stays(db: TestDb) {
        let world = World::new(db).await;
        accounts::create(&world.app, &NewUser { email: "new@example.org", password: "long enough", name: "New" }).await.unwrap();
        let list = data(world.get("secondme/avatar/list", ADA).await);
        assert_eq!((list["total"].as_i64(), list["list"].as_array().unwrap().len()), (Some(1), 1));
        let primary = &list["list"][0];
        assert_eq!(primary, &json!({
            "avatarId": 1, "type": "primary", "title": "Ada", "scenarioPrompt": null, "opening": null, "coverUrl": null,
            "welcomeNote": null, "modes": {"textChat": true, "voiceCall": false},
            "distribution": {"apiEnabled": true, "wxappEnabled": false}, "skillKeys": [],
            "monetization": {"accessType": "FREE", "freeChatUnlimited": false}, "material": {}, "relatedNoteIds": [],
            "shareCode": "ada000000001", "shareUrl": format!("{}/ada/avatar/ada000000001", world.url), "isDefault": true,
            "usageCount": 0, "viewCount": 0, "createdAt": "2025-06-15 15:06:40",
        }));
        refused(&world.post("secondme/avatar/delete", ADA, &json!({"avatarId": 1})).await, 400, "avatar.delete.failed");
        assert_eq!(detail(&world, &json!(1)).await, *primary);
        let sql = secondme_store::sql!("SELECT COUNT(*) AS n FROM users u WHERE NOT EXISTS
            (SELECT 1 FROM avatars a WHERE a.user_id = u.id AND a.kind = 'primary' AND a.is_default = TRUE)");
        let without: i64 = world.app.store().opt(sql, secondme_store::params![]).await.unwrap().unwrap().get("n").unwrap();
        assert_eq!(without, 0);
    }

    async fn every_field_is_kept_and_updated(db: TestDb) {
        let world = World::new(db).await;
        let body = json!({
            "title": "  Tea master ", "scenarioPrompt": "Speak of tea.", "opening": "Tea?", "coverUrl": "https://x.org/c.png",
            "welcomeNote": "Come in", "modes": {"textChat": false}, "distribution": {"apiEnabled": false, "wxappEnabled": true},
            "skillKeys": ["web"], "monetization": {"accessType": "SPONSORED", "accessScope": "PUBLIC", "note": 1},
            "material": {"origin": "Hangzhou"}, "relatedNoteIds": [5, 6], "unknown": true,
        });
        let made = create(&world, body.clone()).await;
        let keys: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(AVATAR_FIELDS.iter().all(|f| keys.contains(f)) && keys.len() == 19, "{keys:?}");
        assert_eq!((made["type"].as_str(), made["title"].as_str()), (Some("custom"), Some("Tea master")));
        for field in ["scenarioPrompt", "opening", "coverUrl", "welcomeNote", "distribution", "skillKeys", "monetization", "material", "relatedNoteIds"] {
            assert_eq!(made[field], body[field], "{field}");
        }
        // Modes are told, not set; a share code is twelve hex digits; ids are numbers below 2^53.
        assert_eq!(made["modes"], json!({"textChat": true, "voiceCall": false}));
        let code = made["shareCode"].as_str().unwrap();
        assert!(code.len() == 12 && code.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
        let id = made["avatarId"].clone();
        assert!(id.as_i64().unwrap() >= 1000);
        assert_eq!(detail(&world, &id).await, made);
        // One field at a time; what is not named, or null, stays. The id may come as text.
        let update = |change: Value| {
            let mut body = change;
            body["avatarId"] = id.to_string().into();
            let world = &world;
            async move { data(world.post("secondme/avatar/update", ADA, &body).await) }
        };
        let mut expected = made.clone();
        for (field, value) in [
            ("title", json!("Tea")), ("scenarioPrompt", json!("Green tea only.")), ("opening", json!("Hello")),
            ("welcomeNote", json!("Hi")), ("coverUrl", json!("http://x.org/d.png")), ("skillKeys", json!([])),
            ("monetization", json!({"accessType": "FREE"})), ("material", json!({})), ("relatedNoteIds", json!([])),
            ("distribution", json!({"apiEnabled": true, "wxappEnabled": true})),
        ] {
            expected[field] = value.clone();
            assert_eq!(update(json!({field: value, "opening2": null, "title2": 7})).await, expected, "{field}");
        }
        update(json!({"distribution": {"wxappEnabled": false}})).await;
        let kept = update(json!({"scenarioPrompt": null, "opening": ""})).await;
        assert_eq!((&kept["scenarioPrompt"], &kept["opening"]), (&json!("Green tea only."), &Value::Null));
        assert_eq!(kept["distribution"], json!({"apiEnabled": true, "wxappEnabled": false}));
    }

    async fn the_cover_is_that_of_the_profile_until_there_is_an_own_one(db: TestDb) {
        let world = World::new(db).await;
        data(world.post("secondme/user/profile", ADA, &json!({"cover": "https://x.org/profile.png"})).await);
        assert_eq!(detail(&world, &json!(1)).await["coverUrl"], "https://x.org/profile.png");
        data(world.post("secondme/avatar/update", ADA, &json!({"avatarId": 1, "coverUrl": "https://x.org/own.png"})).await);
        assert_eq!(detail(&world, &json!(1)).await["coverUrl"], "https://x.org/own.png");
        data(world.post("secondme/avatar/update", ADA, &json!({"avatarId": 1, "coverUrl": ""})).await);
        assert_eq!(detail(&world, &json!(1)).await["coverUrl"], "https://x.org/profile.png");
    }

    async fn limits_are_named_and_change_nothing(db: TestDb) {
        let world = World::with_config(db, |config| config.avatars.per_user_max = 3).await;
        let bad = |change: Value| {
            let mut body = json!({"title": "T"});
            for (name, value) in change.as_object().unwrap() {
                body[name] = value.clone();
            }
            body
        };
        let too_many: Vec<i64> = (0..51).collect();
        for (change, field) in [
            (json!({"title": null}), "title"), (json!({"title": " "}), "title"), (json!({"title": "x".repeat(101)}), "title"),
            (json!({"title": 7}), "body"), (json!({"scenarioPrompt": "满".repeat(40_001)}), "scenarioPrompt"),
            (json!({"opening": "x".repeat(4_001)}), "opening"), (json!({"welcomeNote": "x".repeat(4_001)}), "welcomeNote"),
            (json!({"coverUrl": "javascript:alert(1)"}), "coverUrl"), (json!({"skillKeys": ["nope"]}), "skillKeys"),
            (json!({"material": [1]}), "material"), (json!({"material": {"a": "x".repeat(20_001)}}), "material"),
            (json!({"relatedNoteIds": too_many}), "relatedNoteIds"), (json!({"monetization": {"accessType": "X"}}), "accessType"),
        ] {
            let answer = world.post("secondme/avatar/create", ADA, &bad(change)).await;
            refused(&answer, 400, "invalid.param");
            let message = answer.1["message"].as_str().unwrap();
            assert!(message.contains(field) || field == "body", "{field}: {message}");
        }
        let before = detail(&world, &json!(1)).await;
        refused(&world.post("secondme/avatar/update", ADA, &json!({"avatarId": 1, "opening": "new", "title": ""})).await, 400, "invalid.param");
        refused(&world.post("secondme/avatar/update", ADA, &json!({"title": "x"})).await, 400, "invalid.param");
        assert_eq!(detail(&world, &json!(1)).await, before);
        data(world.post("secondme/avatar/create", ADA, &json!({"title": "满".repeat(100), "scenarioPrompt": "满".repeat(40_000)})).await);
        create(&world, json!({"title": "same"})).await;
        refused(&world.post("secondme/avatar/create", ADA, &json!({"title": "one too many"})).await, 400, "avatar.create.failed");
    }

    async fn an_avatar_is_its_owners_alone(db: TestDb) {
        let world = World::new(db).await;
        let id = create(&world, json!({"title": "Mine"})).await["avatarId"].clone();
        let body = json!({"avatarId": id, "title": "Stolen"});
        refused(&world.get(&format!("secondme/avatar/detail?avatarId={id}"), LIN).await, 404, "avatar.fetch.failed");
        refused(&world.post("secondme/avatar/update", LIN, &body).await, 404, "avatar.update.failed");
        refused(&world.post("secondme/avatar/delete", LIN, &body).await, 404, "avatar.delete.failed");
        refused(&world.post(&format!("secondme/avatar/{id}/set-default"), LIN, &json!({})).await, 404, "avatar.update.failed");
        refused(&world.get("secondme/avatar/detail?avatarId=999999", ADA).await, 404, "avatar.fetch.failed");
        refused(&world.get("secondme/avatar/detail?avatarId=ada000000001", ADA).await, 400, "invalid.param");
        refused(&world.get("secondme/avatar/detail", ADA).await, 400, "invalid.param");
        assert_eq!(data(world.post("secondme/avatar/delete", ADA, &body).await), Value::Null);
        refused(&world.post("secondme/avatar/delete", ADA, &body).await, 404, "avatar.delete.failed");
        refused(&world.get(&format!("secondme/avatar/detail?avatarId={id}"), ADA).await, 404, "avatar.fetch.failed");
    }

    async fn lists_are_paged(db: TestDb) {
        let world = World::new(db).await;
        let mut made = Vec::new();
        for n in 0..5 {
            made.push(create(&world, json!({"title": format!("A{n}")})).await["avatarId"].clone());
        }
        let page = |query: &'static str| {
            let world = &world;
            async move {
                let data = data(world.get(&format!("secondme/avatar/list{query}"), ADA).await);
                assert_eq!(data["total"], 6);
                data["list"].as_array().unwrap().iter().map(|a| a["avatarId"].clone()).collect::<Vec<_>>()
            }
        };
        made.reverse();
        let mut all = vec![json!(1)];
        all.extend(made);
        assert_eq!(page("").await, all);
        assert_eq!(page("?pageNo=2&pageSize=4").await, all[4..]);
        assert_eq!(page("?page=1&page_size=2").await, all[..2]);
        assert_eq!(page("?pageNo=0&pageSize=1000").await, all);
    }

    async fn one_avatar_is_the_default(db: TestDb) {
        let world = World::new(db).await;
        let id = create(&world, json!({"title": "Second"})).await["avatarId"].clone();
        let defaults = || async {
            let list = data(world.get("secondme/avatar/list", ADA).await);
            let ids = list["list"].as_array().unwrap().iter().filter(|a| a["isDefault"] == true);
            ids.map(|a| a["avatarId"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(defaults().await, [json!(1)]);
        assert_eq!(data(world.post(&format!("secondme/avatar/{id}/set-default"), ADA, &json!({})).await), Value::Null);
        assert_eq!(defaults().await, std::slice::from_ref(&id));
        data(world.post("secondme/avatar/delete", ADA, &json!({"avatarId": id})).await);
        assert_eq!(defaults().await, [json!(1)]);
    }

    async fn the_public_face_shows_what_it_should(db: TestDb) {
        let world = World::new(db).await;
        let body = json!({"avatarId": 1, "scenarioPrompt": "SECRET", "opening": "Hi", "welcomeNote": "Welcome", "material": {"k": "SECRET"}});
        data(world.post("secondme/avatar/update", ADA, &body).await);
        let public = data(world.get("secondme/avatar/public/ada000000001", LIN).await);
        assert_eq!(public, json!({
            "id": 1, "shareCode": "ada000000001", "name": "Ada", "modes": {"textChat": true, "voiceCall": false},
            "coverUrl": null, "opening": "Hi", "welcomeNote": "Welcome",
            "monetization": {"accessType": "FREE", "freeChatUnlimited": false}, "interactionCount": 0, "viewCount": 1,
            "createdAt": "2025-06-15 15:06:40", "ownerUserId": 1, "ownerRoute": "ada", "ownerUsername": "Ada", "ownerAvatar": "",
        }));
        assert!(!public.to_string().contains("SECRET"));
        // Looks of the owner do not count.
        assert_eq!(data(world.get("secondme/avatar/public/ada000000001", ADA).await)["viewCount"], 1);
        assert_eq!(data(world.get("secondme/avatar/public/ada000000001", LIN).await)["viewCount"], 2);
        assert_eq!(detail(&world, &json!(1)).await["viewCount"], 2);
        refused(&world.get("secondme/avatar/public/1", LIN).await, 404, "avatar.fetch.failed");
    }

    async fn the_share_link_leads_to_a_page(db: TestDb) {
        let world = World::new(db).await;
        let body = json!({"avatarId": 1, "title": "Bread & <b>more</b>", "scenarioPrompt": "SECRET", "opening": "Hungry?", "welcomeNote": "Come in",
            "coverUrl": "https://x.org/c.png"});
        let link = data(world.post("secondme/avatar/update", ADA, &body).await)["shareUrl"].as_str().unwrap().to_owned();
        let mut browser = Browser::new(&world.http, &world.url);
        let page = browser.open(link.strip_prefix(&world.url).unwrap()).await;
        assert_eq!(page.status, 200);
        for shown in ["Hungry?", "Come in", "An avatar of <a href=\"/ada\">Ada</a>", "ada000000001"] {
            assert!(page.html.contains(shown), "{shown} is missing in {}", page.html);
        }
        assert!(!page.html.contains("SECRET") && !page.html.contains("<b>more"));
        assert!(!page.html.contains("x.org"), "a visitor's browser asks another server");
        assert_eq!(detail(&world, &json!(1)).await["viewCount"], 1);
        // A look of the owner does not count; an older route of the owner still leads here; an unknown code does not.
        let login = browser.open("/login").await;
        browser.submit(&login, "password", &[("email", "ada@demo.local"), ("password", secondme_server::demo::PASSWORD)]).await;
        assert_eq!(browser.open("/countess/avatar/ada000000001").await.status, 200);
        assert_eq!(detail(&world, &json!(1)).await["viewCount"], 1);
        assert_eq!(browser.open("/ada/avatar/nope").await.status, 404);
    }

    async fn paid_needs_a_signed_contract(db: TestDb) {
        let world = World::new(db).await;
        let status = || async { data(world.get("secondme/avatar/contract/status", ADA).await) };
        assert_eq!(status().await, json!({"status": "NOT_SIGNED"}));
        let body = json!({"title": "Paid", "monetization": paid()});
        let update = json!({"avatarId": 1, "monetization": paid()});
        for recorded in [None, Some(Status::Pending)] {
            if let Some(recorded) = recorded {
                contract::record(&world.app, "ada@demo.local", recorded).await.unwrap();
                assert_eq!(status().await, json!({"status": "PENDING"}));
            }
            let answer = world.post("secondme/avatar/create", ADA, &body).await;
            refused(&answer, 400, "avatar.create.failed");
            assert!(answer.1["message"].as_str().unwrap().contains("no till"), "{}", answer.1);
            refused(&world.post("secondme/avatar/update", ADA, &update).await, 400, "avatar.update.failed");
        }
        contract::record(&world.app, "ada@demo.local", Status::Signed).await.unwrap();
        assert_eq!(status().await, json!({"status": "SIGNED"}));
        assert_eq!(data(world.post("secondme/avatar/update", ADA, &update).await)["monetization"], paid());
        assert_eq!(create(&world, body).await["monetization"], paid());
        let public = data(world.get("secondme/avatar/public/ada000000001", LIN).await);
        assert!(public["monetization"].get("agreementAccepted").is_none());
        assert_eq!(data(world.get("secondme/avatar/contract/status", LIN).await), json!({"status": "NOT_SIGNED"}));
        assert!(contract::record(&world.app, "nobody@demo.local", Status::Signed).await.is_err());
    }

    async fn the_qr_code_is_an_image_of_the_link(db: TestDb) {
        let world = World::new(db).await;
        let code = data(world.get("secondme/avatar/wxapp-qrcode?avatarId=1", ADA).await);
        assert_eq!(code["shareUrl"], format!("{}/ada/avatar/ada000000001", world.url));
        let response = world.http.get(code["qrcodeUrl"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "image/png");
        let png = response.bytes().await.unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&png[..])).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert!(info.width == info.height && info.width > 200);
        // The corner is quiet, the first module of the finder pattern is dark.
        let (side, line) = (info.width as usize, info.line_size);
        let dark = |x: usize, y: usize| pixels[y * line + x / 8] & (0x80 >> (x % 8)) == 0;
        assert!(!dark(0, 0) && !dark(31, 31) && dark(32, 32) && dark(32 + 8 * 6, 32) && !dark(side - 1, side - 1));
        let svg = world.http.get(code["qrcodeSvgUrl"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(svg.headers()["content-type"], "image/svg+xml");
        assert!(svg.text().await.unwrap().starts_with("<svg "));
        refused(&world.get("secondme/avatar/wxapp-qrcode?avatarId=2", ADA).await, 404, "avatar.fetch.failed");
        let unknown = world.http.get(format!("{}/avatars/qrcode/nope.png", world.url)).send().await.unwrap();
        assert_eq!(unknown.status(), 404);
    }
}
