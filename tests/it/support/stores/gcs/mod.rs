//! A stand-in for Google Cloud Storage: the part of its XML API that clients of object stores use, in memory.
//!
//! One lock guards all objects, so each request is atomic. Errors and limits are those that Google documents:
//! parts except the last have 5 MiB or more, and an upload is gone once it is completed.

mod list;
mod uploads;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use object_store::path::Path;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::server::BUCKET;
use crate::support::service::RUNTIME;

type Reply = Response<Full<Bytes>>;

/// A store until dropped.
pub struct Gcs {
    endpoint: String,
    objects: Arc<Mutex<Objects>>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct Objects {
    by_name: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    last_generation: u64,
    /// Its clock is so far ahead.
    ahead: Duration,
}

struct Object {
    content: Bytes,
    generation: u64,
    modified: SystemTime,
}

struct Upload {
    name: String,
    parts: BTreeMap<usize, (String, Bytes)>,
}

/// A request, decoded.
struct Asked {
    method: Method,
    name: String,
    query: BTreeMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
}

impl Gcs {
    pub fn start() -> Self {
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let objects = Arc::<Mutex<Objects>>::default();
        let shared = Arc::clone(&objects);
        let listening = RUNTIME.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let objects = Arc::clone(&shared);
                let service = service_fn(move |request| answer(Arc::clone(&objects), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { endpoint, objects, listening }
    }

    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// Advances the clock of the store: objects written from now on are so much younger than the others.
    pub fn advance(&self, time: Duration) {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).ahead += time;
    }

    /// Number of uploads that are neither completed nor aborted.
    pub fn unfinished_uploads(&self) -> usize {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).uploads.len()
    }
}

impl Drop for Gcs {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn answer(objects: Arc<Mutex<Objects>>, request: Request<Incoming>) -> Result<Reply, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(error(400, "IncompleteBody")) };
    let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    let Ok(path) = Path::from_url_path(head.uri.path()) else { return Ok(error(400, "InvalidURI")) };
    let (bucket, name) = path.as_ref().split_once('/').unwrap_or((path.as_ref(), ""));
    if bucket != BUCKET {
        return Ok(error(404, "NoSuchBucket"));
    }
    let asked = Asked {
        method: head.method,
        name: name.to_owned(),
        query: query.into_owned().collect(),
        headers: head.headers,
        body: body.to_bytes(),
    };
    Ok(objects.lock().unwrap_or_else(PoisonError::into_inner).serve(asked))
}

impl Objects {
    fn serve(&mut self, asked: Asked) -> Reply {
        let upload = asked.query.get("uploadId").cloned();
        match (asked.method.as_str(), upload) {
            ("GET", _) if asked.name.is_empty() => self.list(&asked.query),
            ("GET" | "HEAD", _) => self.get(&asked),
            ("PUT", Some(upload)) => self.put_part(&upload, &asked),
            ("PUT", None) => self.put(asked),
            ("POST", Some(upload)) => self.complete(&upload, &asked),
            ("POST", None) if asked.query.contains_key("uploads") => self.begin(asked.name),
            ("DELETE", Some(upload)) => self.abort(&upload, &asked.name),
            ("DELETE", None) => match self.by_name.remove(&asked.name) {
                Some(_) => reply(204, ""),
                None => error(404, "NoSuchKey"),
            },
            _ => error(405, "MethodNotAllowed"),
        }
    }

    fn put(&mut self, asked: Asked) -> Reply {
        let expected = asked.headers.get("x-goog-if-generation-match");
        let expected = expected.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        // Generation 0 is that of an object that is not there.
        let generation = self.by_name.get(&asked.name).map_or(0, |object| object.generation).to_string();
        if expected.is_some_and(|expected| expected != generation) {
            return error(412, "PreconditionFailed");
        }
        self.write(asked.name, asked.body)
    }

    fn write(&mut self, name: String, content: Bytes) -> Reply {
        self.last_generation += 1;
        let generation = self.last_generation;
        let object = Object { content, generation, modified: SystemTime::now() + self.ahead };
        let done = with_version(reply(200, ""), &object);
        self.by_name.insert(name, object);
        done
    }

    fn get(&self, asked: &Asked) -> Reply {
        let Some(object) = self.by_name.get(&asked.name) else { return error(404, "NoSuchKey") };
        let header = |name| asked.headers.get(name).and_then(|value| value.to_str().ok());
        if header("if-match").is_some_and(|tag| tag != object.tag()) {
            return error(412, "PreconditionFailed");
        }
        if asked.query.get("generation").is_some_and(|wanted| *wanted != object.generation.to_string()) {
            return error(404, "NoSuchKey");
        }
        let size = object.content.len();
        let Some(range) = header("range") else {
            let whole = Response::builder().header("content-length", size);
            let content = if asked.method == Method::HEAD { Bytes::new() } else { object.content.clone() };
            return with_version(whole.body(Full::new(content)).expect("an answer"), object);
        };
        let bounds = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
        let number = |text: &str| text.parse::<usize>().ok();
        let (from, to) = match bounds {
            Some(("", last)) => (size.saturating_sub(number(last).unwrap_or(0)), size),
            Some((from, "")) => (number(from).unwrap_or(size), size),
            Some((from, to)) => {
                (number(from).unwrap_or(size), number(to).unwrap_or(size).saturating_add(1).min(size))
            }
            None => (size, size),
        };
        if from >= to {
            return error(416, "InvalidRange");
        }
        let part = Response::builder().status(206);
        let part = part.header("content-range", format!("bytes {from}-{}/{size}", to - 1));
        with_version(part.body(Full::new(object.content.slice(from..to))).expect("an answer"), object)
    }
}

impl Object {
    fn tag(&self) -> String {
        format!("\"g{}\"", self.generation)
    }
}

fn with_version(mut reply: Reply, object: &Object) -> Reply {
    let values = [
        ("etag", object.tag()),
        ("x-goog-generation", object.generation.to_string()),
        ("last-modified", httpdate::fmt_http_date(object.modified)),
    ];
    for (name, value) in values {
        reply.headers_mut().insert(name, value.parse().expect("a header"));
    }
    reply
}

fn reply(status: u16, body: &str) -> Reply {
    let answer = Response::builder().status(status).header("content-type", "application/xml");
    answer.body(Full::new(body.to_owned().into())).expect("an answer")
}

fn error(status: u16, code: &str) -> Reply {
    reply(status, &format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>"))
}
