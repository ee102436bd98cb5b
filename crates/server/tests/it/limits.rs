//! Limits: how often an address, a user and an app may ask, and what a client is told.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Response};
use secondme_bus::LocalBus;
use secondme_server::access::Requested;
use secondme_server::http::limits::shared;
use secondme_server::users::accounts::{self, NewUser};
use secondme_server::users::keys;

use crate::harness::{ADA, Setup, TestDb, World, answer, both, refused};

fn setup(bus: Arc<LocalBus>) -> Setup {
    let mut setup = Setup { bus, ..Setup::default() };
    setup.config.server.trusted_proxies = vec!["127.0.0.1".to_owned()];
    setup.config.limits.address_per_minute = 6;
    setup.config.limits.user_per_minute = 3;
    setup
}

async fn world(db: TestDb, bus: Arc<LocalBus>) -> (World, [String; 2]) {
    let world = World::with(db, setup(bus)).await;
    let mut tokens = Vec::new();
    for email in ["a@example.org", "b@example.org"] {
        let new = NewUser { email, password: "correct horse", name: "x" };
        let id = accounts::create(&world.app, &new).await.unwrap();
        tokens.push(keys::create(&world.app, id, "k", &Requested::all()).await.unwrap());
    }
    (world, tokens.try_into().unwrap())
}

async fn ask(world: &World, address: &str, token: &str) -> Response {
    let request = world.request(Method::GET, "secondme/user/info", token).header("X-Forwarded-For", address);
    request.send().await.unwrap()
}

fn told(response: &Response) -> (u16, [i64; 3]) {
    let header = |name: &str| response.headers()[name].to_str().unwrap().parse().unwrap();
    (response.status().as_u16(), ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(header))
}

both! {
    async fn a_user_and_an_address_have_their_own_limits(db: TestDb) {
        let (world, [one, other]) = world(db, Arc::default()).await;
        assert_eq!(told(&ask(&world, "1.1.1.1", &one).await), (200, [3, 2, 20]));
        assert_eq!(told(&ask(&world, "2.2.2.2", &one).await), (200, [3, 1, 40]));
        assert_eq!(told(&ask(&world, "1.1.1.1", &one).await), (200, [3, 0, 60]));
        let response = ask(&world, "3.3.3.3", &one).await;
        assert_eq!(told(&response), (429, [3, 0, 60]));
        assert_eq!(response.headers()["retry-after"], "20");
        refused(&answer(response).await, 429, "request.rate.limited");
        // Others are not concerned, nor is the same user later.
        assert_eq!(ask(&world, "3.3.3.3", &other).await.status(), 200);
        world.clock.advance(20_000);
        assert_eq!(ask(&world, "1.1.1.1", &one).await.status(), 200);
        // An address that asks for too much is refused before its token is looked at.
        world.clock.advance(120_000);
        for _ in 0..6 {
            assert_eq!(ask(&world, "4.4.4.4", "lba_at_wrong").await.status(), 401);
        }
        assert_eq!(told(&ask(&world, "4.4.4.4", &one).await), (429, [6, 0, 60]));
        // Who talks to the node itself, on its own machine, is the operator.
        for _ in 0..20 {
            let response = world.request(Method::GET, "secondme/user/info", ADA).send().await.unwrap();
            assert_eq!(response.status(), 200);
            assert!(!response.headers().contains_key("ratelimit-limit"));
        }
    }

    async fn nodes_on_one_bus_count_together(db: TestDb) {
        let bus = Arc::new(LocalBus::default());
        let (world, [one, two]) = world(db, bus.clone()).await;
        let neighbour = world.beside(setup(bus)).await;
        for node in [&world, &neighbour] {
            node.app.spawn(shared::run(node.app.clone()));
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(told(&ask(&world, "1.1.1.1", &one).await), (200, [3, 2, 20]));
        assert_eq!(told(&ask(&world, "1.1.1.1", &one).await), (200, [3, 1, 40]));
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(told(&ask(&neighbour, "2.2.2.2", &one).await), (200, [3, 0, 60]), "the third, wherever it is asked");
        assert_eq!(told(&ask(&neighbour, "2.2.2.2", &one).await).0, 429);
        // Others are not concerned.
        assert_eq!(told(&ask(&neighbour, "2.2.2.2", &two).await), (200, [3, 2, 20]));
        neighbour.clock.advance(60_000);
        assert_eq!(told(&ask(&neighbour, "2.2.2.2", &one).await), (200, [3, 2, 20]));
    }

    async fn a_busy_node_says_so(db: TestDb) {
        let world = World::with_config(db, |config| config.limits.in_flight_max = 1).await;
        // One place, and none of it for reads.
        refused(&world.get("secondme/user/info", ADA).await, 503, "request.overloaded");
        assert_eq!(world.http.get(format!("{}/healthz", world.url)).send().await.unwrap().status(), 200);
        let metrics = world.http.get(format!("{}/metrics", world.url)).send().await.unwrap().text().await.unwrap();
        assert!(metrics.contains("secondme_http_shed_total 1"), "{metrics}");
        assert!(metrics.contains("secondme_database_up 1") && metrics.contains("secondme_jobs_pending"), "{metrics}");
    }
}
