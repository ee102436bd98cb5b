//! The pages of somebody who is signed in, without scripts: what each form does, and that it does it for its owner only.

use std::sync::Arc;

use image::ImageFormat;
use secondme_server::demo;
use secondme_speech::Hum;
use secondme_store::{params, sql};
use serde_json::json;

use super::harness::{ADA, Browser, Shown, TestDb, World, both, data};
use super::uploads::picture;

/// Every page of `/home` that needs nothing but an account.
const PAGES: [&str; 14] = [
    "/home",
    "/home/memory",
    "/home/memory/notes",
    "/home/memory/ask?q=cat",
    "/home/memory/portrait",
    "/home/timeline",
    "/home/avatars",
    "/home/avatars/1",
    "/home/avatars/1/knowledge",
    "/home/avatars/1/share",
    "/home/avatars/1/numbers",
    "/home/avatars/1/evaluations",
    "/home/conversations",
    "/home/settings",
];

async fn signed_in(world: &World, email: &str) -> Browser {
    let mut browser = Browser::new(&world.http, &world.url);
    let login = browser.open("/login").await;
    let home = browser.submit(&login, "password", &[("email", email), ("password", demo::PASSWORD)]).await;
    assert_eq!(home.at, "/home");
    browser
}

fn has(page: &Shown, text: &str) {
    assert!(page.html.contains(text), "{text:?} is not at {} in {}", page.at, page.html);
}

