//! The sign-in request and its answer (api.md §1).

use std::time::Duration;

use chrono::Utc;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::fault::first_chars;

/// The life of a token whose `expiryAt` cannot be believed: the service says an hour.
const DEFAULT_LIFE: Duration = Duration::from_mins(50);
/// The longest life believed.
const MAX_LIFE: Duration = Duration::from_hours(24);

#[derive(Serialize)]
struct Request<'a> {
    user_email_id: &'a str,
    password: &'a str,
}

/// A token, as the service gave it.
#[derive(Clone, Debug)]
pub struct Granted {
    pub token: SecretString,
    /// How long it is believed to live from now.
    pub life: Duration,
}

/// What an answer to a sign-in says.
#[derive(Debug)]
pub enum Answer {
    Granted(Granted),
    /// JSON without a token: what the service says about it.
    Refused(String),
    /// No JSON.
    Unreadable,
}

/// The body of the request.
pub fn request(email: &SecretString, password: &SecretString) -> Vec<u8> {
    let request = Request { user_email_id: email.expose_secret(), password: password.expose_secret() };
    serde_json::to_vec(&request).unwrap_or_default()
}

/// Reads an answer.
pub fn read(body: &[u8]) -> Answer {
    #[derive(Deserialize)]
    struct Wire {
        data: Option<Granting>,
        message: Option<serde_json::Value>,
        error: Option<serde_json::Value>,
    }
    #[derive(Deserialize)]
    struct Granting {
        message: Option<serde_json::Value>,
        #[serde(rename = "idToken")]
        id_token: Option<String>,
        #[serde(rename = "expiryAt")]
        expiry_at: Option<serde_json::Value>,
    }
    let Ok(wire) = serde_json::from_slice::<Wire>(body) else { return Answer::Unreadable };
    let (token, expiry, inner) = match wire.data {
        Some(data) => (data.id_token, data.expiry_at, data.message),
        None => (None, None, None),
    };
    if let Some(token) = token.filter(|token| is_header_safe(token)) {
        return Answer::Granted(Granted { token: token.into(), life: life(expiry.as_ref()) });
    }
    let said = inner.or(wire.message).or(wire.error);
    let text = said.and_then(|said| said.as_str().map(first_chars));
    Answer::Refused(text.unwrap_or_else(|| "the answer holds no idToken".to_owned()))
}

fn is_header_safe(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `expiryAt` is Unix time in milliseconds; seconds are understood too. A life that is over, or longer than a day, tells
/// of a wrong clock on one side, and is not believed.
fn life(expiry_at: Option<&serde_json::Value>) -> Duration {
    let number = expiry_at.and_then(|value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()));
    let Some(expiry) = number.filter(|number| number.is_finite()) else { return DEFAULT_LIFE };
    let millis = if expiry < 1e11 { expiry * 1000.0 } else { expiry };
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^52")]
    let left = (millis - Utc::now().timestamp_millis() as f64) / 1000.0;
    if left >= 1.0 && left <= MAX_LIFE.as_secs_f64() { Duration::from_secs_f64(left) } else { DEFAULT_LIFE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life_of(expiry: &str) -> Duration {
        match read(format!(r#"{{"data":{{"idToken":"abc","expiryAt":{expiry}}}}}"#).as_bytes()) {
            Answer::Granted(granted) => granted.life,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_expiry_is_believed_only_when_sane() {
        let now = Utc::now().timestamp();
        let about_an_hour = |life: Duration| (3590..=3600).contains(&life.as_secs());
        assert!(about_an_hour(life_of(&((now + 3600) * 1000).to_string())));
        assert!(about_an_hour(life_of(&(now + 3600).to_string())), "seconds");
        assert!(about_an_hour(life_of(&format!("\"{}\"", (now + 3600) * 1000))), "a string");
        for odd in ["null", "0", "-5", "1e300", "\"soon\"", "[1]", &((now - 90_000) * 1000).to_string()] {
            assert_eq!(life_of(odd), DEFAULT_LIFE, "{odd}");
        }
    }

    #[test]
    fn what_is_no_token_is_a_refusal_with_the_words_of_the_service() {
        let Answer::Refused(what) = read(br#"{"data":{"message":"Wrong password\u001b[31m"}}"#) else {
            panic!()
        };
        assert_eq!(what, "Wrong password\\u{1b}[31m");
        assert!(matches!(read(b"<html>"), Answer::Unreadable));
        assert!(
            matches!(read(br#"{"data":{"idToken":"a\nb"}}"#), Answer::Refused(_)),
            "not fit for a header"
        );
    }
}
