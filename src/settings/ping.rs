//! URL of a monitor that expects pings.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::connection::is_loopback;

/// URL for pings about a run. Its path is a secret, so only the host is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PingUrl(Url);

/// Invalid ping URL. The messages do not contain the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PingUrlError {
    #[error("invalid URL: {0}; use a URL such as https://host/key")]
    Malformed(#[from] url::ParseError),
    /// A scheme other than https, or http to another machine.
    #[error("unsupported scheme: use https (http is accepted for loopback addresses only)")]
    Scheme,
    /// A user or password in the address.
    #[error("the URL contains a user or password, which would not be sent: remove it")]
    Credentials,
    #[error("the URL contains a fragment, which would not be sent: remove it")]
    Fragment,
}

impl PingUrl {
    /// Returns the URL with a segment added to its path, if there is one.
    pub fn with(&self, segment: Option<&str>) -> Url {
        let mut url = self.0.clone();
        if let (Some(segment), Ok(mut segments)) = (segment, url.path_segments_mut()) {
            segments.pop_if_empty().push(segment);
        }
        url
    }

    /// Returns `https` or `http`.
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// True if the host is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Returns the host, the only part that may be shown.
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
    fn a_segment_is_added_to_the_path() {
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
    fn no_message_contains_the_url() {
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
