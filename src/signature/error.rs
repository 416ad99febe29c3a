//! Reasons why a key cannot be used, and the command of OpenSSH that signs instead.

use std::io;
use std::path::{Path, PathBuf};

use super::NAMESPACE;

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file is missing or cannot be read.
    #[error("cannot read the key {}", path.display())]
    Unreadable {
        /// Path of the key.
        path: PathBuf,
        /// Error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The path is a folder, a device or a pipe.
    #[error("cannot use {} as a key: it is not a regular file", path.display())]
    NotRegular {
        /// Path of the key.
        path: PathBuf,
    },
    /// Other users can read or change the file.
    #[error(
        "other users have access to the key {} (mode {mode:04o}): type `chmod 600 {}`, and make a new key if somebody may have read it",
        path.display(),
        quoted(path)
    )]
    Exposed {
        /// Path of the key.
        path: PathBuf,
        /// Permissions of the file.
        mode: u32,
    },
    /// The file holds no usable private key.
    #[error("cannot use the key {}: {kind}", path.display())]
    Unusable {
        /// Path of the key.
        path: PathBuf,
        /// Content of the file.
        kind: KeyKind,
    },
    /// A key with which only `ssh-keygen` signs.
    #[error("{}", unsupported(path, kind, Path::new("FILE")))]
    Unsupported {
        /// Path of the key.
        path: PathBuf,
        /// Content of the file.
        kind: KeyKind,
    },
}

/// Content of a file that is not an unencrypted Ed25519 key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyKind {
    /// A passphrase protects the key.
    #[error("it is encrypted with a passphrase")]
    Encrypted,
    /// An RSA, ECDSA or FIDO key.
    #[error("it is of the type {0}")]
    Algorithm(String),
    /// A private key that is not in the format of OpenSSH.
    #[error("it is in PEM form")]
    Pem,
    /// A public key, whose private part may be in an agent.
    #[error("it is a public key, so its private part is in another file or in an agent")]
    Public,
    /// A key of `PuTTY`, which OpenSSH does not read.
    #[error("it is in the form of PuTTY; convert it with `puttygen KEY -O private-openssh -o NEW`")]
    Putty,
    /// A key of OpenSSH whose content is inconsistent or cut off.
    #[error("it is damaged")]
    Damaged,
    /// Not a key.
    #[error("it is no key of OpenSSH; make one with `ssh-keygen -t ed25519 -N '' -f KEY`")]
    Unknown,
}

impl KeyError {
    pub(super) fn of_kind(path: &Path, kind: KeyKind) -> Self {
        let path = path.to_owned();
        match kind {
            KeyKind::Encrypted | KeyKind::Algorithm(_) | KeyKind::Pem | KeyKind::Public => {
                Self::Unsupported { path, kind }
            }
            KeyKind::Putty | KeyKind::Damaged | KeyKind::Unknown => Self::Unusable { path, kind },
        }
    }

    /// Describes the error and its cause in one line. If `ssh-keygen` must sign, the line has the command for
    /// this file.
    pub fn describe_for(&self, file: &Path) -> String {
        match self {
            Self::Unreadable { source, .. } => format!("{self}: {source}"),
            Self::Unsupported { path, kind } => unsupported(path, kind, file),
            other => other.to_string(),
        }
    }
}

fn unsupported(key: &Path, kind: &KeyKind, file: &Path) -> String {
    format!(
        "cannot sign with the key {}: {kind}; only unencrypted Ed25519 keys of OpenSSH work here. \
         Run the command without the key, then type: {}",
        key.display(),
        sign_command(key, file)
    )
}

/// Returns the command of OpenSSH that signs a file, quoted for a shell.
pub(super) fn sign_command(key: &Path, file: &Path) -> String {
    format!("ssh-keygen -Y sign -n {NAMESPACE} -f {} {}", quoted(key), quoted(file))
}

fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./+=:@%,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        return text.into_owned();
    }
    // A path that begins with a hyphen would be read as an option.
    let text = if text.starts_with('-') { format!("./{text}") } else { text.into_owned() };
    format!("'{}'", text.replace('\'', r"'\''"))
}
