//! A request for a time stamp: the SHA-256 of a file, a random number, and the wish for certificates.

use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

use super::der::{self, INTEGER, OCTETS, OID, SEQUENCE};

/// Object identifier of SHA-256: 2.16.840.1.101.3.4.2.1.
pub(super) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// Parameters of SHA-256: null.
const NULL: &[u8] = &[0x05, 0x00];
/// The boolean that asks for the certificates of the authority, so that the time stamp can be verified years later.
const WITH_CERTIFICATES: &[u8] = &[0x01, 0x01, 0xff];

/// A request, and the facts that the response must repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) hash: [u8; 32],
    pub(super) nonce: [u8; 8],
}

impl Request {
    /// Creates a request for a file with this content.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn of(content: &[u8]) -> Result<Self, ring::error::Unspecified> {
        let mut nonce = [0; 8];
        SystemRandom::new().fill(&mut nonce)?;
        Ok(Self::new(content, nonce))
    }

    /// Creates a request with this random number.
    pub(super) fn new(content: &[u8], mut nonce: [u8; 8]) -> Self {
        // A positive integer of exactly 8 bytes: DER would drop leading zeros, and add one to a set first bit.
        nonce[0] = nonce[0] & 0x3f | 0x40;
        Self { hash: Sha256::digest(content).into(), nonce }
    }

    /// Returns the request in DER, as `openssl ts -query -sha256 -cert` writes it.
    pub fn der(&self) -> Vec<u8> {
        let algorithm = der::element(SEQUENCE, &[&der::element(OID, SHA256), NULL].concat());
        let imprint = der::element(SEQUENCE, &[algorithm, der::element(OCTETS, &self.hash)].concat());
        let version = der::element(INTEGER, &[1]);
        let nonce = der::element(INTEGER, &self.nonce);
        der::element(SEQUENCE, &[&version, &imprint, &nonce, WITH_CERTIFICATES].concat())
    }
}
