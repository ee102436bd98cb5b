//! TLS to PostgreSQL. What `sslmode=require` asks for is always verified, against the system's authorities or a given file.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

use crate::error::{Fault, StoreError};

/// Makes connections that trust the same authorities.
#[derive(Clone)]
pub(crate) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Trusts the authorities of a PEM file, or without one those of the system.
    pub(crate) fn new(authorities: Option<&Path>) -> Result<Self, StoreError> {
        let fault = |why: String| StoreError::Unavailable(Fault::new("tls", why, None));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|e| fault(e.to_string()))?;
        let config = match authorities {
            None => builder.with_platform_verifier().map_err(|e| fault(e.to_string()))?.with_no_client_auth(),
            Some(path) => {
                let named = |why: String| fault(format!("{}: {why}", path.display()));
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_file_iter(path).map_err(|e| named(e.to_string()))? {
                    let certificate = certificate.map_err(|e| named(e.to_string()))?;
                    roots.add(certificate).map_err(|e| named(e.to_string()))?;
                }
                if roots.is_empty() {
                    return Err(named("there is no certificate in it".to_owned()));
                }
                builder.with_root_certificates(roots).with_no_client_auth()
            }
        };
        Ok(Self(Arc::new(config)))
    }
}

impl MakeTlsConnect<tokio_postgres::Socket> for Tls {
    type Stream = Encrypted;
    type TlsConnect = Connect;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Connect> {
        // A socket in a folder has no name to verify; the driver does not use TLS there.
        let name = ServerName::try_from(host.to_owned()).ok();
        Ok(Connect { config: Arc::clone(&self.0), name })
    }
}

/// A handshake to be.
pub(crate) struct Connect {
    config: Arc<ClientConfig>,
    name: Option<ServerName<'static>>,
}

impl TlsConnect<tokio_postgres::Socket> for Connect {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, socket: tokio_postgres::Socket) -> Self::Future {
        Box::pin(async move {
            let unnamed = || io::Error::new(io::ErrorKind::InvalidInput, "TLS needs the server's name or address");
            let name = self.name.ok_or_else(unnamed)?;
            Ok(Encrypted(TlsConnector::from(self.config).connect(name, socket).await?))
        })
    }
}

/// An encrypted connection.
pub(crate) struct Encrypted(tokio_rustls::client::TlsStream<tokio_postgres::Socket>);

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Takes out of a URL what the driver does not know: `sslrootcert`, and the stricter words for `sslmode`, which `require`
/// means here already.
pub(crate) fn split(url: &str) -> (String, Option<PathBuf>) {
    let mut url = url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
    let Some(at) = url.find("sslrootcert=") else { return (url, None) };
    let value = at + "sslrootcert=".len();
    let end = url[value..].find(['&', ' ']).map_or(url.len(), |length| value + length);
    let path = PathBuf::from(&url[value..end]);
    // With what divides it from the next parameter, or else from the one before.
    if end < url.len() {
        url.replace_range(at..=end, "");
    } else {
        url.replace_range(at.saturating_sub(1)..end, "");
    }
    (url, Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_authorities_is_taken_out_of_the_url() {
        let of = |url: &str| {
            let (url, path) = split(url);
            (url, path.map(|p| p.display().to_string()).unwrap_or_default())
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(of("postgres://u@h/d"), pair("postgres://u@h/d", ""));
        assert_eq!(of("postgres://u@h/d?sslrootcert=/ca.pem"), pair("postgres://u@h/d", "/ca.pem"));
        assert_eq!(
            of("postgres://u@h/d?sslrootcert=/ca.pem&sslmode=verify-full"),
            pair("postgres://u@h/d?sslmode=require", "/ca.pem")
        );
        assert_eq!(of("postgres://u@h/d?a=b&sslrootcert=/ca.pem"), pair("postgres://u@h/d?a=b", "/ca.pem"));
        assert_eq!(of("host=h sslrootcert=/ca.pem user=u"), pair("host=h user=u", "/ca.pem"));
    }
}
