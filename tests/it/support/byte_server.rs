//! A server that answers each request from a closure, with bodies of any bytes.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::service::RUNTIME;

/// A response with its body.
pub type Reply = Response<Full<Bytes>>;

type Script = Arc<dyn Fn(&Request<Bytes>) -> Option<Reply> + Send + Sync>;

/// A server that runs until it is dropped.
pub struct ByteServer {
    url: String,
    listening: JoinHandle<()>,
}

impl ByteServer {
    /// Answers every request. Without an answer, the connection stays open and silent.
    pub fn start(answer: impl Fn(&Request<Bytes>) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let script: Script = Arc::new(answer);
        let listening = RUNTIME.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let script = Arc::clone(&script);
                let service = service_fn(move |request| respond(Arc::clone(&script), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, listening }
    }

    /// The URL, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for ByteServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// A response with this status, type and body.
pub fn reply(status: u16, content_type: &str, body: impl Into<Bytes>) -> Reply {
    let head = Response::builder().status(status).header("content-type", content_type);
    head.body(Full::new(body.into())).expect("an answer")
}

async fn respond(script: Script, request: Request<Incoming>) -> Result<Reply, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    match script(&Request::from_parts(head, body)) {
        Some(reply) => Ok(reply),
        None => std::future::pending().await,
    }
}
