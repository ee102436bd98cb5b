use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use secondme_bus::{Bus, BusStream, LocalBus, NatsBus};
use secondme_kit::Secret;

/// A bus as two nodes see it.
struct World {
    one: Arc<dyn Bus>,
    two: Arc<dyn Bus>,
    _server: Option<Server>,
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn local() -> Option<World> {
    let bus = LocalBus::default();
    Some(World { one: Arc::new(bus.clone()), two: Arc::new(bus), _server: None })
}

async fn nats() -> Option<World> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("nats-server");
    command.args(["-a", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(child) = command.spawn() else {
        assert!(
            std::env::var_os("CI").or(std::env::var_os("SECONDME_REQUIRE_SERVICES")).is_none(),
            "nats-server is required here"
        );
        eprintln!("SKIPPED: nats-server is not installed");
        return None;
    };
    let server = Some(Server(child));
    let url = Secret::new(format!("nats://127.0.0.1:{port}"));
    for _ in 0..100 {
        if let Ok(one) = NatsBus::connect(&url).await {
            let two = NatsBus::connect(&url).await.unwrap();
            return Some(World { one: Arc::new(one), two: Arc::new(two), _server: server });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nats-server does not answer");
}

async fn next(stream: &mut BusStream) -> (String, Bytes) {
    let message = tokio::time::timeout(Duration::from_secs(5), stream.next()).await.expect("heard nothing").unwrap();
    (message.subject.to_string(), message.payload)
}

async fn hears_nothing(stream: &mut BusStream) -> bool {
    tokio::time::timeout(Duration::from_millis(100), stream.next()).await.is_err()
}

macro_rules! on_both {
    ($(async fn $name:ident($world:ident) $body:block)*) => {
        $(mod $name {
            use super::*;

            async fn story($world: World) $body

            #[tokio::test]
            async fn local() {
                story(super::local().await.unwrap()).await;
            }

            #[tokio::test]
            async fn nats() {
                if let Some(world) = super::nats().await {
                    story(world).await;
                }
            }
        })*
    };
}

on_both! {
    async fn who_listens_hears_in_order(world) {
        let mut exact = world.one.subscribe("visitor.s1.frame").await;
        let mut again = world.one.subscribe("visitor.s1.frame").await;
        for n in 0..100_u8 {
            world.two.publish("visitor.s1.frame", Bytes::from(vec![n])).await;
        }
        for n in 0..100_u8 {
            assert_eq!(next(&mut exact).await, ("visitor.s1.frame".to_owned(), Bytes::from(vec![n])));
            assert_eq!(next(&mut again).await.1, Bytes::from(vec![n]));
        }
        assert_eq!(world.two.dropped(), 0);
    }

    async fn a_prefix_hears_everything_below_and_nothing_else(world) {
        let mut below = world.one.subscribe("visitor.s1.>").await;
        for other in ["visitor.s1", "visitor.s10.frame", "visitor.s2.frame", "visitor", "s1.frame"] {
            world.two.publish(other, Bytes::from_static(b"no")).await;
        }
        assert!(hears_nothing(&mut below).await);
        for one in ["visitor.s1.frame", "visitor.s1.a.b.c"] {
            world.two.publish(one, Bytes::from_static(b"yes")).await;
            assert_eq!(next(&mut below).await, (one.to_owned(), Bytes::from_static(b"yes")));
        }
    }

    async fn what_was_published_before_is_gone(world) {
        world.one.publish("a.b", Bytes::from_static(b"early")).await;
        let mut late = world.one.subscribe("a.b").await;
        world.two.publish("a.b", Bytes::from_static(b"late")).await;
        assert_eq!(next(&mut late).await.1, "late");
        drop(late);
        world.two.publish("a.b", Bytes::from_static(b"nobody listens")).await;
        assert_eq!(world.two.dropped(), 0);
    }

    async fn a_wildcard_in_an_id_reaches_nobody(world) {
        let mut listener = world.one.subscribe("visitor.>").await;
        for bad in ["visitor.*", "visitor.>", "visitor. x", "", "visitor.\r\nPUB visitor.x 0\r\n"] {
            world.two.publish(bad, Bytes::new()).await;
        }
        assert!(hears_nothing(&mut listener).await);
        for bad in [">", "*", "visitor.*.frame", "visitor.>.x", ""] {
            assert!(world.one.subscribe(bad).await.next().await.is_none(), "{bad:?}");
        }
        world.two.publish("visitor.s1", Bytes::new()).await;
        assert_eq!(next(&mut listener).await.0, "visitor.s1");
    }
}

#[tokio::test]
async fn an_unreachable_server_is_an_error_without_the_password() {
    let error = NatsBus::connect(&Secret::new("nats://me:s3cret@127.0.0.1:1")).await.err().unwrap();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}
