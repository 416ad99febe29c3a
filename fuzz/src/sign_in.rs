//! Answers to a sign-in, the token made of them, and `Retry-After`.

use std::time::{Duration, SystemTime};

use chatzy_export::internals::api::retry_after;
use chatzy_export::internals::api::sign_in::{Answer, Granted, read};
use chatzy_export::internals::api::token::{Freshness, TokenKeeper};
use chatzy_export::internals::settings::AuthScheme;
use secrecy::{ExposeSecret, SecretString};

/// What is granted can be sent, lives for a sane time and cannot be printed; what is a JSON object has been read.
pub fn check(input: &[u8]) {
    match read(input) {
        Answer::Granted(granted) => {
            let json = serde_json::from_slice::<serde_json::Value>(input);
            assert!(json.is_err() || json.is_ok_and(|json| json.is_object()), "a token stands in an object");
            check_granted(&granted);
        }
        Answer::Refused(what) => {
            assert!(!what.contains(char::is_control), "{what:?}");
            assert!(!what.is_empty() && what.len() <= 2000);
        }
        Answer::Unreadable => {
            let json = serde_json::from_slice::<serde_json::Value>(input);
            assert!(
                !json.is_ok_and(|json| json.is_object()),
                "an object is an answer, if not the one hoped for"
            );
        }
    }
    if let Ok(text) = std::str::from_utf8(input) {
        check_retry_after(text);
    }
}

fn check_granted(granted: &Granted) {
    let token = granted.token.expose_secret();
    assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!((Duration::from_secs(1)..=Duration::from_hours(24)).contains(&granted.life));
    // What is printed of one token is what is printed of any.
    let other = Granted { token: "another-token".into(), life: granted.life };
    assert_eq!(format!("{granted:?}"), format!("{other:?}"));
    for scheme in [AuthScheme::Bearer, AuthScheme::Raw] {
        let [(kept, used), (kept_other, used_other)] =
            [&granted.token, &other.token].map(|token| put(scheme, token));
        assert_eq!(kept, kept_other);
        assert_eq!(used, used_other);
    }
}

/// What is printed of a keeper of this token, and of the token in use.
fn put(scheme: AuthScheme, token: &SecretString) -> (String, String) {
    let keeper = TokenKeeper::new(scheme);
    assert!(keeper.put(token, None), "a token that was granted can be sent");
    let used = match keeper.now() {
        Freshness::Fresh(used) => used,
        other => panic!("{other:?}"),
    };
    assert!(used.header.to_str().unwrap().ends_with(token.expose_secret()));
    (format!("{keeper:?}"), format!("{used:?}"))
}

fn check_retry_after(text: &str) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
    let asked = retry_after(text, now);
    let number = text.trim();
    if !number.is_empty() && number.len() < 19 && number.bytes().all(|byte| byte.is_ascii_digit()) {
        assert_eq!(asked, Some(Duration::from_secs(number.parse().unwrap())));
    }
}
