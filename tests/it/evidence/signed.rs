//! Signatures and time stamps of packages, checked by the commands of `VERIFY.txt`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use insta::assert_snapshot;

use super::{evidence_of, is_valid, made, ordinary, shell};
use crate::support::authority::{AUTHORITY, timestamp};
use crate::support::byte_server::{ByteServer, reply};
use crate::support::export::{Export, read, tree, write};
use crate::support::service::{Service, wait_until};
use crate::system::skip;

const SIGNATURE: &str = "tagmanifest-sha256.txt.sig";
const STAMP: &str = "tagmanifest-sha256.txt.tsr";

/// Makes a key beside the command. False if OpenSSH is not installed.
fn make_key(command: &Export, test: &str) -> bool {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "me", "-f"]).arg(command.path("key"));
    let is_made = keygen.output().is_ok_and(|output| output.status.success());
    if !is_made {
        skip(test, "needs ssh-keygen");
    }
    is_made
}

/// Puts the public key where `VERIFY.txt` expects it.
fn trust_key(command: &Export, package: &Path) {
    let public = read(&command.path("key.pub"));
    write(&package.join("allowed_signers"), format!("NAME {public}"));
}

fn small() -> (Service, Export) {
    let service = Service::start("--seed 5");
    let export = Export::run_of(service.url(), ["messages-7-b"]);
    export.expect(0);
    (service, export)
}

/// True if the command of `VERIFY.txt` with this program accepts the package.
fn accepts(package: &Path, program: &str) -> bool {
    let text = read(&package.join("VERIFY.txt"));
    let command = text.lines().find(|line| line.trim_start().starts_with(program)).expect("a command");
    shell(package, command).status.success()
}

#[test]
fn the_commands_of_verify_check_signature_and_time() {
    let test = "the_commands_of_verify_check_signature_and_time";
    let Some(authority) = AUTHORITY.as_ref() else { return skip(test, "needs openssl") };
    let server = ByteServer::start(|request| Some(timestamp(authority.grant(request.body()))));
    let (_service, export) = ordinary("");
    let command = evidence_of(&export, "--sign key --json --timestamp-url").arg(server.url());
    if !make_key(&command, test) {
        return;
    }
    let outcome = command.expect(0);
    let package = &outcome.out;
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let fingerprint = document["signed_by"].as_str().expect("a fingerprint");
    for file in ["VERIFY.txt", "data/index.html", "data/custody/custody.json"] {
        assert!(read(&package.join(file)).contains(fingerprint), "{file}");
    }
    assert!(document["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{document}");

    trust_key(&command, package);
    fs::copy(authority.certificate(), package.join("CA.pem")).unwrap();
    is_valid(package, "signed and stamped");

    let list = package.join("tagmanifest-sha256.txt");
    let content = fs::read(&list).unwrap();
    write(&list, [content.as_slice(), b"\n"].concat());
    assert!(
        !accepts(package, "ssh-keygen -Y verify") && !accepts(package, "openssl ts -verify"),
        "a changed list"
    );
    write(&list, &content);
    assert!(accepts(package, "ssh-keygen -Y verify") && accepts(package, "openssl ts -verify"));

    // Nothing but the two proofs differs from the package without them, and the same key gives the same signature.
    let again = evidence_of(&export, "--timestamp-url").arg(server.url()).args("--sign key");
    for name in ["key", "key.pub"] {
        fs::copy(command.path(name), again.path(name)).unwrap();
    }
    let other = made(&again, 0);
    for path in tree(&other).iter().filter(|path| !path.contains(".ts")) {
        assert!(fs::read(other.join(path)).unwrap() == fs::read(package.join(path)).unwrap(), "{path}");
    }
    assert!(other.join(SIGNATURE).exists());
}

#[test]
fn a_missing_time_stamp_is_added_by_the_same_command() {
    let test = "a_missing_time_stamp_is_added_by_the_same_command";
    let Some(authority) = AUTHORITY.as_ref() else { return skip(test, "needs openssl") };
    let is_up = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&is_up);
    let server = ByteServer::start(move |request| {
        let is_up = state.load(Ordering::SeqCst);
        Some(if is_up {
            timestamp(authority.grant(request.body()))
        } else {
            reply(503, "text/plain", "down")
        })
    });
    let (_service, export) = small();
    for form in ["--out package", "--zip --out case.zip"] {
        is_up.store(false, Ordering::SeqCst);
        let command = evidence_of(&export, "--timestamp-url").arg(server.url()).without("--out").args(form);
        let outcome = command.expect(5);
        let line = outcome.whole_last_line();
        assert!(
            line.contains(
                "status 503 Service Unavailable; to add the time stamp, run: chatzy-export evidence"
            ),
            "{line}"
        );
        let unpack = |name: &str| {
            if form.contains("--zip") {
                let zip = command.path("case.zip");
                let output =
                    Command::new("unzip").arg("-q").arg(zip).arg("-d").arg(command.path(name)).output();
                assert!(output.expect("unzip").status.success());
                command.path(name).join("case")
            } else {
                command.path("package")
            }
        };
        let package = unpack("without");
        assert!(package.join("bagit.txt").exists() && !package.join(STAMP).exists(), "complete without it");
        let before = tree(&package);

        is_up.store(true, Ordering::SeqCst);
        let line = command.expect(0).last_line();
        assert!(line.contains("its time stamp is of 20"), "{line}");
        let package = unpack("with");
        let added: Vec<String> = tree(&package).into_iter().filter(|path| !before.contains(path)).collect();
        assert_eq!(added, ["tagmanifest-sha256.txt.tsq", STAMP]);
        fs::copy(authority.certificate(), package.join("CA.pem")).unwrap();
        is_valid(&package, form);
        let line = command.expect(0).last_line();
        assert!(line.ends_with("it has a time stamp already"), "{line}");
        assert!(!command.path("case.zip.partial.zip").exists());
    }
}

