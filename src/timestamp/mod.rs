//! Time stamps of RFC 3161: an authority signs the SHA-256 of a file and its time. Only the hash is sent.
//!
//! The response is kept as it is. `openssl ts -verify` checks its signature with the certificate of the
//! authority, which the program does not have. The program checks that the response is a time stamp of this
//! file and of this request.
//!
//! - `request`: the request in DER
//! - `response`: checks of the response
//! - `der`: elements of DER
//! - `client`: sends the request
//!
//! Layer 2.

mod client;
mod der;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use client::{TimestampError, fetch};
pub use response::Stamp;
