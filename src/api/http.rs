//! The HTTP client of the service.
//!
//! No redirect is followed, since that would take the token to another server; no request is repeated behind the back of
//! the loop that counts them; and a loopback address is asked without a proxy.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;

use super::stop::Stop;
use super::{tls, unpack};
use crate::settings::Connection;

/// Kept HTTP/2 connections are asked this often whether they live, so that a dead peer is noticed.
const PING_EVERY: Duration = Duration::from_secs(10);
/// One that has not said so for this long is given up, before [`super::body::NO_PROGRESS`] ends what waits on it: a repeat
/// would go to the same dead peer.
const PING_PATIENCE: Duration = Duration::from_secs(10);

/// A client of the service.
///
/// # Errors
/// When there are no root certificates.
pub fn client(connection: &Connection) -> Result<reqwest::Client, Stop> {
    let encodings = (ACCEPT_ENCODING, HeaderValue::from_static(unpack::ACCEPTED));
    let mut builder = tls::builder(connection.base_url.scheme())
        .user_agent(concat!("chatzy-export/", env!("CARGO_PKG_VERSION")))
        .default_headers(HeaderMap::from_iter([encodings]))
        .redirect(Policy::none())
        .connect_timeout(connection.retrying.connect_timeout)
        // Repeats are ours to make and to count, also those of what a server took back (GOAWAY): each has its turn.
        .retry(reqwest::retry::never())
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_PATIENCE)
        .http2_adaptive_window(true);
    if connection.base_url.is_loopback() {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|_| Stop::RootCertificates { what: tls::missing_roots() })
}
