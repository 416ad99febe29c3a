//! What the HTTP clients of the service have in common, whatever is asked with them.
//!
//! No redirect is followed, since that would take the token to another server; no request is repeated behind the back of
//! the loop that counts them; and a loopback address is asked without a proxy.

use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::redirect::Policy;

use super::stop::Stop;
use super::tls;
use crate::settings::Connection;

/// Kept HTTP/2 connections are asked this often whether they live, so that a dead peer is noticed.
const PING_EVERY: Duration = Duration::from_secs(10);
/// One that has not said so for this long is given up, before [`super::body::NO_PROGRESS`] ends what waits on it: a repeat
/// would go to the same dead peer.
const PING_PATIENCE: Duration = Duration::from_secs(10);

/// A client of the service, yet to be built.
pub fn builder(connection: &Connection) -> ClientBuilder {
    let builder = tls::builder(connection.base_url.scheme())
        .user_agent(concat!("chatzy-export/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .connect_timeout(connection.retrying.connect_timeout)
        // Repeats are ours to make and to count, also those of what a server took back (GOAWAY): each has its turn.
        .retry(reqwest::retry::never())
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_PATIENCE)
        .http2_adaptive_window(true);
    if connection.base_url.is_loopback() { builder.no_proxy() } else { builder }
}

/// The client.
///
/// # Errors
/// When there are no root certificates.
pub fn build(builder: ClientBuilder) -> Result<reqwest::Client, Stop> {
    builder.build().map_err(|_| Stop::RootCertificates { what: tls::missing_roots() })
}
