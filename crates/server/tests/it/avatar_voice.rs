//! What a visitor hears: the definition rules, and nothing private is in the prompt.

use secondme_server::avatars::center::{self, persona_for_visitor};
use secondme_server::memory::audience::Listener;
use secondme_server::users::shades::{self, Shade};
use serde_json::json;

use crate::harness::{ADA, START, TestDb, World, both, data};

const VISITOR: Listener = Listener::Visitor { signed_in: false };

both! {
    async fn the_definition_rules_and_private_things_stay_private(db: TestDb) {
        let world = World::new(db).await;
        let private = Shade { id: 99, shade_name: "Poker".into(), shade_content: "high stakes".into(), ..Shade::default() };
        let half = Shade { id: 98, shade_name: "Sailing alone".into(), shade_content: "to forget".into(), shade_name_public: "Sailing".into(),
            shade_content_public: "on lakes".into(), has_public_content: true, ..Shade::default() };
        let mut tx = world.app.store().write().await.unwrap();
        shades::put(&mut tx, 1, &private, START).await.unwrap();
        shades::put(&mut tx, 1, &half, START).await.unwrap();
        let bio = secondme_store::sql!("UPDATE users SET bio = 'Hides a debt.' WHERE id = 1");
        tx.run(bio, secondme_store::params![]).await.unwrap();
        tx.commit().await.unwrap();
        let skill = data(world.post("secondme/avatar/custom-skills/create", ADA, &json!({"sourceType": "md_text", "title": "Recipes",
            "whenToUse": "asked for bread", "contentMarkdown": "Always name the flour."})).await);
        let body = json!({"title": "Bread guide", "scenarioPrompt": "You only talk about bread.", "opening": "Hungry?",
            "material": {"opening hours": "8 to 12", "shelf": ["rye", "wheat"]}, "skillKeys": ["web", skill["skillKey"]]});
        let made = data(world.post("secondme/avatar/create", ADA, &body).await);
        let avatar = center::get(&world.app, 1, made["avatarId"].as_i64().unwrap()).await.unwrap();
        let voice = persona_for_visitor(&world.app, &avatar, &VISITOR).await.unwrap();
        let text = &voice.persona.text;
        assert_eq!((voice.persona.name.as_str(), voice.opening.as_deref(), voice.web_search, voice.owner_id), ("Bread guide", Some("Hungry?"), true, 1));
        for heard in ["You only talk about bread.", "Bread guide", "Lisbon", "Sailing: on lakes", "opening hours: 8 to 12", "[\"rye\",\"wheat\"]",
            "Skill: Recipes", "Use it when: asked for bread", "Always name the flour.", "not with Ada"] {
            assert!(text.contains(heard), "{heard} is missing in {text}");
        }
        for silent in ["Poker", "high stakes", "Sailing alone", "to forget", "ada@demo.local", "Hides a debt."] {
            assert!(!text.contains(silent), "{silent} is in {text}");
        }
        let definition = text.find("You only talk about bread.").unwrap();
        assert!(definition < text.find("Lisbon").unwrap(), "the definition comes first");
        // The owner is known as such, and hears of private interests.
        let own = persona_for_visitor(&world.app, &avatar, &Listener::Owner).await.unwrap();
        assert!(own.persona.text.contains("your owner") && own.persona.text.contains("Poker: high stakes") && own.persona.text.contains("Hides a debt."));
        assert!(!own.persona.text.contains("ada@demo.local"));
        // The same avatar and listener give the same text, so that the model's cache is hit.
        assert_eq!(persona_for_visitor(&world.app, &avatar, &VISITOR).await.unwrap(), voice);
    }
}
