//! Looking at the manner of an answer: what the client takes care of, and nobody else sees.
//!
//! A page is asked for once more for it, as any other request: with a token, in its turn, counted, and never after a redirect.

use std::time::{Duration, SystemTime};

use reqwest::Version;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, DATE, HeaderMap};

use super::client::Client;
use super::fault::{self, Fault, Reply};
use super::query::PageQuery;
use super::stop::Stop;
use super::token;

/// Times that the page is asked for: what a look shows is worth a repeat, and not the patience of a page.
const LOOKS: u32 = 4;
/// The pause between two of them.
const PAUSE: Duration = Duration::from_millis(500);
/// The most headers told of an answer.
const MOST_HEADERS: usize = 12;

/// The manner of an answer. All text in it is masked, short and safe to show.
#[derive(Clone, Debug)]
pub struct Look {
    /// Such as `HTTP/2`.
    pub version: &'static str,
    /// How the body was packed, if it was.
    pub encoding: Option<String>,
    /// The body's bytes as they came.
    pub wire_bytes: u64,
    /// Headers that tell of rates and quotas, in their order.
    pub rate_headers: Vec<(String, String)>,
    /// The server's clock as it was half a round trip before the answer, and ours at that moment. None where the answer has no `Date`.
    pub clocks: Option<Clocks>,
    /// Time from the request to the head of the answer.
    pub round_trip: Duration,
}

/// Two clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// The server's, in whole seconds.
    pub server: SystemTime,
    /// Ours.
    pub local: SystemTime,
}

/// How the client is signed in.
#[derive(Clone, Copy, Debug)]
pub struct SignIn {
    /// How much longer the token lives, where that is known.
    pub life: Option<Duration>,
    /// Whether another can be had when it has died.
    pub is_renewed: bool,
    /// Whether it was given, and no answer has shown yet that it is good.
    pub is_given: bool,
}

impl Client {
    /// Signs in, unless that is done.
    ///
    /// # Errors
    /// When no token can be had.
    pub async fn signed_in(&self) -> Result<SignIn, Stop> {
        self.token().await?;
        let life = self.tokens.life();
        Ok(SignIn { life, is_renewed: self.connection.credentials.login.is_some(), is_given: life.is_none() })
    }

    /// Asks for a page and looks at how it is answered, or says why that cannot be seen.
    ///
    /// # Errors
    /// When the run has to end, or nothing was answered in a few tries.
    pub async fn look(&self, query: &PageQuery<'_>) -> Result<Look, LookError> {
        let url = query.url(&self.connection.base_url);
        let mut last = String::new();
        for turn in 0..LOOKS {
            if turn > 0 {
                tokio::time::sleep(PAUSE.mul_f64(0.5 + fastrand::f64())).await;
            }
            let (token, permit) = self.turn(Some(query.contact)).await?;
            let since = permit.since;
            let request = self.http.get(url.clone()).header(AUTHORIZATION, token.header.clone());
            let asked_at = SystemTime::now();
            let outcome = self.send(request).await;
            drop(permit);
            let fault = match outcome.and_then(|reply| fault::of_status(&reply).map_or(Ok(reply), Err)) {
                Ok(reply) => {
                    self.answered(since, Some(query.contact));
                    return Ok(self.seen(&reply, asked_at));
                }
                Err(fault) => fault.masked(&self.redactor),
            };
            last = fault.describe();
            self.heed(&fault, since, &token)?;
        }
        Err(LookError::Nothing(last))
    }

    /// Does what an answer asks for that shows nothing.
    fn heed(&self, fault: &Fault, since: tokio::time::Instant, token: &token::Token) -> Result<(), Stop> {
        match fault {
            Fault::Throttled { retry_after } => {
                self.throttle(self.governor.throttled(since, *retry_after), fault)
            }
            Fault::Quota => self.throttle(self.governor.quota_spent(since), fault),
            Fault::Certificate { what } => Err(self.refused_certificate(what.clone())),
            Fault::Unauthorized { .. } => {
                self.tokens.refuse(token.number);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn seen(&self, reply: &Reply, asked_at: SystemTime) -> Look {
        let text = |bytes: &[u8]| {
            // Masked before it is cut, so that no half of a secret is left.
            fault::first_chars(&self.redactor.mask(&String::from_utf8_lossy(bytes)))
        };
        let encoding = reply.headers.get(CONTENT_ENCODING).map(|value| text(value.as_bytes()));
        Look {
            version: version(reply.version),
            encoding: encoding.filter(|encoding| !encoding.is_empty() && encoding != "identity"),
            wire_bytes: reply.body.wire_bytes,
            rate_headers: reply
                .headers
                .iter()
                .filter(|(name, _)| tells_of_rates(name.as_str()))
                .take(MOST_HEADERS)
                .map(|(name, value)| (text(name.as_str().as_bytes()), text(value.as_bytes())))
                .collect(),
            clocks: date(&reply.headers)
                .map(|server| Clocks { server, local: asked_at + reply.head_after / 2 }),
            round_trip: reply.head_after,
        }
    }
}

/// Why the manner of an answer cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The run has to end.
    #[error(transparent)]
    Stop(#[from] Stop),
    /// Nothing was answered; why not, the last time.
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

/// Whether a header of this (lower-case) name tells how much may be asked.
fn tells_of_rates(name: &str) -> bool {
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
    fn which_headers_tell_of_rates() {
        for name in [
            "x-ratelimit-remaining",
            "ratelimit",
            "x-rate-limit-reset",
            "retry-after",
            "x-amzn-quota-left",
            "x-amzn-ratelimit-limit",
        ] {
            assert!(tells_of_rates(name), "{name}");
        }
        for name in ["x-amzn-requestid", "x-amzn-trace-id", "date", "content-length", "x-limit"] {
            assert!(!tells_of_rates(name), "{name}");
        }
    }
}
