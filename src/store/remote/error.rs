//! Errors of a store in one short line: what is wrong, and what to do. Without secrets, XML and IDs of requests.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use super::address::Scheme;
use super::credentials::{self, NoCredentials};
use super::http::NoMetadata;
use crate::durable::StorageError;

/// Maximum length of a message of a store, in characters.
const MAX_TEXT: usize = 200;

/// An operation on an object that failed.
pub(super) struct Failed {
    pub(super) action: &'static str,
    /// URL of the object.
    pub(super) path: PathBuf,
}

impl Failed {
    /// The error of the operation.
    pub(super) fn by(self, error: &Error) -> StorageError {
        let kind = match error {
            Error::NotFound { .. } => io::ErrorKind::NotFound,
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => io::ErrorKind::PermissionDenied,
            Error::NotSupported { .. } | Error::NotImplemented { .. } => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::Other,
        };
        let url = self.path.to_string_lossy().into_owned();
        let (scheme, bucket) = Scheme::of_url(&url);
        let facts = Facts::of(error);
        let source = match &facts.metadata {
            Some(reason) => credentials::missing(scheme, reason),
            None => io::Error::new(kind, facts.describe(scheme, bucket)),
        };
        StorageError { action: self.action, path: self.path, source }
    }

    /// The error of an operation on a path that no object can have.
    pub(super) fn by_path(self) -> StorageError {
        let why = io::Error::new(io::ErrorKind::InvalidFilename, "no object can have this name");
        StorageError { action: self.action, path: self.path, source: why }
    }

    pub(super) fn by_io(self, source: io::Error) -> StorageError {
        StorageError { action: self.action, path: self.path, source }
    }
}

/// True if the settings of the store have to be changed, or set: there are no credentials.
pub(in crate::store) fn is_setting(error: &io::Error) -> bool {
    error.get_ref().and_then(|cause| cause.downcast_ref::<NoCredentials>()).is_some()
}

/// True if there is no object. A missing bucket is another error.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) && !is_bucket_missing(Facts::of(error).code.as_deref())
}

fn is_bucket_missing(code: Option<&str>) -> bool {
    matches!(code, Some("NoSuchBucket" | "ContainerNotFound"))
}

/// The cause of an error of the client itself, in a few words.
pub(super) fn describe_setup(error: &Error) -> String {
    let text = error.to_string();
    // The client starts its messages with the name of the store.
    let text = text.split_once(" error: ").map_or(text.as_str(), |(_, text)| text);
    shortened(text)
}

/// What an error says about the response, or about the missing one.
#[derive(Debug, Default)]
struct Facts {
    /// Status of the response.
    status: Option<u16>,
    /// Name of the error, such as `NoSuchBucket`.
    code: Option<String>,
    /// Sentence of the store about the error.
    message: Option<String>,
    /// Region of the bucket.
    region: Option<String>,
    /// Host and port that the request went to.
    host: Option<String>,
    /// Kind of a failure without a response.
    transport: Option<HttpErrorKind>,
    /// Reason why the metadata service has no credentials.
    metadata: Option<String>,
    /// The innermost cause.
    cause: String,
}

