//! Servers that write arbitrary bytes to the connection, for behavior that no HTTP server has.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::scripted::{Answer, Asked};
use crate::support::service::RUNTIME;

/// The bytes of a response, and what happens to the connection afterwards.
#[derive(Clone, Debug)]
pub struct Wire {
    pub bytes: Vec<u8>,
    pub then: Then,
}

/// The next state of a connection.
#[derive(Clone, Debug)]
pub enum Then {
    /// It serves the next request.
    Stay,
    /// It is closed.
    Close,
    /// It is reset.
    Reset,
    /// It stays open, and nothing more is sent.
    Stall,
    /// These bytes are sent again and again, with this pause.
    Repeat(Vec<u8>, Duration),
}

impl Wire {
    /// A response as a correct server writes it.
    pub fn of(answer: &Answer) -> Self {
        Self { bytes: with_length(answer, answer.body.as_bytes(), answer.body.len()), then: Then::Stay }
    }

    /// These bytes, unchanged.
    pub fn bytes(bytes: impl Into<Vec<u8>>, then: Then) -> Self {
        Self { bytes: bytes.into(), then }
    }

    /// A part of the response: its head, and this many bytes of its body.
    pub fn part(answer: &Answer, kept: usize, then: Then) -> Self {
        let body = answer.body.as_bytes();
        Self { bytes: with_length(answer, &body[..kept.min(body.len())], body.len()), then }
    }

    /// A body of any bytes, with these additional headers.
    pub fn body(headers: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n", body.len());
        Self { bytes: [head.as_bytes(), body].concat(), then: Then::Stay }
    }
}

fn with_length(answer: &Answer, body: &[u8], length: usize) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Whatever\r\ncontent-length: {length}\r\n", answer.status);
    for (name, value) in &answer.headers {
        write!(head, "{name}: {value}\r\n").expect("a string takes all");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// A server that runs until it is dropped.
pub struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    listening: JoinHandle<()>,
}

type Script = Arc<dyn Fn(&Asked, usize) -> Wire + Send + Sync>;

impl Server {
    /// Answers every request, and accepts every sign-in. The closure gets the number of earlier requests on
    /// the connection.
    pub fn api(answer: impl Fn(&Asked, usize) -> Wire + Send + Sync + 'static) -> Self {
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Script = Arc::new(move |asked: &Asked, on_connection| {
            if asked.is_sign_in() {
                Wire::of(&Answer::token("token-1"))
            } else {
                answer(asked, on_connection)
            }
        });
        let all = Arc::clone(&asked);
        let listening = RUNTIME.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&all)));
            }
        });
        Self { url, asked, listening }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Number of requests for a contact.
    pub fn count(&self, contact: &str) -> usize {
        self.asked().iter().filter(|asked| asked.contact() == contact).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Serves a connection until it breaks. Its end is not an error, since the client may leave at any time.
async fn serve(mut stream: TcpStream, script: Script, all: Arc<Mutex<Vec<Asked>>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    for on_connection in 0.. {
        let Some(asked) = read(&mut stream, &all).await? else { return Ok(()) };
        let wire = script(&asked, on_connection);
        stream.write_all(&wire.bytes).await?;
        match wire.then {
            Then::Stay => {}
            Then::Close => return Ok(()),
            Then::Reset => {
                stream.set_zero_linger()?;
                return Ok(());
            }
            // It ends when the client leaves.
            Then::Stall => drop(stream.read(&mut [0; 64]).await?),
            Then::Repeat(bytes, pause) => loop {
                stream.write_all(&bytes).await?;
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            },
        }
    }
    Ok(())
}

/// Reads a request and records it.
async fn read(stream: &mut TcpStream, all: &Mutex<Vec<Asked>>) -> std::io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break String::from_utf8_lossy(&bytes[..end]).into_owned();
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let length = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < head.len() + 4 + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    let target = head.split_whitespace().nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let endpoint = path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    let asked = Asked {
        before: all.iter().filter(|before| before.endpoint == endpoint).count(),
        endpoint,
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        authorization: header("authorization"),
        body: String::from_utf8_lossy(&bytes[head.len() + 4..]).into_owned(),
    };
    all.push(asked.clone());
    Ok(Some(asked))
}
