//! Builds the HTTP client.
//!
//! It follows no redirect, which would send the token to another server. It repeats no request, because the
//! loop must count all of them. It uses no proxy for loopback addresses.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;

use super::fatal::Fatal;
use super::unpack;
use crate::settings::Connection;
use crate::tls;

/// Interval of HTTP/2 pings on idle connections, to detect a dead peer.
const PING_EVERY: Duration = Duration::from_secs(10);
/// Time limit for a ping response. It is shorter than [`super::body::STALL_TIMEOUT`], because a retry would go
/// to the same dead peer.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Builds the HTTP client.
///
/// # Errors
/// If there are no root certificates.
pub fn client(connection: &Connection) -> Result<reqwest::Client, Fatal> {
    let encodings = (ACCEPT_ENCODING, HeaderValue::from_static(unpack::ACCEPTED));
    let mut builder = tls::builder(connection.base_url.scheme())
        .user_agent(concat!("chatzy-export/", env!("CARGO_PKG_VERSION")))
        .default_headers(HeaderMap::from_iter([encodings]))
        .redirect(Policy::none())
        .connect_timeout(connection.retrying.connect_timeout)
        // The client's loop makes and counts all repeats, including those after GOAWAY, so that each waits
        // its turn.
        .retry(reqwest::retry::never())
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .http2_adaptive_window(true);
    if connection.base_url.is_loopback() {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|_| Fatal::RootCertificates { what: tls::missing_roots() })
}
