//! Cleans secrets as people and tools store them: with a byte order mark, a line end, or the scheme of the
//! header.

use secrecy::SecretString;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns a password from an environment variable. Blanks may be part of it.
pub fn password(text: &str) -> SecretString {
    text.trim_start_matches(BYTE_ORDER_MARK).trim_end_matches(['\r', '\n']).into()
}

/// Returns the first line of a file or of a command's output, trimmed, or none if it is empty.
pub fn first_line(text: &str) -> Option<SecretString> {
    let line = text.trim_start_matches(BYTE_ORDER_MARK).lines().next()?.trim();
    (!line.is_empty()).then(|| line.into())
}

/// Trims an e-mail address, or any other text in which blanks at the ends have no meaning.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK)
}

/// Returns a token, without the `Bearer` of a copied header.
pub fn token(text: &str) -> SecretString {
    let text = trimmed(text);
    let is_bearer = |scheme: &str| scheme.eq_ignore_ascii_case("bearer");
    match text.split_once(char::is_whitespace) {
        Some((scheme, token)) if is_bearer(scheme) => token.trim_start().into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_password_loses_its_line_end_and_nothing_else() {
        for text in ["s3cret", "s3cret\n", "s3cret\r\n", "\u{feff}s3cret\n\n", "s3cret\r"] {
            assert_eq!(password(text).expose_secret(), "s3cret", "{text:?}");
        }
        assert_eq!(password(" two words \n").expose_secret(), " two words ");
    }

    #[test]
    fn the_first_line_is_found_after_a_byte_order_mark() {
        let line = |text| first_line(text).map(|line| line.expose_secret().to_owned());
        for text in ["s3cret", "\u{feff}s3cret\r\n", " s3cret \nsecond line"] {
            assert_eq!(line(text).as_deref(), Some("s3cret"), "{text:?}");
        }
        for text in ["", "\n", "\u{feff}\r\n", "\ns3cret"] {
            assert_eq!(line(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_token_loses_the_scheme_of_its_header() {
        for text in ["a.b.c", "Bearer a.b.c", "bearer  a.b.c\n", "\u{feff}BEARER\ta.b.c\r\n", " a.b.c "] {
            assert_eq!(token(text).expose_secret(), "a.b.c", "{text:?}");
        }
        assert_eq!(token("Bearera.b.c").expose_secret(), "Bearera.b.c");
    }
}
