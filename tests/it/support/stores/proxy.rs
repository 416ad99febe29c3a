//! A proxy before an object store that makes faults by a script, and logs the requests.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::http;
use crate::support::scripted::Gate;
use crate::support::service::{RUNTIME, wait_until};

/// A proxy until dropped. It passes requests on as they are, with the `Host` that was signed.
pub struct FaultProxy {
    endpoint: String,
    state: Arc<Mutex<State>>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    seen: Vec<Seen>,
    /// Number of requests that came to a gate.
    waiting: usize,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// Path and query, decoded.
    pub path: String,
    /// Path and query as sent.
    pub uri: String,
    pub headers: Vec<(String, String)>,
}

/// The fault of a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The client gets this status. The store does not see the request.
    Refuse(u16),
    /// The client gets the 409 of S3 that asks for a repetition. The store does not see the request.
    Conflict,
    /// The client is sent to another server, which has the same path.
    Redirect(String),
    /// The store acts, and the connection is closed without an answer.
    LoseAnswer,
    /// The store acts, and the client gets this status.
    Replace(u16),
    /// The request waits until the gate opens.
    Stall(Gate),
    /// The store acts, and the answer waits until the gate opens.
    Hold(Gate),
}

/// The requests that have a fault.
pub struct Rule {
    method: &'static str,
    part: String,
    turns: Turns,
    matched: usize,
    fault: Fault,
}

enum Turns {
    /// This one, from 1 on.
    Nth(usize),
    /// Each that is a multiple of this.
    Every(usize),
}

impl Rule {
    /// The first request of this method whose path and query contain this part.
    pub fn first(method: &'static str, part: &str, fault: Fault) -> Self {
        Self::nth(1, method, part, fault)
    }

    /// The n-th such request.
    pub fn nth(n: usize, method: &'static str, part: &str, fault: Fault) -> Self {
        Self { method, part: part.to_owned(), turns: Turns::Nth(n), matched: 0, fault }
    }

    /// Every n-th such request. All of them with 1.
    pub fn every(n: usize, method: &'static str, part: &str, fault: Fault) -> Self {
        Self { turns: Turns::Every(n), ..Self::first(method, part, fault) }
    }

    /// Counts the request, and decides about its fault.
    fn apply(&mut self, seen: &Seen) -> Option<Fault> {
        if !seen.is(self.method, &self.part) {
            return None;
        }
        self.matched += 1;
        let is_due = match self.turns {
            Turns::Nth(n) => self.matched == n,
            Turns::Every(n) => self.matched.is_multiple_of(n),
        };
        is_due.then(|| self.fault.clone())
    }
}

impl Seen {
    /// True if it has this method, or any if empty, and its path and query contain this part.
    pub fn is(&self, method: &str, part: &str) -> bool {
        (method.is_empty() || self.method == method) && self.path.contains(part)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl FaultProxy {
    /// A proxy before the server at this URL.
    pub fn before(server: &str) -> Self {
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::<Mutex<State>>::default();
        let (server, shared) = (Arc::<str>::from(server), Arc::clone(&state));
        let listening = RUNTIME.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, state) = (Arc::clone(&server), Arc::clone(&shared));
                let service =
                    service_fn(move |request| pass(Arc::clone(&server), Arc::clone(&state), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { endpoint, state, listening }
    }

    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// Adds a rule. The first one with a fault for a request decides.
    pub fn add(&self, rule: Rule) {
        lock(&self.state).rules.push(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        lock(&self.state).rules.clear();
    }

    /// The requests so far, in their order.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }

    /// Number of requests of this method whose path and query contain this part.
    pub fn count(&self, method: &str, part: &str) -> usize {
        lock(&self.state).seen.iter().filter(|seen| seen.is(method, part)).count()
    }

    /// Number of requests that waited or wait at a gate.
    pub fn waiting(&self) -> usize {
        lock(&self.state).waiting
    }

    /// Waits until this many such requests have arrived.
    pub fn wait_for(&self, count: usize, method: &str, part: &str) {
        wait_until("the requests arrive at the proxy", || self.count(method, part) >= count);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn pass(
    server: Arc<str>,
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let uri = head.uri.to_string();
    let text = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let seen = Seen {
        method: head.method.to_string(),
        path: decode(&uri),
        uri: uri.clone(),
        headers: head.headers.iter().map(text).collect(),
    };
    let fault = {
        let mut state = lock(&state);
        let faults: Vec<Fault> = state.rules.iter_mut().filter_map(|rule| rule.apply(&seen)).collect();
        state.seen.push(seen);
        faults.into_iter().next()
    };
    match &fault {
        Some(Fault::Refuse(status)) => return Ok(error(*status, "Refused")),
        Some(Fault::Conflict) => return Ok(error(409, "ConditionalRequestConflict")),
        Some(Fault::Redirect(to)) => {
            let mut answer = error(307, "TemporaryRedirect");
            let to = format!("{to}{uri}").parse().map_err(io::Error::other)?;
            answer.headers_mut().insert("location", to);
            return Ok(answer);
        }
        Some(Fault::Stall(gate)) => {
            lock(&state).waiting += 1;
            gate.pass().await;
        }
        Some(Fault::LoseAnswer | Fault::Replace(_) | Fault::Hold(_)) | None => {}
    }
    let answer = http::send(&server, Request::from_parts(head, body)).await?;
    match fault {
        Some(Fault::LoseAnswer) => Err(io::Error::other("the answer is lost")),
        Some(Fault::Replace(status)) => Ok(error(status, "Replaced")),
        Some(Fault::Hold(gate)) => {
            lock(&state).waiting += 1;
            gate.pass().await;
            Ok(answer.map(Full::new))
        }
        _ => Ok(answer.map(Full::new)),
    }
}

/// Resolves percent signs. Google's client encodes every character but letters and digits.
fn decode(uri: &str) -> String {
    let mut parts = uri.split('%');
    let mut text = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        text.extend(u8::from_str_radix(code, 16));
        text.extend(rest.bytes());
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// An error in the form of S3.
fn error(status: u16, code: &str) -> Response<Full<Bytes>> {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>a fault</Message></Error>");
    let answer = Response::builder().status(status).header("content-type", "application/xml");
    answer.body(Full::new(body.into())).expect("an answer")
}
