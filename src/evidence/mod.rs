//! Makes an evidence package: the conversations of chosen contacts for people who do not have this program.
//!
//! The package is a BagIt bag ([`bag`]). [`crate::snapshot`] finds the newest version of each contact and reads it.
//! [`package`] receives the rows: [`gather`] collects those of one contact, [`view`] decides what is shown,
//! [`note`] joins messages with reports of the channels. [`transcript`] writes pages, [`tables`] CSV and JSONL.
//! [`rsmf`] writes files for review platforms. [`run_files`] and [`answers`] add the files of the runs and the
//! responses of the API. [`custody`], [`cover`] and [`guide`] explain it all. [`redacted`] is the view of a redacted
//! package.
//!
//! A package is made in `OUT.partial` and then renamed. The same export, program and options give the same bytes:
//! no clock, path or name of a machine enters it. Memory is bounded, but for about 60 bytes per message and record
//! of one contact, and 150 bytes per file.
//!
//! Layer 4: uses `snapshot` and below. Prints nothing.

mod answers;
mod bag;
mod cite;
mod cover;
mod custody;
mod documents;
mod error;
mod gather;
mod guide;
mod make;
mod message;
mod note;
mod package;
mod person;
mod prefix;
mod proof;
mod publish;
mod redacted;
mod row;
mod rsmf;
mod run_files;
mod tables;
mod transcript;
mod view;
mod zip_file;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::contacts::ContactList;
use crate::digest::sha256;
use crate::id::RunId;
use crate::output::manifest::Tool;
use crate::redaction::RedactionPlan;
use crate::signature::SigningKey;
use crate::store::Store;

pub use error::EvidenceError;
pub use make::{Made, make};
pub use prefix::CitePrefix;
pub use proof::{StampOutcome, Stamper};
pub use transcript::clock::{Zone, ZoneError};

/// File of a package that is signed: it covers all others.
pub const SIGNED_FILE: &str = bag::TAG_MANIFEST;

/// Facts about the case, as the user gives them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Case {
    /// Number or name of the case or request.
    pub reference: Option<String>,
    /// Person who makes the package.
    pub operator: Option<String>,
    /// Organization of that person.
    pub organization: Option<String>,
    /// Date of the package.
    pub date: Option<String>,
}

/// Form of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageForm {
    /// A folder.
    Folder,
    /// A ZIP file with one folder.
    Zip,
}

/// Input of a package.
#[derive(Clone, Debug)]
pub struct EvidencePlan {
    /// The export.
    pub from: Store,
    /// Path of the package.
    pub out: PathBuf,
    /// Folder or ZIP file.
    pub form: PackageForm,
    /// The run to end with; `None` for the newest.
    pub run: Option<RunId>,
    /// Contacts; `None` for all.
    pub selection: Option<ContactList>,
    /// Facts about the case.
    pub case: Case,
    /// Text before each cite number.
    pub prefix: CitePrefix,
    /// Time zone beside UTC.
    pub zone: Option<Zone>,
    /// Redaction of the rows; `None` to show them as they are.
    pub redaction: Option<RedactionPlan>,
    /// True to add files for review platforms.
    pub has_rsmf: bool,
    /// This program.
    pub tool: Tool,
    /// SHA-256 of the program's file; `None` if it cannot be read.
    pub tool_sha256: Option<String>,
    /// The key that signs the package.
    pub key: Option<Arc<SigningKey>>,
    /// True if a time stamp is requested.
    pub is_timestamped: bool,
}

impl EvidencePlan {
    /// Returns the fingerprint of the key that signs the package.
    pub fn signed_by(&self) -> Option<String> {
        self.key.as_ref().map(|key| key.fingerprint())
    }

    /// True if the package has the files of the runs.
    fn is_whole(&self) -> bool {
        self.selection.is_none() && self.redaction.is_none()
    }

    /// Returns the options that shape the content.
    fn options(&self) -> BTreeMap<&'static str, Value> {
        let mut options = BTreeMap::from([
            ("prefix", json!(self.prefix.as_str())),
            ("rsmf", json!(self.has_rsmf)),
            ("run", json!(self.run.as_ref().map(RunId::as_str))),
            ("time_zone", json!(self.zone.as_ref().map(|zone| &zone.name))),
            ("timestamp", json!(self.is_timestamped)),
        ]);
        if let Some(redaction) = &self.redaction {
            let facts = json!({
                "policy_sha256": redaction.policy_sha256(),
                "words_digest": redaction.words_digest(),
                "key_id": redaction.key_id(),
            });
            options.insert("redaction", facts);
        }
        options
    }

    /// True if the ID of the package is a digest of everything. Without a key it has nothing of the selection
    /// and of the words.
    fn is_identified(&self) -> bool {
        let Some(redaction) = &self.redaction else { return true };
        redaction.key_id().is_some() || (self.selection.is_none() && !redaction.has_words())
    }

    /// Returns the ID of the package: a digest of everything that shapes its content. `runs` identifies the runs of
    /// the export.
    fn id(&self, runs: &str) -> String {
        let selection = self.selection.as_ref().map(|list| list.sha256.clone());
        let selection = match &self.redaction {
            // Whoever has the package must not find the selected contacts by trying.
            Some(redaction) => selection.and_then(|sha256| redaction.keyed_digest(&sha256)),
            None => selection,
        };
        let all = json!({
            "runs": runs,
            "tool": [&self.tool.version, &self.tool_sha256.clone().unwrap_or_default()],
            "case": self.case,
            "contacts": selection,
            "options": self.options(),
            "signed_by": self.signed_by(),
        });
        sha256(all.to_string()).chars().take(32).collect()
    }
}