impl Facts {
    fn of(error: &Error) -> Self {
        let mut facts = Self::default();
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            facts.add_text(&text);
            if let Some(http) = error.downcast_ref::<HttpError>() {
                facts.transport = Some(http.kind());
            }
            if let Some(NoMetadata(reason)) = error.downcast_ref::<NoMetadata>() {
                facts.metadata = Some(reason.clone());
            }
            if !text.trim().is_empty() {
                facts.cause = text;
            }
            next = error.source();
        }
        if facts.metadata.is_none()
            && facts.status.is_some()
            && facts.host.as_deref().is_some_and(is_metadata)
        {
            facts.metadata = facts.status.map(|status| format!("responds with status {status}"));
        }
        facts
    }

    fn add_text(&mut self, text: &str) {
        if let Some((_, rest)) = text.split_once("status code: ") {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            self.status = self.status.or(digits.parse().ok());
        }
        let of_url = || {
            let (_, rest) = text.split_once("://")?;
            rest.split(['/', '?', ' ', ')', '"']).next().map(str::to_owned)
        };
        self.host = self.host.take().or_else(of_url).filter(|host| !host.contains('@'));
        self.code = self.code.take().or_else(|| element(text, "Code"));
        self.message = self.message.take().or_else(|| element(text, "Message"));
        self.region = self.region.take().or_else(|| element(text, "Region"));
        if text.contains("redirect without LOCATION") {
            self.code = Some("PermanentRedirect".to_owned());
        }
    }

    fn describe(&self, scheme: Scheme, bucket: &str) -> String {
        let keys = scheme.key_variables();
        let code = self.code.as_deref().map(shortened).unwrap_or_default();
        let named = |text: &str| if code.is_empty() { text.to_owned() } else { format!("{text} ({code})") };
        match (code.as_str(), self.status) {
            _ if is_bucket_missing(Some(&code)) => {
                format!("there is no {} {bucket}: create it, or correct the URL", scheme.bucket())
            }
            ("InvalidAccessKeyId", _) => format!(
                "{}: check {} and {}",
                named("the store does not know the access key"),
                scheme.user_variable(),
                scheme.endpoint_variable()
            ),
            ("SignatureDoesNotMatch" | "AuthenticationFailed", _) => {
                format!("{}: check {}", named("the store refuses the signature"), scheme.secret_variable())
            }
            ("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired", _) => {
                format!("{}: renew {keys}", named("the credentials are no longer valid"))
            }
            ("RequestTimeTooSkewed", _) => {
                format!("{}: set it", named("the clock of this machine differs from that of the store"))
            }
            (
                "AuthorizationHeaderMalformed"
                | "PermanentRedirect"
                | "TemporaryRedirect"
                | "IllegalLocationConstraintException",
                _,
            )
            | (_, Some(301 | 307 | 308)) => {
                let is_plain =
                    |region: &&String| region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
                match self.region.as_ref().filter(is_plain) {
                    Some(region) => format!("the bucket is in the region {region}: set AWS_REGION={region}"),
                    None => {
                        "the bucket is in another region: set AWS_REGION to that of the bucket".to_owned()
                    }
                }
            }
            (_, Some(403)) => {
                let key = match scheme {
                    Scheme::Az => format!("check {}; ", scheme.secret_variable()),
                    Scheme::S3 | Scheme::Gs => String::new(),
                };
                format!(
                    "{}: {key}the credentials need permission to list, read, write and delete objects there",
                    named("the store denies access")
                )
            }
            (_, Some(401)) => format!("{}: check {keys}", named("the store does not accept the credentials")),
            (_, Some(429 | 503)) => {
                format!("{}: run again later", named("the store asks for fewer requests"))
            }
            (_, Some(status @ 500..)) => {
                format!(
                    "{}: run again later",
                    named(&format!("the store reports an error of its own, status {status}"))
                )
            }
            (_, Some(status)) => {
                let message = self.message.as_deref().map(|text| format!(": {}", shortened(text)));
                let message = message.unwrap_or_default();
                format!("{}{message}", named(&format!("the store responds with status {status}")))
            }
            (_, None) => self.describe_transport(scheme),
        }
    }

    /// Describes a failure without a response.
    fn describe_transport(&self, scheme: Scheme) -> String {
        let host = self.host.as_deref().unwrap_or("the store");
        let cause = shortened(&self.cause);
        if cause.contains("certificate") {
            return format!("cannot trust {host}: {cause}; SSL_CERT_FILE names other root certificates");
        }
        let check = format!("check {} and the network", scheme.endpoint_variable());
        match self.transport {
            Some(HttpErrorKind::Connect | HttpErrorKind::Request) => {
                format!("cannot connect to {host} ({cause}): {check}")
            }
            Some(HttpErrorKind::Timeout) => format!("{host} does not respond: {check}"),
            Some(_) => format!("the connection to {host} failed ({cause}): run again later"),
            None => cause,
        }
    }
}

/// True for the metadata services of the clouds.
fn is_metadata(host: &str) -> bool {
    host.starts_with("169.254.")
        || host.starts_with("metadata.google.internal")
        || host.starts_with("[fd00:ec2:")
}

/// Returns the content of an XML element.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (content, _) = rest.split_once(&format!("</{name}>"))?;
    Some(content.to_owned())
}

/// One line of at most [`MAX_TEXT`] characters.
fn shortened(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= MAX_TEXT {
        return words;
    }
    words.chars().take(MAX_TEXT).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(text: &str) -> String {
        let error = Error::Generic { store: "S3", source: text.into() };
        Failed { action: "read", path: "s3://b/p/x".into() }.by(&error).describe()
    }

    #[test]
    fn responses_become_one_sentence() {
        let status =
            "Error performing GET https://s3.example.com/b/p/x in 1ms - Server returned non-2xx status code:";
        let texts = [
            format!("{status} 503 Slow Down: <Error><Code>SlowDown</Code><RequestId>1</RequestId></Error>"),
            format!("{status} 500 Internal Server Error: "),
            format!(
                "{status} 403 Forbidden: <Code>ExpiredToken</Code><Message>The token has expired.</Message>"
            ),
            format!("{status} 403 Forbidden: <Code>RequestTimeTooSkewed</Code>"),
            format!("{status} 400 Bad Request: <Code>EntityTooLarge</Code><Message>Too\n large.</Message>"),
            "Received redirect without LOCATION, this normally indicates an incorrectly configured region"
                .to_owned(),
        ];
        insta::assert_snapshot!(texts.map(|text| described(&text)).join("\n"), @r#"
    cannot read s3://b/p/x: the store asks for fewer requests (SlowDown): run again later
    cannot read s3://b/p/x: the store reports an error of its own, status 500: run again later
    cannot read s3://b/p/x: the credentials are no longer valid (ExpiredToken): renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary ones, AWS_SESSION_TOKEN
    cannot read s3://b/p/x: the clock of this machine differs from that of the store (RequestTimeTooSkewed): set it
    cannot read s3://b/p/x: the store responds with status 400 (EntityTooLarge): Too large.
    cannot read s3://b/p/x: the bucket is in another region: set AWS_REGION to that of the bucket
    "#);
    }
}
