//! The demo world: two users, one app, fixed ids and credentials, made once (`serve --demo`).
//!
//! Invariant: everything in it is marked `demo`, and what is marked so works on loopback only.

use std::path::Path;

use secondme_store::Tx;
use serde::Serialize;
use serde_json::json;

use crate::access::{Caller, Kind, NewToken, Requested, tokens};
use crate::app::App;
use crate::avatars::{api_keys, center};
use crate::error::Result;
use crate::memory::notes::{self, Material};
use crate::memory::{events, key_memories};
use crate::oauth::apps::{self, ClientType, Credentials, NewApplication};
use crate::plaza::certificates;
use crate::users::accounts::{self, Seed};
use crate::users::profile::{self, Change};
use crate::users::shades::{self, Shade};

/// A demo user's fixed facts.
#[derive(Debug)]
struct Person {
    id: i64,
    email: &'static str,
    name: &'static str,
    route: &'static str,
    share_code: &'static str,
    voice: &'static str,
    introduction: &'static str,
    shades: &'static [(&'static str, &'static str, &'static str)],
    /// Title and words.
    notes: &'static [(&'static str, &'static str)],
    memories: &'static [&'static str],
    /// Action, label and what the timeline shows.
    events: &'static [(&'static str, &'static str, &'static str)],
}

/// Everybody's password in the demo world.
pub const PASSWORD: &str = "demo-password";
/// The demo app's redirect URI.
pub const REDIRECT_URI: &str = "http://localhost:3000/api/auth/callback";
/// The demo app's Client ID.
pub const CLIENT_ID: &str = "de300000-0000-4000-8000-000000000001";
/// The demo app's Client Secret.
pub const CLIENT_SECRET: &str = "demo-client-secret";
/// The key of Ada's avatar.
pub const AVATAR_KEY: &str = "sk-de300000000000000000000000000001";

const PEOPLE: [Person; 2] = [
    Person {
        id: 1,
        email: "ada@demo.local",
        name: "Ada",
        route: "ada",
        share_code: "ada000000001",
        voice: "af_heart",
        introduction: "I write programs for a living and play the cello badly on purpose. I live in Lisbon with a cat called \
            Babbage, I am allergic to peanuts, and on Saturdays I bake sourdough bread for the whole street.",
        shades: &[
            (
                "Programming",
                "I like small tools that do one thing, and I read compiler sources for fun.",
                "rust,compilers",
            ),
            ("Music", "I have played the cello for six years; Bach's suites are my Sunday mornings.", "cello,bach"),
            (
                "Baking",
                "Sourdough with a starter that is older than my cat; my best loaf has rye and walnuts.",
                "bread,rye",
            ),
        ],
        notes: &[
            (
                "Rye and walnut loaf",
                "400 g rye, 200 g wheat, 12 g salt, 480 g water, a handful of walnuts. Proof overnight in the fridge; bake at 240 \
                 degrees for 20 minutes with steam, then at 200 for 25.",
            ),
            (
                "Cello lessons",
                "Lessons with Teresa on Tuesdays at seven, in Alfama. Next: the sarabande of the second suite.",
            ),
        ],
        memories: &[
            "My cat is called Babbage and is nine years old",
            "I am allergic to peanuts",
            "I want to see the northern lights in Tromsø next winter",
        ],
        events: &[
            ("post_created", "Posted in the forum", "Asked in Compilers Weekly how others test their parsers"),
            ("reply", "Replied to a thread", "Recommended a long, cold proof for rye bread in Home Bakers"),
        ],
    },
    Person {
        id: 2,
        email: "lin@demo.local",
        name: "林小满",
        route: "lin",
        share_code: "lin000000002",
        voice: "zf_xiaoxiao",
        introduction: "我在杭州做产品设计，喜欢徒步、摄影和手冲咖啡。每年秋天我都会去一次川西，周末常在西湖边拍日出。",
        shades: &[
            ("徒步", "走过贡嘎和四姑娘山，最喜欢清晨的高山草甸。", "徒步,川西"),
            ("咖啡", "每天早上一杯浅烘埃塞俄比亚，水温九十二度。", "手冲,埃塞俄比亚"),
        ],
        notes: &[("川西行程", "十月三日从成都出发，先到四姑娘山镇住两晚，再去新都桥等日落；带上羽绒服和偏振镜。")],
        memories: &["我的相机是富士 X-T5", "我不吃香菜"],
        events: &[("post_created", "发了帖子", "在徒步社区分享了四姑娘山大峰的路线")],
    },
];

