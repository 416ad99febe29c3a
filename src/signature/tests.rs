//! Keys and signatures of `ssh-keygen`, keys that are refused, and properties of both.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use proptest::prelude::*;
use ring::signature::{ED25519 as SCHEME, KeyPair, UnparsedPublicKey};
use tempfile::TempDir;

use super::*;

/// A key that `ssh-keygen -t ed25519 -N '' -C 'test a'` made. It protects nothing.
const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDyVivMVfLiwHiHKpfLPslc5qwXfF3K1qHevUq5FFaOMwAAAJBgHGubYBxr
mwAAAAtzc2gtZWQyNTUxOQAAACDyVivMVfLiwHiHKpfLPslc5qwXfF3K1qHevUq5FFaOMw
AAAEBxRgoEXMPt7nKD+hGu7BHcRJ+4bPJK4d33GoBqUr/vZ/JWK8xV8uLAeIcql8s+yVzm
rBd8XcrWod69SrkUVo4zAAAABnRlc3QgYQECAwQFBgc=
-----END OPENSSH PRIVATE KEY-----
";

/// The signature of `hello, world` by `ssh-keygen -Y sign -n chatzy-export`.
const SIGNATURE: &str = "-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg8lYrzFXy4sB4hyqXyz7JXOasF3
xdytah3r1KuRRWjjMAAAANY2hhdHp5LWV4cG9ydAAAAAAAAAAGc2hhNTEyAAAAUwAAAAtz
c2gtZWQyNTUxOQAAAEC4pdWtP4zwGN6XCZKmkMmBGJmweLpDRJX7wFvU/iYLTu6Yj8wo34
0xE6KeY6aeIqRrWy8UsInR4iBd8NSqy3sL
-----END SSH SIGNATURE-----
";

/// A key in a file of its own.
struct KeyFile {
    folder: TempDir,
    path: PathBuf,
}

impl KeyFile {
    fn new(content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        crate::durable::replace(&path, content.as_ref()).unwrap();
        Self { folder, path }
    }

    fn read(&self) -> Result<SigningKey, KeyError> {
        SigningKey::read(&self.path)
    }

    fn set_mode(&self, mode: u32) {
        set_permissions(&self.path, Permissions::from_mode(mode)).unwrap();
    }

    /// The error of reading it, without the folder.
    fn error(&self) -> String {
        let folder = self.folder.path().to_string_lossy().into_owned();
        let signed = self.folder.path().join("tagmanifest-sha256.txt");
        self.read().unwrap_err().describe_for(&signed).replace(&folder, "/keys")
    }
}

fn error(content: impl AsRef<[u8]>) -> String {
    KeyFile::new(content).error()
}

/// The base64 of a file with these bytes, between its lines.
fn key_file(blob: &[u8]) -> String {
    format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
        STANDARD.encode(blob)
    )
}

/// The bytes of a key as OpenSSH writes it.
fn key_blob(seed: &[u8; 32], comment: &[u8]) -> Vec<u8> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
    let public = pair.public_key().as_ref();
    let mut public_blob = Vec::new();
    wire::put(&mut public_blob, b"ssh-ed25519");
    wire::put(&mut public_blob, public);
    let mut private = [7_u8; 8].to_vec();
    wire::put(&mut private, b"ssh-ed25519");
    wire::put(&mut private, public);
    wire::put(&mut private, &[seed.as_slice(), public].concat());
    wire::put(&mut private, comment);
    for count in 1.. {
        if private.len().is_multiple_of(8) {
            break;
        }
        private.push(count);
    }
    with_ends(b"none", &public_blob, &private)
}

fn with_ends(cipher: &[u8], public: &[u8], private: &[u8]) -> Vec<u8> {
    let mut blob = b"openssh-key-v1\0".to_vec();
    for text in [cipher, cipher, b""] {
        wire::put(&mut blob, text);
    }
    blob.extend(1_u32.to_be_bytes());
    wire::put(&mut blob, public);
    wire::put(&mut blob, private);
    blob
}

#[test]
fn a_key_of_openssh_signs_as_openssh_does() {
    let key = KeyFile::new(KEY).read().unwrap();
    assert_eq!(key.fingerprint(), "SHA256:nxW4+dPcesbrZaGfzVF2VZ/en6eV0ip+5zXrshjuvIM");
    assert_eq!(key.sign(NAMESPACE, b"hello, world"), SIGNATURE);
}

