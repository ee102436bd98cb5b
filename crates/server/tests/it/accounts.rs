//! Accounts in the browser: register, log in, log out, and what happens to those who try too often.

use futures::future::join_all;
use reqwest::header::{COOKIE, LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE};
use reqwest::{RequestBuilder, Response};
use secondme_server::users::accounts;

use super::harness::{Browser, START, TestDb, World, both};

const PASSWORD: &str = "four unrelated words";

/// A form that is sent by hand: with the cookies and the token of a login page that was opened before.
struct Sender<'w> {
    world: &'w World,
    cookies: String,
    csrf: String,
}

impl<'w> Sender<'w> {
    async fn new(world: &'w World) -> Self {
        let page = world.http.get(format!("{}/login", world.url)).send().await.unwrap();
        let cookie = page.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let html = page.text().await.unwrap();
        Self { world, cookies: cookie, csrf: value_of(&html, "csrf") }
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let fields: Vec<_> = [("csrf", self.csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.world.http.post(format!("{}{path}", self.world.url)).header(COOKIE, &self.cookies).form(&fields)
    }

    fn log_in(&self, email: &str, password: &str) -> RequestBuilder {
        self.post("/login", &[("email", email), ("password", password)])
    }

    async fn try_log_in(&self, email: &str, password: &str) -> u16 {
        self.log_in(email, password).send().await.unwrap().status().as_u16()
    }
}

fn value_of(html: &str, name: &str) -> String {
    let at = html.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("no {name} in {html}"));
    at.split('"').next().unwrap().to_owned()
}

async fn register(world: &World, email: &str) -> Browser {
    let mut browser = Browser::new(&world.http, &world.url);
    let page = browser.open("/register").await;
    let home =
        browser.submit(&page, "new-password", &[("email", email), ("password", PASSWORD), ("name", "Grace")]).await;
    assert_eq!((home.status.as_u16(), home.at.as_str()), (200, "/home"), "{}", home.html);
    browser
}

fn location(response: &Response) -> &str {
    response.headers()[LOCATION].to_str().unwrap()
}

both! {
    async fn registering_signs_in_and_signing_out_ends_the_session(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = register(&world, " Grace@Example.com ").await;
        let home = browser.open("/").await;
        assert!(home.html.contains("grace@example.com"), "{}", home.html);
        let cookie = format!("secondme_session={}", browser.cookie("secondme_session").unwrap());

        let out = browser.submit(&home, "/logout", &[]).await;
        assert_eq!((out.status.as_u16(), out.at.as_str()), (200, "/"));
        assert!(browser.cookie("secondme_session").is_none());
        // The cookie of before is worth nothing now.
        let replayed = world.http.get(format!("{}/", world.url)).header(COOKIE, cookie).send().await.unwrap();
        assert!(!replayed.text().await.unwrap().contains("grace@example.com"));

        let page = browser.open("/login?next=%2Fdocs").await;
        let docs = browser.submit(&page, "current-password", &[("email", "grace@example.com"), ("password", PASSWORD)]).await;
        assert_eq!(docs.at, "/docs");
    }

    async fn a_login_rotates_the_session_and_signed_in_people_skip_the_form(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let page = browser.open("/login").await;
        let fields = [("email", "ada@demo.local"), ("password", "demo-password")];
        browser.submit(&page, "/login", &fields).await;
        let first = browser.cookie("secondme_session").unwrap().to_owned();
        assert_eq!(browser.open("/login?next=/docs").await.at, "/docs");
        browser.submit(&page, "/login", &fields).await;
        assert_ne!(browser.cookie("secondme_session").unwrap(), first);
        let old = world.http.get(format!("{}/", world.url)).header(COOKIE, format!("secondme_session={first}"));
        assert!(!old.send().await.unwrap().text().await.unwrap().contains("ada@demo.local"));
    }

    async fn a_form_shows_what_is_wrong_and_keeps_what_was_typed(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let page = browser.open("/register").await;
        let short = browser.submit(&page, "/register", &[("email", "x@y.z"), ("password", "seven77"), ("name", "<b>")]).await;
        assert_eq!(short.status, 400);
        assert!(short.html.contains("at least 8") && short.html.contains("x@y.z"), "{}", short.html);
        assert!(!short.html.contains("seven77") && !short.html.contains("<b>"), "{}", short.html);
        let taken = browser.submit(&page, "/register", &[("email", "ADA@demo.local"), ("password", PASSWORD)]).await;
        assert_eq!(taken.status, 409);
        assert!(taken.html.contains("exists already"), "{}", taken.html);
        let page = browser.open("/login").await;
        let [wrong, unknown] = [("ada@demo.local", 1), ("nobody@demo.local", 2)].map(|(email, _)| [("email", email), ("password", "x")]);
        let wrong = browser.submit(&page, "/login", &wrong).await;
        let unknown = browser.submit(&page, "/login", &unknown).await;
        assert_eq!((wrong.status, unknown.status), (reqwest::StatusCode::UNAUTHORIZED, reqwest::StatusCode::UNAUTHORIZED));
        assert_eq!(wrong.html.replace("ada@", "nobody@"), unknown.html, "who has an account shows");
    }

    async fn registration_can_be_closed(db: TestDb) {
        let world = World::with_config(db, |config| config.accounts.registration = false).await;
        let mut browser = Browser::new(&world.http, &world.url);
        assert_eq!(browser.open("/register").await.status, 403);
        assert!(!browser.open("/login").await.html.contains("/register"));
        let sender = Sender::new(&world).await;
        let refused = sender.post("/register", &[("email", "a@b.c"), ("password", PASSWORD)]).send().await.unwrap();
        assert_eq!(refused.status(), 403);
    }

    async fn forms_of_others_are_refused(db: TestDb) {
        let world = World::new(db).await;
        let sender = Sender::new(&world).await;
        let good = || sender.log_in("ada@demo.local", "demo-password");
        assert_eq!(good().header("Sec-Fetch-Site", "cross-site").send().await.unwrap().status(), 403);
        assert_eq!(good().header(ORIGIN, "https://evil.example").send().await.unwrap().status(), 403);
        let stranger = Sender { cookies: "secondme_guest=forged".to_owned(), csrf: sender.csrf.clone(), world: &world };
        assert_eq!(stranger.try_log_in("ada@demo.local", "demo-password").await, 403);
        let fields = [("email", "ada@demo.local"), ("password", "demo-password")];
        let tokenless = world.http.post(format!("{}/login", world.url)).header(COOKIE, &sender.cookies).form(&fields);
        assert_eq!(tokenless.send().await.unwrap().status(), 403);
        assert_eq!(good().header("Sec-Fetch-Site", "same-origin").header(ORIGIN, "null").send().await.unwrap().status(), 303);

        let mut browser = register(&world, "grace@example.com").await;
        let home = browser.open("/").await;
        let forged = browser.submit(&home, "/logout", &[("csrf", &sender.csrf)]).await;
        assert_eq!(forged.status, 403);
        assert!(browser.open("/").await.html.contains("grace@example.com"));
    }

    async fn nobody_is_sent_to_another_site(db: TestDb) {
        let world = World::new(db).await;
        let sender = Sender::new(&world).await;
        for next in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"] {
            let fields = [("email", "ada@demo.local"), ("password", "demo-password"), ("next", next)];
            let response = sender.post("/login", &fields).send().await.unwrap();
            assert_eq!(location(&response), "/", "{next:?}");
        }
    }

