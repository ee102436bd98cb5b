//! The pages themselves: consent, skills login, reference, static files, both languages, and the policy that they all carry.

use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, COOKIE, ETAG, IF_NONE_MATCH};
use reqwest::{Response, StatusCode};
use secondme_server::error::Code;
use secondme_server::router;
use serde_json::{Value, json};

use super::harness::{Browser, Shown, TestDb, World, both, data};

const QUERY: &str = "client_id=de300000-0000-4000-8000-000000000001\
    &redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fapi%2Fauth%2Fcallback&response_type=code&scope=user.info%20chat&state=a%26b";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Logs in where `page` is the login page; where that leads.
async fn log_in(browser: &mut Browser, page: &Shown) -> Shown {
    assert!(page.at.starts_with("/login"), "{}", page.at);
    browser.submit(page, "/login", &[("email", "ada@demo.local"), ("password", "demo-password")]).await
}

async fn get(world: &World, path: &str) -> Response {
    world.http.get(format!("{}{path}", world.url)).send().await.unwrap()
}

both! {
    async fn a_user_lets_an_app_in_or_not(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let page = browser.open(&format!("/oauth/?{QUERY}")).await;
        let consent = log_in(&mut browser, &page).await;
        for text in ["Demo App", "ada@demo.local", "localhost:3000", "See your name", "Talk to your avatar"] {
            assert!(consent.html.contains(text), "{text:?} is not in {}", consent.html);
        }
        assert!(!consent.html.contains("Search your key memories"), "more than the app asks for");
        let forged = browser.submit(&consent, "decision", &[("decision", "approve"), ("csrf", "x")]).await;
        assert_eq!(forged.status, 403);
        let denied = browser.submit(&consent, "decision", &[("decision", "deny")]).await;
        assert_eq!(
            denied.at,
            "http://localhost:3000/api/auth/callback?error=access_denied&error_description=User%20denied%20access&state=a%26b"
        );
        let approved = browser.submit(&consent, "decision", &[("decision", "approve")]).await;
        assert!(approved.at.starts_with("http://localhost:3000/api/auth/callback?code=lba_ac_"), "{}", approved.at);
        assert!(approved.at.ends_with("&state=a%26b"), "{}", approved.at);
    }

    async fn somebody_else_can_sign_in_on_the_consent_page(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let page = browser.open(&format!("/oauth?{QUERY}")).await;
        let consent = log_in(&mut browser, &page).await;
        let login = browser.submit(&consent, "/logout", &[]).await;
        assert!(login.at.starts_with("/login?next=%2Foauth"), "{}", login.at);
        let fields = [("email", "lin@demo.local"), ("password", "demo-password")];
        let consent_of_lin = browser.submit(&login, "/login", &fields).await;
        assert!(consent_of_lin.at.starts_with("/oauth?") && consent_of_lin.html.contains("lin@demo.local"));
        // A decision of the first session does not count in the second.
        let stale = browser.submit(&consent, "decision", &[("decision", "approve")]).await;
        assert_eq!(stale.status, 403);
    }

    async fn a_bad_request_stays_on_a_page_that_helps(db: TestDb) {
        let world = World::new(db).await;
        let cases = [
            (QUERY.replace("de300000", "00000000"), 404, "Application not found"),
            (QUERY.replace("callback", "other"), 400, "Redirect URI mismatch"),
            (QUERY.replace("%2Fcallback", "%2Fcallback%2F"), 400, "Redirect URI mismatch"),
            (QUERY.replace("type=code", "type=token"), 400, "response_type"),
            (QUERY.replace("chat", "profile:read"), 400, "profile:read"),
            (String::new(), 400, "client_id"),
        ];
        for (query, status, text) in cases {
            let response = get(&world, &format!("/oauth/?{query}")).await;
            assert_eq!(response.status().as_u16(), status, "{query}");
            assert!(response.headers().get("location").is_none());
            let html = response.text().await.unwrap();
            assert!(html.contains(text) && html.contains("developer"), "{text}: {html}");
        }
        let html = get(&world, "/oauth?client_id=%3Cscript%3Ealert(1)%3C/script%3E&redirect_uri=x&response_type=code").await;
        assert!(!html.text().await.unwrap().contains("<script>alert"));
    }

    async fn a_stray_authorize_segment_is_explained(db: TestDb) {
        let world = World::new(db).await;
        for path in ["/oauth/authorize", "/oauth//authorize/", "/oauth/anything/else"] {
            let response = get(&world, &format!("{path}?{QUERY}")).await;
            assert_eq!(response.status(), 400);
            let html = response.text().await.unwrap().replace("&#38;", "&");
            assert!(html.contains(&format!("{}/oauth/?{QUERY}", world.url)), "{html}");
        }
    }

    async fn an_agent_gets_a_code_from_its_user(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let page = browser.open(&format!("/auth/skills?challenge={CHALLENGE}")).await;
        let ask = log_in(&mut browser, &page).await;
        assert!(ask.html.contains("every permission"), "{}", ask.html);
        assert!(!ask.html.contains("lba_ac_"), "a code before the user agreed");
        assert_eq!(browser.submit(&ask, "action=\"/auth/skills\"", &[("csrf", "x")]).await.status, 403);
        let shown = browser.submit(&ask, "action=\"/auth/skills\"", &[]).await;
        let code = format!("lba_ac_{}", shown.html.split("lba_ac_").nth(1).unwrap().split('<').next().unwrap());
        let body = json!({"code": code, "codeVerifier": VERIFIER});
        let token = data(world.post("auth/skills/token", "", &body).await)["accessToken"].as_str().unwrap().to_owned();
        assert_eq!(data(world.get("secondme/user/info", &token).await)["email"], "ada@demo.local");
        assert_eq!(get(&world, "/auth/skills?challenge=short").await.status(), 400);
        assert_eq!(get(&world, "/auth/skills").await.status(), 400);
    }

    async fn pages_carry_a_strict_policy_and_keep_it(db: TestDb) {
        let world = World::new(db).await;
        for path in ["/", "/login", "/register", "/docs", "/docs/api", "/docs/api/chat", "/docs/api/errors", "/docs/oauth2", "/docs/changelog", "/oauth", "/auth/skills"] {
            let response = get(&world, path).await;
            let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            let html = response.text().await.unwrap();
            assert!(!html.contains("style=") && !html.contains("<style") && !html.contains("onclick"), "{path}");
            assert!(html.split("<script").skip(1).all(|s| s.starts_with(" src=\"/static/")), "{path}");
        }
    }

    async fn the_consent_form_survives_redirects_of_the_app_itself(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let page = browser.open("/login").await;
        log_in(&mut browser, &page).await;
        let cookie = format!("secondme_session={}", browser.cookie("secondme_session").unwrap());
        let request = world.http.get(format!("{}/oauth?{QUERY}", world.url)).header(COOKIE, cookie);
        let policy = request.send().await.unwrap().headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        let forms = policy.split("; ").find(|directive| directive.starts_with("form-action")).unwrap();
        assert!(forms.split(' ').any(|s| s == "https:") && forms.split(' ').any(|s| s == "http:"), "{policy}");
    }

    async fn pages_speak_chinese(db: TestDb) {
        let world = World::new(db).await;
        for (path, text) in [("/", "登录"), ("/login", "密码"), ("/register", "创建账号"), ("/docs/api", "错误码"), ("/docs/api/scopes", "允许应用"), ("/docs", "快速开始"), ("/docs/webhooks", "验证签名"), ("/oauth", "致应用开发者")] {
            let request = world.http.get(format!("{}{path}", world.url)).header(ACCEPT_LANGUAGE, "zh-CN,zh;q=0.9");
            let html = request.send().await.unwrap().text().await.unwrap();
            assert!(html.contains(text) && html.contains("lang=\"zh-CN\""), "{path}: {html}");
        }
    }

    async fn the_reference_shows_everything(db: TestDb) {
        let world = World::new(db).await;
        let text = async |path: &str| get(&world, path).await.error_for_status().unwrap().text().await.unwrap();
        let index = text("/docs/api").await;
        let document: Value = serde_json::to_value(router::openapi()).unwrap();
        // Every operation is on the page of its tag, and none of the pages is heavy.
        let parts: std::collections::BTreeSet<&str> =
            index.split("href=\"/docs/api/").skip(1).map(|rest| rest.split(['"', '#']).next().unwrap()).collect();
        assert!(parts.len() > 10, "{parts:?}");
        let mut all = String::new();
        for part in parts {
            let html = text(&format!("/docs/api/{part}")).await;
            assert!(html.len() < 200_000, "{part}: {} bytes", html.len());
            all.push_str(&html);
        }
        for path in document["paths"].as_object().unwrap().keys() {
            assert!(all.contains(&format!("<span class=\"path-line\">{path}</span>")), "{path} is missing");
        }
        for link in index.split("href=\"/docs/api/").skip(1).filter_map(|rest| rest.split('"').next()?.split_once('#')) {
            assert!(all.contains(&format!("id=\"{}\"", link.1)), "{link:?} leads nowhere");
        }
        for code in Code::ALL {
            assert!(all.contains(code.row().sub_code), "{code:?} is missing");
        }
        assert!(!all.contains("https://") && !all.contains("$ref"), "the page needs the network");
        assert_eq!(get(&world, "/docs/api/nothing").await.status(), StatusCode::NOT_FOUND);
    }

    async fn static_files_are_kept_until_they_change(db: TestDb) {
        let world = World::new(db).await;
        let first = get(&world, "/static/secondme.css").await;
        assert_eq!(first.headers()["content-type"], "text/css; charset=utf-8");
        let tag = first.headers()[ETAG].clone();
        let again = world.http.get(format!("{}/static/secondme.css", world.url)).header(IF_NONE_MATCH, tag);
        assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get(&world, "/static/nothing.css").await.status(), 404);
    }
}
