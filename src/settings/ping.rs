//! The address of a monitor that waits for a sign of life.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::connection::is_loopback;

/// Where a monitor is told how a run goes. Its path is as good as a password there, so only its host is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PingUrl(Url);

/// Why an address is not accepted. None of the texts repeats it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PingUrlError {
    /// Not a URL at all.
    #[error("not a URL: {0} (it looks like https://host/key)")]
    Malformed(#[from] url::ParseError),
    /// http to another machine, or something else.
    #[error("only https is possible (http is accepted for loopback addresses only)")]
    Scheme,
    /// A user or password in the address.
    #[error("the URL holds a user or password, which is not sent")]
    Credentials,
    /// A fragment.
    #[error("the URL has a fragment, which is not sent")]
    Fragment,
}

impl PingUrl {
    /// The URL with a word added to its path, before the query; the URL itself where there is none.
    pub fn with(&self, word: Option<&str>) -> Url {
        let mut url = self.0.clone();
        if let (Some(word), Ok(mut segments)) = (word, url.path_segments_mut()) {
            segments.pop_if_empty().push(word);
        }
        url
    }

    /// `https`, or `http`.
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// Whether it names this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// What may be shown of it.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl FromStr for PingUrl {
    type Err = PingUrlError;

    fn from_str(text: &str) -> Result<Self, PingUrlError> {
        let url = Url::parse(text)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(PingUrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(PingUrlError::Fragment);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            _ => Err(PingUrlError::Scheme),
        }
    }
}

impl fmt::Debug for PingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PingUrl({}/…)", self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_goes_behind_the_path() {
        let with = |url: &str, word| url.parse::<PingUrl>().expect(url).with(word).to_string();
        assert_eq!(with("https://hc-ping.com/key", Some("start")), "https://hc-ping.com/key/start");
        assert_eq!(with("https://hc-ping.com/key/", Some("fail")), "https://hc-ping.com/key/fail");
        assert_eq!(
            with("https://host/ping/key/slug?create=1", Some("fail")),
            "https://host/ping/key/slug/fail?create=1"
        );
        assert_eq!(with("https://hc-ping.com/key", None), "https://hc-ping.com/key");
    }

    #[test]
    fn no_text_repeats_it() {
        for url in [
            "hc-ping.com/secret",
            "http://hc-ping.com/secret",
            "https://me:secret@host",
            "https://host/#secret",
        ] {
            let error = url.parse::<PingUrl>().unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let url = "https://hc-ping.com/secret".parse::<PingUrl>().unwrap();
        assert_eq!(format!("{url:?} {}", url.host()), "PingUrl(hc-ping.com/…) hc-ping.com");
    }
}
