//! Describes a connection that could not be made: where to, through which proxy, and why.
//!
//! Layer 1.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use crate::settings::Route;
use crate::tls::causes;

/// Describes a failure to connect, in one line without URLs and secrets.
pub fn describe(error: &reqwest::Error, route: &Route, connect_timeout: Duration) -> String {
    let reason = reason(error, error.is_timeout(), route, connect_timeout);
    format!("cannot connect to {route}: {reason}")
}

fn reason(
    error: &(dyn Error + 'static),
    is_timeout: bool,
    route: &Route,
    connect_timeout: Duration,
) -> String {
    let texts: Vec<String> = causes(error).skip(1).map(ToString::to_string).collect();
    let says = |text: &str| texts.iter().any(|cause| cause.contains(text));
    let io_error = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last();
    if let Some(what) = proxy_reason(&says) {
        return what.to_owned();
    }
    if says("dns error") {
        let whose = if route.has_proxy() { "the address of the proxy" } else { "its address" };
        let why = io_error.map_or_else(|| "unknown error".to_owned(), ToString::to_string);
        let why = why.trim_start_matches("failed to lookup address information: ");
        return format!("{whose} is not found (DNS: {why})");
    }
    if let Some(error) = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        return format!("the TLS handshake failed ({error})");
    }
    match io_error.map(io::Error::kind) {
        Some(ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
        Some(ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable) => {
            "there is no network route to it".to_owned()
        }
        _ if is_timeout => {
            format!("no response within {}", humantime::format_duration(connect_timeout))
        }
        Some(ErrorKind::TimedOut) => "no response".to_owned(),
        Some(ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
            "the connection was closed during the handshake".to_owned()
        }
        // The error of a SOCKS proxy has no cause.
        _ if says("error: failed to create underlying connection") => "no connection to the proxy".to_owned(),
        _ => {
            let texts = texts.into_iter().filter(|text| text != "client error (Connect)");
            texts.collect::<Vec<_>>().join(": ")
        }
    }
}

/// Returns the reason of a proxy that opens no tunnel. The library has no type for it.
fn proxy_reason(says: &impl Fn(&str) -> bool) -> Option<&'static str> {
    let reasons = [
        ("proxy authorization required", "the proxy requires a user and password (407)"),
        ("tunnel error: unsuccessful", "the proxy refuses to connect to it"),
        ("tunnel error: unexpected end of file", "the proxy closed the connection"),
    ];
    reasons.into_iter().find_map(|(said, reason)| says(said).then_some(reason))
}
