//! Everything of a user: the registry against the schema, out and in without a loss, and nothing left after the end.

use std::collections::BTreeSet;

use secondme_kit::Entropy;
use secondme_server::platform::bundle::tables::{BELONGINGS, Belonging, Fate, belonging};
use secondme_server::platform::bundle::{self, Imported};
use secondme_server::users::accounts::{self, NewUser};
use secondme_store::copy::{self, Kind, Owner, Table};
use secondme_store::{Store, Value};
use serde_json::json;

use crate::harness::{ADA, Browser, TestDb, World, both};

/// Tables that no user owns, or that go with a row of one that somebody does (`webhook_attempts`); every other one must be in the
/// registry.
const NOBODYS: &[&str] = &[
    "job",
    "job_cron",
    "login_failures",
    "operator_trail",
    "plaza_certificate_days",
    "plaza_moderation",
    "plaza_ranked",
    "plaza_rankings",
    "server_facts",
    "upload_objects",
    "visitor_usage",
    "webhook_attempts",
];
/// Rows of these need something that no user owns, or follow from the rest by numbers that cannot be any.
const NOT_INVENTED: &[&str] = &["uploads", "spoken_texts", "memory_gone"];

async fn tables(store: &Store) -> Vec<Table> {
    copy::tables(&mut store.read().await.unwrap()).await.unwrap()
}

