//! TLS: root certificates, and errors of the server's certificate.
//!
//! Layer 1.

use std::env;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use chrono::DateTime;
use reqwest::ClientBuilder;
use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error as TlsError};

use crate::printable::first_chars;

/// Variables that replace the system's root certificates.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Returns a client builder for an address of this scheme. Plain HTTP loads no root certificates.
pub fn builder(scheme: &str) -> ClientBuilder {
    // Fails only if another part of the program has installed an equivalent provider.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder();
    if scheme == "http" { builder.tls_certs_only([]) } else { builder }
}

/// Explains why no client could be built. Only the certificate verifier can fail, if root certificates are
/// missing.
pub fn missing_roots() -> String {
    let problems: Vec<_> = set_variables().map(|(name, value)| unusable(name, &value)).collect();
    if problems.is_empty() {
        return "no root certificates found on this machine: install the package ca-certificates, \
                or name a file of them in SSL_CERT_FILE"
            .to_owned();
    }
    format!("no root certificates found: {}", problems.join(", and "))
}

fn set_variables() -> impl Iterator<Item = (&'static str, OsString)> {
    VARIABLES.into_iter().filter_map(|name| Some((name, env::var_os(name)?)))
}

fn unusable(name: &str, value: &OsStr) -> String {
    unreadable(name, value).unwrap_or_else(|| {
        format!("{name} names {:?} (it holds no certificate in PEM form)", value.to_string_lossy())
    })
}

fn unreadable(name: &str, value: &OsStr) -> Option<String> {
    if value.is_empty() {
        return Some(format!("{name} is set but empty: unset it to use those of the system"));
    }
    let path = Path::new(value);
    let read = if name == VARIABLES[0] { first_byte(path) } else { path.read_dir().map(drop) };
    read.err().map(|error| format!("{name} names {:?} ({error})", value.to_string_lossy()))
}

fn first_byte(path: &Path) -> io::Result<()> {
    File::open(path)?.read(&mut [0]).map(drop)
}

/// Returns the reason why the server's certificate is not accepted, if that caused the error.
pub fn refused_certificate(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error).find_map(|cause| match cause.downcast_ref()? {
        TlsError::InvalidCertificate(why) => Some(reason(why)),
        TlsError::NoCertificatesPresented => Some("is missing: the server presents none".to_owned()),
        _ => None,
    })
}

/// Returns an error and its causes, including the error inside an [`io::Error`], which `source` skips.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| {
        let error: &'a (dyn Error + 'static) = *cause;
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

fn reason(why: &CertificateError) -> String {
    match why {
        CertificateError::Expired => "has expired: it must be renewed".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!(
                "expired on {}: it must be renewed, or the clock of this machine is wrong",
                day(*not_after)
            )
        }
        CertificateError::NotValidYet => "is not valid yet: check the clock of this machine".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("is not valid before {}: check the clock of this machine", day(*not_before))
        }
        CertificateError::NotValidForName => "is for another host: check the URL".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = if presented.is_empty() {
                "no host".to_owned()
            } else {
                first_chars(&presented.iter().map(|name| host(name)).collect::<Vec<_>>().join(", "))
            };
            format!("is for another host ({names}): check the URL")
        }
        CertificateError::UnknownIssuer => {
            let problem = set_variables().find_map(|(name, value)| unreadable(name, &value));
            let problem = problem.map_or_else(String::new, |problem| format!("{problem}; "));
            format!(
                "is from an authority that this machine does not know: {problem}\
                 if you trust it, name a file with its certificate in SSL_CERT_FILE"
            )
        }
        CertificateError::Revoked => "is revoked".to_owned(),
        other => format!("is not valid: {}", first_chars(&other.to_string())),
    }
}

/// Extracts the host from the name that rustls prints, `DnsName("host")`.
fn host(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let time = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.map_or_else(|| "an unknown day".to_owned(), |time| time.format("%Y-%m-%d %H:%M UTC").to_string())
}
