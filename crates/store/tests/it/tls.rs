//! TLS to PostgreSQL, against a server of our own with a certificate of an authority that nobody else knows.

use std::net::TcpListener;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use secondme_kit::Secret;
use secondme_store::testing::{Identity, PrivatePostgres};
use secondme_store::{Location, Store, StoreError, params, sql};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut about = CertificateParams::new(Vec::new()).unwrap();
    about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(about, KeyPair::generate().unwrap()).unwrap()
}

/// What a server with this name shows.
fn identity(authority: &Authority, name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    Identity { certificate: certificate.pem(), key: key.serialize_pem() }
}

fn server(identity: &Identity) -> Option<(PrivatePostgres, u16)> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    PrivatePostgres::with_tls(identity, port).unwrap().map(|server| (server, port))
}

async fn open(url: String) -> Result<Store, StoreError> {
    Store::open(&Location::Postgres { url: Secret::new(url), pool: 2 }).await
}

async fn is_encrypted(store: &Store) -> bool {
    let ask = sql!(
        sqlite: "SELECT 0 AS ssl",
        postgres: "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    );
    store.opt(ask, params![]).await.unwrap().unwrap().get("ssl").unwrap()
}

fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_and_no_other() {
    let (ours, other, dir) = (authority(), authority(), tempfile::tempdir().unwrap());
    let Some((_server, port)) = server(&identity(&ours, "localhost")) else { return };
    let (ca, other) = (file(dir.path(), "ca.pem", &ours.pem()), file(dir.path(), "other.pem", &other.pem()));
    let url = |host: &str, rest: &str| format!("postgres://postgres@{host}:{port}/postgres{rest}");

    for mode in ["require", "verify-ca", "verify-full"] {
        let store = open(url("localhost", &format!("?sslmode={mode}&sslrootcert={ca}"))).await.unwrap();
        assert!(is_encrypted(&store).await, "{mode}");
    }
    // In the words of a list, too.
    let store = open(format!("host=localhost port={port} user=postgres sslmode=verify-full sslrootcert={ca}")).await;
    assert!(is_encrypted(&store.unwrap()).await);
    // Nobody asked for it.
    assert!(!is_encrypted(&open(url("localhost", "")).await.unwrap()).await);

    let cases = [
        ("another authority", url("localhost", &format!("?sslmode=verify-full&sslrootcert={other}"))),
        ("the system's authorities", url("localhost", "?sslmode=require")),
        ("another name", url("127.0.0.1", &format!("?sslmode=verify-full&sslrootcert={ca}"))),
        ("another name, however it is called", url("127.0.0.1", &format!("?sslmode=verify-ca&sslrootcert={ca}"))),
        ("a file that is not there", url("localhost", "?sslmode=require&sslrootcert=/nowhere.pem")),
    ];
    for (what, url) in cases {
        let refused = open(url).await.err();
        assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{what}: {refused:?}");
    }
}

#[tokio::test]
async fn an_address_can_be_in_the_certificate_and_the_server_may_start_again() {
    let (ours, dir) = (authority(), tempfile::tempdir().unwrap());
    let Some((server, port)) = server(&identity(&ours, "127.0.0.1")) else { return };
    let ca = file(dir.path(), "ca.pem", &ours.pem());
    let store =
        open(format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={ca}")).await;
    let store = store.unwrap();
    assert!(is_encrypted(&store).await);
    tokio::task::spawn_blocking(move || server.crash_and_start().map(|()| server)).await.unwrap().unwrap();
    let mut tries = 0;
    while store.ping().await.is_err() {
        tries += 1;
        assert!(tries < 10, "the pool does not recover");
    }
    assert!(is_encrypted(&store).await);
}
