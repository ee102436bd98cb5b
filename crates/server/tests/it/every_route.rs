//! Walks the OpenAPI document: every route names its permission, and means it.

use reqwest::Method;
use secondme_server::access::{Kind, Scope};
use serde_json::Value;

use crate::harness::{TestDb, World, answer, both};

/// Routes that need no token: most are how one gets a token.
const PUBLIC: [&str; 7] = [
    "oauth/token/code",
    "oauth/token/refresh",
    "oauth/token/client",
    "oauth/token",
    "auth/skills/token",
    // The link is signed.
    "secondme/avatar/conversations/export/{jobId}/download",
    // So is this address.
    "secondme/visitor-chat/events",
];

/// Routes that anybody may read.
const CATALOGUE: [&str; 2] = ["applications/external/public/list", "applications/external/{appId}/public"];

struct Operation {
    name: String,
    method: Method,
    path: String,
    scope: Option<String>,
    public: bool,
}

both! {
    async fn every_route_names_a_scope_or_is_public(db: TestDb) {
        let world = World::new(db).await;
        let document: Value = world.http.get(format!("{}/openapi.json", world.url)).send().await.unwrap().json().await.unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        for (path, methods) in document["paths"].as_object().unwrap() {
            for parameter in methods.as_object().unwrap().values().flat_map(|m| m["parameters"].as_array().into_iter().flatten()) {
                let name = parameter["name"].as_str().unwrap();
                assert_eq!(parameter["in"] == "path", path.contains(&format!("{{{name}}}")), "{path}: {parameter}");
            }
        }
        let operations = operations(&document);
        let mut names: Vec<&String> = operations.iter().map(|operation| &operation.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), operations.len(), "two operations have one operationId");
        assert!(operations.len() >= 30);
        for operation in operations {
            let call = |token: String| {
                let request = world.request(operation.method.clone(), &operation.path, &token).json(&serde_json::json!({}));
                async move { answer(request.send().await.unwrap()).await }
            };
            let known = PUBLIC.iter().chain(&CATALOGUE).any(|path| *path == operation.path);
            assert_eq!(operation.public, known, "{}", operation.path);
            let (status, body) = call(String::new()).await;
            if CATALOGUE.contains(&operation.path.as_str()) {
                assert!(status == 200 || status == 404, "{}: {body}", operation.path);
                continue;
            }
            if operation.public {
                assert_eq!(status, 400, "{}: {body}", operation.path);
                continue;
            }
            assert_eq!(status, 401, "{}: {body}", operation.path);
            if let Some(scope) = &operation.scope {
                let others: Vec<&str> = Scope::ALL.iter().map(|s| s.name()).filter(|n| n != scope).collect();
                let (status, body) = call(world.mint(Kind::Access, &others.join(" ")).await).await;
                assert_eq!(status, 403, "{} with everything but {scope}: {body}", operation.path);
                assert!(body["message"].as_str().unwrap().contains(scope.as_str()));
                let (status, body) = call(world.mint(Kind::Access, scope).await).await;
                assert!(status != 401 && status != 403, "{} with {scope}: {status} {body}", operation.path);
            }
        }
    }
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let security = operation["security"].as_array().unwrap_or_else(|| panic!("{path} names no security"));
            let scopes = security[0].get("token");
            operations.push(Operation {
                name: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.strip_prefix("/gate/lab/api/").unwrap().to_owned(),
                scope: scopes.and_then(|s| s[0].as_str()).map(str::to_owned),
                public: scopes.is_none(),
            });
        }
    }
    operations
}