both! {
    async fn every_table_is_somebodys_or_named_as_nobodys(db: TestDb) {
        let world = World::new(db).await;
        let tables = tables(world.app.store()).await;
        for table in &tables {
            let known = belonging(&table.name).is_some();
            let refers_to_users = table.columns.iter().any(|c| c.name.ends_with("user_id"))
                || table.references.iter().any(|r| belonging(&r.table).is_some_and(|b| matches!(b.owner, Owner::Column(_))));
            let problem = "add it to crates/server/src/platform/bundle/tables.rs";
            assert!(known || !refers_to_users, "the table `{}` belongs to users: {problem}", table.name);
            assert_ne!(known, NOBODYS.contains(&table.name.as_str()), "the table `{}`: {problem}, or to NOBODYS", table.name);
        }
        let names: BTreeSet<&str> = tables.iter().map(|t| t.name.as_str()).collect();
        for entry in BELONGINGS {
            assert!(names.contains(entry.table), "{} is registered but does not exist", entry.table);
            let table = tables.iter().find(|t| t.name == entry.table).unwrap();
            let columns = entry.secret.iter().chain(entry.fixed).chain(entry.unique);
            for column in columns.chain(entry.names.iter().map(|(column, ..)| column)) {
                assert!(table.position(column).is_some(), "{}.{column} is registered but does not exist", entry.table);
            }
            // What a secret looks like must not be exported.
            for column in &table.columns {
                let secret = ["hash", "secret", "password"].iter().any(|word| column.name.contains(word));
                let out = entry.fate != Fate::Stays && !entry.secret.contains(&column.name.as_str());
                assert!(!(secret && out), "{}.{} looks like a secret and is exported", entry.table, column.name);
            }
        }
    }

    async fn a_bundle_goes_round_without_a_loss(db: TestDb) {
        let world = World::new(db).await;
        for seed in 0..12 {
            let entropy = Entropy::seeded(seed);
            let first = user(&world, &format!("a{seed}@example.org")).await;
            let second = user(&world, &format!("b{seed}@example.org")).await;
            invent(&world, first, &entropy, &format!("s{seed}-")).await;
            let out = bundle::export(&world.app, first).await.unwrap();
            let done = bundle::import(&world.app, second, &out.text).await.unwrap();
            let records = out.text.lines().filter(|l| !is_carried(l)).count() - 1;
            assert_eq!(done, Imported { rows: out.rows - records, left_out: records });
            // On the same server, texts that must be unique are new; they say the same at the same places.
            let again = bundle::export(&world.app, second).await.unwrap();
            assert_eq!(shape(&again.text), shape(&out.text), "seed {seed}");
            // The first account's own things are untouched, and an account can take its own bundle back, to the letter.
            assert_eq!(bundle::export(&world.app, first).await.unwrap().text, out.text);
            bundle::import(&world.app, first, &out.text).await.unwrap();
            assert_eq!(body(&bundle::export(&world.app, first).await.unwrap().text), body(&out.text));
        }
        // To another server, to the letter.
        let other = TestDb::new(secondme_store::Dialect::Sqlite).unwrap();
        let elsewhere = World::new(other).await;
        for seed in 20..24 {
            let there = user(&world, &format!("c{seed}@example.org")).await;
            invent(&world, there, &Entropy::seeded(seed), &format!("s{seed}-")).await;
            let out = bundle::export(&world.app, there).await.unwrap();
            let here = user(&elsewhere, &format!("c{seed}@example.org")).await;
            bundle::import(&elsewhere.app, here, &out.text).await.unwrap();
            let back = bundle::export(&elsewhere.app, here).await.unwrap();
            assert_eq!(body(&back.text), body(&out.text));
        }
    }

    async fn nothing_is_left_of_a_deleted_account(db: TestDb) {
        let world = World::new(db).await;
        let (gone, stays) = (user(&world, "gone@example.org").await, user(&world, "stays@example.org").await);
        invent(&world, gone, &Entropy::seeded(1), "tracegone-").await;
        invent(&world, stays, &Entropy::seeded(2), "tracestays-").await;
        let kept = bundle::export(&world.app, stays).await.unwrap();
        assert!(traces(&world, "tracegone-").await > 20);
        bundle::delete(&world.app, gone).await.unwrap();
        assert_eq!(traces(&world, "tracegone-").await, 0);
        assert_eq!(traces(&world, "gone@example.org").await, 0);
        let mut tx = world.app.store().read().await.unwrap();
        for entry in BELONGINGS {
            assert_eq!(copy::count(&mut tx, entry.table, entry.owner, gone).await.unwrap(), 0, "{}", entry.table);
        }
        drop(tx);
        assert_eq!(bundle::export(&world.app, stays).await.unwrap().text, kept.text, "nobody else lost anything");
        assert!(bundle::delete(&world.app, gone).await.is_err());
        assert!(bundle::export(&world.app, gone).await.is_err());
        // The address is free again.
        assert_ne!(user(&world, "gone@example.org").await, gone, "an id is not given twice");
    }

    async fn a_forged_bundle_points_at_nobody_elses_things(db: TestDb) {
        let world = World::new(db).await;
        let (victim, thief) = (user(&world, "v@example.org").await, user(&world, "t@example.org").await);
        invent(&world, victim, &Entropy::seeded(3), "victim-").await;
        let before = bundle::export(&world.app, victim).await.unwrap().text;
        let message = before.lines().find(|l| l.contains("\"chat_messages\"")).unwrap();
        let message: serde_json::Value = serde_json::from_str(message).unwrap();
        let id = message["row"]["message_id"].as_str().unwrap();
        let own = bundle::export(&world.app, thief).await.unwrap().text;
        let image = json!({"table": "chat_images", "row": {"message_id": id, "position": 7, "media_type": "x", "data": ""}});
        let forged = format!("{own}{image}\n");
        let done = bundle::import(&world.app, thief, &forged).await.unwrap();
        assert_eq!(done.left_out, 1);
        assert_eq!(bundle::export(&world.app, victim).await.unwrap().text, before);
        for (bad, why) in [
            ("{}", "header"),
            ("{\"format\":\"secondme-account\",\"version\":9}", "header"),
            (&*format!("{own}{{\"table\":\"tokens\",\"row\":{{}}}}\nnot json"), "JSON"),
            (&*format!("{own}{{\"table\":\"sqlite_schema\",\"row\":{{}}}}"), "table"),
            (&*format!("{own}{{\"table\":\"shades\",\"row\":{{\"user_id\":1}}}}"), "columns"),
            (&*format!("{own}{{\"table\":\"shades\",\"row\":{{\"name\":5}}}}"), "kind"),
        ] {
            let error = bundle::import(&world.app, thief, bad).await.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(bundle::export(&world.app, thief).await.unwrap().text, own, "a refused bundle changes nothing");
    }

    async fn the_page_exports_and_deletes(db: TestDb) {
        let world = World::new(db).await;
        user(&world, "me@example.org").await;
        let mut browser = Browser::new(&world.http, &world.url);
        let page = browser.open("/account").await;
        assert!(page.at.starts_with("/login"), "{}", page.at);
        let page = browser.submit(&page, "/login", &[("email", "me@example.org"), ("password", "correct horse")]).await;
        assert_eq!(page.at, "/account");
        let file = browser.open("/account/export").await;
        assert!(file.html.starts_with("{\"format\":\"secondme-account\",\"version\":1"), "{}", file.html);
        let refused = browser.submit(&page, "/account/delete", &[("password", "wrong")]).await;
        assert_eq!(refused.status, 401);
        let done = browser.submit(&page, "/account/delete", &[("password", "correct horse")]).await;
        assert_eq!((done.status.as_u16(), &*done.at), (200, "/"));
        let users = accounts::list(&world.app).await.unwrap();
        assert!(users.iter().all(|u| u.email != "me@example.org"));
        assert!(browser.open("/account").await.at.starts_with("/login"));
        // Without the page's token nothing happens.
        let url = format!("{}/account/delete", world.url);
        let bare = world.http.post(url).bearer_auth(ADA).form(&[("password", "x")]).send().await.unwrap();
        assert!(bare.status().is_redirection() || bare.status() == 403, "{}", bare.status());
    }
}

async fn user(world: &World, email: &str) -> i64 {
    accounts::create(&world.app, &NewUser { email, password: "correct horse", name: "Somebody" }).await.unwrap()
}

fn is_carried(line: &str) -> bool {
    let json: serde_json::Value = serde_json::from_str(line).unwrap();
    json["table"].as_str().and_then(belonging).is_some_and(|b| b.fate == Fate::Carried)
}

/// The rows that are carried, to the letter.
fn body(text: &str) -> Vec<&str> {
    text.lines().skip(1).filter(|line| is_carried(line)).collect()
}

/// A bundle without the texts that are unique on a server and what is about this account only.
fn shape(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines().skip(1).filter(|line| is_carried(line)) {
        let mut json: serde_json::Value = serde_json::from_str(line).unwrap();
        let entry = json["table"].as_str().and_then(belonging).unwrap();
        if let Some(row) = json["row"].as_object_mut() {
            for column in entry.fixed.iter().filter(|_| entry.table == "users").chain(&["route"]) {
                row.remove(*column);
            }
            for (name, value) in row.iter_mut() {
                if name.ends_with("_id") && value.is_string() || entry.unique.contains(&name.as_str()) {
                    *value = "new".into();
                }
            }
        }
        lines.push(json.to_string());
    }
    // Keys that are new sort elsewhere.
    lines.sort();
    lines
}

/// How many texts anywhere in the database contain a word.
async fn traces(world: &World, word: &str) -> usize {
    let mut found = 0;
    let mut tx = world.app.store().read().await.unwrap();
    for table in copy::tables(&mut tx).await.unwrap() {
        for row in copy::all(&mut tx, &table).await.unwrap() {
            found += row.iter().filter(|v| matches!(v, Value::Text(text) if text.contains(word))).count();
        }
    }
    found
}

/// Rows of every kind for a user: made of the schema alone, so a new table has some from its first day.
async fn invent(world: &World, user_id: i64, entropy: &Entropy, trace: &str) {
    let store = world.app.store();
    let mut tables = tables(store).await;
    let names_others = |name: &str| belonging(name).is_some_and(Belonging::names_others);
    tables.sort_by_key(|table| match table {
        table if names_others(&table.name) => 1,
        table if table.references.iter().any(|r| names_others(&r.table)) => 2,
        _ => 0,
    });
    let mut n = 0;
    for table in &tables {
        let invented = |b: &&Belonging| b.table != "users" && !NOT_INVENTED.contains(&b.table);
        let Some(entry) = belonging(&table.name).filter(invented) else { continue };
        let wanted = 1 + entropy.below(4);
        for _ in 0..wanted {
            n += 1;
            let mut tx = store.write().await.unwrap();
            let Some(row) = row(&mut tx, table, entry, user_id, entropy, &format!("{trace}{n}")).await else {
                continue;
            };
            // Where the schema allows one row per user only, the second is refused.
            if copy::insert(&mut tx, table, row, None).await.is_ok() {
                tx.commit().await.unwrap();
            }
        }
    }
    let mut tx = store.read().await.unwrap();
    for entry in BELONGINGS.iter().filter(|entry| !NOT_INVENTED.contains(&entry.table)) {
        let count = copy::count(&mut tx, entry.table, entry.owner, user_id).await.unwrap();
        assert!(count > 0, "no row of {} could be invented", entry.table);
    }
}

type Cells<'t> = Vec<(&'t str, Value)>;

