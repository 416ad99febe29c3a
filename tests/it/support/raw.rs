//! A server that sends raw bytes: invalid text, bodies too large to copy, or bodies compressed by hand.

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::export::Export;
use crate::support::service::RUNTIME;

/// A server that runs until it is dropped.
pub struct Raw {
    url: String,
    listening: JoinHandle<()>,
}

/// A response: lines of the head besides the length, and the body, which is shared and never copied.
#[derive(Clone)]
pub struct Reply {
    pub head: &'static str,
    pub body: Bytes,
    /// True if the body is repeated until the client has enough.
    pub is_endless: bool,
}

impl Reply {
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self { head: "content-type: application/json\r\n", body: body.into(), is_endless: false }
    }
}

impl Raw {
    /// Answers every GET according to its path and query.
    pub fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answer: Arc<dyn Fn(&str) -> Reply + Send + Sync> = Arc::new(answer);
        let listening = RUNTIME.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer)));
            }
        });
        Self { url, listening }
    }

    /// A run with a token, since this server has no sign-in.
    pub fn export<C: AsRef<str>>(&self, contacts: impl IntoIterator<Item = C>) -> Export {
        let export = Export::run_of(&self.url, contacts).env_remove("CHATZY_EMAIL");
        export.env_remove("CHATZY_PASSWORD").env("CHATZY_TOKEN", "given-token")
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Sends responses until the client has enough. It may close the connection in the middle of one.
async fn serve(mut stream: TcpStream, answer: Arc<dyn Fn(&str) -> Reply + Send + Sync>) -> Option<()> {
    let mut received = Vec::new();
    loop {
        while !received.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut received).await.ok()? == 0 {
                return None;
            }
        }
        let request = String::from_utf8_lossy(&received).into_owned();
        let reply = answer(request.split(' ').nth(1).unwrap_or_default());
        let length = if reply.is_endless {
            "connection: close\r\n".to_owned()
        } else {
            format!("content-length: {}\r\n", reply.body.len())
        };
        let head = format!("HTTP/1.1 200 OK\r\n{length}{}\r\n", reply.head);
        stream.write_all(head.as_bytes()).await.ok()?;
        loop {
            stream.write_all(&reply.body).await.ok()?;
            if !reply.is_endless {
                break;
            }
        }
        received.clear();
    }
}

/// The value of a query parameter, not decoded.
pub fn parameter<'a>(target: &'a str, name: &str) -> &'a str {
    let pairs = target.split(['?', '&']).filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
}
