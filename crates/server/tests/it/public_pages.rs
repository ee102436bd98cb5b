//! Pages that anybody sees: a visit without an account, the owner who reads along and takes over, the plaza.

use secondme_server::demo;

use super::harness::{Browser, Shown, TestDb, World, both};

const AVATAR: &str = "/ada/avatar/ada000000001";

async fn signed_in(world: &World, email: &str) -> Browser {
    let mut browser = Browser::new(&world.http, &world.url);
    let login = browser.open("/login").await;
    browser.submit(&login, "password", &[("email", email), ("password", demo::PASSWORD)]).await;
    browser
}

fn has(page: &Shown, text: &str) {
    assert!(page.html.contains(text), "{text:?} is not at {} in {}", page.at, page.html);
}

/// Opens a page until it shows a text: replies are written by tasks.
async fn until(browser: &mut Browser, path: &str, text: &str) -> Shown {
    for _ in 0..100 {
        let page = browser.open(path).await;
        if page.html.contains(text) {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{path} never showed {text:?}");
}

both! {
    async fn a_stranger_talks_and_is_known_again(db: TestDb) {
        let world = World::new(db).await;
        let mut stranger = Browser::new(&world.http, &world.url);
        let page = stranger.open(AVATAR).await;
        assert_eq!(page.status, 200);
        let said = stranger.submit(&page, "composer", &[("message", "Which <b>flour</b>?")]).await;
        assert!(said.at.starts_with(AVATAR), "{}", said.at);
        let answered = until(&mut stranger, AVATAR, "message avatar\" data-id").await;
        has(&answered, "Which &#60;b&#62;flour&#60;/b&#62;?");
        assert!(answered.html.contains("data-socket=\"/os/ws?wsId="), "{}", answered.html);
        // Another browser is another visitor, and a token that was made up is nobody's.
        let mut other = Browser::new(&world.http, &world.url);
        let page = other.open(AVATAR).await;
        assert!(!page.html.contains("flour"));
        let forged = other.submit(&page, "composer", &[("message", "x"), ("token", "abc.def")]).await;
        assert_eq!(forged.status, 401);
    }

    async fn the_owner_reads_along_takes_over_and_blocks(db: TestDb) {
        let world = World::new(db).await;
        let mut stranger = Browser::new(&world.http, &world.url);
        let page = stranger.open(AVATAR).await;
        stranger.submit(&page, "composer", &[("message", "Is Ada there?")]).await;
        until(&mut stranger, AVATAR, "message avatar\" data-id").await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let list = ada.open("/home/conversations?unread=1").await;
        let place = format!("/home/conversations/{}", list.html.split("/home/conversations/").nth(1).unwrap().split('"').next().unwrap());
        let mut lin = signed_in(&world, "lin@demo.local").await;
        assert_eq!(lin.open(&place).await.status, 404);
        let page = ada.open(&place).await;
        has(&page, "Is Ada there?");
        assert!(!ada.open("/home/conversations?unread=1").await.html.contains(&place), "it is read now");
        let taken = ada.submit(&page, "takeover", &[("act", "takeover")]).await;
        has(&taken, "You answer in person now.");
        ada.submit(&taken, "composer", &[("message", "Yes, in person")]).await;
        has(&stranger.open(AVATAR).await, "Yes, in person");
        let blocked = ada.submit(&page, "block", &[("act", "block")]).await;
        has(&blocked, "The visitor is blocked.");
        let page = stranger.open(AVATAR).await;
        let refused = stranger.submit(&page, "composer", &[("message", "Hello?")]).await;
        has(&refused, "flash bad");
    }

    async fn the_owner_tests_as_a_visitor_and_is_not_counted(db: TestDb) {
        let world = World::new(db).await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let test = format!("{AVATAR}/test");
        let page = ada.open(&test).await;
        ada.submit(&page, "composer", &[("message", "What do you know of me?")]).await;
        until(&mut ada, &test, "message avatar\" data-id").await;
        has(&ada.open("/home/conversations").await, "Nobody has come yet");
        let mut lin = signed_in(&world, "lin@demo.local").await;
        assert_eq!(lin.open(&test).await.status, 404);
        let page = lin.open(AVATAR).await;
        assert_eq!(lin.submit(&page, "composer", &[("message", "x"), ("role", "test")]).await.status, 404);
    }

    async fn a_closed_avatar_takes_nobody(db: TestDb) {
        let world = World::new(db).await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let share = ada.open("/home/avatars/1/share").await;
        has(&ada.submit(&share, "/open", &[("act", "off")]).await, "Closed to visitors");
        let mut stranger = Browser::new(&world.http, &world.url);
        let page = stranger.open(AVATAR).await;
        has(&stranger.submit(&page, "composer", &[("message", "Hello")]).await, "flash bad");
    }

    async fn a_widget_may_be_framed_and_nothing_else(db: TestDb) {
        let world = World::new(db).await;
        let policy = |path: &'static str| {
            let request = world.http.get(format!("{}{path}", world.url)).send();
            async move { request.await.unwrap().headers()["content-security-policy"].to_str().unwrap().to_owned() }
        };
        assert!(policy("/embed/ada000000001").await.contains("frame-ancestors *"));
        assert!(policy(AVATAR).await.contains("frame-ancestors 'none'"));
        let script = world.http.get(format!("{}/widget.js", world.url)).send().await.unwrap().text().await.unwrap();
        assert!(script.len() < 30 * 1024 && script.contains("sandbox"));
    }

    async fn posts_are_written_liked_and_deleted(db: TestDb) {
        let world = World::new(db).await;
        let mut ada = signed_in(&world, "ada@demo.local").await;
        let plaza = ada.open("/plaza").await;
        let post = ada.submit(&plaza, "id=\"content\"", &[("content", "Rye <i>starter</i>"), ("kind", "ama")]).await;
        assert!(post.at.starts_with("/post/post_"), "{}", post.at);
        has(&post, "Rye &#60;i&#62;starter&#60;/i&#62;");
        let mut lin = signed_in(&world, "lin@demo.local").await;
        let seen = lin.open(&post.at).await;
        let seen = lin.submit(&seen, "id=\"comment\"", &[("content", "Me, please")]).await;
        has(&seen, "Me, please");
        has(&lin.submit(&seen, "/like", &[]).await, "aria-pressed=\"true\"");
        let reported = lin.submit(&seen, "/report", &[("reason", "spam")]).await;
        has(&reported, "Reported.");
        has(&lin.open("/plaza?q=rye+starter").await, "starter");
        let page = ada.open(&post.at).await;
        assert_eq!(ada.submit(&page, "/delete", &[]).await.at, "/plaza");
        assert_eq!(lin.open(&post.at).await.status, 404);
    }

    async fn the_plaza_has_a_door(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let page = browser.open("/register").await;
        browser.submit(&page, "new-password", &[("email", "grace@example.com"), ("password", "correct horse battery"), ("name", "Grace")]).await;
        let door = browser.open("/plaza").await;
        has(&door, "Invitation code");
        has(&browser.submit(&door, "id=\"code\"", &[("code", "NOPE")]).await, "flash bad");
        let code = secondme_server::plaza::invitations::create_for_operator(&world.app, 1).await.unwrap().remove(0);
        has(&browser.submit(&door, "id=\"code\"", &[("code", &code)]).await, "Welcome to the plaza.");
    }

    async fn a_home_page_shows_what_is_public(db: TestDb) {
        let world = World::new(db).await;
        let mut stranger = Browser::new(&world.http, &world.url);
        let page = stranger.open("/ada").await;
        has(&page, "sourdough bread for the whole street");
        has(&page, "/ada/avatar/ada000000001");
        assert_eq!(stranger.open("/nobody-here").await.status, 404);
    }
}
