//! Classifies the result of one attempt (`docs/api.md#errors`). `super::retry` decides the next step
//! (`docs/guarantees.md#faults-of-the-api`).

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{StatusCode, Version};

use super::body::{self, Body, BodyError};
use super::files;
use super::limiter::Reach;
use super::redact::Redactor;
use crate::connect_error;
use crate::printable::{MAX_FIRST_CHARS, first_chars};
use crate::settings::Connection;
use crate::tls;

/// Description of a response that is a web page. Its text is not shown.
pub const WEB_PAGE: &str = "a web page (HTML)";
/// Number of characters of a non-JSON response shown in the debug log: enough to recognize it, too few for a
/// message.
pub const SHOWN_BEGINNING: usize = 16;

/// A response as received.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub version: Version,
    pub headers: HeaderMap,
    /// Time from the request to the head of the response.
    pub head_after: Duration,
    pub body: Body,
}

/// Reason why an attempt returned no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429: the gate closes for the requested time.
    Throttled {
        retry_after: Option<Duration>,
    },
    Quota,
    /// 500, 502, 503, 504, 408, 413 or another 5xx.
    Server {
        status: u16,
    },
    /// The response is larger than the limit. Fewer messages may fit.
    TooLarge {
        what: String,
    },
    /// 200 with an error report of the function: `error`, or nothing but a message.
    ErrorAnswer {
        what: String,
    },
    /// 200 with JSON of the wrong shape. The server is up, so waiting does not help.
    NotAnAnswer {
        what: String,
    },
    /// 200, but no JSON document: cut, or with trailing bytes. `is_foreign` if it is not JSON in any part, as from
    /// a captive portal.
    Unreadable {
        what: String,
        is_foreign: bool,
        begins: Option<String>,
    },
    /// The connection could not be made.
    Unreachable {
        what: String,
    },
    /// No response in time.
    TimedOut {
        what: String,
    },
    /// The connection broke before or during the response.
    Broken {
        what: String,
    },
    /// This machine cannot open another file or connection.
    NoFiles,
    /// The server's certificate is not accepted.
    Certificate {
        what: String,
    },
    Unauthorized {
        what: String,
    },
    NotFound,
    /// 400, 403, 410, 422 and other refusals of this request.
    Refused {
        status: u16,
        what: String,
    },
    /// 403 of the gateway for an unknown path: the base URL is wrong.
    UnknownPath,
    /// 3xx: a redirect to another server, which must not get the token.
    Redirect {
        what: String,
    },
}

impl Fault {
    /// True if the service failed, as opposed to a refusal.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Server { .. }
            | Self::ErrorAnswer { .. }
            | Self::Unreadable { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Broken { .. }
            | Self::NoFiles
            | Self::Certificate { .. } => true,
            Self::Throttled { .. }
            | Self::Quota
            | Self::NotAnAnswer { .. }
            | Self::TooLarge { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound
            | Self::Refused { .. }
            | Self::UnknownPath
            | Self::Redirect { .. } => false,
        }
    }

    /// Distance that the failed request came.
    pub fn reach(&self) -> Reach {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Broken { .. } => Reach::Network,
            _ => Reach::Server,
        }
    }

    /// Masks the secrets of the run in all texts of the service.
    pub fn masked(mut self, redactor: &Redactor) -> Self {
        match &mut self {
            Self::Unreadable { what, begins, .. } => {
                *what = redactor.mask(what);
                *begins = begins.take().map(|begins| redactor.mask(&begins));
            }
            Self::TooLarge { what }
            | Self::ErrorAnswer { what }
            | Self::NotAnAnswer { what }
            | Self::Unreachable { what }
            | Self::TimedOut { what }
            | Self::Broken { what }
            | Self::Certificate { what }
            | Self::Unauthorized { what }
            | Self::Refused { what, .. }
            | Self::Redirect { what } => *what = redactor.mask(what),
            Self::Throttled { .. }
            | Self::Quota
            | Self::Server { .. }
            | Self::NoFiles
            | Self::NotFound
            | Self::UnknownPath => {}
        }
        self
    }

    /// Like [`Self::describe`], with the beginning of a non-JSON response. For the debug log only.
    pub fn describe_fully(&self) -> String {
        match self {
            Self::Unreadable { begins: Some(begins), .. } => {
                format!("{}, it begins with {begins:?}", self.describe())
            }
            _ => self.describe(),
        }
    }

    /// Describes the fault in one line for people. All text of the server is escaped.
    pub fn describe(&self) -> String {
        match self {
            Self::Throttled { .. } => "429 Too Many Requests".to_owned(),
            Self::Quota => "429 Limit Exceeded".to_owned(),
            Self::Server { status } => {
                match StatusCode::from_u16(*status).ok().and_then(|code| code.canonical_reason()) {
                    Some(reason) => format!("{status} {reason}"),
                    None => status.to_string(),
                }
            }
            Self::TooLarge { what } => format!("too_large: {what}"),
            Self::ErrorAnswer { what } => format!("the API reports an error: {what}"),
            Self::Unreadable { what, .. } => format!("the answer is not what the API sends: {what}"),
            Self::NotAnAnswer { what }
            | Self::Unreachable { what }
            | Self::TimedOut { what }
            | Self::Broken { what } => what.clone(),
            Self::NoFiles => "too many open files on this machine (ulimit -n)".to_owned(),
            Self::Certificate { what } => format!("the server's certificate {what}"),
            Self::Unauthorized { what } => format!("401 Unauthorized: {what}"),
            Self::NotFound => "404 Not Found".to_owned(),
            Self::Refused { status, what } => format!("{status}: {what}"),
            Self::UnknownPath => "403 Missing Authentication Token: no such path at this address".to_owned(),
            Self::Redirect { what } => what.clone(),
        }
    }
}

