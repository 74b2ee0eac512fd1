//! Connections to the stand-ins: HTTP/1.1 or HTTP/2, as the client begins, or in TLS as both agree.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::script::Script;

type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// A certificate for this machine, of an authority that nobody else knows.
#[derive(Clone)]
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    folder: Arc<TempDir>,
}

impl Tls {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut authority = CertificateParams::default();
        // OpenSSL takes a certificate whose issuer has its own name for one that is self-signed.
        authority.distinguished_name.push(DnType::CommonName, "an authority for a measurement");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let (authority_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
        let folder = TempDir::new()?;
        let trusted = authority.self_signed(&authority_key)?.pem();
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()])?;
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &Issuer::new(authority, authority_key))?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let tls = Self { acceptor: Arc::new(config).into(), folder: folder.into() };
        fs::write(tls.trusted(), trusted)?;
        Ok(tls)
    }

    /// The file that says whom to trust.
    pub(crate) fn trusted(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }
}

/// Answers the requests of each connection, and counts it, until it is dropped. An error breaks the
/// connection, or in HTTP/2 the stream.
pub(crate) async fn serve_each<A, F>(
    listener: TcpListener,
    tls: Option<Tls>,
    script: &Script,
    answer: A,
) where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<Response<Body>>> + Send + 'static,
{
    loop {
        // Who connected may have left again.
        let Ok((connection, _)) = listener.accept().await else { continue };
        script.connected();
        let _ = connection.set_nodelay(true);
        let (tls, answer) = (tls.clone(), answer.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(connection, answer).await,
                Some(tls) => serve(tls.acceptor.accept(connection).await?, answer).await,
            }
        });
    }
}

async fn serve<C, A, F>(connection: C, answer: A) -> Result<(), Box<dyn Error + Send + Sync>>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = anyhow::Result<Response<Body>>> + Send + 'static,
{
    let server = auto::Builder::new(TokioExecutor::new());
    server.serve_connection(TokioIo::new(connection), service_fn(answer)).await
}
