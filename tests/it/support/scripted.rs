//! Servers that answer from a closure, for behavior that the simulator lacks.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::service::RUNTIME;

/// A request as received.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The last part of the path.
    pub endpoint: String,
    pub query: BTreeMap<String, String>,
    pub authorization: Option<String>,
    pub body: String,
    /// Number of earlier requests to this endpoint.
    pub before: usize,
}

impl Asked {
    pub fn contact(&self) -> &str {
        self.query.get("contact_id").map_or("", String::as_str)
    }

    pub fn is_sign_in(&self) -> bool {
        self.endpoint == "get_id_token"
    }

    pub fn number(&self, name: &str) -> usize {
        self.query.get(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// The response to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Delays the answer until the gate opens.
    pub gate: Option<Gate>,
}

/// Delays answers until the test opens it.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub async fn pass(&self) {
        let mut state = self.0.subscribe();
        let _is_open = state.wait_for(|is_open| *is_open).await;
    }
}

impl Answer {
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, body: body.into(), gate: None }
    }

    /// A message of the gateway.
    pub fn message(status: u16, message: &str) -> Self {
        Self::new(status, json!({ "message": message }).to_string())
    }

    pub fn html() -> Self {
        let headers = vec![("content-type", "text/html".to_owned())];
        let body = "<!DOCTYPE html><html><body>Welcome</body></html>";
        Self { headers, ..Self::new(200, body) }
    }

    pub fn redirect(to: &str) -> Self {
        Self { headers: vec![("location", to.to_owned())], ..Self::new(302, "") }
    }

    /// A successful sign-in.
    pub fn token(token: &str) -> Self {
        Self::new(200, json!({"data": {"message": "Login successful", "idToken": token}}).to_string())
    }

    /// A successful sign-in whose token expires at this time.
    pub fn token_until(token: &str, end: SystemTime) -> Self {
        let millis = end.duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        Self::new(
            200,
            json!({"data": {"idToken": token, "expiryAt": u64::try_from(millis).expect("this age")}})
                .to_string(),
        )
    }

    /// The same, once the gate is open.
    pub fn after(self, gate: &Gate) -> Self {
        Self { gate: Some(gate.clone()), ..self }
    }

    /// The requested page of a history of this many messages `<contact>-<n>` in one conversation.
    pub fn page(asked: &Asked, count: usize) -> Self {
        let message = |place| {
            let created_at = format!("2026-01-01T00:{:02}:{:02}Z", place / 60 % 60, place % 60);
            json!({
                "message_id": format!("{}-{place}", asked.contact()), "content": "hello", "role": "user",
                "created_at": created_at, "message_order": place,
            })
        };
        let from = asked.number("offset").min(count);
        let messages: Vec<Value> = (from..count.min(from + asked.number("limit"))).map(message).collect();
        let conversations = if messages.is_empty() {
            json!([])
        } else {
            let id = format!("conversation-{}", asked.contact());
            json!([{"conversation_id": id, "conversation_type": "whatsapp", "messages": messages}])
        };
        let contact = json!({"contact_id": asked.contact(), "first_name": "Ada"});
        Self::new(
            200,
            json!({"data": {"data": {"contact": contact, "conversations": conversations}}}).to_string(),
        )
    }
}

/// A server that runs until it is dropped.
pub struct Scripted {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    listening: JoinHandle<()>,
}

impl Scripted {
    /// Answers every request.
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Script = Arc::new(Inner { answer: Box::new(answer), asked: Arc::clone(&asked) });
        let listening = RUNTIME.spawn(listen(listener, script));
        Self { url, asked, listening }
    }

    /// Accepts every sign-in. The closure answers requests for messages.
    pub fn api(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(move |asked| if asked.is_sign_in() { Answer::token("token-1") } else { answer(asked) })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

struct Inner {
    answer: Box<dyn Fn(&Asked) -> Answer + Send + Sync>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

type Script = Arc<Inner>;

async fn listen(listener: TcpListener, script: Script) {
    while let Ok((stream, _)) = listener.accept().await {
        let script = Arc::clone(&script);
        let service = service_fn(move |request| answer(Arc::clone(&script), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(script: Script, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let endpoint = head.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    let asked = {
        let mut all = script.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = Asked {
            before: all.iter().filter(|before| before.endpoint == endpoint).count(),
            endpoint,
            query: query.into_owned().collect(),
            authorization: head
                .headers
                .get("authorization")
                .map(|h| String::from_utf8_lossy(h.as_bytes()).into_owned()),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        all.push(asked.clone());
        asked
    };
    let reply = (script.answer)(&asked);
    if let Some(gate) = &reply.gate {
        gate.pass().await;
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(Bytes::from(reply.body))).expect("a valid answer"))
}