#[test]
fn line_ends_and_a_byte_order_mark_do_no_harm() {
    for text in [KEY.replace('\n', "\r\n"), format!("\u{feff}{KEY}\n\n"), KEY.trim_end().to_owned()] {
        assert_eq!(KeyFile::new(text).read().unwrap().sign(NAMESPACE, b"hello, world"), SIGNATURE);
    }
}

#[test]
fn a_link_to_a_key_is_followed() {
    let key = KeyFile::new(KEY);
    let link = key.folder.path().join("link");
    symlink(&key.path, &link).unwrap();
    assert!(SigningKey::read(&link).is_ok());
}

#[test]
fn other_users_must_not_have_access() {
    let key = KeyFile::new(KEY);
    for mode in [0o640, 0o604, 0o620, 0o601] {
        key.set_mode(mode);
        assert!(key.error().contains(&format!("(mode {mode:04o})")), "{}", key.error());
    }
    insta::assert_snapshot!(key.error(), @"other users have access to the key /keys/key (mode 0601): type `chmod 600 /keys/key`, and make a new key if somebody may have read it");
    for mode in [0o600, 0o400] {
        key.set_mode(mode);
        assert!(key.read().is_ok());
    }
}

#[test]
fn keys_for_which_openssh_must_sign_are_refused_with_the_command() {
    let public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPJWK8xV8uLAeIcql8s+yVzmrBd8XcrWod69SrkUVo4z a@b";
    insta::assert_snapshot!(error(public), @"cannot sign with the key /keys/key: it is a public key, so its private part is in another file or in an agent; only unencrypted Ed25519 keys of OpenSSH work here. Run the command without the key, then type: ssh-keygen -Y sign -n chatzy-export -f /keys/key /keys/tagmanifest-sha256.txt");
    insta::assert_snapshot!(error("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"), @"cannot sign with the key /keys/key: it is in PEM form; only unencrypted Ed25519 keys of OpenSSH work here. Run the command without the key, then type: ssh-keygen -Y sign -n chatzy-export -f /keys/key /keys/tagmanifest-sha256.txt");
    let mut ed25519 = Vec::new();
    wire::put(&mut ed25519, b"ssh-ed25519");
    wire::put(&mut ed25519, &[1; 32]);
    let encrypted = key_file(&with_ends(b"aes256-ctr", &ed25519, &[0; 16]));
    insta::assert_snapshot!(error(encrypted), @"cannot sign with the key /keys/key: it is encrypted with a passphrase; only unencrypted Ed25519 keys of OpenSSH work here. Run the command without the key, then type: ssh-keygen -Y sign -n chatzy-export -f /keys/key /keys/tagmanifest-sha256.txt");
    for algorithm in ["ssh-rsa", "ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com"] {
        let mut public = Vec::new();
        wire::put(&mut public, algorithm.as_bytes());
        let error = error(key_file(&with_ends(b"none", &public, &[0; 16])));
        assert!(error.contains(&format!("it is of the type {algorithm};")), "{error}");
        let command = "ssh-keygen -Y sign -n chatzy-export -f /keys/key /keys/tagmanifest-sha256.txt";
        assert!(error.ends_with(command), "{error}");
    }
}

#[test]
fn files_that_are_no_keys_are_refused() {
    insta::assert_snapshot!(error("PuTTY-User-Key-File-3: ssh-ed25519\n"), @"cannot use the key /keys/key: it is in the form of PuTTY; convert it with `puttygen KEY -O private-openssh -o NEW`");
    insta::assert_snapshot!(error("hello"), @"cannot use the key /keys/key: it is no key of OpenSSH; make one with `ssh-keygen -t ed25519 -N '' -f KEY`");
    insta::assert_snapshot!(error(KEY.replace("YBxr", "YBxs")), @"cannot use the key /keys/key: it is damaged");
    let cut = KEY.lines().take(3).collect::<Vec<_>>().join("\n");
    for text in [cut.into_bytes(), vec![0xff; 100], vec![b'a'; MAX_KEY_FILE + 1], Vec::new()] {
        assert!(matches!(KeyFile::new(text).read(), Err(KeyError::Unusable { .. })));
    }
}

