//! Pings in the convention of Healthchecks: `URL/start` at the start, `URL` after a success, `URL/fail` after
//! a failure.
//!
//! A ping has no body, no credentials, and no extra header except the user agent.

use std::time::Duration;

use reqwest::redirect::Policy;

use crate::settings::PingUrl;
use crate::tls;

/// Maximum time of one attempt. A run must not wait long for a monitor that is down.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Kind of a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The run has started.
    Start,
    /// The run has ended with exit code 0.
    Success,
    /// The run has ended with another exit code.
    Fail,
}

impl Moment {
    fn path_segment(self) -> Option<&'static str> {
        match self {
            Self::Start => Some("start"),
            Self::Success => None,
            Self::Fail => Some("fail"),
        }
    }
}

/// Client that pings one URL.
#[derive(Clone, Debug)]
pub struct Pinger {
    url: PingUrl,
    http: Option<reqwest::Client>,
}

impl Pinger {
    /// Creates a client for this URL.
    pub fn new(url: PingUrl) -> Self {
        let mut http = tls::builder(url.scheme())
            .user_agent(concat!("chatzy-export/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .timeout(TIMEOUT);
        if url.is_loopback() {
            http = http.no_proxy();
        }
        Self { url, http: http.build().ok() }
    }

    /// Returns the host of the URL, the only part that may be shown.
    pub fn host(&self) -> &str {
        self.url.host()
    }

    /// Sends a ping, with one retry.
    ///
    /// # Errors
    /// The reason of the failure, without the URL.
    pub async fn ping(&self, moment: Moment) -> Result<(), String> {
        match self.attempt(moment).await {
            Ok(()) => Ok(()),
            Err(_) => self.attempt(moment).await,
        }
    }

    async fn attempt(&self, moment: Moment) -> Result<(), String> {
        let http = self.http.as_ref().ok_or_else(tls::missing_roots)?;
        let response = http.get(self.url.with(moment.path_segment())).send().await;
        match response.map(|response| response.status()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) if status.is_redirection() => {
                Err(format!("status {}, and redirects are not followed", status.as_u16()))
            }
            Ok(status) => Err(format!("status {}", status.as_u16())),
            Err(error) if error.is_timeout() => Err(format!("no response within {} s", TIMEOUT.as_secs())),
            Err(error) => Err(tls::refused_certificate(&error).map_or_else(
                || if error.is_connect() { "cannot connect" } else { "the connection broke" }.to_owned(),
                |why| format!("its certificate {why}"),
            )),
        }
    }
}
