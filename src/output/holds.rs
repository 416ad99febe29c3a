//! `_runs/holds.json`: the holds on an export. While one is active, nothing of the export is removed.

use serde::{Deserialize, Serialize};

use super::manifest::ManifestError;
use super::salted::{HashedContacts, Salt};

/// The record of holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holds {
    /// Salt of the hashes.
    pub salt: Salt,
    /// All holds, the oldest first.
    pub holds: Vec<Hold>,
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Reference, such as the number of a case.
    pub reference: String,
    /// Person or office that placed it, if known.
    pub by: Option<String>,
    /// Time at which it was placed.
    pub placed_at: String,
    /// Time of its release; `None` while it is active.
    pub released_at: Option<String>,
    /// True if it covers all contacts.
    pub all: bool,
    /// Salted hashes of the contacts that it covers.
    pub contact_sha256: Vec<String>,
}

impl Default for Holds {
    fn default() -> Self {
        Self { salt: Salt::random(), holds: Vec::new() }
    }
}

impl Holds {
    /// Parses the record.
    ///
    /// # Errors
    /// If the text is incomplete.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        serde_json::from_slice(text).map_err(|source| ManifestError::Syntax { name: "holds.json", source })
    }

    /// Formats the record as JSON.
    pub fn to_json(&self) -> String {
        super::manifest::to_json(self)
    }

    /// Iterates over the active holds.
    pub fn active(&self) -> impl Iterator<Item = &Hold> {
        self.holds.iter().filter(|hold| hold.released_at.is_none())
    }

    /// Returns the references of the active holds that cover one of these contacts, each once.
    pub fn covering(&self, contacts: &[String]) -> Vec<String> {
        let covers = |hold: &&Hold| {
            let mut covered = HashedContacts::new(&self.salt, &hold.contact_sha256);
            hold.all || contacts.iter().any(|contact| covered.contains(contact))
        };
        references(self.active().filter(covers))
    }

    /// Returns the references of all active holds, each once.
    pub fn references(&self) -> Vec<String> {
        references(self.active())
    }
}

fn references<'a>(holds: impl Iterator<Item = &'a Hold>) -> Vec<String> {
    let mut references: Vec<String> = holds.map(|hold| hold.reference.clone()).collect();
    references.sort();
    references.dedup();
    references
}
