//! SSH signatures beside those of `ssh-keygen`, which also verifies them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chatzy_export::internals::signature::{KeyError, NAMESPACE, SigningKey};
use tempfile::TempDir;

use crate::support::export::{read, write};
use crate::system::skip;

/// A folder with keys.
struct Scene {
    folder: TempDir,
}

impl Scene {
    /// `None` if OpenSSH is not installed.
    fn new(test: &str) -> Option<Self> {
        if Command::new("ssh-keygen").arg("-?").output().is_err() {
            skip(test, "needs ssh-keygen");
            return None;
        }
        Some(Self { folder: tempfile::tempdir().unwrap() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ssh_keygen(&self, arguments: &[&str], stdin: &Path) -> Output {
        let mut command = Command::new("ssh-keygen");
        command.args(arguments).current_dir(self.folder.path()).stdin(File::open(stdin).unwrap());
        command.output().unwrap()
    }

    /// Makes a key of this type and with this passphrase.
    fn key(&self, name: &str, kind: &str, passphrase: &str) -> PathBuf {
        let arguments = ["-q", "-t", kind, "-N", passphrase, "-C", "ada@example.com", "-f", name];
        let output = self.ssh_keygen(&arguments, Path::new("/dev/null"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.path(name)
    }

    /// True if `ssh-keygen -Y verify` accepts the signature `sig` of this message.
    fn verifies(&self, message: &[u8], namespace: &str, signer: &str) -> bool {
        write(&self.path("message"), message);
        let arguments =
            ["-Y", "verify", "-f", "allowed_signers", "-I", signer, "-n", namespace, "-s", "message.sig"];
        self.ssh_keygen(&arguments, &self.path("message")).status.success()
    }
}

#[test]
fn ssh_keygen_writes_and_verifies_the_same_signatures() {
    let Some(scene) = Scene::new("ssh_keygen_writes_and_verifies_the_same_signatures") else { return };
    for (at, message) in [&b""[..], b"hello", &[0xff; 10_000]].into_iter().enumerate() {
        let path = scene.key(&format!("key{at}"), "ed25519", "");
        let key = SigningKey::read(&path).unwrap();
        let public = read(&path.with_added_extension("pub"));
        let listed = scene.ssh_keygen(&["-l", "-f", &path.to_string_lossy()], Path::new("/dev/null"));
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert_eq!(listed.split(' ').nth(1), Some(key.fingerprint().as_str()));

        write(&scene.path("message"), message);
        let arguments = ["-Y", "sign", "-n", NAMESPACE, "-f", &path.to_string_lossy()];
        let signed = scene.ssh_keygen(&arguments, &scene.path("message"));
        let signature = key.sign(NAMESPACE, message);
        assert_eq!(signature, String::from_utf8(signed.stdout).unwrap());

        write(&scene.path("message.sig"), &signature);
        let line = format!("ada namespaces=\"{NAMESPACE}\" {public}");
        write(&scene.path("allowed_signers"), line);
        assert!(scene.verifies(message, NAMESPACE, "ada"));
        assert!(!scene.verifies(&[message, b"!"].concat(), NAMESPACE, "ada"), "a byte more");
        assert!(!scene.verifies(message, "file", "ada"), "another namespace");
        assert!(!scene.verifies(message, NAMESPACE, "eve"), "another signer");
    }
}

#[test]
fn other_keys_of_ssh_keygen_are_refused_with_a_command_that_works() {
    let Some(scene) = Scene::new("other_keys_of_ssh_keygen_are_refused_with_a_command_that_works") else {
        return;
    };
    let keys = [("rsa", ""), ("ecdsa", ""), ("ed25519", "a passphrase")];
    for (kind, passphrase) in keys {
        let path = scene.key(kind, kind, passphrase);
        let file = scene.path(&format!("{kind} file"));
        write(&file, "content");
        let error = SigningKey::read(&path).unwrap_err();
        assert!(matches!(error, KeyError::Unsupported { .. }), "{error}");
        let text = error.describe_for(&file);
        let (_, command) = text.split_once("then type: ").expect("a command");
        if passphrase.is_empty() {
            let status = Command::new("sh").args(["-c", command]).output().unwrap().status;
            assert!(status.success(), "{command}");
            assert!(file.with_added_extension("sig").exists(), "{command}");
        }
    }
    let public = SigningKey::read(&scene.path("rsa.pub")).unwrap_err();
    assert!(public.to_string().contains("it is a public key"), "{public}");
}