async fn row<'t>(
    tx: &mut secondme_store::Tx,
    table: &'t Table,
    entry: &Belonging,
    user_id: i64,
    entropy: &Entropy,
    text: &str,
) -> Option<Cells<'t>> {
    let mut row = Cells::new();
    for column in &table.columns {
        let name = column.name.as_str();
        let reference = table.references.iter().find(|r| r.column == name).map(|r| (&*r.table, &*r.to));
        let named = entry.names.iter().find(|(column, ..)| *column == name).map(|(_, table, key)| (*table, *key));
        let value = if matches!(entry.owner, Owner::Column(owner) if owner == name) {
            Value::Int(user_id)
        } else if table.identity.as_deref() == Some(name) {
            continue;
        } else if let Some((parent, key)) = reference.or(named) {
            match belonging(parent) {
                Some(parent) if parent.table != "users" => match parent_key(tx, parent, key, user_id, entropy).await {
                    Some(value) => value,
                    None if column.nullable => Value::Null,
                    None => return None,
                },
                _ if column.nullable => Value::Null,
                Some(_) => Value::Int(1),
                None => return None,
            }
        } else if table.name == "memory_entries" && name == "kind" {
            Value::Text("post".to_owned())
        } else if table.name == "memory_entries" && name == "audience" {
            Value::Text("anyone".to_owned())
        } else {
            any(column.kind, column.nullable, entropy, text)
        };
        row.push((name, value));
    }
    Some(row)
}

async fn parent_key(
    tx: &mut secondme_store::Tx,
    parent: &Belonging,
    key: &str,
    user_id: i64,
    entropy: &Entropy,
) -> Option<Value> {
    let table = copy::tables(tx).await.unwrap().into_iter().find(|t| t.name == parent.table)?;
    let rows = copy::select(tx, &table, parent.owner, user_id).await.unwrap();
    let chosen = entropy.below(rows.len().max(1) as u64) as usize;
    rows.get(chosen).and_then(|row| row.get(table.position(key)?).cloned())
}

fn any(kind: Kind, nullable: bool, entropy: &Entropy, text: &str) -> Value {
    if nullable && entropy.below(3) == 0 {
        return Value::Null;
    }
    match kind {
        // SQLite's truth is a number of its own.
        Kind::Int => Value::Int(entropy.below(2) as i64),
        Kind::Bool => Value::Bool(entropy.below(2) == 1),
        Kind::Real => Value::Real(entropy.below(1_000_000) as f64 / 999_999.0),
        Kind::Text => Value::Text(format!("{text} \"你\" {}", entropy.alphanumeric(6))),
        Kind::Bytes => Value::Bytes(entropy.bytes::<32>().to_vec()),
    }
}
