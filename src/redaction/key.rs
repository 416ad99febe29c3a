//! Pseudonyms: HMAC-SHA256 of a class and a value, under the user's key.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ring::hmac;

use super::find::Class;
use crate::digest::hex;

/// Least and most bytes of a key.
const MIN_BYTES: usize = 32;
const MAX_BYTES: u64 = 64 << 10;
/// Letters of a pseudonym behind its prefix: 130 bits.
pub(super) const LETTERS: usize = 26;
/// Start of each pseudonym.
pub(super) const PREFIX: &str = "p-";

/// A key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the pseudonym key file {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is no regular file.
    #[error("the pseudonym key file {} is not a regular file", path.display())]
    NotRegular { path: PathBuf },
    /// Other users may read or write the file.
    #[error(
        "other users can access the pseudonym key file {} (mode {mode:04o}); run: chmod 600 {}",
        path.display(), path.display()
    )]
    Loose { path: PathBuf, mode: u32 },
    /// The file is too short or too long.
    #[error(
        "the pseudonym key file {} has {bytes} bytes; use 32 random bytes or more, up to 64 KiB, for example of: \
         openssl rand -hex 32",
        path.display()
    )]
    Length { path: PathBuf, bytes: u64 },
    /// The file is one byte many times.
    #[error("the pseudonym key file {} repeats one byte; use random bytes, for example of: openssl rand -hex 32", path.display())]
    Repeated { path: PathBuf },
}

/// Key of the pseudonyms. It is never printed.
pub struct PseudonymKey(hmac::Key);

impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PseudonymKey({})", self.id())
    }
}

impl PseudonymKey {
    /// Reads a key: all bytes of the file, with the line end if there is one.
    ///
    /// # Errors
    /// If the file cannot be read, is too short, or can be accessed by others.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let read = |source| KeyError::Read { path: path.to_owned(), source };
        // Opening a pipe that nobody writes to would never end.
        if !std::fs::metadata(path).map_err(read)?.is_file() {
            return Err(KeyError::NotRegular { path: path.to_owned() });
        }
        let file = File::open(path).map_err(read)?;
        let meta = file.metadata().map_err(read)?;
        let mode = meta.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Loose { path: path.to_owned(), mode });
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(read)?;
        if bytes.len() < MIN_BYTES || bytes.len() as u64 > MAX_BYTES {
            return Err(KeyError::Length {
                path: path.to_owned(),
                bytes: meta.len().max(bytes.len() as u64),
            });
        }
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(KeyError::Repeated { path: path.to_owned() });
        }
        Ok(Self::new(&bytes))
    }

    fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// Returns the ID of the key, which reveals nothing of it: two packages of one key have the same.
    pub fn id(&self) -> String {
        let tag = hmac::sign(&self.0, b"key id");
        hex(&tag.as_ref()[..4])
    }

    /// Returns the pseudonym of a value, which is normalized here.
    pub(super) fn pseudonym(&self, class: Class, value: &str) -> String {
        let normal = normalized(class, value);
        let message = [class.name().as_bytes(), b"\x1f", normal.as_bytes()].concat();
        let tag = hmac::sign(&self.0, &message);
        format!("{PREFIX}{}", base32(tag.as_ref()))
    }
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::ContactId => "contact_id",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Name => "name",
            Self::Id => "id",
        }
    }
}

/// Returns the form of a value that is equal however the value is written.
fn normalized(class: Class, value: &str) -> String {
    let value = value.trim();
    match class {
        Class::ContactId | Class::Id => value.to_owned(),
        Class::Email => value.to_lowercase(),
        Class::Name => value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(),
        Class::Phone => {
            let digits: String = super::fold::fold(value).chars().filter(char::is_ascii_digit).collect();
            let digits = digits.strip_prefix("00").map(str::to_owned).unwrap_or(digits);
            if digits.is_empty() { value.to_owned() } else { digits }
        }
    }
}

fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut letters = String::with_capacity(LETTERS);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 && letters.len() < LETTERS {
            count -= 5;
            letters.push(char::from(ALPHABET[(bits >> count & 31) as usize]));
        }
        bits &= 0xff;
    }
    letters
}

/// True for a pseudonym without its prefix.
pub(super) fn is_letters(text: &[u8]) -> bool {
    text.len() == LETTERS && text.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(bytes: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        crate::durable::create_new(&path).unwrap().write_all(bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn error(bytes: &[u8], mode: u32) -> String {
        let (_folder, path) = file(bytes, mode);
        let error = PseudonymKey::read(&path).err().unwrap().to_string();
        error.replace(path.to_str().unwrap(), "KEY")
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        insta::assert_snapshot!(error(&[7; 32], 0o640), @"other users can access the pseudonym key file KEY (mode 0640); run: chmod 600 KEY");
        insta::assert_snapshot!(error(&[7; 31], 0o600), @"the pseudonym key file KEY has 31 bytes; use 32 random bytes or more, up to 64 KiB, for example of: openssl rand -hex 32");
        insta::assert_snapshot!(error(&[7; 32], 0o600), @"the pseudonym key file KEY repeats one byte; use random bytes, for example of: openssl rand -hex 32");
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(PseudonymKey::read(folder.path()), Err(KeyError::NotRegular { .. })));
        assert!(matches!(PseudonymKey::read(&folder.path().join("x")), Err(KeyError::Read { .. })));
    }

    #[test]
    fn pseudonyms_are_hmac_sha256() {
        let (_folder, path) = file(b"0123456789abcdef0123456789abcdef", 0o600);
        let key = PseudonymKey::read(&path).unwrap();
        // Made with Python: hmac.new(key, b"phone\x1f491512345678", "sha256"), base64.b32encode.
        insta::assert_snapshot!(key.pseudonym(Class::Phone, "+49 (151) 2345-678"), @"p-gqt46hahf6kzsbiwcp4quod346");
        insta::assert_snapshot!(key.id(), @"39ed5252");
        let same = |class, one: &str, other: &str| key.pseudonym(class, one) == key.pseudonym(class, other);
        assert!(same(Class::Phone, "0049 151 2345678", "+٤٩١٥١٢٣٤٥٦٧٨"));
        assert!(same(Class::Email, "Anna@Example.com ", "anna@example.com"));
        assert!(same(Class::Name, "Anna  Maria", "anna maria"));
        assert!(!same(Class::Id, "a", "A"));
        assert_ne!(key.pseudonym(Class::Id, "7"), key.pseudonym(Class::ContactId, "7"));
    }
}
