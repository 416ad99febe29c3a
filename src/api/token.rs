//! The token that all requests share. One task renews it ahead of time while the others wait.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::fatal::Fatal;
use crate::settings::AuthScheme;

/// Fraction of a token's lifetime after which it is renewed.
const RENEW_AT: f64 = 0.8;
/// Minimum time between two early renewals, for tokens that live only seconds.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// Time until another attempt after a failed early renewal, at most the remaining lifetime.
const RENEW_AGAIN: Duration = Duration::from_secs(10);

/// A token in use. Its header cannot be printed.
#[derive(Clone, Debug)]
pub struct Token {
    /// Value of the Authorization header.
    pub header: HeaderValue,
    /// Number of the token in the run, from 1.
    pub number: u64,
}

/// State of the current token.
#[derive(Clone, Debug)]
pub enum Freshness {
    /// The token is in the first part of its life.
    Fresh(Token),
    /// Use the token if it cannot be renewed.
    Aging(Token),
    /// There is no token, or it has expired.
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
    /// Held by the task that renews the token. The others wait for it here.
    pub renewal: tokio::sync::Mutex<Tried>,
}

/// Earlier attempts to get a token.
#[derive(Debug, Default)]
pub struct Tried {
    /// The latest token given by the user.
    pub given: Option<SecretString>,
    /// Refusal of the login. It is not tried again: all waiting requests would try it in turn, and lock the
    /// account.
    pub refusal: Option<Fatal>,
}

/// True if a token fits into a header: visible ASCII.
pub fn is_header_safe(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

impl TokenKeeper {
    /// Creates a store that has no token.
    pub fn new(scheme: AuthScheme) -> Self {
        Self { scheme, held: Mutex::new(None), renewal: tokio::sync::Mutex::default() }
    }

    /// Returns the current token and its state.
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

    /// Stores a new token. `life` is `None` if it is unknown. False if the token does not fit into a header.
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
            renew_at: life.map(|life| now + life.mul_f64(RENEW_AT).max(MIN_PAUSE)),
            dies_at: life.map(|life| now + life),
            refused: false,
        });
        true
    }

    /// Discards a refused token, unless it was replaced meanwhile.
    pub fn refuse(&self, number: u64) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_mut().filter(|held| held.token.number == number) {
            held.refused = true;
        }
    }

    /// Returns the token, even if it is old.
    pub fn any(&self) -> Option<Token> {
        match self.now() {
            Freshness::Fresh(token) | Freshness::Aging(token) => Some(token),
            Freshness::Missing => None,
        }
    }

    /// Returns the remaining lifetime, if it is known.
    pub fn life(&self) -> Option<Duration> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let dies_at = held.as_ref()?.dies_at?;
        Some(dies_at.saturating_duration_since(Instant::now()))
    }

    /// Delays the next early renewal after a failed one.
    pub fn renew_later(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_mut() {
            held.renew_at = Some(Instant::now() + RENEW_AGAIN);
        }
    }
}