/// What `data/demo.json` holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct World {
    /// `{BASE}` for clients.
    pub base_url: String,
    /// The authorize page.
    pub oauth_url: String,
    /// The users, with a ready personal token each.
    pub users: Vec<User>,
    /// The app.
    pub app: Application,
    /// The first user's avatar, with a key that opens it.
    pub avatar: DemoAvatar,
}

/// A user of the demo world.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct User {
    pub email: &'static str,
    pub password: &'static str,
    pub user_id: String,
    pub access_token: String,
}

/// The avatar of the demo world that visitors can talk to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct DemoAvatar {
    pub avatar_id: i64,
    pub share_code: &'static str,
    pub api_key: &'static str,
}

/// The app of the demo world.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct Application {
    pub client_id: &'static str,
    pub client_secret: &'static str,
    pub redirect_uris: Vec<&'static str>,
}

/// The ready personal token of a demo user.
pub fn access_token(route: &str) -> String {
    format!("lba_at_demo_{route}")
}

/// Describes the demo world of a server.
pub fn world(app: &App) -> World {
    World {
        base_url: app.base_url(),
        oauth_url: format!("{}/oauth/", app.public_url()),
        users: PEOPLE
            .iter()
            .map(|p| User {
                email: p.email,
                password: PASSWORD,
                user_id: p.id.to_string(),
                access_token: access_token(p.route),
            })
            .collect(),
        app: Application { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: vec![REDIRECT_URI] },
        avatar: DemoAvatar { avatar_id: PEOPLE[0].id, share_code: PEOPLE[0].share_code, api_key: AVATAR_KEY },
    }
}

