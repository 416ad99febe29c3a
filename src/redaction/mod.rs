//! Redaction of rows by a policy: columns are kept, dropped, shortened or replaced by keyed pseudonyms, and
//! personal data in texts is found and replaced.
//!
//! [`Policy`] is what the user decides, [`KnownValues`] what is known of one contact, and [`Redaction`] applies
//! both to batches of rows. `find` searches one text: `fold` brings it into one form, `decode` reads the texts
//! that are encoded in it. `text` replaces the findings, also within JSON.
//!
//! Layer 3: knows the tables, but nothing of files of an export.

mod columns;
mod decode;
mod find;
mod fold;
mod json;
mod key;
mod known;
mod policy;
mod policy_file;
mod replacement;
mod report;
mod spelling;
mod template;
#[cfg(test)]
mod tests;
mod text;

pub use key::{KeyError, PseudonymKey};
pub use known::KnownValues;
pub use policy::Policy;
pub use policy_file::PolicyError;
pub use report::RedactionReport;

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::table::Table;
use find::Known;
use report::Tally;
use text::TextRedactor;

/// A policy needs a key for its pseudonyms.
#[derive(Debug, thiserror::Error)]
#[error("{reason}; give a key with --pseudonym-key-file")]
pub struct NoKey {
    reason: String,
}

/// A policy with its key.
#[derive(Clone, Debug)]
pub struct RedactionPlan {
    policy: Arc<Policy>,
    key: Option<Arc<PseudonymKey>>,
}

impl RedactionPlan {
    /// # Errors
    /// If the policy needs a key and there is none.
    pub fn new(policy: Policy, key: Option<PseudonymKey>) -> Result<Self, NoKey> {
        match policy.needs_key().filter(|_| key.is_none()) {
            Some(reason) => Err(NoKey { reason }),
            None => Ok(Self { policy: Arc::new(policy), key: key.map(Arc::new) }),
        }
    }

    /// Starts a redaction.
    pub fn start(&self) -> Redaction {
        let (policy, key) = (Arc::clone(&self.policy), self.key.clone());
        let words_digest = self.words_digest();
        Redaction { policy, key, words_digest, known: Known::default(), tally: Tally::default() }
    }

    /// Returns the SHA-256 of the policy file.
    pub fn policy_sha256(&self) -> &str {
        &self.policy.sha256
    }

    /// True if the policy has a list of words.
    pub fn has_words(&self) -> bool {
        self.policy.words_sha256.is_some()
    }

    /// Returns a keyed digest of the policy's list of words. A plain one would tell short lists to whoever guesses.
    pub fn words_digest(&self) -> Option<String> {
        self.policy.words_sha256.as_deref().and_then(|sha256| self.keyed_digest(sha256))
    }

    /// Returns the ID of the key.
    pub fn key_id(&self) -> Option<String> {
        self.key.as_ref().map(|key| key.id())
    }

    /// Returns a digest of a text from which nobody without the key can guess the text. `None` without a key.
    pub fn keyed_digest(&self, text: &str) -> Option<String> {
        self.key.as_ref().map(|key| key.pseudonym(find::Class::Id, text))
    }
}

/// Redacts rows, contact by contact.
pub struct Redaction {
    policy: Arc<Policy>,
    key: Option<Arc<PseudonymKey>>,
    words_digest: Option<String>,
    known: Known,
    tally: Tally,
}

impl Redaction {
    /// Starts a contact. Its values are searched in all texts until the next one starts.
    pub fn begin_contact(&mut self, known: &KnownValues) {
        self.known = if self.policy.known { known.compile() } else { Known::default() };
    }

    /// Returns the rows with redacted values. The schema and the number of rows stay.
    pub fn apply(&mut self, table: Table, batch: &RecordBatch) -> RecordBatch {
        self.redact_batch(table, batch)
    }

    /// Returns the ID of a contact without rows, as the column `coverage.contact_id` has IDs.
    pub fn contact_id(&self, id: &str) -> String {
        self.redact_contact_id(id)
    }

    /// Returns a text without personal data, for tests and benchmarks. The report counts it under this name.
    #[cfg(any(test, feature = "internals"))]
    pub fn text(&mut self, name: &str, text: &str) -> String {
        let mut redactor = self.redactor();
        let redacted = redactor.redact(text, &self::text::Replaced::new());
        let counts = redactor.counts;
        self.tally.findings(name, counts);
        redacted.unwrap_or_else(|| text.to_owned())
    }

    /// Returns the record of what was done so far.
    pub fn report(&self) -> RedactionReport {
        RedactionReport {
            policy_sha256: self.policy.sha256.clone(),
            words_digest: self.words_digest.clone(),
            key_id: self.key.as_ref().map(|key| key.id()),
            tables: self.tally.tables(),
            columns: self.tally.columns(),
        }
    }

    fn redactor(&self) -> TextRedactor<'_> {
        TextRedactor {
            policy: &self.policy,
            key: self.key.as_deref(),
            known: &self.known,
            counts: text::FindingCounts::new(),
        }
    }
}
