//! OAuth2 in the standard's own words, on the same grants as SecondMe's dialect.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::future::join_all;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use secondme_kit::secret::sha256;
use secondme_server::demo;
use serde_json::{Value, json};

use crate::harness::{ADA, Browser, Shown, TestDb, World, both, data, refused};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SECRET: [(&str, &str); 2] = [("client_id", demo::CLIENT_ID), ("client_secret", demo::CLIENT_SECRET)];

both! {
    async fn the_metadata_names_every_endpoint(db: TestDb) {
        let world = World::new(db).await;
        let response = world.http.get(format!("{}/.well-known/oauth-authorization-server", world.url)).header("Origin", "https://spa.example").send().await.unwrap();
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        let metadata: Value = response.json().await.unwrap();
        assert_eq!(metadata["issuer"], world.url);
        for (name, path) in [("authorization", "authorize"), ("token", "token"), ("revocation", "revoke"), ("introspection", "introspect")] {
            assert_eq!(metadata[format!("{name}_endpoint")], format!("{}/oauth2/{path}", world.url));
        }
        assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    }

    async fn one_code_many_exchanges_and_refreshes(db: TestDb) {
        let world = World::new(db).await;
        let code = code(&world, demo::CLIENT_ID, demo::REDIRECT_URI, "").await;
        let exchange = [&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", demo::REDIRECT_URI)], &SECRET[..]].concat();
        let answers = join_all((0..1_000).map(|_| post(&world, "token", &exchange))).await;
        let winners: Vec<&Value> = answers.iter().filter(|(status, _)| *status == 200).map(|(_, body)| body).collect();
        assert_eq!(winners.len(), 1);
        assert!(answers.iter().all(|(status, body)| *status == 200 || (*status == 400 && body["error"] == "invalid_grant")));
        let refresh = winners[0]["refresh_token"].as_str().unwrap();
        let form = [&[("grant_type", "refresh_token"), ("refresh_token", refresh)], &SECRET[..]].concat();
        let answers = join_all((0..1_000).map(|_| post(&world, "token", &form))).await;
        assert!(answers.iter().all(|(status, body)| *status == 200 && body["refresh_token"] == refresh));
    }

    async fn parallel_refreshes_of_a_public_client_never_fail_on_our_side(db: TestDb) {
        let world = World::new(db).await;
        let id = public(&world).await;
        let tokens = tokens(&world, &id).await;
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", id.as_str())];
        let answers = join_all((0..200).map(|_| post(&world, "token", &form))).await;
        assert!(answers.iter().all(|(status, _)| *status == 200), "within the grace, a lost answer is asked for again");
    }

    async fn a_replaced_refresh_token_ends_everything_of_its_approval(db: TestDb) {
        let world = World::new(db).await;
        let id = public(&world).await;
        let (first, other) = (tokens(&world, &id).await, tokens(&world, &id).await);
        let refresh = async |token: &Value| {
            let token = token["refresh_token"].as_str().unwrap().to_owned();
            post(&world, "token", &[("grant_type", "refresh_token"), ("refresh_token", &token), ("client_id", &id)]).await
        };
        let (status, second) = refresh(&first).await;
        assert_eq!(status, 200, "{second}");
        assert_ne!(second["refresh_token"], first["refresh_token"]);
        world.clock.advance(9_999);
        let (status, third) = refresh(&first).await;
        assert_eq!(status, 200, "the answer may have been lost: {third}");
        world.clock.advance(1);
        let (status, body) = refresh(&first).await;
        assert_eq!((status.as_u16(), body["error"].as_str()), (400, Some("invalid_grant")));
        for ended in [&second, &third] {
            assert_eq!(refresh(ended).await.0, 400);
            refused(&world.get("secondme/user/info", ended["access_token"].as_str().unwrap()).await, 401, "oauth2.token.revoked");
        }
        assert_eq!(refresh(&other).await.0, 200, "another approval goes on");
    }

    async fn public_clients_need_pkce(db: TestDb) {
        let world = World::new(db).await;
        let id = public(&world).await;
        let native = "http://127.0.0.1:51004/cb";
        let back = authorize(&world, &format!("client_id={id}&response_type=code&redirect_uri={native}&state=s%26t")).await;
        assert!(back.at.starts_with(&format!("{native}?error=invalid_request&error_description=")), "{}", back.at);
        let iss: String = url::form_urlencoded::byte_serialize(world.url.as_bytes()).collect();
        assert!(back.at.ends_with(&format!("&state=s%26t&iss={iss}")), "{}", back.at);
        let plain = format!("client_id={id}&response_type=code&redirect_uri={native}&code_challenge={VERIFIER}&code_challenge_method=plain");
        assert!(authorize(&world, &plain).await.at.contains("error=invalid_request"));
        let code = code(&world, &id, native, &challenge()).await;
        let exchange = async |verifier: &str, extra: &[(&str, &str)]| {
            let mut form = vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("client_id", id.as_str())];
            form.extend(extra);
            if !verifier.is_empty() {
                form.push(("code_verifier", verifier));
            }
            post(&world, "token", &form).await
        };
        for (verifier, extra, error) in [
            ("", &[][..], "invalid_grant"),
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX", &[], "invalid_grant"),
            (VERIFIER, &[("redirect_uri", "http://127.0.0.1:51005/cb")], "invalid_grant"),
            (VERIFIER, &[("client_secret", "guess")], "invalid_client"),
        ] {
            assert_eq!(exchange(verifier, extra).await.1["error"], error, "{verifier} {extra:?}");
        }
        assert_eq!(exchange(VERIFIER, &[("redirect_uri", native)]).await.0, 200);
        let (_, body) = post(&world, "token", &[("grant_type", "client_credentials"), ("client_id", &id)]).await;
        assert_eq!(body["error"], "unauthorized_client");
        let (status, body) = post(&world, "introspect", &[("token", "x"), ("client_id", &id)]).await;
        assert_eq!((status.as_u16(), body["error"].as_str()), (401, Some("invalid_client")));
    }

    async fn a_verifier_without_a_challenge_is_refused(db: TestDb) {
        let world = World::new(db).await;
        let code = code(&world, demo::CLIENT_ID, demo::REDIRECT_URI, "").await;
        let mut form = [&[("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", demo::REDIRECT_URI)], &SECRET[..]].concat();
        form.push(("code_verifier", VERIFIER));
        assert_eq!(post(&world, "token", &form).await.1["error"], "invalid_grant");
        form.pop();
        assert_eq!(post(&world, "token", &form).await.0, 200, "a failed exchange does not use the code");
    }

    async fn tokens_of_one_dialect_work_and_end_in_the_other(db: TestDb) {
        let world = World::new(db).await;
        // Issued by SecondMe's dialect, known to and ended by the standard's.
        let (access, refresh) = world.connect(ADA, &["user.info", "chat"]).await;
        let (_, known) = post(&world, "introspect", &[&[("token", access.as_str())], &SECRET[..]].concat()).await;
        assert_eq!((&known["active"], &known["scope"], &known["client_id"]), (&json!(true), &json!("user.info chat"), &json!(demo::CLIENT_ID)));
        let me = data(world.get("auth/me", &access).await);
        assert_eq!((&known["sub"], known["exp"].as_i64().unwrap() - known["iat"].as_i64().unwrap()), (&me["appScopedUserId"], 7_200));
        let (status, fresh) = post(&world, "token", &[&[("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("scope", "userinfo")], &SECRET[..]].concat()).await;
        assert_eq!((status.as_u16(), &fresh["scope"]), (200, &json!("userinfo")));
        refused(&world.post("secondme/chat/stream", fresh["access_token"].as_str().unwrap(), &json!({"message": "x"})).await, 403, "oauth2.scope.insufficient");
        assert_eq!(revoke(&world, &access).await, 200);
        refused(&world.get("auth/me", &access).await, 401, "oauth2.token.revoked");
        data(world.get("auth/me", fresh["access_token"].as_str().unwrap()).await);
        assert_eq!(revoke(&world, &refresh).await, 200);
        refused(&world.get("auth/me", fresh["access_token"].as_str().unwrap()).await, 401, "oauth2.token.revoked");
        assert_eq!(revoke(&world, "lba_rt_unknown").await, 200, "nobody learns which tokens there are");
        // Issued by the standard's dialect, refreshed and ended in SecondMe's.
        let code = code(&world, demo::CLIENT_ID, demo::REDIRECT_URI, &challenge()).await;
        let form = [&[("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", demo::REDIRECT_URI), ("code_verifier", VERIFIER)], &SECRET[..]].concat();
        let (_, tokens) = post(&world, "token", &form).await;
        let form = [&[("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())], &SECRET[..]].concat();
        let again = data(world.form("oauth/token/refresh", &form).await);
        data(world.post("authorizations/app_demo/revoke", ADA, &json!({})).await);
        for token in [&again["accessToken"], &tokens["access_token"]] {
            refused(&world.get("auth/me", token.as_str().unwrap()).await, 401, "oauth2.authorization.revoked");
            let (_, known) = post(&world, "introspect", &[&[("token", token.as_str().unwrap())], &SECRET[..]].concat()).await;
            assert_eq!(known, json!({"active": false}));
        }
    }

    async fn errors_have_the_standard_shape_on_these_paths_only(db: TestDb) {
        let world = World::new(db).await;
        let grant = |grant: &'static str| [&[("grant_type", grant)], &SECRET[..]].concat();
        for (form, status, error) in [
            (grant("password"), 400, "unsupported_grant_type"),
            (SECRET.to_vec(), 400, "invalid_request"),
            (grant("authorization_code"), 400, "invalid_request"),
            ([&[("scope", "everything")], &grant("client_credentials")[..]].concat(), 400, "invalid_scope"),
            ([&[("grant_type", "x")], &grant("x")[..]].concat(), 400, "invalid_request"),
            (vec![("grant_type", "client_credentials"), ("client_id", demo::CLIENT_ID)], 401, "invalid_client"),
            (vec![("grant_type", "client_credentials"), ("client_id", "nobody"), ("client_secret", "x")], 401, "invalid_client"),
            ([&[("code", "x"), ("redirect_uri", "y")], &grant("authorization_code")[..]].concat(), 400, "invalid_grant"),
            ([&[("refresh_token", "x")], &grant("refresh_token")[..]].concat(), 400, "invalid_grant"),
        ] {
            let (got, body) = post(&world, "token", &form).await;
            assert_eq!((got.as_u16(), body["error"].as_str()), (status, Some(error)), "{form:?}: {body}");
            assert!(body["error_description"].is_string() && body.get("code").is_none() && body.get("subCode").is_none());
        }
        let basic = |id: &str, secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let call = async |header: String, form: &[(&str, &str)]| {
            world.http.post(format!("{}/oauth2/token", world.url)).header(AUTHORIZATION, header).form(form).send().await.unwrap()
        };
        let form = [("grant_type", "client_credentials")];
        let response = call(basic(demo::CLIENT_ID, "wrong"), &form).await;
        assert_eq!(response.status(), 401);
        assert!(response.headers()[WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic"));
        let response = call(basic(demo::CLIENT_ID, demo::CLIENT_SECRET), &form).await;
        assert_eq!((response.status().as_u16(), &response.headers()[CACHE_CONTROL]), (200, &"no-store".parse().unwrap()));
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["token_type"], &body["scope"], body.get("refresh_token")), (&json!("Bearer"), &json!("chat.write"), None));
        assert_eq!(call(basic(demo::CLIENT_ID, demo::CLIENT_SECRET), &grant("client_credentials")).await.status(), 400, "two ways at once");
    }

    async fn authorize_sends_errors_back_only_to_whom_it_may(db: TestDb) {
        let world = World::new(db).await;
        let redirect: String = url::form_urlencoded::byte_serialize(demo::REDIRECT_URI.as_bytes()).collect();
        let base = format!("client_id={}&redirect_uri={redirect}", demo::CLIENT_ID);
        for (query, error) in [
            (format!("{base}&response_type=token"), "unsupported_response_type"),
            (base.clone(), "invalid_request"),
            (format!("{base}&response_type=code&scope=everything"), "invalid_scope"),
            (format!("{base}&response_type=code&state=a&state=b"), "invalid_request"),
            (format!("{base}&response_type=code&code_challenge=short&code_challenge_method=S256"), "invalid_request"),
        ] {
            let back = authorize(&world, &query).await;
            assert!(back.at.starts_with(&format!("{}?error={error}&", demo::REDIRECT_URI)), "{query}: {}", back.at);
        }
        for query in [format!("client_id=nobody&redirect_uri={redirect}&response_type=code"), format!("client_id={}&redirect_uri=https%3A%2F%2Fevil.example%2F&response_type=code", demo::CLIENT_ID)] {
            let page = authorize(&world, &query).await;
            assert!(page.status.is_client_error() && page.at.starts_with("/oauth2/authorize"), "{page:?}");
        }
        // The only registered redirect URI need not be named; a refusal of the user comes back with `iss`, too.
        let mut browser = Browser::new(&world.http, &world.url);
        let login = browser.open(&format!("/oauth2/authorize?client_id={}&response_type=code&state=x", demo::CLIENT_ID)).await;
        let consent = browser.submit(&login, "password", &[("email", "ada@demo.local"), ("password", demo::PASSWORD)]).await;
        let denied = browser.submit(&consent, "decision", &[("decision", "deny")]).await;
        assert!(denied.at.starts_with(demo::REDIRECT_URI) && denied.at.contains("error=access_denied") && denied.at.contains("&iss="), "{}", denied.at);
    }
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()))
}

/// A public client of Ada's.
async fn public(world: &World) -> String {
    let body = json!({"appName": "Native", "redirectUris": ["http://127.0.0.1/cb"], "allowedScopes": ["userinfo", "chat"], "clientType": "public"});
    data(world.post("applications/external/create", ADA, &body).await)["clientId"].as_str().unwrap().to_owned()
}

async fn code(world: &World, id: &str, redirect_uri: &str, challenge: &str) -> String {
    let mut body = json!({"clientId": id, "redirectUri": redirect_uri, "scope": ["userinfo", "chat"]});
    if !challenge.is_empty() {
        body["codeChallenge"] = challenge.into();
        body["codeChallengeMethod"] = "S256".into();
    }
    data(world.post("oauth/authorize/external", ADA, &body).await)["code"].as_str().unwrap().to_owned()
}

/// The tokens of a public client after a new approval.
async fn tokens(world: &World, id: &str) -> Value {
    let code = code(world, id, "http://127.0.0.1/cb", &challenge()).await;
    let form =
        [("grant_type", "authorization_code"), ("code", code.as_str()), ("client_id", id), ("code_verifier", VERIFIER)];
    let (status, body) = post(world, "token", &form).await;
    assert_eq!(status, 200, "{body}");
    body
}

async fn post(world: &World, endpoint: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let response = world.http.post(format!("{}/oauth2/{endpoint}", world.url)).form(form).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn revoke(world: &World, token: &str) -> u16 {
    let form = [&[("token", token)], &SECRET[..]].concat();
    world.http.post(format!("{}/oauth2/revoke", world.url)).form(&form).send().await.unwrap().status().as_u16()
}

/// Opens the authorize page.
async fn authorize(world: &World, query: &str) -> Shown {
    Browser::new(&world.http, &world.url).open(&format!("/oauth2/authorize?{query}")).await
}
