//! The network route to the service: its host and port, and the proxy that the environment sets for it.

use std::env;
use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::connection::is_loopback;

/// Variables that set the proxy of an https address. The HTTP client takes the first one that is set.
const HTTPS_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Route to the service, for messages. It contains no user and no password of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    host: String,
    port: u16,
    /// URL of the proxy.
    proxy: Option<String>,
}

/// A proxy setting that cannot be used. The message does not contain its value, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is no proxy address: use one such as http://proxy:3128, or unset it")]
pub struct ProxyError {
    variable: &'static str,
}

impl Route {
    /// Determines the route to this address from the environment, with the rules of the HTTP client.
    ///
    /// # Errors
    /// If a variable that applies is invalid. The HTTP client would ignore it and connect without a proxy.
    pub(super) fn of(url: &Url) -> Result<Self, ProxyError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or_default();
        if is_loopback(url) {
            return Ok(Self { host, port, proxy: None });
        }
        let find = |matcher: &Matcher| matcher.intercept(&url.as_str().parse().ok()?);
        let Some(proxy) = find(&Matcher::from_env()) else {
            return match invalid_variable().filter(|_| !is_exempt(&find)) {
                Some(variable) => Err(ProxyError { variable }),
                None => Ok(Self { host, port, proxy: None }),
            };
        };
        // The library has moved user and password out of it.
        let proxy = proxy.uri().to_string().trim_end_matches('/').to_owned();
        Ok(Self { host, port, proxy: Some(proxy) })
    }

    /// True if a proxy is used.
    pub fn has_proxy(&self) -> bool {
        self.proxy.is_some()
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)?;
        match &self.proxy {
            Some(proxy) => write!(f, " through the proxy {proxy}"),
            None => Ok(()),
        }
    }
}

/// Returns the variable that the client would use, if it is not blank and not an address.
fn invalid_variable() -> Option<&'static str> {
    let (variable, value) = HTTPS_VARIABLES.iter().find_map(|name| Some((*name, env::var_os(name)?)))?;
    let is_set = !value.is_empty() && env::var_os("REQUEST_METHOD").is_none();
    is_set.then_some(variable)
}

/// True if `NO_PROXY` exempts the address that `find` looks up.
fn is_exempt<T>(find: &impl Fn(&Matcher) -> Option<T>) -> bool {
    let no = ["NO_PROXY", "no_proxy"].iter().find_map(|name| env::var(name).ok()).unwrap_or_default();
    find(&Matcher::builder().all("http://proxy").no(no).build()).is_none()
}
