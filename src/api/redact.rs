//! Masks the run's secrets in texts of the service before they are shown. A response may quote the request.

use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};

/// Replacement for a secret.
const MASK: &str = "***";
/// Minimum length of masked secrets, and of masked beginnings. Shorter ones would match in any text.
const MIN_SECRET: usize = 4;
/// Minimum length of texts that may have been cut in the middle of a secret.
const MAY_BE_CUT: usize = 100;

/// Beginning of a JSON token in base64url. Every such token is masked, even an unknown one.
const TOKEN_START: &str = "eyj";

/// Masks the password, the e-mail address and every token of the run, in each form in which responses quote
/// them.
#[derive(Debug, Default)]
pub struct Redactor(Mutex<Vec<SecretString>>);

impl Redactor {
    /// Masks this secret from now on.
    pub fn add(&self, secret: &SecretString) {
        let secret = secret.expose_secret().to_ascii_lowercase();
        if secret.len() < MIN_SECRET {
            return;
        }
        let quoted = serde_json::to_string(&secret).unwrap_or_default();
        let in_url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let in_json = quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let forms =
            [in_url.to_ascii_lowercase().replace('+', "%20"), in_url.to_ascii_lowercase(), in_json, secret];
        for form in forms {
            if !form.is_empty() && known.iter().all(|known| known.expose_secret() != form) {
                known.push(form.into());
            }
        }
    }

    /// Returns the text without the secrets, in any letter case, and without a cut-off secret at its end.
    pub fn mask(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let may_be_cut = text.len() >= MAY_BE_CUT;
        let mut text = without_tokens(text);
        for secret in known.iter().map(ExposeSecret::expose_secret) {
            // Only ASCII letters change their case here, so that positions in both texts are equal.
            while let Some(at) = text.to_ascii_lowercase().find(secret) {
                text.replace_range(at..at + secret.len(), MASK);
            }
        }
        for secret in known.iter().map(ExposeSecret::expose_secret).filter(|_| may_be_cut) {
            let end = text.trim_end_matches(['…', '"']).len();
            let lower = text.get(..end).unwrap_or_default().to_ascii_lowercase();
            let beginnings = (MIN_SECRET..secret.len()).rev().filter_map(|length| secret.get(..length));
            if let Some(beginning) = beginnings.into_iter().find(|beginning| lower.ends_with(beginning)) {
                text.replace_range(end - beginning.len()..end, MASK);
                break;
            }
        }
        text
    }
}

/// Masks all texts that look like a token.
fn without_tokens(text: &str) -> String {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let mut left = text;
    let mut masked = String::with_capacity(text.len());
    while let Some(at) = left.to_ascii_lowercase().find(TOKEN_START) {
        let (before, token) = left.split_at(at);
        let length = token.bytes().position(|byte| !is_of_token(byte)).unwrap_or(token.len());
        let (token, after) = token.split_at(length);
        masked.push_str(before);
        masked.push_str(if length > TOKEN_START.len() { MASK } else { token });
        left = after;
    }
    masked + left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let redactor = Redactor::default();
        for secret in secrets {
            redactor.add(&SecretString::from(*secret));
        }
        redactor
    }

    #[test]
    fn secrets_are_masked_in_every_form() {
        let redactor = redactor(&["pass \"word/1", "Me@Shop.example"]);
        for quoted in [
            r#"no pass "word/1 here"#,
            r#"no pass \"word/1 here"#,
            "no pass+%22word%2F1 here",
            "no pass%20%22word%2f1 here",
            r#"no PASS "WORD/1 here"#,
            "no me@shop.EXAMPLE here",
        ] {
            assert_eq!(redactor.mask(quoted), "no *** here", "{quoted}");
        }
    }

    #[test]
    fn a_secret_that_was_cut_is_masked_too() {
        let redactor = redactor(&["a-quite-long-token"]);
        for end in ["a-qu", "a-quite-l…", "a-quite-long-to\""] {
            let masked = redactor.mask(&format!("{}{end}", " ".repeat(110)));
            assert!(masked.contains(MASK) && !masked.contains('q'), "{masked}");
        }
        assert_eq!(redactor.mask("says a-qu"), "says a-qu", "a text that was not cut");
    }

    #[test]
    fn tokens_are_masked_also_those_not_known() {
        let redactor = Redactor::default();
        assert_eq!(
            redactor.mask("an eyJhbGciOi.eyJzdWIi.c2ln-_, eyJh and EYJ: eyJ"),
            "an ***, *** and EYJ: eyJ"
        );
    }

    #[test]
    fn short_secrets_are_not_masked() {
        assert_eq!(redactor(&["no", "***", ""]).mask("no *** access"), "no *** access");
    }
}
