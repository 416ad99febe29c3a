//! The HTTP client of the stores.
//!
//! Requests go to `https` URLs only, except to this machine, and to the metadata services of the clouds, which
//! have no certificates. Redirects are not followed: they could lead a signed request elsewhere.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpService,
};
use url::{Host, Url};

use crate::tls;

/// Maximum time to connect to a store.
const CONNECT: Duration = Duration::from_secs(10);
/// Maximum time without a byte from a store.
const SILENCE: Duration = Duration::from_mins(1);
/// The same for a request with a large body. The time to send it counts, too: on a slow line, that of several parts.
const SENDING: Duration = Duration::from_mins(10);
/// Bytes of a body that takes time to send.
const LARGE: usize = 256 << 10;
/// Maximum time to connect to a metadata service, which is on the same machine or does not exist.
const CONNECT_METADATA: Duration = Duration::from_secs(1);
/// Maximum time of a request to a metadata service.
const METADATA: Duration = Duration::from_secs(2);
/// Number of attempts to reach a metadata service.
const METADATA_ATTEMPTS: u32 = 2;

/// Variables with the address of a metadata service on this machine.
const METADATA_VARIABLES: [&str; 5] = [
    "AWS_METADATA_ENDPOINT",
    "GCE_METADATA_HOST",
    "GCE_METADATA_ROOT",
    "GCE_METADATA_IP",
    "IDENTITY_ENDPOINT",
];

/// True if a store has accepted a request of this process.
static HAS_ANSWERED: AtomicBool = AtomicBool::new(false);

/// Number of failures in a row to connect to a store, before the first accepted request.
static UNREACHED: AtomicU32 = AtomicU32::new(0);
/// Number of attempts to connect to a store that has not accepted any request yet.
const FIRST_ATTEMPTS: u32 = 5;

/// True if a store has accepted a request of this process, so its credentials were valid.
pub(super) fn has_answered() -> bool {
    HAS_ANSWERED.load(Ordering::Relaxed)
}

/// Makes the clients of a store.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = |scheme: &str, connect: Duration, silence: Duration, whole: Option<Duration>| {
            let mut builder = tls::builder(scheme)
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("chatzy-export/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(connect)
                .read_timeout(silence);
            if scheme == "http" {
                builder = builder.no_proxy();
            }
            if let Some(whole) = whole {
                builder = builder.timeout(whole);
            }
            builder.build().map_err(|_| object_store::Error::Generic {
                store: "HTTP client",
                source: tls::missing_roots().into(),
            })
        };
        Ok(HttpClient::new(Service {
            store: client("https", CONNECT, SILENCE, None),
            sending: client("https", CONNECT, SENDING, None),
            local: client("http", CONNECT, SENDING, None)?,
            metadata: client("http", CONNECT_METADATA, SILENCE, Some(METADATA))?,
        }))
    }
}

#[derive(Debug)]
struct Service {
    /// The error says that there are no root certificates.
    store: object_store::Result<reqwest::Client>,
    /// The same, for requests whose body takes time to send.
    sending: object_store::Result<reqwest::Client>,
    /// For this machine, without certificates and proxy.
    local: reqwest::Client,
    metadata: reqwest::Client,
}

/// A plain `http` URL of another machine.
#[derive(Debug, thiserror::Error)]
#[error("plain http is only allowed to this machine; use https")]
struct PlainHttp;

/// A metadata service that cannot be reached, with the reason.
#[derive(Debug, thiserror::Error)]
#[error("the metadata service {0}")]
pub(super) struct NoMetadata(pub(super) String);

/// A store that could not be reached from the start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreached(#[source] HttpError);

/// The error of a client without root certificates.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoRoots(String);

#[async_trait::async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        match reach(&url) {
            Reach::Metadata => self.ask_metadata(request, &url).await,
            Reach::Local if is_metadata_of_variable(&url) => self.ask_metadata(request, &url).await,
            Reach::Local => noted(self.local.call(request).await),
            Reach::Store => match if is_large(&request) { &self.sending } else { &self.store } {
                Ok(client) => noted(client.call(request).await),
                Err(error) => Err(HttpError::new(HttpErrorKind::Unknown, NoRoots(error.to_string()))),
            },
            Reach::Forbidden => Err(HttpError::new(HttpErrorKind::Unknown, PlainHttp)),
        }
    }
}

/// True for a part of a file.
fn is_large(request: &HttpRequest) -> bool {
    request.body().content_length() > LARGE
}

