//! Probes the HTTP behavior of the API: version, compression, rate headers, clock and sign-in.
//!
//! The probe is a page request like any other: with a token, in its turn, counted, and never after a
//! redirect.

use std::time::{Duration, SystemTime};

use reqwest::Version;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, DATE, HeaderMap};

use super::client::Client;
use super::fatal::Fatal;
use super::fault::{self, Fault, Reply};
use super::query::PageQuery;
use super::token;
use crate::printable::first_chars;

/// Maximum number of attempts of a probe. A probe deserves a few retries, but not as many as a page.
const ATTEMPTS: u32 = 4;
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(500);
/// Maximum number of headers reported.
const MAX_HEADERS: usize = 12;

/// HTTP behavior of a response. All text in it is masked, short and safe to show.
#[derive(Clone, Debug)]
pub struct HttpBehavior {
    /// HTTP version, such as `HTTP/2`.
    pub version: &'static str,
    /// Encoding of the body, if any.
    pub encoding: Option<String>,
    /// Bytes of the body on the wire.
    pub wire_bytes: u64,
    /// Headers about rates and quotas, in their order.
    pub rate_headers: Vec<(String, String)>,
    /// Both clocks at the server's half of the round trip. `None` without a header `Date`.
    pub clocks: Option<Clocks>,
    /// Time from the request to the head of the response.
    pub round_trip: Duration,
}

/// Two clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// Clock of the server, in whole seconds.
    pub server: SystemTime,
    /// Clock of this machine.
    pub local: SystemTime,
}

/// State of the sign-in.
#[derive(Clone, Copy, Debug)]
pub struct SignIn {
    /// Remaining lifetime of the token, if known.
    pub life: Option<Duration>,
    /// True if the token can be renewed.
    pub is_renewed: bool,
    /// True if the user gave the token and no response has proved it yet.
    pub is_given: bool,
}

impl Client {
    /// Signs in, unless that is done.
    ///
    /// # Errors
    /// If no token can be obtained.
    pub async fn signed_in(&self) -> Result<SignIn, Fatal> {
        self.token().await?;
        let life = self.tokens.life();
        Ok(SignIn { life, is_renewed: self.connection.credentials.login.is_some(), is_given: life.is_none() })
    }

    /// Requests a page and reports the HTTP behavior of its response.
    ///
    /// # Errors
    /// If the run must end, or no attempt got a response.
    pub async fn probe_http(&self, query: &PageQuery<'_>) -> Result<HttpBehavior, ProbeError> {
        let url = query.url(&self.connection.base_url);
        let mut last = String::new();
        for turn in 0..ATTEMPTS {
            if turn > 0 {
                tokio::time::sleep(PAUSE.mul_f64(0.5 + fastrand::f64())).await;
            }
            let (token, permit) = self.admit(Some(query.contact)).await?;
            let since = permit.since;
            let request = self.http.get(url.clone()).header(AUTHORIZATION, token.header.clone());
            let asked_at = SystemTime::now();
            let outcome = self.send(request).await;
            drop(permit);
            let fault = match outcome.and_then(|reply| fault::of_status(&reply).map_or(Ok(reply), Err)) {
                Ok(reply) => {
                    self.answered(since, Some(query.contact));
                    return Ok(self.behavior_of(&reply, asked_at));
                }
                Err(fault) => fault.masked(&self.redactor),
            };
            last = fault.describe();
            self.handle_fault(&fault, since, &token)?;
        }
        Err(ProbeError::Nothing(last))
    }

    /// Acts on a response that shows no HTTP behavior: waits, or obtains a new token.
    fn handle_fault(
        &self,
        fault: &Fault,
        since: tokio::time::Instant,
        token: &token::Token,
    ) -> Result<(), Fatal> {
        match fault {
            Fault::Throttled { retry_after } => {
                self.throttle(self.limiter.throttled(since, *retry_after), fault)
            }
            Fault::Quota => self.throttle(self.limiter.quota_spent(since), fault),
            Fault::Certificate { what } => Err(self.refused_certificate(what.clone())),
            Fault::Unauthorized { .. } => {
                self.tokens.refuse(token.number);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn behavior_of(&self, reply: &Reply, asked_at: SystemTime) -> HttpBehavior {
        let text = |bytes: &[u8]| {
            // Masked before it is cut, so that no part of a secret remains.
            first_chars(&self.redactor.mask(&String::from_utf8_lossy(bytes)))
        };
        let encoding = reply.headers.get(CONTENT_ENCODING).map(|value| text(value.as_bytes()));
        HttpBehavior {
            version: version(reply.version),
            encoding: encoding.filter(|encoding| !encoding.is_empty() && encoding != "identity"),
            wire_bytes: reply.body.wire_bytes,
            rate_headers: reply
                .headers
                .iter()
                .filter(|(name, _)| is_rate_header(name.as_str()))
                .take(MAX_HEADERS)
                .map(|(name, value)| (text(name.as_str().as_bytes()), text(value.as_bytes())))
                .collect(),
            clocks: date(&reply.headers)
                .map(|server| Clocks { server, local: asked_at + reply.head_after / 2 }),
            round_trip: reply.head_after,
        }
    }
}

/// Error of a probe.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The run must end.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// No response; the text describes the last failure.
    #[error("{0}")]
    Nothing(String),
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "unknown",
    }
}

/// True if a header of this lower-case name describes a rate limit.
fn is_rate_header(name: &str) -> bool {
    let is_of_gateway = name.starts_with("x-amzn-") || name.starts_with("x-amz-");
    name == "retry-after"
        || ["ratelimit", "rate-limit"].iter().any(|part| name.contains(part))
        || (is_of_gateway && ["quota", "limit", "throttl"].iter().any(|part| name.contains(part)))
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_headers_are_recognized() {
        for name in [
            "x-ratelimit-remaining",
            "ratelimit",
            "x-rate-limit-reset",
            "retry-after",
            "x-amzn-quota-left",
            "x-amzn-ratelimit-limit",
        ] {
            assert!(is_rate_header(name), "{name}");
        }
        for name in ["x-amzn-requestid", "x-amzn-trace-id", "date", "content-length", "x-limit"] {
            assert!(!is_rate_header(name), "{name}");
        }
    }
}
