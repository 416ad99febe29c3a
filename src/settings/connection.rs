//! Address of the service, credentials, and limits of the requests.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use super::route::{ProxyError, Route};

/// Settings for all requests to the service.
#[derive(Debug)]
pub struct Connection {
    pub base_url: BaseUrl,
    pub route: Route,
    pub credentials: Credentials,
    pub auth_scheme: AuthScheme,
    /// Maximum number of requests in flight.
    pub concurrency: NonZeroU32,
    /// Maximum number of requests started per second.
    pub rate_limit: Option<f64>,
    pub retrying: Retrying,
}

/// Retries and timeouts of a request.
#[derive(Clone, Copy, Debug)]
pub struct Retrying {
    /// Maximum number of retries after failures of the server or the network.
    pub retries: u32,
    /// Maximum time from the first byte sent to the last byte received.
    pub timeout: Duration,
    /// Maximum time to open a connection.
    pub connect_timeout: Duration,
    pub outages: OutagePolicy,
}

/// Policy for an outage of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutagePolicy {
    /// Wait for its end, up to a limit, whatever the number of retries.
    Wait,
    /// Fail after the retries, or after half a minute without any response.
    Fail,
}

/// Form of the Authorization header. The documentation of the service shows both (`docs/api.md#sign-in`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AuthScheme {
    /// `Authorization: Bearer <idToken>`
    Bearer,
    /// `Authorization: <idToken>`
    Raw,
}

/// Credentials of the account. At least one of `token` and `login` is set.
#[derive(Debug)]
pub struct Credentials {
    /// Token given by the user, used first.
    pub token: Option<TokenSource>,
    /// Login that gets a new token.
    pub login: Option<Login>,
    /// E-mail address of the account, if set. The request for the contact list needs it.
    pub email: Option<SecretString>,
}

/// Source of a given token.
#[derive(Debug)]
pub enum TokenSource {
    Value(SecretString),
    /// File that is read again when the token is refused.
    File(PathBuf),
}

/// E-mail address and password of the account.
#[derive(Debug)]
pub struct Login {
    /// `user_email_id` of the sign-in endpoint. It is personal, so logs must not contain it.
    pub email: SecretString,
    pub password: PasswordSource,
}

/// Source of the password.
#[derive(Debug)]
pub enum PasswordSource {
    Value(SecretString),
    /// File with the password in its first line.
    File(PathBuf),
    /// Command that prints the password.
    Command(String),
}

/// Address of the service: `https`, or `http` for a loopback address, without user, password, query or
/// fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Invalid address of the service.
#[derive(Debug, thiserror::Error)]
pub enum BaseUrlError {
    #[error("invalid URL: {0}; use a URL such as https://host/stage")]
    Malformed(#[from] url::ParseError),
    /// Neither http nor https.
    #[error("unsupported scheme {0:?}: use https")]
    Scheme(String),
    /// Plain http to another machine.
    #[error(
        "plain http would send the token unencrypted to {0}: use https (http is accepted for loopback addresses only)"
    )]
    Plain(String),
    /// A user or password in the address.
    #[error("the URL contains a user or password: use CHATZY_EMAIL and CHATZY_PASSWORD_FILE instead")]
    Credentials,
    /// A query or fragment.
    #[error("the URL contains a query or fragment: remove it")]
    Query,
}

impl BaseUrl {
    /// Returns the URL of an endpoint.
    pub fn endpoint(&self, name: &str) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(name);
        }
        url
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

    /// Returns the address without a slash at the end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

/// True if the host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Query);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            "http" => Err(BaseUrlError::Plain(url.host_str().unwrap_or_default().to_owned())),
            other => Err(BaseUrlError::Scheme(other.to_owned())),
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_recognized() {
        for url in [
            "http://localhost:1/prod",
            "http://LOCALHOST",
            "http://127.0.0.1",
            "http://127.1",
            "http://2130706433",
            "http://0x7f.0.0.1",
            "http://127.255.255.254",
            "http://[::1]:80",
        ] {
            assert!(url.parse::<BaseUrl>().is_ok_and(|url| url.is_loopback()), "{url}");
        }
        assert!(!"https://api.example.com".parse::<BaseUrl>().unwrap().is_loopback());
    }
}