/// Makes the demo world where it is not there yet; what is there stays as its users changed it. Returns the users it made.
///
/// # Errors
/// Storage failures only.
pub async fn seed(app: &App) -> Result<Vec<i64>> {
    let known = accounts::list(app).await?;
    let missing: Vec<&Person> = PEOPLE.iter().filter(|p| !known.iter().any(|u| u.email == p.email)).collect();
    let made = missing.iter().map(|person| person.id).collect();
    if !missing.is_empty() {
        let password_hash = accounts::hash_password(app, PASSWORD).await?;
        for person in missing {
            seed_person(app, person, &password_hash).await?;
        }
    }
    let redirect_uris = [REDIRECT_URI.to_owned()];
    let new = NewApplication {
        owner: Some(PEOPLE[0].id),
        name: "Demo App",
        description: "An app to try the API with.",
        redirect_uris: &redirect_uris,
        allowed: Requested::all(),
        client_type: ClientType::Confidential,
    };
    let credentials = Credentials {
        app_id: "app_demo".to_owned(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
    };
    let mut tx = app.store().write().await?;
    apps::put(app, &mut tx, &new, &credentials, true).await?;
    tx.commit().await?;
    if let Some(avatar) = center::by_share_code(app, PEOPLE[0].share_code).await? {
        api_keys::put(app, 1, &avatar, "Demo key", AVATAR_KEY).await?;
    }
    Ok(made)
}

/// Gives new users of the demo world something to remember.
///
/// # Errors
/// Storage failures only.
pub async fn remember(app: &App, users: &[i64]) -> Result<()> {
    for person in PEOPLE.iter().filter(|person| users.contains(&person.id)) {
        seed_memory(app, person).await?;
    }
    Ok(())
}

async fn seed_person(app: &App, person: &Person, password_hash: &str) -> Result<()> {
    let mut tx = app.store().write().await?;
    let seed = Seed {
        id: Some(person.id),
        avatar_id: Some(person.id),
        share_code: Some(person.share_code),
        demo: true,
        email: person.email,
        password_hash,
        name: person.name,
        route: Some(person.route),
    };
    let Some(user_id) = accounts::create_in(app, &mut tx, &seed).await? else { return Ok(()) };
    let change = Change { self_introduction: Some(person.introduction.to_owned()), ..Change::default() };
    profile::update_in(app, &mut tx, user_id, &change).await?;
    profile::set_voice_in(app, &mut tx, user_id, person.voice).await?;
    for (at, shade) in (0..).zip(person.shades) {
        shades::put(&mut tx, user_id, &demo_shade(person.id * 10 + at, person.name, *shade), app.now()).await?;
    }
    put_token(app, &mut tx, user_id, &access_token(person.route)).await?;
    certificates::issue(app, &mut tx, user_id).await?;
    tx.commit().await?;
    Ok(())
}

/// Notes, key memories and events, through the rules that clients use.
async fn seed_memory(app: &App, person: &Person) -> Result<()> {
    let token = access_token(person.route);
    let Some(grant) = tokens::find(app.store(), app.key(), app.grants(), &token).await? else { return Ok(()) };
    let caller = Caller { user_id: person.id, grant };
    for (title, content) in person.notes {
        notes::add(app, &caller, Some(title), Material::Text((*content).to_owned())).await?;
    }
    for memory in person.memories {
        key_memories::insert(app, &caller, memory, None).await?;
    }
    let event = |(at, (action, label, text)): (usize, &(&str, &str, &str))| {
        json!({"channel": {"kind": "post", "platform": "demo_community"}, "action": action, "action_label": label,
               "display_text": text, "importance": 0.7, "refs": [{"object_type": "post", "object_id": format!("demo_{at}")}]})
    };
    let body = person.events.iter().enumerate().map(event).collect();
    let (events, _) = events::parse(body, &caller, &app.config().memory, app.now())?;
    events::ingest(app, &caller, &events).await?;
    Ok(())
}

async fn put_token(app: &App, tx: &mut Tx, user_id: i64, token: &str) -> Result<()> {
    let scopes = Requested::all();
    let new = NewToken {
        kind: Kind::Personal,
        user_id: Some(user_id),
        app_id: None,
        authorization_id: None,
        scopes: &scopes,
        name: "demo",
        expires_at: None,
    };
    tokens::insert(tx, app.key(), token, &new, app.now()).await
}

fn demo_shade(id: i64, person: &str, (name, content, topics): (&str, &str, &str)) -> Shade {
    let topics: Vec<String> = topics.split(',').map(str::to_owned).collect();
    let third = format!("{person}: {content}");
    Shade {
        id,
        shade_name: name.to_owned(),
        confidence_level: "HIGH".to_owned(),
        shade_description: content.to_owned(),
        shade_description_third_view: third.clone(),
        shade_content: content.to_owned(),
        shade_content_third_view: third.clone(),
        source_topics: topics.clone(),
        shade_name_public: name.to_owned(),
        confidence_level_public: "HIGH".to_owned(),
        shade_description_public: content.to_owned(),
        shade_description_third_view_public: third.clone(),
        shade_content_public: content.to_owned(),
        shade_content_third_view_public: third,
        source_topics_public: topics,
        has_public_content: true,
        ..Shade::default()
    }
}

/// Writes `demo.json` into the data folder, whole or not at all.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(world: &World, data_dir: &Path) -> std::io::Result<()> {
    let path = data_dir.join("demo.json");
    let part = data_dir.join("demo.json.part");
    std::fs::write(&part, format!("{:#}\n", json!(world)))?;
    std::fs::rename(part, path)
}
