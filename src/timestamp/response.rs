//! Checks a response: it is granted, and it stamps the hash and the random number of the request.

use chrono::NaiveDateTime;

use super::der::{EXPLICIT_0, INTEGER, OCTETS, OID, Reader, SEQUENCE, SET, TIME, UTF8};
use super::request::{Request, SHA256};
use crate::printable::first_chars;

/// Object identifier of signed data: 1.2.840.113549.1.7.2.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// Object identifier of the content of a time stamp: 1.2.840.113549.1.9.16.1.4.
const TIMESTAMP_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
/// Tag of the bit string with the reason of a rejection.
const BITS: u8 = 0x03;
/// Meanings of the bits of a rejection, by their numbers.
const FAILURES: [(usize, &str); 8] = [
    (0, "unknown hash algorithm"),
    (2, "transaction not permitted"),
    (5, "badly formatted request"),
    (14, "its time source is not available"),
    (15, "unaccepted policy"),
    (16, "unaccepted extension"),
    (17, "additional information is not available"),
    (25, "system failure"),
];

/// A time stamp, with the two files that prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Request, the content of a `.tsq` file.
    pub request: Vec<u8>,
    /// Response, the content of a `.tsr` file. `openssl ts -verify` checks its signature.
    pub response: Vec<u8>,
    /// Time by the clock of the authority, in UTC, such as `2026-11-30T03:15:00Z`.
    pub time: String,
}

/// A response that is not the requested time stamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The bytes are not a response of RFC 3161.
    #[error("the response is not a time stamp")]
    NotATimestamp,
    /// The authority refuses the request.
    #[error("the authority refused the request: {0}")]
    Refused(String),
    /// The time stamp is of other content.
    #[error("the time stamp is of another hash than the requested one")]
    OtherHash,
    /// The time stamp is of another request, so it may be an old one.
    #[error("the time stamp answers another request: its nonce differs")]
    OtherNonce,
}

/// Checks a response, and returns the time stamp. The signature of the authority is not checked.
///
/// # Errors
/// If the response is not the requested time stamp.
pub(super) fn check(request: &Request, response: &[u8]) -> Result<Stamp, Rejected> {
    let mut whole = Reader(response);
    let mut message = whole.enter(SEQUENCE).filter(|_| whole.is_at_end()).ok_or(Rejected::NotATimestamp)?;
    let status = message.enter(SEQUENCE).ok_or(Rejected::NotATimestamp)?;
    granted(status)?;
    let info = info(message).ok_or(Rejected::NotATimestamp)?;
    if info.algorithm != SHA256 || info.hash != request.hash {
        return Err(Rejected::OtherHash);
    }
    if info.nonce != Some(request.nonce.as_slice()) {
        return Err(Rejected::OtherNonce);
    }
    let time = time(info.time).ok_or(Rejected::NotATimestamp)?;
    Ok(Stamp { request: request.der(), response: response.to_vec(), time })
}

/// Checks the status: 0 is granted, 1 granted with modifications.
fn granted(mut status: Reader<'_>) -> Result<(), Rejected> {
    let number = match status.read(INTEGER) {
        Some([number]) => *number,
        _ => return Err(Rejected::NotATimestamp),
    };
    if number <= 1 {
        return Ok(());
    }
    let mut reasons = Vec::new();
    if let Some(mut texts) = status.enter(SEQUENCE) {
        while let Some(text) = texts.read(UTF8) {
            reasons.push(first_chars(&String::from_utf8_lossy(text)));
        }
    }
    if let Some((_, bits)) = status.read(BITS).and_then(<[u8]>::split_first) {
        let is_set = |bit: usize| bits.get(bit / 8).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0);
        reasons.extend(FAILURES.iter().filter(|(bit, _)| is_set(*bit)).map(|(_, text)| (*text).to_owned()));
    }
    reasons.push(format!("status {number}"));
    Err(Rejected::Refused(reasons.join(", ")))
}

/// The facts of a time stamp.
struct Info<'a> {
    algorithm: &'a [u8],
    hash: &'a [u8],
    time: &'a [u8],
    nonce: Option<&'a [u8]>,
}

/// Reads the facts out of the signed data behind the status.
fn info(mut message: Reader<'_>) -> Option<Info<'_>> {
    let mut token = message.enter(SEQUENCE).filter(|_| message.is_at_end())?;
    if token.read(OID)? != SIGNED_DATA {
        return None;
    }
    let mut signed = token.enter(EXPLICIT_0)?.enter(SEQUENCE)?;
    let _version = signed.read(INTEGER)?;
    let _algorithms = signed.read(SET)?;
    let mut content = signed.enter(SEQUENCE)?;
    if content.read(OID)? != TIMESTAMP_INFO {
        return None;
    }
    let mut info = content.enter(EXPLICIT_0)?.enter(OCTETS)?.enter(SEQUENCE)?;
    let _version = info.read(INTEGER)?;
    let _policy = info.read(OID)?;
    let mut imprint = info.enter(SEQUENCE)?;
    let algorithm = imprint.enter(SEQUENCE)?.read(OID)?;
    let hash = imprint.read(OCTETS)?;
    let _serial = info.read(INTEGER)?;
    let time = info.read(TIME)?;
    // The accuracy and the ordering may stand between the time and the nonce, and are no integers.
    Some(Info { algorithm, hash, time, nonce: info.find(INTEGER) })
}

/// Formats a time such as `20261130031500.25Z` in the form of RFC 3339.
fn time(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let time = NaiveDateTime::parse_from_str(seconds, "%Y%m%d%H%M%S").ok()?;
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{}{point}{fraction}Z", time.format("%Y-%m-%dT%H:%M:%S")))
}