#[test]
fn an_interruption_does_not_wait_for_the_authority() {
    let asked = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&asked);
    let server = ByteServer::start(move |_| {
        noted.store(true, Ordering::SeqCst);
        None
    });
    let (_service, export) = small();
    let command = evidence_of(&export, "--timestamp-url").arg(server.url());
    let running = command.start();
    wait_until("the authority is asked", || asked.load(Ordering::SeqCst));
    running.signal("INT");
    let outcome = running.wait(Duration::from_secs(20)).expect(130);
    assert!(!outcome.out.exists(), "no package yet");
}

/// Two commands at once do not mix their files.
#[test]
fn a_second_command_leaves_the_package_to_the_first() {
    let Some(authority) = AUTHORITY.as_ref() else {
        return skip("a_second_command_leaves_the_package_to_the_first", "needs openssl");
    };
    let (send, receive) = mpsc::channel::<()>();
    let receive = Mutex::new(receive);
    let asked = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&asked);
    let server = ByteServer::start(move |request| {
        noted.store(true, Ordering::SeqCst);
        receive.lock().unwrap().recv().unwrap();
        Some(timestamp(authority.grant(request.body())))
    });
    let (_service, export) = small();
    let command = evidence_of(&export, "--timestamp-url").arg(server.url());
    let first = command.start();
    wait_until("the authority is asked", || asked.load(Ordering::SeqCst));
    let line = command.expect(7).last_line();
    assert_eq!(line, "error: another command is making package: wait for it, or give another --out");
    send.send(()).unwrap();
    let outcome = first.wait(Duration::from_mins(1)).expect(0);
    fs::copy(authority.certificate(), outcome.out.join("CA.pem")).unwrap();
    is_valid(&outcome.out, "beside another command");
}

#[test]
fn keys_and_addresses_that_cannot_be_used_are_refused_at_once() {
    let (_service, export) = small();
    let refused = |arguments: &str| {
        let command = evidence_of(&export, arguments);
        command.write("open", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
        command.write("rsa.pub", "ssh-rsa AAAA me\n");
        let outcome = command.expect(2);
        assert!(!outcome.out.exists());
        outcome.last_line()
    };
    assert_snapshot!(refused("--sign missing"), @"error: --sign: cannot read the key missing: No such file or directory (os error 2)");
    assert_snapshot!(refused("--sign open"), @"error: --sign: cannot use the key open: it is damaged");
    assert_snapshot!(refused("--sign rsa.pub"), @"error: --sign: cannot sign with the key rsa.pub: it is a public key, so its private part is in another file or in an agent; only unencrypted Ed25519 keys of OpenSSH work here. Run the command without the key, then type: ssh-keygen -Y sign -n chatzy-export -f rsa.pub package/tagmanifest-sha256.txt");
    assert_snapshot!(refused("--timestamp-url ftp://secret.example"), @"error: --timestamp-url: unsupported scheme: use https or http");
    assert_snapshot!(refused("--timestamp-url https://me:secret@tsa.example"), @"error: --timestamp-url: the URL contains a user or password, which other users of this machine could read: remove it, or send the request with curl and `openssl ts -query`");
}
