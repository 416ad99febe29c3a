//! Address of an authority for time stamps.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::connection::is_loopback;
use super::route::{ProxyError, Route};

/// Address of an authority: `https`, or `http`. Plain http is accepted, because only a hash is sent and the
/// authority signs its response.
#[derive(Clone, PartialEq, Eq)]
pub struct TimestampUrl(Url);

/// Invalid address of an authority. The messages do not contain it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampUrlError {
    /// Not a URL.
    #[error("invalid URL: {0}; use a URL such as https://host/tsr")]
    Malformed(#[from] url::ParseError),
    /// A scheme other than http and https.
    #[error("unsupported scheme: use https or http")]
    Scheme,
    /// A user or password in the address.
    #[error(
        "the URL contains a user or password, which other users of this machine could read: remove it, or \
         send the request with curl and `openssl ts -query`"
    )]
    Credentials,
    /// A fragment in the address.
    #[error("the URL contains a fragment, which would not be sent: remove it")]
    Fragment,
}

impl TimestampUrl {
    /// Returns the whole address, which may contain a key in its query.
    pub fn whole(&self) -> Url {
        self.0.clone()
    }

    /// Determines the route to the address.
    ///
    /// # Errors
    /// If the environment sets an invalid proxy.
    pub fn route(&self) -> Result<Route, ProxyError> {
        Route::of(&self.0)
    }

    /// Returns `https` or `http`.
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// True if the host is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl FromStr for TimestampUrl {
    type Err = TimestampUrlError;

    fn from_str(text: &str) -> Result<Self, TimestampUrlError> {
        let url = Url::parse(text)?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(TimestampUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TimestampUrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(TimestampUrlError::Fragment);
        }
        Ok(Self(url))
    }
}

/// The address without its query, which may contain a key.
impl fmt::Display for TimestampUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        url.set_query(None);
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for TimestampUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimestampUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_and_https_are_accepted() {
        for url in ["http://timestamp.example", "https://tsa.example/tsr?key=1", "http://127.0.0.1:3161/"] {
            assert!(url.parse::<TimestampUrl>().is_ok(), "{url}");
        }
    }

    #[test]
    fn no_message_contains_a_secret() {
        for url in [
            "secret",
            "ftp://secret",
            "https://me:secret@host",
            "https://secret@host",
            "https://host/#secret",
        ] {
            let error = url.parse::<TimestampUrl>().unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let url = "https://tsa.example/tsr?key=secret".parse::<TimestampUrl>().unwrap();
        assert_eq!(format!("{url} {url:?}"), "https://tsa.example/tsr TimestampUrl(https://tsa.example/tsr)");
    }
}