/// The value of the first field with this name in the form that holds `marker`.
fn value(page: &Shown, marker: &str, name: &str) -> String {
    let form = page.html.split("<form").find(|form| form.contains(marker)).unwrap();
    form.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

both! {
    async fn every_page_of_home_asks_who_you_are_and_keeps_the_policy(db: TestDb) {
        let world = World::new(db).await;
        let mut stranger = Browser::new(&world.http, &world.url);
        let mut ada = signed_in(&world, "ada@demo.local").await;
        for path in PAGES {
            let login = stranger.open(path).await;
            assert!(login.at.starts_with("/login?next=%2Fhome"), "{path} led to {}", login.at);
            let page = ada.open(path).await;
            assert_eq!((page.status.as_u16(), page.at.as_str()), (200, path), "{}", page.html);
            assert!(!page.html.contains(" style=") && !page.html.contains("<style") && !page.html.contains(" onclick"), "{path}");
            assert!(page.html.split("<script").skip(1).all(|s| s.starts_with(" src=\"/static/")), "{path}");
            assert_eq!(page.html.matches("<h1").count(), 1, "{path}");
        }
        // Lin sees nothing of Ada's.
        let mut lin = signed_in(&world, "lin@demo.local").await;
        for path in ["/home/avatars/1", "/home/avatars/1/knowledge", "/home/avatars/1/share", "/home/avatars/1/numbers", "/home/avatars/1/evaluations"] {
            assert_eq!(lin.open(path).await.status, 404, "{path}");
        }
    }

    async fn a_form_needs_its_token_and_says_what_came_of_it(db: TestDb) {
        let world = World::new(db).await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let page = ada.open("/home/memory").await;
        let fields = [("content", "I sing in a choir"), ("csrf", "x")];
        assert_eq!(ada.submit(&page, "id=\"new\"", &fields).await.status, 403);
        let kept = ada.submit(&page, "id=\"new\"", &[("content", "I sing in a choir")]).await;
        assert_eq!(kept.at, "/home/memory");
        has(&kept, "Remembered.");
        has(&kept, "I sing in a choir");
        has(&kept, "written by you");
        // The sentence is shown once.
        let again = ada.open("/home/memory").await;
        assert!(!again.html.contains("Remembered."));
        // What the rule refuses is said, too.
        let refused = ada.submit(&again, "id=\"new\"", &[("content", &"x".repeat(20_000))]).await;
        has(&refused, "flash bad");
    }

    async fn memories_and_notes_are_changed_and_forgotten(db: TestDb) {
        let world = World::new(db).await;
        world.remember().await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let page = ada.open("/home/memory?q=peanuts").await;
        has(&page, "memory-words\">I am allergic to peanuts<");
        assert!(!page.html.contains("northern lights"), "the search leaves out the rest");
        let changed = [("content", "I am allergic to peanuts and lupins"), ("visibility", "1")];
        let page = ada.submit(&page, "/home/memory/change", &changed).await;
        has(&page, "peanuts and lupins");
        has(&page, "visitors may hear it");
        let found = ada.open("/home/memory/ask?q=peanuts&who=anyone").await;
        has(&found, "peanuts and lupins");
        assert!(!ada.open("/home/memory/ask?q=northern+lights&who=anyone").await.html.contains("northern lights in"));
        let page = ada.open("/home/memory?q=lupins").await;
        ada.submit(&page, "/home/memory/forget", &[]).await;
        assert!(!ada.open("/home/memory?q=lupins").await.html.contains("peanuts and"));

        let notes = ada.open("/home/memory/notes").await;
        let notes = ada.submit(&notes, "id=\"content\"", &[("title", "Jam"), ("content", "Plums & sugar")]).await;
        has(&notes, "Plums &#38; sugar");
        let id = value(&notes, "/home/memory/notes/change", "id");
        let notes = ada.submit(&notes, &format!("words-{id}"), &[("title", "Jam"), ("content", "Plums only")]).await;
        has(&notes, "Plums only");
        let notes = ada.submit(&notes, "/home/memory/notes/delete", &[("id", &id)]).await;
        assert!(!notes.html.contains("Plums only"));
    }

    async fn a_chat_without_scripts_waits_for_its_answer(db: TestDb) {
        let world = World::new(db).await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let page = ada.open("/home").await;
        let chat = ada.submit(&page, "composer", &[("message", "What is <b>my</b> cat called?")]).await;
        assert!(chat.at.starts_with("/home/chat/labs_sess_"), "{}", chat.at);
        has(&chat, "&#60;b&#62;my&#60;/b&#62; cat called?");
        assert_eq!(chat.html.matches("message assistant").count(), 1, "{}", chat.html);
        let why = chat.html.split("/home/chat/why/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        has(&ada.open(&format!("/home/chat/why/{why}")).await, "What this answer was based on");
        let mut lin = signed_in(&world, "lin@demo.local").await;
        assert_eq!(lin.open(&chat.at).await.status, 403);
        assert_eq!(lin.open(&format!("/home/chat/why/{why}")).await.status, 404);
        let refused = ada.submit(&page, "composer", &[("message", "  ")]).await;
        has(&refused, "flash bad");
    }

    async fn answers_are_spoken_with_the_chosen_voice(db: TestDb) {
        let world = World::new(db).await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let silent = ada.open("/home/settings").await;
        has(&silent, "does not speak at the moment");
        let chat = ada.open("/home").await;
        let chat = ada.submit(&chat, "composer", &[("message", "Good evening")]).await;
        assert!(!chat.html.contains("/home/chat/speak/") && !chat.html.contains("#voice"), "a server that cannot speak");
        let hum = Arc::new(Hum::default());
        world.app.speaker().set(hum.clone());
        // Whoever has no voice is led to the choice of one.
        data(world.post("secondme/tts/voice", ADA, &json!({"voiceId": ""})).await);
        let chat = ada.open(&chat.at).await;
        has(&chat, "href=\"/home/settings#voice\"");
        let page = ada.open("/home/settings").await;
        has(&page, "<optgroup label=\"English\">");
        let heard = ada.post(&page, "/home/settings/voice/sample", "voice-name", &[("voice", "am_puck")]).await;
        let file = heard.html.split("<audio controls autoplay src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert!(file.starts_with("/cdn/") && file.ends_with(".mp3"), "{file}");
        has(&heard, "<option value=\"am_puck\" selected>");
        assert_eq!(world.http.get(format!("{}{file}", world.url)).send().await.unwrap().status(), 200);
        let unknown = ada.post(&page, "/home/settings/voice/sample", "voice-name", &[("voice", "nobody")]).await;
        has(&unknown, "flash bad");
        let saved = ada.submit(&page, "voice-name", &[("voice", "am_puck")]).await;
        has(&saved, "Saved.");
        // The form of an answer leads to a file that plays; hearing it again speaks nothing anew.
        let chat = ada.open(&chat.at).await;
        let spoken = ada.submit(&chat, "/home/chat/speak/", &[]).await;
        assert!(spoken.at.starts_with("/cdn/") && spoken.status == 200, "{}", spoken.at);
        assert_eq!((ada.submit(&chat, "/home/chat/speak/", &[]).await.at, hum.calls()), (spoken.at, 2));
        // Nobody hears another one's answers, nor words of a visitor of theirs.
        let mut lin = signed_in(&world, "lin@demo.local").await;
        let own = lin.open("/home").await;
        let own = lin.submit(&own, "composer", &[("message", "Hello")]).await;
        let place = chat.html.split("action=\"/home/chat/speak/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let foreign = lin.post(&own, &format!("/home/chat/speak/{place}"), "composer", &[]).await;
        assert_eq!(foreign.status, 404);
        assert_eq!(hum.calls(), 2);
    }

    async fn the_timeline_has_what_an_app_reported(db: TestDb) {
        let world = World::new(db).await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let event = |id: &str, url: &str, important: f64| json!({"channel": {"kind": "game"}, "action": "won", "actionLabel": "Won", "displayText": format!("Won {id}"),
            "importance": important, "eventTime": crate::harness::START, "refs": [{"object_type": "g", "object_id": id, "contentPreview": "e4", "url": url}]});
        for body in [event("g1", "https://chess.example/g1", 0.9), event("g2", "javascript:alert(1)", 0.2)] {
            data(world.post("secondme/agent_memory/ingest", ADA, &body).await);
        }
        let page = ada.open("/home/timeline?date=2025-06-15").await;
        has(&page, "Won g1");
        has(&page, "href=\"https://chess.example/g1\"");
        assert!(!page.html.contains("javascript:"), "a link that runs");
        has(&page, "aria-current=\"date\"");
        has(&page, "June 2025");
        assert_eq!(ada.open("/home/timeline?month=2025-6").await.status, 400);
    }

    async fn an_avatar_is_made_changed_shared_and_deleted(db: TestDb) {
        let world = World::new(db).await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let list = ada.open("/home/avatars").await;
        let page = ada.submit(&list, "id=\"scenario\"", &[("title", "Baker"), ("scenario", "You sell bread")]).await;
        assert!(page.at.starts_with("/home/avatars/"), "{}", page.at);
        let place = page.at.clone();
        let fields = [("title", "Baker"), ("scenario", "You sell bread & cake"), ("opening", "Hungry?"), ("welcome", "Fresh"), ("skill.web", "on"), ("api", "on")];
        let page = ada.submit(&page, "id=\"opening\"", &fields).await;
        has(&page, "You sell bread &#38; cake");
        has(&page, "name=\"skill.web\" value=\"on\" checked");
        // What was typed is not lost when it is too long.
        let long = "x".repeat(5_000);
        let refused = ada.submit(&page, "id=\"opening\"", &[("title", "Baker"), ("opening", &long)]).await;
        assert_eq!(refused.status, 400);
        has(&refused, &long);
        let share = ada.open(&format!("{place}/share")).await;
        has(&share, "Open to visitors");
        let made = ada.submit(&share, "id=\"key-name\"", &[("name", "Shop")]).await;
        let key = made.html.split("id=\"fresh-key\" class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        assert!(key.starts_with("sk-"), "{key}");
        assert!(!ada.open(&format!("{place}/share")).await.html.contains(&key), "shown twice");
        let body = json!({"apiKey": key});
        data(world.post("secondme/visitor-chat/init", crate::harness::LIN, &body).await);
        let off = ada.submit(&made, "/keys/change", &[("act", "off")]).await;
        has(&off, "Turn on");
        let (status, _) = world.post("secondme/visitor-chat/init", crate::harness::LIN, &body).await;
        assert_eq!(status, 401);
        let gone = ada.submit(&page, "/delete", &[]).await;
        assert_eq!(gone.at, "/home/avatars");
        assert!(!gone.html.contains("Baker"));
    }

    async fn an_avatar_is_given_facts_notes_skills_and_a_cover(db: TestDb) {
        let world = World::new(db).await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let page = ada.open("/home/avatars/1/knowledge").await;
        has(&page, "You have no notes yet.");
        let rows = [("name.0", "Opening hours"), ("text.0", "Tue & Wed from 8"), ("name.1", "Nothing"), ("text.1", "")];
        let page = ada.submit(&page, "text.0", &rows).await;
        has(&page, "value=\"Opening hours\"");
        has(&page, "Tue &#38; Wed from 8");
        assert!(!page.html.contains("value=\"Nothing\""));
        let persona = world.app.store().opt(sql!("SELECT material FROM avatars WHERE id = $1"), params![1_i64]).await;
        let material: String = persona.unwrap().unwrap().get("material").unwrap();
        assert_eq!(material, "{\"Opening hours\":\"Tue & Wed from 8\"}");
        // Only notes of one's own can be given.
        let notes = ada.open("/home/memory/notes").await;
        let notes = ada.submit(&notes, "id=\"content\"", &[("title", "Jam"), ("content", "Plums")]).await;
        let id = value(&notes, "/home/memory/notes/change", "id");
        let page = ada.open("/home/avatars/1/knowledge").await;
        let ticked = format!("note.{id}");
        let page = ada.submit(&page, "/home/avatars/1/notes", &[(&ticked, "on"), ("note.999999", "on")]).await;
        has(&page, &format!("name=\"{ticked}\" value=\"on\" checked"));
        let avatar = data(world.get("secondme/avatar/detail?avatarId=1", ADA).await);
        assert_eq!(avatar["relatedNoteIds"], json!([id.parse::<i64>().unwrap()]));
        // A skill is written, is on, and is gone from every avatar.
        let refused = ada.submit(&page, "skill-content", &[("title", "Orders"), ("content", &"x".repeat(20_001))]).await;
        assert_eq!(refused.status, 400);
        has(&refused, "value=\"Orders\"");
        let fields = [("title", "Orders"), ("when", "When somebody orders"), ("content", "# Ask for a name")];
        let page = ada.submit(&page, "skill-content", &fields).await;
        has(&page, "has learned it");
        let key = value(&page, "/skills/delete", "key");
        has(&ada.open("/home/avatars/1").await, &format!("name=\"skill.{key}\" value=\"on\" checked"));
        let mut lin = signed_in(&world, "lin@demo.local").await;
        let own = lin.open("/home/settings").await;
        has(&lin.post(&own, "/home/avatars/2/skills/delete", "zone-name", &[("key", &key)]).await, "flash bad");
        let page = ada.submit(&page, "/skills/delete", &[]).await;
        assert!(!page.html.contains(&key));
        assert_eq!(data(world.get("secondme/avatar/detail?avatarId=1", ADA).await)["skillKeys"], json!([]));
        // The cover is a picture, and can be taken away.
        let editor = ada.open("/home/avatars/1").await;
        let csrf = value(&editor, "/home/avatars/1/cover", "csrf");
        let with = ada.upload("/home/avatars/1/cover", &[("csrf", &csrf)], &picture(ImageFormat::Png, 1)).await;
        has(&with, "<img class=\"cover\" src=\"/cdn/");
        assert_eq!(ada.upload("/home/avatars/1/cover", &[("csrf", "x")], &picture(ImageFormat::Png, 1)).await.status, 403);
        let broken = ada.upload("/home/avatars/1/cover", &[("csrf", &csrf)], b"not a picture").await;
        has(&broken, "flash bad");
        let without = ada.upload("/home/avatars/1/cover", &[("csrf", &csrf)], b"").await;
        assert!(!without.html.contains("class=\"cover\""));
    }

    async fn an_app_is_watched_and_ended(db: TestDb) {
        let world = World::new(db).await;
        let (token, _) = world.connect(ADA, &["userinfo", "note.write"]).await;
        data(world.get("secondme/user/info", &token).await);
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let apps = ada.open("/home/apps").await;
        has(&apps, "Demo App");
        has(&apps, "Add, find, change and delete notes");
        let log = apps.html.split("/home/apps/app_").nth(1).unwrap().split(['"', '/']).next().unwrap().to_owned();
        has(&ada.open(&format!("/home/apps/app_{log}")).await, "See your name");
        let ended = ada.submit(&apps, "/end", &[("forget", "on")]).await;
        has(&ended, "is being forgotten");
        has(&ended, "No app has access");
        let (status, _) = world.get("secondme/user/info", &token).await;
        assert_eq!(status, 401);
    }

    async fn settings_are_kept(db: TestDb) {
        let world = World::new(db).await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let page = ada.open("/home/settings").await;
        let fields = [("name", "Ada L."), ("route", "ada-l"), ("about", "Bread, cello")];
        let page = ada.submit(&page, "id=\"about\"", &fields).await;
        has(&page, "value=\"Ada L.\"");
        has(&ada.open("/ada-l").await, "Bread, cello");
        let taken = ada.submit(&page, "id=\"about\"", &[("name", "Ada"), ("route", "lin"), ("about", "")]).await;
        has(&taken, "flash bad");
        let reserved = ada.submit(&page, "id=\"about\"", &[("name", "Ada"), ("route", "home"), ("about", "")]).await;
        has(&reserved, "flash bad");
        let zoned = ada.submit(&page, "zone-name", &[("zone", "Europe/Lisbon")]).await;
        has(&zoned, "<option selected>Europe/Lisbon");
        let off = ada.submit(&page, "/home/settings/reports", &[("on", "off")]).await;
        has(&off, "Turn on");
        // What is the user's can be taken along, and ended, from here.
        has(&page, "href=\"/account/export\"");
        let wrong = ada.submit(&page, "/account/delete", &[("password", "wrong")]).await;
        assert_eq!((wrong.status.as_u16(), wrong.at.as_str()), (401, "/account/delete"));
        has(&wrong, "role=\"alert\"");
        let chinese = ada.submit(&page, "/language", &[("lang", "zh"), ("next", "/home/settings")]).await;
        assert_eq!(chinese.at, "/home/settings");
        has(&chinese, "lang=\"zh-CN\"");
        let away = ada.submit(&page, "/language", &[("lang", "en"), ("next", "//evil.example")]).await;
        assert_eq!(away.at, "/home");
    }
}