    async fn an_address_waits_longer_after_each_failure(db: TestDb) {
        let world = World::new(db).await;
        let sender = Sender::new(&world).await;
        for _ in 0..5 {
            assert_eq!(sender.try_log_in("ada@demo.local", "wrong").await, 401);
        }
        let delayed = sender.log_in("ADA@demo.local", "demo-password").send().await.unwrap();
        assert_eq!((delayed.status().as_u16(), &delayed.headers()[RETRY_AFTER]), (429, &"2".parse().unwrap()));
        assert_eq!(sender.try_log_in("lin@demo.local", "demo-password").await, 303, "other addresses are free");
        world.clock.advance(2_000);
        assert_eq!(sender.try_log_in("ada@demo.local", "wrong").await, 401);
        world.clock.advance(2_000);
        assert_eq!(sender.try_log_in("ada@demo.local", "demo-password").await, 429, "the wait has doubled");
        world.clock.advance(2_000);
        assert_eq!(sender.try_log_in("ada@demo.local", "demo-password").await, 303);
        assert_eq!(sender.try_log_in("ada@demo.local", "wrong").await, 401);
        assert_eq!(sender.try_log_in("ada@demo.local", "demo-password").await, 303, "a success forgets the failures");
    }

    async fn a_burst_of_logins_is_bounded(db: TestDb) {
        let small = |config: &mut secondme_server::config::Config| {
            config.accounts.hashing_concurrency = 1;
            config.accounts.hashing_queue = 2;
        };
        let world = World::with_config(db, small).await;
        let sender = Sender::new(&world).await;
        let burst = (0..50).map(|_| sender.log_in("ada@demo.local", "demo-password").send());
        let answers: Vec<Response> = join_all(burst).await.into_iter().map(Result::unwrap).collect();
        let (entered, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|r| r.status() == 303);
        assert!(!entered.is_empty() && !refused.is_empty(), "{} of 50 entered", entered.len());
        assert!(refused.iter().all(|r| r.status() == 503 && r.headers().contains_key(RETRY_AFTER)));
        assert_eq!(sender.try_log_in("ada@demo.local", "demo-password").await, 303, "slots come back");
    }

