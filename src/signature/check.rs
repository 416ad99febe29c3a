//! Checks a signature with the key that it names. The caller decides which keys to trust.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519 as SCHEME, UnparsedPublicKey};
use sha2::{Digest, Sha256, Sha512};

use super::{ED25519, MAGIC, VERSION, wire};

/// Result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The key in the signature signed the message.
    Signed,
    /// A key of another kind signed, which only `ssh-keygen` checks.
    OtherKind,
    /// It is no signature.
    NoSignature,
    /// It is the signature of another message, or for another purpose.
    OfOther,
}

/// Checks an armored signature of a message.
pub fn check(namespace: &str, message: &[u8], armored: &[u8]) -> Checked {
    let Some(blob) = dearmored(armored) else { return Checked::NoSignature };
    let Some(parts) = parse(&blob) else { return Checked::NoSignature };
    if parts.namespace != namespace.as_bytes() {
        return Checked::OfOther;
    }
    let digest = match parts.hash {
        b"sha512" => Sha512::digest(message).to_vec(),
        b"sha256" => Sha256::digest(message).to_vec(),
        _ => return Checked::NoSignature,
    };
    let (Some((kind, public)), Some((algorithm, signature))) = (pair(parts.key), pair(parts.signature))
    else {
        return Checked::OtherKind; // other kinds of keys have more parts
    };
    if kind != ED25519.as_bytes() || algorithm != ED25519.as_bytes() {
        return Checked::OtherKind;
    }
    let mut signed = MAGIC.to_vec();
    for part in [parts.namespace, parts.reserved, parts.hash, &digest] {
        wire::put(&mut signed, part);
    }
    match UnparsedPublicKey::new(&SCHEME, public).verify(&signed, signature) {
        Ok(()) => Checked::Signed,
        Err(_) => Checked::OfOther,
    }
}

fn dearmored(armored: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(armored).ok()?.trim();
    let text =
        text.strip_prefix("-----BEGIN SSH SIGNATURE-----")?.strip_suffix("-----END SSH SIGNATURE-----")?;
    STANDARD.decode(text.split_ascii_whitespace().collect::<String>()).ok()
}

/// The parts of a signature.
struct Parts<'a> {
    key: &'a [u8],
    namespace: &'a [u8],
    reserved: &'a [u8],
    hash: &'a [u8],
    signature: &'a [u8],
}

fn parse(blob: &[u8]) -> Option<Parts<'_>> {
    let mut reader = wire::Reader(blob.strip_prefix(MAGIC)?);
    if reader.number()? != VERSION {
        return None;
    }
    let mut next = || reader.string();
    let parts =
        Parts { key: next()?, namespace: next()?, reserved: next()?, hash: next()?, signature: next()? };
    reader.is_at_end().then_some(parts)
}

/// Two strings, and nothing else.
fn pair(blob: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = wire::Reader(blob);
    let pair = (reader.string()?, reader.string()?);
    reader.is_at_end().then_some(pair)
}
