//! Reads private keys in the format `openssh-key-v1`, and recognizes other kinds of key files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::Ed25519KeyPair;
use secrecy::SecretBox;
use secrecy::zeroize::Zeroizing;

use super::error::KeyKind;
use super::wire::Reader;
use super::{ED25519, SigningKey};

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
/// First bytes of the decoded file.
const MAGIC: &[u8] = b"openssh-key-v1\0";
/// Length of the blocks to which an unencrypted private part is padded.
const BLOCK: usize = 8;
/// Types of public keys that stand for a key in an agent or on a security token.
const PUBLIC_TYPES: [&str; 4] = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];

/// Reads a key.
pub(super) fn read(content: &[u8]) -> Result<SigningKey, KeyKind> {
    let text = std::str::from_utf8(content).map_err(|_| KeyKind::Unknown)?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let Some(body) = text.strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END)) else {
        return Err(other_kind(text));
    };
    // The capacity is enough, so that no copy of the secret is left in memory by a buffer that moves.
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    base64.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut blob = Zeroizing::new(Vec::with_capacity(body.len() + 3));
    STANDARD.decode_vec(&*base64, &mut blob).map_err(|_| KeyKind::Damaged)?;
    parse(&blob)
}

/// Recognizes a file that is not in the format of OpenSSH.
fn other_kind(text: &str) -> KeyKind {
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with("PuTTY-User-Key-File") {
        return KeyKind::Putty;
    }
    if first == BEGIN {
        return KeyKind::Damaged; // the end is missing
    }
    if first.starts_with("-----BEGIN ") && first.contains("PRIVATE KEY") {
        return KeyKind::Pem;
    }
    if PUBLIC_TYPES.iter().any(|start| first.starts_with(start)) {
        return KeyKind::Public;
    }
    KeyKind::Unknown
}

fn parse(blob: &[u8]) -> Result<SigningKey, KeyKind> {
    let mut blob = Reader(blob);
    let magic = blob.take(MAGIC.len());
    if magic != Some(MAGIC) {
        return Err(KeyKind::Damaged);
    }
    let damaged = || KeyKind::Damaged;
    let cipher = blob.string().ok_or_else(damaged)?;
    let derivation = blob.string().ok_or_else(damaged)?;
    let _options = blob.string().ok_or_else(damaged)?;
    if blob.number() != Some(1) {
        return Err(KeyKind::Damaged);
    }
    let public = blob.string().ok_or_else(damaged)?;
    let algorithm = Reader(public).string().ok_or_else(damaged)?;
    if algorithm != ED25519.as_bytes() {
        return Err(KeyKind::Algorithm(name(algorithm)));
    }
    if (cipher, derivation) != (b"none", b"none") {
        return Err(KeyKind::Encrypted);
    }
    let private = blob.string().filter(|_| blob.is_at_end()).ok_or_else(damaged)?;
    key(private, public).ok_or_else(damaged)
}

/// Reads the private part, and checks it against the public one. `None` if it is damaged.
fn key(private: &[u8], public_blob: &[u8]) -> Option<SigningKey> {
    if !private.len().is_multiple_of(BLOCK) {
        return None;
    }
    let mut outer = Reader(public_blob);
    let (_algorithm, announced) = (outer.string()?, outer.string()?);
    let mut part = Reader(private);
    let (check, again) = (part.number()?, part.number()?);
    let is_ed25519 = part.string()? == ED25519.as_bytes();
    let public: [u8; 32] = part.string()?.try_into().ok()?;
    let secret = part.string()?;
    let _comment = part.string()?;
    let is_padded = part.0.len() < BLOCK && part.0.iter().zip(1..).all(|(byte, count)| *byte == count);
    let (seed, copy) = secret.split_at_checked(32)?;
    let fits = check == again && is_ed25519 && outer.is_at_end() && is_padded;
    if !fits || announced != public || copy != public {
        return None;
    }
    Ed25519KeyPair::from_seed_and_public_key(seed, &public).ok()?;
    Some(SigningKey {
        seed: SecretBox::init_with_mut(|kept: &mut [u8; 32]| kept.copy_from_slice(seed)),
        public,
    })
}

/// Returns the name of an algorithm, which is ASCII in all keys of OpenSSH.
fn name(algorithm: &[u8]) -> String {
    crate::printable::first_chars(&String::from_utf8_lossy(algorithm))
}
