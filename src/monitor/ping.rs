//! Pings by the convention of Healthchecks: the URL with `/start` behind it, the URL itself for success, with `/fail`.
//!
//! Nothing goes with them but the address: no body, no header of ours beside the program's name, no credentials.

use std::time::Duration;

use reqwest::redirect::Policy;

use crate::api::tls;
use crate::settings::PingUrl;

/// The longest that one try may take: a run must not wait long for a monitor that is down.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A run has begun.
    Start,
    /// It has ended, and all is well.
    Success,
    /// It has ended otherwise.
    Fail,
}

impl Moment {
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Start => Some("start"),
            Self::Success => None,
            Self::Fail => Some("fail"),
        }
    }
}

/// Tells a monitor how a run goes.
#[derive(Clone, Debug)]
pub struct Pinger {
    url: PingUrl,
    http: Option<reqwest::Client>,
}

impl Pinger {
    /// One for this address.
    pub fn new(url: PingUrl) -> Self {
        let mut http = tls::builder(url.scheme())
            .user_agent(concat!("chatzy-export/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .timeout(PATIENCE);
        if url.is_loopback() {
            http = http.no_proxy();
        }
        Self { url, http: http.build().ok() }
    }

    /// What may be shown of the address.
    pub fn host(&self) -> &str {
        self.url.host()
    }

    /// Tells it, at the second try if need be.
    ///
    /// # Errors
    /// Why it could not be told, without the address.
    pub async fn ping(&self, moment: Moment) -> Result<(), String> {
        match self.attempt(moment).await {
            Ok(()) => Ok(()),
            Err(_) => self.attempt(moment).await,
        }
    }

    async fn attempt(&self, moment: Moment) -> Result<(), String> {
        let http = self.http.as_ref().ok_or_else(tls::missing_roots)?;
        let answer = http.get(self.url.with(moment.word())).send().await;
        match answer.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) if status.is_redirection() => {
                Err(format!("it redirects ({}), which is not followed", status.as_u16()))
            }
            Ok(status) => Err(format!("it answers {}", status.as_u16())),
            Err(error) if error.is_timeout() => Err("it does not answer".to_owned()),
            Err(error) => Err(tls::refused_certificate(&error).map_or_else(
                || if error.is_connect() { "cannot connect" } else { "the connection broke" }.to_owned(),
                |why| format!("its certificate {why}"),
            )),
        }
    }
}
