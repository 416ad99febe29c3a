//! The sign-in request and its response (`docs/api.md#sign-in`).

use std::time::Duration;

use chrono::Utc;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::token::is_header_safe;
use crate::json::{Document, Kind, Value};
use crate::printable::first_chars;
use crate::record::{article, members_found, text_of};

/// Lifetime of a token whose `expiryAt` is implausible. The service documents one hour.
const DEFAULT_LIFE: Duration = Duration::from_mins(50);
/// Maximum lifetime that is plausible.
const MAX_LIFE: Duration = Duration::from_hours(24);

#[derive(Serialize)]
struct Request<'a> {
    user_email_id: &'a str,
    password: &'a str,
}

/// A token as received from the service.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The token, in visible ASCII as a header requires.
    pub token: SecretString,
    /// Assumed lifetime from now.
    pub life: Duration,
}

/// Response to a sign-in.
#[derive(Debug)]
pub enum Answer {
    /// The service granted a token.
    Granted(Granted),
    /// The response is a JSON object without a token. The text is the service's reason.
    Refused(String),
    /// The response is not a JSON object.
    Unreadable,
}

/// Returns the body of the request.
pub fn request(email: &SecretString, password: &SecretString) -> Vec<u8> {
    let request = Request { user_email_id: email.expose_secret(), password: password.expose_secret() };
    serde_json::to_vec(&request).unwrap_or_default()
}

/// Parses a response as leniently as pages. Valid JSON must not count as a temporary fault, or a wrong
/// password would be sent again.
pub fn read(body: &[u8]) -> Answer {
    let text = text_of(body);
    let Ok(document) = Document::parse(text) else { return Answer::Unreadable };
    let answer = document.root();
    if answer.kind() != Kind::Object {
        return Answer::Unreadable;
    }
    let data = answer.member("data");
    let granted = |name| data.and_then(|data| data.member(name));
    if let Some(token) = granted("idToken").and_then(Value::text).filter(|token| is_header_safe(token)) {
        return Answer::Granted(Granted {
            token: token.into_owned().into(),
            life: life(granted("expiryAt")),
        });
    }
    let said = [granted("message"), data, answer.member("message"), answer.member("error")];
    let mut said = said.into_iter().flatten().filter_map(Value::text).filter(|said| !said.trim().is_empty());
    let said = said.find(|said| !may_be_token(said)).map(|said| first_chars(&said));
    let is_bare = data.is_none_or(|data| data.members().all(|(name, _)| name == "message"));
    Answer::Refused(match said {
        Some(said) if is_bare => said,
        Some(said) => format!("{said}; {}", no_token(answer)),
        None => no_token(answer),
    })
}

/// Describes the member found instead of the token, without any value.
fn no_token(answer: Value<'_>) -> String {
    let names = |value: Value<'_>| {
        let names: Vec<_> = value.members().map(|(name, _)| name).collect();
        members_found(names.iter().map(|name| &**name))
    };
    match (answer.member("data"), answer.member("data").and_then(|data| data.member("idToken"))) {
        (_, Some(token)) if token.kind() == Kind::String => {
            "the answer has an `idToken` that is empty or holds characters that no token has".to_owned()
        }
        (_, Some(token)) => {
            format!("the answer has `idToken` as {} where a string is expected", article(token))
        }
        (Some(data), None) if data.kind() == Kind::Object => {
            format!("the answer has no `idToken`; in `data`, {}", names(data))
        }
        (Some(data), None) => {
            format!("the answer has `data` as {} where an object is expected", article(data))
        }
        (None, None) => format!("the answer has no `data`; {}", names(answer)),
    }
}

/// True if a text may contain a token, which must not be shown: it has a word longer than any in a sentence.
fn may_be_token(text: &str) -> bool {
    /// Maximum length of a shown word, in characters.
    const MAX_WORD: usize = 60;
    text.split_whitespace().any(|word| word.chars().count() > MAX_WORD)
}

/// Returns the lifetime. `expiryAt` is Unix time in milliseconds or seconds. A lifetime that is over, or
/// longer than a day, shows that a clock is wrong, and is not believed.
fn life(expiry_at: Option<Value<'_>>) -> Duration {
    let number = expiry_at.and_then(|value| match value.kind() {
        Kind::Number => value.raw().parse::<f64>().ok(),
        Kind::String => value.text()?.trim().parse().ok(),
        Kind::Null | Kind::Bool | Kind::Array | Kind::Object | Kind::NonStandard => None,
    });
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
    fn an_answer_of_another_shape_is_a_refusal_and_no_fault_that_passes() {
        for (body, said) in [
            (r#"{"data":"Wrong password"}"#, "Wrong password"),
            (
                r#"{"data":{"idToken":5,"message":["odd"]},"message":"no"}"#,
                "no; the answer has `idToken` as a number where a string is expected",
            ),
            (
                r#"{"data":{"message":"Login successful","token":"abc"}}"#,
                "Login successful; the answer has no `idToken`; in `data`, members found: message, token",
            ),
            (r#"{"token":"abc"}"#, "the answer has no `data`; members found: token"),
            (r#"{"data":[],"error":"no","error":"none"}"#, "none"),
            (
                r#"{"data":{"data":{"idToken":"abc"}}}"#,
                "the answer has no `idToken`; in `data`, members found: data",
            ),
            ("{\"message\":\"caf\u{fffd} \\ud83d\",\"left\":NaN}", "caf\u{fffd} \u{fffd}"),
        ] {
            assert!(matches!(read(body.as_bytes()), Answer::Refused(what) if what == said), "{body}");
        }
        for body in [r#"[["ok","a-token",null],null,null]"#, "120", r#""a-token""#, "null"] {
            assert!(matches!(read(body.as_bytes()), Answer::Unreadable), "{body}");
        }
    }

    #[test]
    fn a_token_in_another_place_is_not_shown() {
        let token =
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3IiwiZW1haWwiOiJ6b8OrQHNob3AuZXhhbXBsZSIsImV4cCI6MX0.c2ln";
        for body in [
            format!(r#"{{"data":"{token}"}}"#),
            format!(r#"{{"data":{{"message":"{token}"}}}}"#),
            format!(r#"{{"data":{{"{token}":1}}}}"#),
        ] {
            assert!(
                matches!(read(body.as_bytes()), Answer::Refused(what) if !what.contains("eyJ")),
                "{body}"
            );
        }
    }

    #[test]
    fn a_response_without_a_token_is_a_refusal_with_its_text() {
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
