//! Finds the account's e-mail address, which the list of contacts requires.

use reqwest::header::HeaderValue;
use secrecy::SecretString;

use super::client::Client;
use super::fatal::Fatal;
use crate::json::Document;

impl Client {
    /// Returns the account's e-mail address: the configured one, otherwise the one in the token.
    ///
    /// # Errors
    /// If neither is known, or no token can be obtained.
    pub async fn account(&self) -> Result<SecretString, Fatal> {
        if let Some(email) = &self.connection.credentials.email {
            return Ok(email.clone());
        }
        let token = self.token().await?;
        let email = email_in(&token.header).ok_or_else(|| Fatal::Credentials {
            what:
                "the token does not name the account, whose e-mail address is needed to list its contacts: \
                   set CHATZY_EMAIL"
                    .to_owned(),
        })?;
        self.redactor.add(&email);
        Ok(email)
    }
}

/// Returns the claim `email` of the token in an Authorization header. The claim is not verified: the service
/// itself checks which contacts the token may read.
fn email_in(header: &HeaderValue) -> Option<SecretString> {
    let text = header.to_str().ok()?;
    let payload = text.rsplit(' ').next()?.split('.').nth(1)?;
    let claims = String::from_utf8(base64url(payload)?).ok()?;
    let claims = Document::parse(claims).ok()?;
    let email = claims.root().member("email")?.text()?;
    (email.contains('@') && !email.contains(char::is_control)).then(|| SecretString::from(email.as_ref()))
}

/// Decodes base64url, with or without padding.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        buffer = buffer << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(buffer >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn email(header: &str) -> Option<String> {
        email_in(&HeaderValue::from_str(header).expect("a header"))
            .map(|email| email.expose_secret().to_owned())
    }

    #[test]
    fn the_token_names_the_account() {
        // {"sub":"7","email":"zoë@shop.example","exp":1}
        let payload = "eyJzdWIiOiI3IiwiZW1haWwiOiJ6b8OrQHNob3AuZXhhbXBsZSIsImV4cCI6MX0";
        assert_eq!(email(&format!("Bearer eyJh.{payload}.c2ln")).as_deref(), Some("zoë@shop.example"));
        assert_eq!(email(&format!("eyJh.{payload}=.c2ln")).as_deref(), Some("zoë@shop.example"));
    }

    #[test]
    fn other_tokens_name_no_account() {
        for header in [
            "Bearer any",
            "Bearer a.b.c",
            "Bearer a.!!.c",
            "Bearer a.e30.c",
            "Bearer a.eyJlbWFpbCI6N30.c",
            "",
        ] {
            assert_eq!(email(header), None, "{header}");
        }
    }
}