/// Classifies a response by its status. Returns `None` for a 200, whose body must be inspected.
pub fn of_status(reply: &Reply) -> Option<Fault> {
    let status = reply.status.as_u16();
    match status {
        200..=299 => None,
        300..=399 => Some(Fault::Redirect { what: redirect(reply) }),
        401 => Some(Fault::Unauthorized { what: message(&reply.body.bytes) }),
        403 if message(&reply.body.bytes) == "Missing Authentication Token" => Some(Fault::UnknownPath),
        404 => Some(Fault::NotFound),
        429 if message(&reply.body.bytes).contains("Limit Exceeded") => Some(Fault::Quota),
        429 => Some(Fault::Throttled { retry_after: asked_silence(reply) }),
        408 | 413 | 500..=599 => Some(Fault::Server { status }),
        _ => Some(Fault::Refused { status, what: message(&reply.body.bytes) }),
    }
}

/// Classifies a failure of the network.
pub fn of_network(error: &reqwest::Error, connection: &Connection) -> Fault {
    if let Some(what) = tls::refused_certificate(error) {
        return Fault::Certificate { what };
    }
    if files::are_used_up(error, error.is_connect()) {
        return Fault::NoFiles;
    }
    if error.is_connect() {
        return Fault::Unreachable {
            what: connect_error::describe(error, &connection.route, connection.retrying.connect_timeout),
        };
    }
    let what = body::describe(error);
    if error.is_timeout() { Fault::TimedOut { what } } else { Fault::Broken { what } }
}

/// Classifies a body that could not be read.
pub fn of_body(error: &BodyError, connection: &Connection) -> Fault {
    match error {
        BodyError::TooLarge => Fault::TooLarge { what: "an answer of over 64 MiB".to_owned() },
        BodyError::TimedOut => Fault::TimedOut { what: "the answer stalled".to_owned() },
        BodyError::UnknownEncoding(name) => {
            unpackable(format!("its content encoding {name:?} is not supported"))
        }
        BodyError::Broken(_) => match error.of_network() {
            Some(error) => of_network(error, connection),
            None => unpackable("its compression is broken".to_owned()),
        },
    }
}

fn unpackable(what: String) -> Fault {
    Fault::Unreadable { what, is_foreign: false, begins: None }
}

/// True if a body is a web page rather than JSON.
pub fn is_html(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

/// Returns the `message` of a gateway's response, short and safe to show. Other JSON and web pages are only
/// named, because they may contain a person's messages.
pub fn message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Answer {
        message: Option<String>,
    }
    match serde_json::from_slice::<Answer>(body) {
        Ok(Answer { message: Some(message) }) => first_chars(&message),
        Ok(Answer { message: None }) => "no message".to_owned(),
        Err(_) if is_html(body) => WEB_PAGE.to_owned(),
        Err(_) if matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) => {
            "no message".to_owned()
        }
        Err(_) => first_chars(&String::from_utf8_lossy(body.get(..MAX_FIRST_CHARS * 4).unwrap_or(body))),
    }
}

fn redirect(reply: &Reply) -> String {
    let target = reply.headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let host = target
        .and_then(|target| url::Url::parse(target).ok())
        .and_then(|url| url.host_str().map(str::to_owned));
    let host = host.as_deref().unwrap_or("another path");
    format!("it redirects ({}) to {}, which is not followed", reply.status.as_u16(), first_chars(host))
}

/// Returns the pause that the header `Retry-After` requests.
pub fn asked_silence(reply: &Reply) -> Option<Duration> {
    let asked = reply.headers.get(RETRY_AFTER)?.to_str().ok()?;
    retry_after(asked, time_of(reply))
}

/// Parses the value of `Retry-After`: seconds, or an HTTP date. Other values are ignored.
pub fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Returns the server's time, because the local clock may be wrong.
fn time_of(reply: &Reply) -> SystemTime {
    let date = reply.headers.get(DATE).and_then(|date| date.to_str().ok());
    date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        let now = httpdate::parse_http_date("Fri, 20 Nov 2026 10:00:00 GMT").expect("a date");
        let asked = |text| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(asked(" 7"), Some(7));
        assert_eq!(asked("99999999999999999999999"), Some(u64::MAX), "cut by the limiter");
        for garbage in ["", "soon", "-5", "1.5", "+7", "0x10", "Fri, 31 Feb 2026 00:00:00 GMT"] {
            assert_eq!(asked(garbage), None, "{garbage}");
        }
        assert_eq!(asked("Fri, 20 Nov 2026 10:00:09 GMT"), Some(9));
        assert_eq!(asked("Fri, 20 Nov 2026 09:00:00 GMT"), Some(0), "over");
        assert!(asked("Fri, 31 Dec 9999 23:59:59 GMT") > Some(1 << 30));
    }
}
