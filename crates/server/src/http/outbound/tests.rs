//! A resolver that answers as the test says, and a receiver on this machine that nobody may reach.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Answers every connection with the same bytes and counts them.
struct Receiver {
    port: u16,
    connections: Arc<AtomicUsize>,
}

#[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
async fn receiver(answer: impl Fn(u16) -> Option<String> + Send + 'static) -> Receiver {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        let mut kept = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            match answer(port) {
                Some(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                None => kept.push(stream),
            }
        }
    });
    Receiver { port, connections }
}

/// For tests that need a server which counts as public: 127.0.0.1 does, the rest of the machine does not.
fn first_is_public(address: IpAddr) -> bool {
    address == IpAddr::from([127, 0, 0, 1])
}

/// The same door by that measure.
fn lenient(lists: &[&[&str]]) -> Outbound {
    let (outbound, _) = outbound(lists);
    Outbound::with(Arc::clone(&outbound.0.lookup), first_is_public)
}

/// An outbound door whose names resolve to one list after the other; the last one for ever.
fn outbound(lists: &[&[&str]]) -> (Outbound, Arc<AtomicUsize>) {
    secondme_llm::install_tls();
    let lists: VecDeque<Vec<IpAddr>> =
        lists.iter().map(|list| list.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
    let (lists, lookups) = (Mutex::new(lists), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&lookups);
    let lookup: Lookup = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut lists = lists.lock().unwrap();
        let list = if lists.len() > 1 { lists.pop_front().unwrap() } else { lists[0].clone() };
        Box::pin(async move { Ok(list) })
    });
    (Outbound::with(lookup, address::is_public), lookups)
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

#[tokio::test]
async fn private_addresses_are_refused_however_they_are_written() {
    let receiver = receiver(|_| Some(OK.to_owned())).await;
    let (port, (outbound, _)) = (receiver.port, outbound(&[&["127.0.0.1"]]));
    for address in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://0177.0.0.1:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://[::ffff:7f00:1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        format!("http://innocent.example:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://10.0.0.1/".to_owned(),
    ] {
        let answer = outbound.send(Ask::get(url(&address))).await;
        assert_eq!(answer.unwrap_err(), OutboundError::Private, "{address}");
    }
    assert_eq!(receiver.connections.load(Ordering::SeqCst), 0, "nobody was connected to");
}

#[tokio::test]
async fn other_schemes_and_credentials_are_refused() {
    let (outbound, lookups) = outbound(&[&["8.8.8.8"]]);
    for address in ["ftp://example.org/", "file:///etc/passwd", "http://user@example.org/", "http://:p@example.org/"] {
        assert_eq!(outbound.send(Ask::get(url(address))).await.unwrap_err(), OutboundError::Url, "{address}");
    }
    assert_eq!(lookups.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_with_one_private_address_is_refused_whole() {
    let (outbound, _) = outbound(&[&["8.8.8.8", "10.0.0.1"]]);
    let answer = outbound.send(Ask::get(url("http://mixed.example/"))).await;
    assert_eq!(answer.unwrap_err(), OutboundError::Private);
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let receiver = receiver(|_| Some(OK.to_owned())).await;
    let ask = || Ask::get(url(&format!("http://rebinding.example:{}/", receiver.port)));
    // Whoever resolved a second time, to connect, would end at 127.0.0.2, where nobody listens.
    let outbound = lenient(&[&["127.0.0.1"], &["127.0.0.2"]]);
    assert_eq!(&outbound.send(ask()).await.unwrap().body[..], b"hello");
    assert_eq!(outbound.send(ask()).await.unwrap_err(), OutboundError::Private, "resolved anew for a new connection");
    assert_eq!(receiver.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_redirect_is_checked_again() {
    for target in ["http://127.0.0.2/secret", "http://inner.example/", "//[::1]/", "http://169.254.169.254/"] {
        let outer = receiver(move |_| {
            Some(format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
        })
        .await;
        let outbound = lenient(&[&["127.0.0.1"], &["10.0.0.7"]]);
        let ask = |redirects| Ask { redirects, ..Ask::get(url(&format!("http://outer.example:{}/", outer.port))) };
        assert_eq!(outbound.send(ask(5)).await.unwrap_err(), OutboundError::Private, "{target}");
    }
    let outer = receiver(|_| Some("HTTP/1.1 302 Found\r\nLocation: /x\r\nConnection: close\r\n\r\n".to_owned())).await;
    let ask = Ask::get(url(&format!("http://outer.example:{}/", outer.port)));
    assert_eq!(lenient(&[&["127.0.0.1"]]).send(ask).await.unwrap().status, 302, "not followed unless asked for");
}

#[test]
fn a_redirect_takes_neither_body_nor_credentials_elsewhere() {
    let mut ask = Ask { redirects: 2, ..Ask::post(url("https://a.example/x"), "body") };
    ask.headers.insert(header::AUTHORIZATION, "Bearer x".parse().unwrap());
    redirect(&mut ask, url("https://a.example/y"), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!((&ask.method, &ask.body[..], ask.headers.len()), (&Method::POST, &b"body"[..], 1));
    redirect(&mut ask, url("https://b.example/"), StatusCode::FOUND);
    assert_eq!((&ask.method, &ask.body[..], ask.headers.len(), ask.redirects), (&Method::GET, &b""[..], 0, 0));
}

#[tokio::test]
async fn redirects_end() {
    let looping = receiver(|port| {
        Some(format!(
            "HTTP/1.1 307 X\r\nLocation: http://l.example:{port}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ))
    })
    .await;
    let (outbound, _) = outbound(&[&["127.0.0.1"]]);
    let ask =
        Ask { reach: Reach::Anywhere, redirects: 4, ..Ask::get(url(&format!("http://l.example:{}/", looping.port))) };
    assert_eq!(outbound.send(ask).await.unwrap().status, 307);
    assert_eq!(looping.connections.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn size_and_time_are_limited() {
    let long = receiver(|_| Some(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(100_000)))).await;
    let (outbound, _) = outbound(&[&["127.0.0.1"]]);
    let ask = |port| Ask {
        reach: Reach::Anywhere,
        max_bytes: 1_000,
        timeout: Duration::from_millis(300),
        ..Ask::get(url(&format!("http://r.example:{port}/")))
    };
    let answer = outbound.send(ask(long.port)).await.unwrap();
    assert_eq!((answer.body.len(), answer.cut), (1_000, true));
    let silent = receiver(|_| None).await;
    let begun = tokio::time::Instant::now();
    let error = outbound.send(ask(silent.port)).await.unwrap_err();
    assert_eq!(error, OutboundError::Timeout(Duration::from_millis(300)));
    assert!(begun.elapsed() < Duration::from_secs(2));
}
