//! Sends a request to an authority and reads its response, with limits on time and size.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};

use super::request::Request;
use super::response::{self, Rejected, Stamp};
use crate::connect_error;
use crate::printable::first_chars;
use crate::settings::{ProxyError, TimestampUrl};
use crate::tls;

/// Maximum time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time from the first byte sent to the last byte received. Authorities answer within a second.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum size of a response. With all certificates of an authority, it has less than 20,000 bytes.
const MAX_RESPONSE: usize = 256 << 10;

/// A time stamp that could not be had.
#[derive(Debug, thiserror::Error)]
#[error("no time stamp from {url}: {problem}")]
pub struct TimestampError {
    /// Address of the authority, without its query.
    url: String,
    /// Reason of the failure.
    pub problem: Problem,
}

/// Reason why there is no time stamp.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The environment sets an invalid proxy.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The machine has no root certificates.
    #[error("{0}")]
    RootCertificates(String),
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    NoRandomNumbers,
    /// The certificate of the server is not accepted.
    #[error("its certificate {0}")]
    Certificate(String),
    /// No connection, or a broken one.
    #[error("{0}")]
    Network(String),
    /// No response in time.
    #[error("no complete response within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// A response with an error.
    #[error("it answers with the status {0}")]
    Status(StatusCode),
    /// A redirect, which could lead to another authority.
    #[error("it redirects ({0}), which is not followed: use the address that it redirects to")]
    Redirect(u16),
    /// A response that cannot be a time stamp.
    #[error("the response has more than {} KiB, too large for a time stamp", MAX_RESPONSE >> 10)]
    TooLarge,
    /// A response of another type, such as a web page.
    #[error("the response is not a time stamp but {0}: check the URL")]
    OtherType(String),
    /// A response that is not the requested time stamp.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

/// Requests a time stamp of a file with this content. Only the hash is sent.
///
/// # Errors
/// If the authority cannot be reached, refuses, or responds with anything but the requested time stamp.
pub async fn fetch(url: &TimestampUrl, content: &[u8]) -> Result<Stamp, TimestampError> {
    let stamped = async {
        let request = Request::of(content).map_err(|_| Problem::NoRandomNumbers)?;
        // One limit on the whole exchange: an authority that sends a byte a second is as good as none.
        let response = tokio::time::timeout(TIMEOUT, exchange(url, &request));
        let response = response.await.unwrap_or(Err(Problem::TimedOut))?;
        Ok(response::check(&request, &response)?)
    };
    stamped.await.map_err(|problem| TimestampError { url: url.to_string(), problem })
}

/// Sends the request, and returns the body of the response.
async fn exchange(url: &TimestampUrl, request: &Request) -> Result<Vec<u8>, Problem> {
    let route = url.route()?;
    let mut http = tls::builder(url.scheme())
        .user_agent(concat!("chatzy-export/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT);
    if url.is_loopback() {
        http = http.no_proxy();
    }
    let http = http.build().map_err(|_| Problem::RootCertificates(tls::missing_roots()))?;
    let sent = http.post(url.whole()).header(CONTENT_TYPE, "application/timestamp-query").body(request.der());
    let response = sent.send().await.map_err(|error| match tls::refused_certificate(&error) {
        Some(why) => Problem::Certificate(why),
        None if error.is_connect() => {
            Problem::Network(connect_error::describe(&error, &route, CONNECT_TIMEOUT))
        }
        None => Problem::Network(broken()),
    })?;
    let status = response.status();
    if status.is_redirection() {
        return Err(Problem::Redirect(status.as_u16()));
    }
    if status != StatusCode::OK {
        return Err(Problem::Status(status));
    }
    let content_type = content_type(&response);
    let body = read(response).await?;
    match content_type {
        // Some authorities send no type, or that of any file.
        Some(name) if name.starts_with("text/") || name.contains("json") => Err(Problem::OtherType(name)),
        _ => Ok(body),
    }
}

fn content_type(response: &Response) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?;
    let name = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
    Some(first_chars(name.split(';').next().unwrap_or_default().trim()))
}

/// Reads the body, up to the limit.
async fn read(mut response: Response) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_RESPONSE => return Err(Problem::TooLarge),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(_) => return Err(Problem::Network(broken())),
        }
    }
}

fn broken() -> String {
    "the connection broke".to_owned()
}
