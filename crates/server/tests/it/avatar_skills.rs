//! Skills of avatars: the official ones, custom ones in Markdown, and making an avatar with them (contract 17.5, 17.15, 17.16).

use serde_json::{Value, json};

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};

async fn create(world: &World, body: Value) -> Value {
    data(world.post("secondme/avatar/custom-skills/create", ADA, &body).await)
}

both! {
    async fn official_skills_say_whether_the_server_is_set_up_for_them(db: TestDb) {
        let world = World::new(db).await;
        let skills = data(world.get("secondme/avatar/skills/available?sceneMode=avatar_chat", ADA).await);
        assert_eq!(skills["skills"].as_array().unwrap().len(), 1);
        let web = &skills["skills"][0];
        assert_eq!((&web["skillKey"], &web["enabled"]), (&json!("web"), &json!(false)));
        assert!(web["displayName"].as_str().is_some_and(|t| !t.is_empty()) && web["description"].as_str().is_some_and(|t| !t.is_empty()));
        assert_eq!(data(world.get("secondme/avatar/skills/available", ADA).await), skills);
        refused(&world.get("secondme/avatar/skills/available?sceneMode=plaza", ADA).await, 400, "invalid.param");
    }

    async fn custom_skills_are_made_and_listed(db: TestDb) {
        let world = World::new(db).await;
        let made = create(&world, json!({"sourceType": "md_text", "title": "ignored", "whenToUse": "tea",
            "contentMarkdown": "---\nname: Brewing\ndescription: How to brew\n---\n80 degrees."})).await;
        assert!(made["skillKey"].as_str().unwrap().starts_with("avatar_custom_"));
        assert_eq!(made, json!({"id": made["id"], "skillKey": made["skillKey"], "title": "Brewing", "description": "How to brew",
            "whenToUse": "tea", "version": "1.0.0", "sceneMode": "avatar_chat", "sceneModes": ["avatar_chat"],
            "sourceType": "md_text", "status": "valid"}));
        assert!(made["id"].as_str().unwrap().parse::<i64>().is_ok());
        assert_eq!(data(world.get("secondme/avatar/custom-skills/list?sceneMode=avatar_chat", ADA).await), json!([made]));
        assert_eq!(data(world.get("secondme/avatar/custom-skills/list", LIN).await), json!([]));
        for (body, sub_code) in [
            (json!({"sourceType": "md_text", "title": "x"}), "content.required"),
            (json!({"sourceType": "md_text", "title": "x", "contentMarkdown": "---\nname: x\n---\n \n"}), "content.required"),
            (json!({"sourceType": "md_text", "contentMarkdown": "text"}), "definition.invalid"),
            (json!({"sourceType": "md_text", "title": "x".repeat(101), "contentMarkdown": "text"}), "definition.invalid"),
            (json!({"sourceType": "md_text", "title": "x", "sceneMode": "plaza", "contentMarkdown": "text"}), "definition.invalid"),
            (json!({"sourceType": "md_text", "title": "x", "contentMarkdown": "x".repeat(20_001)}), "definition.invalid"),
            (json!({"title": "x", "contentMarkdown": "text"}), "source.unsupported"),
            (json!({"sourceType": "zip", "title": "x", "contentMarkdown": "text"}), "source.unsupported"),
            (json!({"sourceType": "md_text", "sourceUrl": "https://x.org/a.md", "title": "x", "contentMarkdown": "t"}), "source.unsupported"),
            (json!({"sourceType": "md_text", "md_url": "https://x.org/a.md", "title": "x", "contentMarkdown": "t"}), "source.unsupported"),
        ] {
            let sub_code = format!("avatar.custom.skill.{sub_code}");
            refused(&world.post("secondme/avatar/custom-skills/create", ADA, &body).await, 400, &sub_code);
        }
        // Somebody else's skill is none.
        let body = json!({"title": "x", "skillKeys": [made["skillKey"]]});
        refused(&world.post("secondme/avatar/create", LIN, &body).await, 400, "invalid.param");
        assert_eq!(data(world.post("secondme/avatar/create", ADA, &body).await)["skillKeys"], json!([made["skillKey"]]));
    }

    async fn skill_create_makes_all_or_nothing(db: TestDb) {
        let world = World::new(db).await;
        let old = create(&world, json!({"sourceType": "md_text", "title": "Old", "contentMarkdown": "old"})).await;
        let body = |markdown: &str| json!({
            "title": "Skilled", "scenarioPrompt": "p", "material": {"k": "v"}, "relatedNoteIds": [1],
            "skills": {"officialSkillKeys": ["web"], "existingCustomSkillKeys": [old["skillKey"]],
                "customMarkdownSkills": [{"title": "New", "contentMarkdown": markdown}]},
        });
        let made = data(world.post("secondme/avatar/skill-create", ADA, &body("new")).await);
        let new_key = made["createdCustomSkills"][0]["skillKey"].clone();
        assert_eq!(made["createdCustomSkills"], json!([{"skillKey": new_key, "title": "New", "sourceType": "md_text"}]));
        assert_eq!(made["enabledSkillKeys"], json!(["web", old["skillKey"], new_key]));
        assert_eq!((&made["avatar"]["skillKeys"], &made["avatar"]["material"]), (&made["enabledSkillKeys"], &json!({"k": "v"})));
        assert!(made["avatar"]["shareCode"].as_str().is_some() && made["avatar"]["avatarId"].as_i64().is_some());
        // The newest clients send the official ones only; none at all works, too.
        let plain = data(world.post("secondme/avatar/skill-create", ADA, &json!({"title": "Plain", "skillKeys": ["web"]})).await);
        assert_eq!((&plain["enabledSkillKeys"], &plain["createdCustomSkills"]), (&json!(["web"]), &json!([])));
        let before = data(world.get("secondme/avatar/list", ADA).await);
        refused(&world.post("secondme/avatar/skill-create", ADA, &body(" ")).await, 400, "avatar.custom.skill.content.required");
        let mut unknown = body("new");
        unknown["skills"]["existingCustomSkillKeys"] = json!(["avatar_custom_nope"]);
        refused(&world.post("secondme/avatar/skill-create", ADA, &unknown).await, 400, "invalid.param");
        assert_eq!(data(world.get("secondme/avatar/list", ADA).await), before);
        assert_eq!(data(world.get("secondme/avatar/custom-skills/list", ADA).await).as_array().unwrap().len(), 2);
    }
}
