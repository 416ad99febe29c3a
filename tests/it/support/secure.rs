//! Servers that speak HTTP/2 over TLS as `https://localhost`, with certificates of a test authority.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use h2::Reason;
use h2::server::{Builder, Connection, SendResponse};
use hyper::http::{Request, Response};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::support::export::Export;
use crate::support::scripted::{Answer, Asked};
use crate::support::service::RUNTIME;

/// The response to a request.
#[derive(Clone, Debug)]
pub enum Act {
    Answer(Answer),
    /// A reset of the stream instead.
    Reset(Reason),
    /// A response, after which the connection accepts no more requests.
    LastAnswer(Answer),
    /// The server closes the connection with this reason, and all requests on it fail.
    GoAway(Reason),
}

type Decide = Box<dyn Fn(&Asked, usize) -> Act + Send + Sync>;

/// The decisions of a server.
pub struct Script {
    /// The certificate of the connection with this number, by the name of its file.
    pub certificate: fn(usize) -> &'static str,
    /// Maximum number of open requests on a connection.
    pub streams: u32,
    /// The response to a request other than a sign-in. The number is that of earlier requests on its
    /// connection.
    pub act: Decide,
}

impl Script {
    /// A server without faults of its own, with these responses.
    pub fn new(act: impl Fn(&Asked, usize) -> Act + Send + Sync + 'static) -> Self {
        Self { certificate: |_| "valid", streams: 100, act: Box::new(act) }
    }
}

/// A server that runs until it is dropped.
pub struct SecureServer {
    url: String,
    seen: Arc<Mutex<Seen>>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    asked: Vec<Asked>,
    connections: usize,
}

impl SecureServer {
    pub fn start(script: Script) -> Self {
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (script, all) = (Arc::new(script), Arc::clone(&seen));
        let listening = RUNTIME.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&all)));
            }
        });
        Self { url, seen, listening }
    }

    /// A run from this server that trusts its authority.
    pub fn run_of<C: AsRef<str>>(&self, contacts: impl IntoIterator<Item = C>) -> Export {
        let authority = file("authority.pem");
        Export::run_of(&self.url, contacts)
            .env_remove("SSL_CERT_DIR")
            .env("SSL_CERT_FILE", &authority.to_string_lossy())
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).connections
    }
}

impl Drop for SecureServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/it/certificates", name].iter().collect()
}

fn acceptor(name: &str) -> TlsAcceptor {
    drop(rustls::crypto::ring::default_provider().install_default());
    let certificate = CertificateDer::from_pem_file(file(&format!("{name}.pem"))).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(file("server.key")).expect("a key");
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    let mut config = config.expect("a key that fits");
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Serves a connection until it breaks. Its end is not an error, since the client may leave at any time.
async fn serve(stream: TcpStream, script: Arc<Script>, seen: Arc<Mutex<Seen>>) -> Result<(), Failure> {
    let number = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.connections += 1;
        seen.connections - 1
    };
    let stream = acceptor((script.certificate)(number)).accept(stream).await?;
    let mut connection = Builder::new().max_concurrent_streams(script.streams).handshake(stream).await?;
    let mut on_connection = 0;
    while let Some(incoming) = connection.accept().await {
        let (request, respond) = incoming?;
        let asked = note(&request, &seen);
        if asked.is_sign_in() {
            answer(respond, Answer::token("token-1"))?;
            continue;
        }
        let act = (script.act)(&asked, on_connection);
        on_connection += 1;
        obey(act, respond, &mut connection)?;
    }
    Ok(())
}

fn obey(
    act: Act,
    mut respond: SendResponse<Bytes>,
    connection: &mut Connection<TlsStream<TcpStream>, Bytes>,
) -> Result<(), Failure> {
    match act {
        Act::Answer(reply) => answer(respond, reply)?,
        Act::Reset(reason) => respond.send_reset(reason),
        Act::LastAnswer(reply) => {
            answer(respond, reply)?;
            connection.graceful_shutdown();
        }
        Act::GoAway(reason) => connection.abrupt_shutdown(reason),
    }
    Ok(())
}

fn answer(mut respond: SendResponse<Bytes>, reply: Answer) -> Result<(), Failure> {
    let mut head = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        head = head.header(name, value);
    }
    respond.send_response(head.body(())?, false)?.send_data(Bytes::from(reply.body), true)?;
    Ok(())
}

fn note<B>(request: &Request<B>, seen: &Mutex<Seen>) -> Asked {
    let endpoint = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let query = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let asked = Asked {
        before: seen.asked.iter().filter(|before| before.endpoint == endpoint).count(),
        endpoint,
        query: query.into_owned().collect(),
        authorization: request
            .headers()
            .get("authorization")
            .and_then(|value| value.to_str().ok().map(str::to_owned)),
        body: String::new(),
    };
    seen.asked.push(asked.clone());
    asked
}