#[test]
fn only_regular_files_are_read() {
    let key = KeyFile::new(KEY);
    let pipe = key.folder.path().join("pipe");
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status().unwrap().success());
    for path in [key.folder.path(), &pipe, "/dev/zero".as_ref()] {
        assert!(matches!(SigningKey::read(path), Err(KeyError::NotRegular { .. })), "{path:?}");
    }
    let missing = SigningKey::read("/nowhere/key".as_ref()).unwrap_err();
    insta::assert_snapshot!(missing.describe_for("f".as_ref()), @"cannot read the key /nowhere/key: No such file or directory (os error 2)");
}

#[test]
fn commands_are_quoted() {
    let command = |key: &str, file: &str| error::sign_command(key.as_ref(), file.as_ref());
    assert_eq!(
        command("/home/a b/it's", "-x"),
        r"ssh-keygen -Y sign -n chatzy-export -f '/home/a b/it'\''s' './-x'"
    );
    assert_eq!(command("$HOME/~", "a/b.txt"), "ssh-keygen -Y sign -n chatzy-export -f '$HOME/~' a/b.txt");
}

#[test]
fn debug_gives_nothing_away() {
    let key = KeyFile::new(KEY).read().unwrap();
    assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.fingerprint()));
}

/// The parts of a signature: public key, namespace, and the signature itself.
fn parts(armored: &str) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let body: String = armored.lines().filter(|line| !line.starts_with("-----")).collect();
    let blob = STANDARD.decode(body).unwrap();
    let mut reader = wire::Reader(&blob);
    assert_eq!(reader.take(6), Some(MAGIC));
    assert_eq!(reader.number(), Some(1));
    let mut key = wire::Reader(reader.string().unwrap());
    assert_eq!(key.string(), Some(&b"ssh-ed25519"[..]));
    let namespace = reader.string().unwrap().to_vec();
    assert_eq!(reader.string(), Some(&b""[..]));
    assert_eq!(reader.string(), Some(&b"sha512"[..]));
    let mut signature = wire::Reader(reader.string().unwrap());
    assert_eq!(signature.string(), Some(&b"ssh-ed25519"[..]));
    assert!(reader.is_at_end());
    (key.string().unwrap().to_vec(), namespace, signature.string().unwrap().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_key_signs_every_message(
        seed: [u8; 32],
        comment in "[ -~]{0,40}",
        namespace in "[a-z-]{1,20}",
        message in proptest::collection::vec(any::<u8>(), 0..500),
    ) {
        let key = KeyFile::new(key_file(&key_blob(&seed, comment.as_bytes()))).read().unwrap();
        let armored = key.sign(&namespace, &message);
        prop_assert!(armored.lines().all(|line| line.len() <= LINE));
        let (public, named, signature) = parts(&armored);
        prop_assert_eq!(named, namespace.as_bytes());
        let mut signed = b"SSHSIG".to_vec();
        for part in [namespace.as_bytes(), b"", b"sha512", &Sha512::digest(&message)] {
            wire::put(&mut signed, part);
        }
        prop_assert!(UnparsedPublicKey::new(&SCHEME, public).verify(&signed, &signature).is_ok());
        prop_assert_eq!(armored, key.sign(&namespace, &message));
    }

    #[test]
    fn a_changed_byte_is_noticed_or_changes_nothing_but_the_comment(
        seed: [u8; 32], at: proptest::sample::Index, change in 1..=255_u8,
    ) {
        let mut blob = key_blob(&seed, b"comment");
        let whole = key_file::read(key_file(&blob).as_bytes()).unwrap();
        let at = at.index(blob.len());
        blob[at] ^= change;
        if let Ok(key) = key_file::read(key_file(&blob).as_bytes()) {
            prop_assert_eq!(key.fingerprint(), whole.fingerprint());
            prop_assert_eq!(key.sign(NAMESPACE, b"text"), whole.sign(NAMESPACE, b"text"));
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        kept in 0..250_usize,
    ) {
        drop(key_file::read(&bytes));
        drop(key_file::read(key_file(&bytes).as_bytes()));
        let blob = key_blob(&[3; 32], b"comment");
        let cut = [&blob[..kept.min(blob.len())], bytes.as_slice()].concat();
        drop(key_file::read(key_file(&cut).as_bytes()));
    }
}