    async fn demo_users_come_from_this_machine_only(db: TestDb) {
        let world = World::new(db).await;
        let sender = Sender::new(&world).await;
        let elsewhere = sender.log_in("ada@demo.local", "demo-password").header("X-Forwarded-For", "192.0.2.1");
        let elsewhere = elsewhere.send().await.unwrap();
        assert_eq!(elsewhere.status(), 401);
        assert!(elsewhere.text().await.unwrap().contains("this machine only"));
        let here = sender.log_in("ada@demo.local", "demo-password").send().await.unwrap();
        let cookie = here.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let home = || world.http.get(format!("{}/home", world.url)).header(COOKIE, &cookie);
        assert!(home().send().await.unwrap().text().await.unwrap().contains("ada@demo.local"));
        let forwarded = home().header("X-Forwarded-For", "192.0.2.1").send().await.unwrap();
        assert!(!forwarded.text().await.unwrap().contains("ada@demo.local"));
    }

    async fn a_session_ends_without_use_and_is_reclaimed(db: TestDb) {
        let world = World::with_config(db, |config| config.accounts.session_seconds = 7_200).await;
        let mut browser = register(&world, "grace@example.com").await;
        for _ in 0..3 {
            world.clock.advance(5_400_000);
            assert!(browser.open("/").await.html.contains("grace@example.com"), "a session in use goes on");
        }
        world.clock.advance(7_200_000);
        assert!(!browser.open("/").await.html.contains("grace@example.com"));
        let now = START + 3 * 5_400_000 + 7_200_000;
        let mut tx = world.app.store().write().await.unwrap();
        assert_eq!(accounts::reclaim(&mut tx, now, 100).await.unwrap(), 1);
        assert_eq!(accounts::reclaim(&mut tx, now, 100).await.unwrap(), 0);
        tx.commit().await.unwrap();
    }

    async fn a_new_password_ends_sessions_and_waits(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = register(&world, "grace@example.com").await;
        let sender = Sender::new(&world).await;
        for _ in 0..6 {
            sender.try_log_in("grace@example.com", "wrong").await;
        }
        accounts::reset_password(&world.app, "Grace@example.com", "another good one").await.unwrap();
        assert!(!browser.open("/").await.html.contains("grace@example.com"));
        assert_eq!(sender.try_log_in("grace@example.com", PASSWORD).await, 401);
        assert_eq!(sender.try_log_in("grace@example.com", "another good one").await, 303);
        assert!(accounts::reset_password(&world.app, "nobody@example.com", PASSWORD).await.is_err());
        assert!(accounts::reset_password(&world.app, "grace@example.com", "short").await.is_err());
    }

    async fn namesakes_get_routes_of_their_own(db: TestDb) {
        let world = World::new(db).await;
        for email in ["a@example.com", "b@example.com", "c@example.com"] {
            register(&world, email).await;
        }
        let users = accounts::list(&world.app).await.unwrap();
        let routes: Vec<&str> = users.iter().filter(|u| u.name == "Grace").map(|u| u.route.as_str()).collect();
        assert_eq!(routes[0], "grace");
        assert!(routes[1..].iter().all(|r| r.starts_with("grace-")) && routes[1] != routes[2], "{routes:?}");
    }
}
