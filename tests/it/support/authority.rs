//! An authority for time stamps: OpenSSL behind a server on loopback, with certificates of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use bytes::Bytes;
use tempfile::TempDir;

use crate::support::byte_server::{Reply, reply};
use crate::support::export::write;

/// The authority of all tests. `None` if OpenSSL is not installed.
pub static AUTHORITY: LazyLock<Option<Authority>> = LazyLock::new(Authority::make);

/// Settings of OpenSSL.
const SETTINGS: &str = "
oid_section = oids
[ oids ]
other = 1.2.3.4.2
[ tsa ]
default_tsa = here
[ here ]
serial = serial
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_alg = sha256
[ only_sha512 ]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha512
[ signer ]
extendedKeyUsage = critical, timeStamping
";

/// Certificates and settings of an authority.
pub struct Authority {
    folder: TempDir,
    /// OpenSSL counts in a file, which two processes must not change at once.
    signing: Mutex<()>,
}

impl Authority {
    fn make() -> Option<Self> {
        Command::new("openssl").arg("version").output().ok()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(&folder.path().join("settings"), SETTINGS);
        write(&folder.path().join("serial"), "01\n");
        let authority = Self { folder, signing: Mutex::new(()) };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        authority.openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=Root"));
        authority.openssl(&format!("req {key} -keyout tsa.key -out tsa.csr -subj /CN=Clock"));
        authority.openssl(
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out tsa.pem \
             -extfile settings -extensions signer",
        );
        Some(authority)
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        let output = command.args(arguments.split_whitespace()).current_dir(self.folder.path()).output();
        let output = output.expect("openssl");
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The certificate that a verifier trusts.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The response to a request.
    pub fn grant(&self, request: &[u8]) -> Vec<u8> {
        self.reply_as("here", request)
    }

    /// The response of an authority that does not know SHA-256.
    pub fn refusal(&self, request: &[u8]) -> Vec<u8> {
        self.reply_as("only_sha512", request)
    }

    fn reply_as(&self, section: &str, request: &[u8]) -> Vec<u8> {
        let _alone = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        write(&self.folder.path().join("query"), request);
        self.openssl(&format!("ts -reply -queryfile query -config settings -section {section} -out reply"));
        std::fs::read(self.folder.path().join("reply")).expect("a response")
    }

    /// The outcome of `openssl ts -verify` for a file and its response.
    pub fn verifies(&self, file: &Path, response: &Path) -> bool {
        let mut command = Command::new("openssl");
        command.args(["ts", "-verify", "-data"]).arg(file).arg("-in").arg(response);
        let output = command.arg("-CAfile").arg(self.certificate()).output().expect("openssl");
        output.status.success()
    }
}

/// A response with the type of a time stamp.
pub fn timestamp(body: impl Into<Bytes>) -> Reply {
    reply(200, "application/timestamp-reply", body)
}
