//! A simulated account that is exported into a store.

use std::path::Path;

use chatzy_export::internals::durable::remove_tree;

use crate::support::compare::{Substance, substance};
use crate::support::export::{Export, Outcome};
use crate::support::service::Service;
use crate::support::stores::{Kind, Remote, SECRETS};

const CONTACTS: [&str; 6] =
    ["messages-35-a", "messages-3-b", "empty-c", "unknown-d", "messages-61-e", "messages-1-f"];

/// The account, and its export into a folder, with which those into stores are compared.
pub struct Account {
    pub service: Service,
    /// The run into a folder.
    pub local: Export,
    pub reference: Substance,
}

impl Account {
    pub fn new() -> Self {
        let service = Service::start("");
        let local = Self::command(&service);
        let reference = substance(&local.expect(0));
        Self { service, local, reference }
    }

    fn command(service: &Service) -> Export {
        Export::run_of(service.url(), CONTACTS)
            .args("--format jsonl --page-size 9 --partition-by year --concurrency 3")
    }

    /// The run into this store, with a work folder of its own.
    pub fn run(&self, remote: &Remote) -> Export {
        remote.reach(Self::command(&self.service)).out_at(Path::new(&remote.url())).args("--work-dir work")
    }
}

/// The same outcome with a copy of the store as its output folder.
pub fn fetched(remote: &Remote, export: &Export, mut outcome: Outcome) -> Outcome {
    assert_no_secret(&outcome);
    let copy = export.path("copy");
    remove_tree(&copy).expect("removed");
    remote.copy_to(&copy);
    outcome.out = copy;
    outcome
}

/// Runs a command on an export in a store.
pub fn on(remote: &Remote, command: &str) -> Export {
    remote.reach(Export::command(command)).arg(&remote.url())
}

/// The export is intact.
pub fn assert_sound(remote: &Remote, told: &str) {
    let verified = on(remote, "verify --deep").run();
    assert_eq!(verified.code, Some(0), "{told}: {}{}", verified.stdout, verified.stderr);
    assert_no_secret(&verified);
}

pub fn assert_no_secret(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");
    }
}

/// The steps of an upload, as method and part of the URL.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Begin,
    Part,
    Complete,
}

impl Step {
    pub fn request(self, kind: Kind) -> (&'static str, &'static str) {
        match (self, kind) {
            // There an upload has no beginning.
            (Self::Begin | Self::Part, Kind::Azurite) => ("PUT", "comp=block&"),
            (Self::Complete, Kind::Azurite) => ("PUT", "comp=blocklist"),
            (Self::Begin, _) => ("POST", "?uploads"),
            (Self::Part, _) => ("PUT", "partNumber="),
            (Self::Complete, _) => ("POST", "?uploadId="),
        }
    }
}
