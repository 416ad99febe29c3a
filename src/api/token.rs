//! The token that all requests share: renewed ahead of time, by one task while the others wait.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::stop::Stop;
use crate::settings::AuthScheme;

/// The part of a token's life after which it is renewed.
const RENEW_AT: f64 = 0.8;
/// The least time between two renewals ahead of time, for tokens that live only seconds.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// After a failed renewal ahead of time the old token serves on for this long, at most its life.
const RENEW_AGAIN: Duration = Duration::from_secs(10);

/// A token in use. Its header cannot be printed.
#[derive(Clone, Debug)]
pub struct Token {
    /// The value of the Authorization header.
    pub header: HeaderValue,
    /// Which token of the run it is, from 1.
    pub number: u64,
}

/// How fresh the token is.
#[derive(Clone, Debug)]
pub enum Freshness {
    /// Use it.
    Fresh(Token),
    /// Use it if it cannot be renewed.
    Aging(Token),
    /// None, or its life is over.
    Missing,
}

#[derive(Debug)]
struct Held {
    token: Token,
    renew_at: Option<Instant>,
    dies_at: Option<Instant>,
    refused: bool,
}

/// Holds the token of the run.
#[derive(Debug)]
pub struct TokenKeeper {
    scheme: AuthScheme,
    held: Mutex<Option<Held>>,
    /// Held by the task that renews; the others wait for it here.
    pub renewal: tokio::sync::Mutex<Tried>,
}

/// What has been tried already to get a token.
#[derive(Debug, Default)]
pub struct Tried {
    /// The token last given from outside.
    pub given: Option<SecretString>,
    /// How the login was refused. It is not tried again: those who wait for a token would all try it, one after the
    /// other, and lock the account.
    pub refusal: Option<Stop>,
}

/// True if a token can stand in a header: visible ASCII, as all tokens are.
pub fn is_header_safe(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

impl TokenKeeper {
    /// No token yet.
    pub fn new(scheme: AuthScheme) -> Self {
        Self { scheme, held: Mutex::new(None), renewal: tokio::sync::Mutex::default() }
    }

    /// The token now.
    pub fn now(&self) -> Freshness {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match held.as_ref() {
            Some(held) if held.refused || held.dies_at.is_some_and(|at| at <= now) => Freshness::Missing,
            Some(held) if held.renew_at.is_some_and(|at| at <= now) => Freshness::Aging(held.token.clone()),
            Some(held) => Freshness::Fresh(held.token.clone()),
            None => Freshness::Missing,
        }
    }

    /// Takes a new token into use. `None` for one whose life is not known. False where it cannot be sent in a header.
    pub fn put(&self, secret: &SecretString, life: Option<Duration>) -> bool {
        if !is_header_safe(secret.expose_secret()) {
            return false;
        }
        let text = match self.scheme {
            AuthScheme::Bearer => format!("Bearer {}", secret.expose_secret()),
            AuthScheme::Raw => secret.expose_secret().to_owned(),
        };
        let Ok(mut header) = HeaderValue::from_str(&text) else { return false };
        header.set_sensitive(true);
        let now = Instant::now();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let number = held.as_ref().map_or(1, |held| held.token.number + 1);
        *held = Some(Held {
            token: Token { header, number },
            renew_at: life.map(|life| now + life.mul_f64(RENEW_AT).max(LEAST_PAUSE)),
            dies_at: life.map(|life| now + life),
            refused: false,
        });
        true
    }

    /// The server refused this token. Nothing happens if another one is in use by now.
    pub fn refuse(&self, number: u64) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_mut().filter(|held| held.token.number == number) {
            held.refused = true;
        }
    }

    /// The token, however old.
    pub fn any(&self) -> Option<Token> {
        match self.now() {
            Freshness::Fresh(token) | Freshness::Aging(token) => Some(token),
            Freshness::Missing => None,
        }
    }

    /// How much longer the token lives; none where there is no token, or nobody has said.
    pub fn life(&self) -> Option<Duration> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let dies_at = held.as_ref()?.dies_at?;
        Some(dies_at.saturating_duration_since(Instant::now()))
    }

    /// A renewal ahead of time failed: the old token serves on.
    pub fn renew_later(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_mut() {
            held.renew_at = Some(Instant::now() + RENEW_AGAIN);
        }
    }
}
