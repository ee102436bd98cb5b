//! The token endpoints: codes once, refresh tokens for ever, app tokens, and the skills login.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::join_all;
use secondme_kit::secret::sha256;
use secondme_server::access::Kind;
use secondme_server::oauth::authorizations;
use secondme_server::oauth::grants::skills;
use serde_json::{Value, json};

use crate::harness::{ADA, TestDb, World, both, data, refused};

const REDIRECT: &str = "http://localhost:3000/api/auth/callback";
const ID: &str = "de300000-0000-4000-8000-000000000001";
const SECRET: &str = "demo-client-secret";

both! {
    async fn a_thousand_exchanges_race_for_one_code(db: TestDb) {
        let world = World::new(db).await;
        let code = code(&world).await;
        let answers = join_all((0..1_000).map(|_| exchange(&world, &code, REDIRECT, ID, SECRET))).await;
        let winners = answers.iter().filter(|(status, _)| status.as_u16() == 200).count();
        assert_eq!(winners, 1);
        for answer in answers.iter().filter(|(status, _)| status.as_u16() != 200) {
            refused(answer, 400, "oauth2.code.used");
        }
    }

    async fn a_code_is_bound_to_client_redirect_and_time(db: TestDb) {
        let world = World::new(db).await;
        let code = code(&world).await;
        refused(&exchange(&world, &code, "http://localhost:3000/api/auth/callbacK", ID, SECRET).await, 400, "oauth2.redirect_uri.mismatch");
        refused(&exchange(&world, &code, REDIRECT, ID, "wrong").await, 401, "oauth2.client.secret_mismatch");
        refused(&exchange(&world, &code, REDIRECT, "nobody", SECRET).await, 400, "oauth2.client.invalid");
        refused(&exchange(&world, "lba_ac_unknown", REDIRECT, ID, SECRET).await, 400, "oauth2.code.invalid");
        world.clock.advance(300_000);
        refused(&exchange(&world, &code, REDIRECT, ID, SECRET).await, 400, "oauth2.code.expired");
    }

    async fn a_failed_exchange_does_not_use_the_code(db: TestDb) {
        let world = World::new(db).await;
        let code = code(&world).await;
        refused(&exchange(&world, &code, "http://other.example/", ID, SECRET).await, 400, "oauth2.redirect_uri.mismatch");
        data(exchange(&world, &code, REDIRECT, ID, SECRET).await);
        refused(&exchange(&world, &code, REDIRECT, ID, SECRET).await, 400, "oauth2.code.used");
    }

    async fn grant_types_are_checked_and_the_bare_endpoint_dispatches(db: TestDb) {
        let world = World::new(db).await;
        let credentials = [("client_id", ID), ("client_secret", SECRET)];
        let with = |grant: &'static str| [&[("grant_type", grant)], &credentials[..]].concat();
        refused(&world.form("oauth/token/code", &with("refresh_token")).await, 400, "oauth2.grant_type.invalid");
        refused(&world.form("oauth/token", &with("password")).await, 400, "oauth2.grant_type.unsupported");
        refused(&world.form("oauth/token", &credentials).await, 400, "invalid.param");
        refused(&world.form("oauth/token/code", &with("authorization_code")).await, 400, "invalid.param");
        let app = data(world.form("oauth/token", &with("client_credentials")).await);
        assert_eq!(app["scope"], json!(["chat.write"]));
        let code = code(&world).await;
        let body = json!({"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "client_id": ID, "client_secret": SECRET});
        data(world.post("oauth/token", "", &body).await);
    }

    async fn parallel_refreshes_all_succeed_with_the_same_refresh_token(db: TestDb) {
        let world = World::new(db).await;
        let code = code(&world).await;
        let tokens = data(exchange(&world, &code, REDIRECT, ID, SECRET).await);
        let refresh = tokens["refreshToken"].as_str().unwrap().to_owned();
        let answers = join_all((0..1_000).map(|_| refresh_with(&world, &refresh))).await;
        let mut access: Vec<String> = Vec::new();
        for answer in answers {
            let fresh = data(answer);
            assert_eq!(fresh["refreshToken"], refresh.as_str());
            access.push(fresh["accessToken"].as_str().unwrap().to_owned());
        }
        access.sort();
        access.dedup();
        assert_eq!(access.len(), 1_000);
    }

    async fn lifetimes_are_those_of_the_house_rules(db: TestDb) {
        let world = World::new(db).await;
        let code = code(&world).await;
        let tokens = data(exchange(&world, &code, REDIRECT, ID, SECRET).await);
        let (access, refresh) = (tokens["accessToken"].as_str().unwrap(), tokens["refreshToken"].as_str().unwrap());
        world.clock.advance(7_200_000 - 1);
        data(world.get("secondme/user/info", access).await);
        world.clock.advance(1);
        let late = world.get("secondme/user/info", access).await;
        refused(&late, 401, "oauth2.token.expired");
        assert!(late.1["message"].as_str().unwrap().contains("token"));
        world.clock.advance(364 * 86_400_000);
        data(refresh_with(&world, refresh).await);
        world.clock.advance(86_400_000);
        refused(&refresh_with(&world, refresh).await, 401, "oauth2.refresh_token.expired");
        refused(&refresh_with(&world, "lba_rt_unknown").await, 400, "oauth2.refresh_token.invalid");
        refused(&refresh_with(&world, access).await, 400, "oauth2.refresh_token.invalid");
    }

    async fn revoking_an_authorization_ends_its_tokens_at_once(db: TestDb) {
        let world = World::new(db).await;
        let first = code(&world).await;
        let tokens = data(exchange(&world, &first, REDIRECT, ID, SECRET).await);
        let (access, refresh) = (tokens["accessToken"].as_str().unwrap(), tokens["refreshToken"].as_str().unwrap());
        data(world.get("secondme/user/info", access).await);
        let pending = code(&world).await;
        assert!(authorizations::revoke(&world.app, 1, "app_demo").await.unwrap());
        assert!(!authorizations::revoke(&world.app, 1, "app_demo").await.unwrap());
        refused(&world.get("secondme/user/info", access).await, 401, "oauth2.authorization.revoked");
        refused(&refresh_with(&world, refresh).await, 401, "oauth2.refresh_token.revoked");
        refused(&exchange(&world, &pending, REDIRECT, ID, SECRET).await, 400, "oauth2.code.revoked");
        // Granting again makes new tokens work, and leaves the old ones dead.
        world.clock.advance(1);
        let again = code(&world).await;
        let tokens = data(exchange(&world, &again, REDIRECT, ID, SECRET).await);
        data(world.get("secondme/user/info", tokens["accessToken"].as_str().unwrap()).await);
        world.app.grants().invalidate_all();
        refused(&world.get("secondme/user/info", access).await, 401, "oauth2.token.revoked");
    }

    async fn app_tokens_have_no_user(db: TestDb) {
        let world = World::new(db).await;
        let form = |scope: &'static str, secret: &'static str| [
            ("grant_type", "client_credentials"), ("client_id", ID), ("client_secret", secret), ("scope", scope),
        ];
        let tokens = data(world.form("oauth/token/client", &form("chat.write", SECRET)).await);
        assert_eq!(tokens["expiresIn"], 604_800);
        assert!(tokens.get("refreshToken").is_none());
        refused(&world.get("secondme/user/info", tokens["accessToken"].as_str().unwrap()).await, 401, "oauth2.token.invalid");
        refused(&world.form("oauth/token/client", &form("chat.write", "wrong")).await, 401, "oauth2.invalid_client");
        refused(&world.form("oauth/token/client", &form("everything", SECRET)).await, 400, "oauth2.scope.invalid");
    }

    async fn the_skills_login_gives_a_personal_token(db: TestDb) {
        let world = World::new(db).await;
        let verifier = world.app.entropy().token("");
        let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
        let code = skills::issue(&world.app, 1, &challenge).await.unwrap();
        assert!(code.starts_with("lba_ac_"));
        let body = |verifier: &str| json!({"code": code, "codeVerifier": verifier});
        refused(&world.post("auth/skills/token", "", &body("wrong")).await, 400, "oauth2.code.invalid");
        refused(&exchange(&world, &code, "", ID, SECRET).await, 400, "invalid.param");
        refused(&exchange(&world, &code, REDIRECT, ID, SECRET).await, 400, "oauth2.code.invalid");
        let token = data(world.post("auth/skills/token", "", &body(&verifier)).await);
        assert_eq!(token["expiresIn"], 604_800);
        assert!(token.get("refreshToken").is_none());
        refused(&world.post("auth/skills/token", "", &body(&verifier)).await, 400, "oauth2.code.used");
        data(world.get("secondme/user/info", token["accessToken"].as_str().unwrap()).await);
        assert!(skills::issue(&world.app, 1, "too-short").await.is_err());
    }

    async fn tokens_say_why_they_are_refused(db: TestDb) {
        let world = World::new(db).await;
        refused(&world.get("secondme/user/info", "").await, 401, "apikey.auth.missing");
        refused(&world.get("secondme/user/info", "lba_at_nonsense").await, 401, "auth.token.invalid");
        refused(&world.get("secondme/user/info", "lba_ak_nonsense").await, 401, "apikey.auth.invalid");
        let (_, body) = world.get("secondme/user/info", "lba_at_nonsense").await;
        assert!(body["detail"].is_string() && body["message"].as_str().unwrap().contains("token"));
        let narrow = world.mint(Kind::Access, "voice").await;
        let answer = world.get("secondme/user/info", &narrow).await;
        refused(&answer, 403, "oauth2.scope.insufficient");
        assert!(answer.1["message"].as_str().unwrap().contains("userinfo"));
        let key = world.mint(Kind::ApiKey, "voice").await;
        refused(&world.get("secondme/user/info", &key).await, 403, "apikey.permission.denied");
        let refresh = world.mint(Kind::Refresh, "userinfo").await;
        refused(&world.get("secondme/user/info", &refresh).await, 401, "auth.token.invalid");
        // Older command-line clients append a pipe and more.
        data(world.get("secondme/user/info", &format!("{ADA}|suffix")).await);
        data(world.get("secondme/user/info", &world.mint(Kind::ApiKey, "user.info").await).await);
    }

    async fn nothing_secret_is_stored_in_clear(db: TestDb) {
        let world = World::new(db).await;
        let code = code(&world).await;
        let tokens = data(exchange(&world, &code, REDIRECT, ID, SECRET).await);
        let store = world.app.store();
        let sql = secondme_store::sql!("SELECT token_hash FROM tokens");
        let rows = store.all(sql, secondme_store::Params::default()).await.unwrap();
        assert!(rows.len() >= 4);
        for row in rows {
            let hash: Vec<u8> = row.get("token_hash").unwrap();
            for secret in [&code, tokens["accessToken"].as_str().unwrap(), tokens["refreshToken"].as_str().unwrap()] {
                assert_ne!(hash, secret.as_bytes());
                assert_ne!(hash, sha256(secret.as_bytes()), "an unkeyed hash can be guessed at");
            }
        }
    }
}

/// A code for Ada and the demo app.
async fn code(world: &World) -> String {
    let body = json!({"clientId": ID, "redirectUri": REDIRECT, "scope": ["userinfo", "chat"]});
    data(world.post("oauth/authorize/external", ADA, &body).await)["code"].as_str().unwrap().to_owned()
}

async fn exchange(world: &World, code: &str, redirect: &str, id: &str, secret: &str) -> (reqwest::StatusCode, Value) {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect),
        ("client_id", id),
        ("client_secret", secret),
    ];
    world.form("oauth/token/code", &form).await
}

async fn refresh_with(world: &World, refresh: &str) -> (reqwest::StatusCode, Value) {
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", ID), ("client_secret", SECRET)];
    world.form("oauth/token/refresh", &form).await
}
