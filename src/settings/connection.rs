//! Where the service is, who we are there, and how hard we may press it.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

/// The service and how to talk to it.
#[derive(Debug)]
pub struct Connection {
    /// Where the endpoints are.
    pub base_url: BaseUrl,
    /// Who we are there.
    pub credentials: Credentials,
    /// Form of the Authorization header.
    pub auth_scheme: AuthScheme,
    /// Most requests in flight, over the whole run.
    pub concurrency: NonZeroU32,
    /// Most requests started per second.
    pub rate_limit: Option<f64>,
    /// Repeats and timeouts.
    pub retrying: Retrying,
}

/// Repeats and timeouts of one request.
#[derive(Clone, Copy, Debug)]
pub struct Retrying {
    /// Most repeats of one request after failures of the server or the network.
    pub retries: u32,
    /// From the first byte sent to the last received.
    pub timeout: Duration,
    /// To open a connection.
    pub connect_timeout: Duration,
}

/// Form of the Authorization header; the service's pages show both (`docs/api.md#sign-in`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AuthScheme {
    /// `Authorization: Bearer <idToken>`
    Bearer,
    /// `Authorization: <idToken>`
    Raw,
}

/// What proves who we are. At least one of the two is there.
#[derive(Debug)]
pub struct Credentials {
    /// A token from elsewhere, used first.
    pub token: Option<TokenSource>,
    /// What a new token is had with.
    pub login: Option<Login>,
    /// The account's e-mail address, where it is set: the list of contacts is asked for by it.
    pub email: Option<SecretString>,
}

/// Where a given token comes from.
#[derive(Debug)]
pub enum TokenSource {
    /// The token itself.
    Value(SecretString),
    /// A file that holds it, read again when the token is refused.
    File(PathBuf),
}

/// The account's e-mail address and password.
#[derive(Debug)]
pub struct Login {
    /// `user_email_id` of the sign-in endpoint; personal, so kept from logs.
    pub email: SecretString,
    /// Where the password comes from.
    pub password: PasswordSource,
}

/// Where the password comes from.
#[derive(Debug)]
pub enum PasswordSource {
    /// The password itself.
    Value(SecretString),
    /// A file whose first line it is.
    File(PathBuf),
    /// A command that prints it.
    Command(String),
}

/// The service's address: `https`, or `http` on a loopback address; no user, password, query or fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why an address is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum BaseUrlError {
    /// Not a URL at all.
    #[error("not a URL: {0} (it looks like https://host/stage)")]
    Malformed(#[from] url::ParseError),
    /// Neither http nor https.
    #[error("the scheme {0:?} is not supported, only https")]
    Scheme(String),
    /// http to another machine.
    #[error(
        "plain http would send the token in the clear to {0}: use https (http is accepted for loopback addresses only)"
    )]
    Plain(String),
    /// A user or password in the address.
    #[error("the URL holds a user or password: put credentials into CHATZY_EMAIL and CHATZY_PASSWORD_FILE")]
    Credentials,
    /// A query or fragment.
    #[error("the URL has a query or fragment, which a base URL cannot have")]
    Query,
}

impl BaseUrl {
    /// The URL of an endpoint.
    pub fn endpoint(&self, name: &str) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(name);
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

    /// The address as text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

/// Whether the address names this machine.
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
    fn this_machine_has_many_names() {
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
