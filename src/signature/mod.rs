//! SSH signatures (SSHSIG) with an Ed25519 key of OpenSSH: byte for byte what `ssh-keygen -Y sign` writes.
//!
//! `ssh-keygen -Y verify` checks them against trusted keys. Only unencrypted Ed25519 keys are read here. With other keys, a person
//! signs with `ssh-keygen`, and [`KeyError::describe_for`] has the command.
//!
//! - `check`: checks a signature with the key that it names
//! - `key_file`: reads the format `openssh-key-v1`
//! - `error`: reasons why a key cannot be used
//! - `wire`: strings as the SSH protocol writes them
//!
//! Layer 1.

mod check;
mod error;
mod key_file;
#[cfg(test)]
mod tests;
mod wire;

use std::fmt;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::signature::Ed25519KeyPair;
use rustix::fs::OFlags;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256, Sha512};

pub use check::{Checked, check};
pub use error::KeyError;
use error::KeyKind;

/// Namespace of all signatures of this program. A signature for another purpose does not pass as one of these.
pub const NAMESPACE: &str = "chatzy-export";

/// Name of the key type and of the signature algorithm.
const ED25519: &str = "ssh-ed25519";
/// First bytes of a signature and of the bytes that are signed.
const MAGIC: &[u8] = b"SSHSIG";
/// Version of the signature format.
const VERSION: u32 = 1;
/// Hash of the message that `ssh-keygen` uses.
const HASH: &str = "sha512";
/// Characters of base64 on a line of a signature.
const LINE: usize = 70;
/// Maximum size of a key file. An Ed25519 key has 400 bytes, an RSA key of 16,384 bits has 12,000.
const MAX_KEY_FILE: usize = 64 << 10;

/// A key that signs. Its secret part is cleared from memory when it is dropped.
pub struct SigningKey {
    seed: SecretBox<[u8; 32]>,
    public: [u8; 32],
}

impl SigningKey {
    /// Reads a key file. Symbolic links are followed, as for other secrets, which are often mounted as links.
    ///
    /// # Errors
    /// If the file cannot be read, other users have access to it, or it holds another kind of key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |source| KeyError::Unreadable { path: path.to_owned(), source };
        // Without NONBLOCK, a named pipe would block until somebody writes to it.
        let nonblocking = OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = i32::try_from(nonblocking.bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
        let meta = file.metadata().map_err(unreadable)?;
        if !meta.is_file() {
            return Err(KeyError::NotRegular { path: path.to_owned() });
        }
        // The capacity is that of the largest file, so that the buffer never moves and leaves a copy behind.
        let mut content = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE + 1));
        file.take(MAX_KEY_FILE as u64 + 1).read_to_end(&mut content).map_err(unreadable)?;
        if content.len() > MAX_KEY_FILE {
            return Err(KeyError::of_kind(path, KeyKind::Unknown));
        }
        let key = key_file::read(&content).map_err(|kind| KeyError::of_kind(path, kind))?;
        let mode = meta.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode });
        }
        Ok(key)
    }

    /// Returns the fingerprint as `ssh-keygen -l` prints it: `SHA256:` and base64.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(self.public_blob())))
    }

    /// Signs a message, and returns the armored signature as `ssh-keygen -Y sign` writes it.
    ///
    /// The same key, namespace and message give the same signature.
    pub fn sign(&self, namespace: &str, message: &[u8]) -> String {
        let mut signed = MAGIC.to_vec();
        wire::put(&mut signed, namespace.as_bytes());
        wire::put(&mut signed, b""); // reserved
        wire::put(&mut signed, HASH.as_bytes());
        wire::put(&mut signed, &Sha512::digest(message));

        let mut signature = Vec::new();
        wire::put(&mut signature, ED25519.as_bytes());
        wire::put(&mut signature, self.pair().sign(&signed).as_ref());

        let mut blob = MAGIC.to_vec();
        blob.extend(VERSION.to_be_bytes());
        wire::put(&mut blob, &self.public_blob());
        wire::put(&mut blob, namespace.as_bytes());
        wire::put(&mut blob, b""); // reserved
        wire::put(&mut blob, HASH.as_bytes());
        wire::put(&mut blob, &signature);
        armored(&blob)
    }

    /// Returns the public key in the form in which the protocol sends it.
    fn public_blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        wire::put(&mut blob, ED25519.as_bytes());
        wire::put(&mut blob, &self.public);
        blob
    }

    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_and_public_key(self.seed.expose_secret(), &self.public)
            .expect("the reader of key files has checked it")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.fingerprint())
    }
}

/// Wraps a signature in base64 between its first and last line.
fn armored(blob: &[u8]) -> String {
    let mut text = "-----BEGIN SSH SIGNATURE-----\n".to_owned();
    for (at, c) in STANDARD.encode(blob).chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text.push_str("\n-----END SSH SIGNATURE-----\n");
    text
}
