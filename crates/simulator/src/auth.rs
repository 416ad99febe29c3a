//! Sign-in and authorization. Tokens look like JWTs; the options set their lifetime.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::options::{AuthForm, ExpiryAt, SignInOptions};
use super::reply::Reply;
use super::story::{Rng, json_out};

/// Time for which an expired token is remembered, so that it is reported as expired and not as unknown.
const REMEMBERED: Duration = Duration::from_hours(1);

/// The issued tokens.
#[derive(Debug)]
pub struct Auth {
    options: SignInOptions,
    tokens: Mutex<Tokens>,
}

#[derive(Debug, Default)]
struct Tokens {
    expiries: HashMap<String, Instant>,
    issued: u64,
    accepted: u64,
}

#[derive(Deserialize)]
struct Credentials {
    user_email_id: String,
    password: String,
}

impl Auth {
    /// No tokens yet.
    pub fn new(options: SignInOptions) -> Self {
        Self { options, tokens: Mutex::default() }
    }

    /// Responds to a sign-in. The error is the response to a failed one.
    pub fn sign_in(&self, body: &[u8]) -> Result<Reply, Reply> {
        let Ok(credentials) = serde_json::from_slice::<Credentials>(body) else {
            return Err(Reply::message(400, "user_email_id and password are required"));
        };
        let fits = |wanted: &Option<String>, given: &str| {
            wanted.as_deref().map_or(!given.is_empty(), |w| w == given)
        };
        if !fits(&self.options.email, &credentials.user_email_id)
            || !fits(&self.options.sim_password, &credentials.password)
        {
            return Err(Reply::message(401, "Incorrect username or password."));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let expires = now + self.options.token_life;
        let token = self.issue(&credentials.user_email_id, expires);
        let expiry_at = match self.options.expiry_at {
            ExpiryAt::Correct => format!(",\"expiryAt\":{}", expires.as_millis()),
            ExpiryAt::Missing => String::new(),
            ExpiryAt::Seconds => format!(",\"expiryAt\":{}", expires.as_secs()),
            ExpiryAt::Past => format!(",\"expiryAt\":{}", now.as_millis().saturating_sub(86_400_000)),
            ExpiryAt::Absurd => ",\"expiryAt\":31556952000000000".to_owned(),
        };
        let text = format!(r#"{{"data":{{"message":"Login successful","idToken":"{token}"{expiry_at}}}}}"#);
        Ok(Reply::json(200, text))
    }

    fn issue(&self, email: &str, expires: Duration) -> String {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.issued += 1;
        let now = Instant::now();
        tokens.expiries.retain(|_, expiry| now.saturating_duration_since(*expiry) < REMEMBERED);
        let claims = serde_json::json!({"sub": email, "exp": expires.as_secs(), "jti": tokens.issued});
        let mut token = base64(br#"{"alg":"RS256","typ":"JWT"}"#);
        token.push('.');
        token.push_str(&base64(claims.to_string().as_bytes()));
        token.push('.');
        json_out::opaque(&mut token, &mut Rng::new(now_nanos(), tokens.issued), 86);
        tokens.expiries.insert(token.clone(), now + self.options.token_life);
        token
    }

    /// Admits a request. The error is the response to a refused one.
    pub fn admit(&self, header: Option<&[u8]>) -> Result<(), Reply> {
        let Some(header) = header else {
            return Err(Reply::message(403, "Missing Authentication Token"));
        };
        let unauthorized = || Reply::message(401, "Unauthorized");
        let (form, token) = match header.strip_prefix(b"Bearer ") {
            Some(token) => (AuthForm::Bearer, token),
            None => (AuthForm::Raw, header),
        };
        if self.options.auth != AuthForm::Any && self.options.auth != form {
            return Err(unauthorized());
        }
        let token = std::str::from_utf8(token).map_err(|_| unauthorized())?;
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if self.options.token.as_deref() != Some(token) {
            let expiry = tokens.expiries.get(token).ok_or_else(unauthorized)?;
            if *expiry <= Instant::now() {
                return Err(Reply::message(401, "The incoming token has expired"));
            }
        }
        tokens.accepted += 1;
        match self.options.unauthorized_every {
            Some(every) if every > 0 && tokens.accepted.is_multiple_of(every) => Err(unauthorized()),
            _ => Ok(()),
        }
    }
}

/// The scheme of an Authorization header, for the statistics.
pub fn scheme(header: Option<&[u8]>) -> &'static str {
    match header {
        None => "none",
        Some(header) if header.starts_with(b"Bearer ") => "bearer",
        Some(_) => "raw",
    }
}

/// A seed that differs after a restart, so that a restarted simulator refuses old tokens.
fn now_nanos() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(now.subsec_nanos()))
}

/// Base64 of JWTs: URL alphabet, no padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let group =
            (0..3).fold(0, |group, place| group << 8 | usize::from(three.get(place).copied().unwrap_or(0)));
        for place in 0..=three.len() {
            text.push(char::from(ALPHABET[group >> (18 - 6 * place) & 63]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_jwts() {
        assert_eq!(base64(br#"{"alg":"RS256","typ":"JWT"}"#), "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9");
        assert_eq!(base64(&[0xfb, 0xff]), "-_8");
    }
}