impl Service {
    /// Asks a metadata service. A machine outside of the cloud has none, so the attempts are few and short, and their
    /// failure is final.
    async fn ask_metadata(&self, request: HttpRequest, url: &Url) -> Result<HttpResponse, HttpError> {
        let mut attempt = 1;
        loop {
            match self.metadata.call(request.clone()).await {
                Err(_) if attempt < METADATA_ATTEMPTS => attempt += 1,
                Err(_) => {
                    let host = url.host_str().unwrap_or_default();
                    let reason = NoMetadata(format!("at {host} does not respond"));
                    return Err(HttpError::new(HttpErrorKind::Unknown, reason));
                }
                // No role. AWS has an older protocol for a refused session.
                Ok(response)
                    if response.status().is_client_error() && !url.path().ends_with("/api/token") =>
                {
                    let reason = NoMetadata(format!("responds with status {}", response.status().as_u16()));
                    return Err(HttpError::new(HttpErrorKind::Unknown, reason));
                }
                answered => return answered,
            }
        }
    }
}

/// Remembers a request that a store has accepted. Before the first one, a store that cannot be reached may be a mistake
/// in the settings, so it is not waited for as long as later.
fn noted(answered: Result<HttpResponse, HttpError>) -> Result<HttpResponse, HttpError> {
    match answered {
        Ok(response) => {
            if response.status().is_success() {
                HAS_ANSWERED.store(true, Ordering::Relaxed);
            }
            UNREACHED.store(0, Ordering::Relaxed);
            Ok(response)
        }
        Err(error) if error.kind() == HttpErrorKind::Connect && !has_answered() => {
            if UNREACHED.fetch_add(1, Ordering::Relaxed) + 1 < FIRST_ATTEMPTS {
                return Err(error);
            }
            // This kind is not repeated.
            Err(HttpError::new(HttpErrorKind::Unknown, Unreached(error)))
        }
        Err(error) => Err(error),
    }
}

/// True if an environment variable names this address as that of a metadata service.
fn is_metadata_of_variable(url: &Url) -> bool {
    let names = METADATA_VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
    let authority = url.authority();
    names.into_iter().any(|value| {
        let (_, rest) = value.split_once("://").unwrap_or(("", &value));
        rest.split('/').next() == Some(authority)
    })
}

/// True for plain http to another machine.
pub(super) fn is_forbidden(url: &Url) -> bool {
    reach(url) == Reach::Forbidden
}

#[derive(Debug, PartialEq, Eq)]
enum Reach {
    Store,
    Local,
    Metadata,
    Forbidden,
}

fn reach(url: &Url) -> Reach {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::from(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::from(address)),
        Some(Host::Domain("metadata.google.internal")) => return Reach::Metadata,
        Some(Host::Domain("localhost")) => return local(url),
        Some(Host::Domain(_)) | None => None,
    };
    match address {
        Some(IpAddr::V4(address)) if address.is_link_local() => Reach::Metadata,
        // The metadata services of AWS in networks without IPv4.
        Some(IpAddr::V6(address)) if address.segments()[..2] == [0xfd00, 0x0ec2] => Reach::Metadata,
        Some(address) if address.is_loopback() => local(url),
        _ if url.scheme() == "https" => Reach::Store,
        _ => Reach::Forbidden,
    }
}

/// `https` to this machine needs certificates, too.
fn local(url: &Url) -> Reach {
    if url.scheme() == "https" { Reach::Store } else { Reach::Local }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_reaches_this_machine_only() {
        let reach = |url: &str| super::reach(&Url::parse(url).unwrap());
        for url in ["https://s3.eu-west-1.amazonaws.com/b", "https://127.0.0.1/b"] {
            assert_eq!(reach(url), Reach::Store, "{url}");
        }
        for url in ["http://127.0.0.1:9000/b", "http://[::1]:9/b", "http://localhost/b"] {
            assert_eq!(reach(url), Reach::Local, "{url}");
        }
        for url in
            ["http://169.254.169.254/latest", "http://metadata.google.internal/x", "http://[fd00:ec2::254]/x"]
        {
            assert_eq!(reach(url), Reach::Metadata, "{url}");
        }
        for url in ["http://example.com/b", "http://10.0.0.1/b", "http://127.0.0.1.example.com/"] {
            assert_eq!(reach(url), Reach::Forbidden, "{url}");
        }
    }
}
