//! The contacts of a run, in the order of their first appearance.

use sha2::{Digest, Sha256};

use super::ids::{IdText, Ids};
use crate::digest::hex;
use crate::id::ContactId;

/// What stands for a file where every contact of the account is exported.
pub const ALL: &str = "all-contacts";

/// The IDs, and the lines on which they stand. Lines take no memory where each ID follows the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactList {
    ids: Ids,
    /// Runs of IDs on consecutive lines: the index of the first, and its line, from 1.
    runs: Vec<(u32, u64)>,
    /// Where the list comes from: the file as given, `-` or `all-contacts`.
    pub path: String,
    /// SHA-256 of the file's bytes, as hex.
    pub sha256: String,
    /// Lines of the file, with header and blank ones.
    pub lines: u64,
    /// IDs that had been seen before, and are exported once.
    pub duplicates: u64,
    /// Why contacts of the account may be missing from a list of all; empty where none is, and for a file.
    pub doubts: Vec<String>,
}

impl ContactList {
    /// A list without contacts, from this source.
    pub fn new(path: String) -> Self {
        Self {
            ids: Ids::default(),
            runs: Vec::new(),
            path,
            sha256: String::new(),
            lines: 0,
            duplicates: 0,
            doubts: Vec::new(),
        }
    }

    /// Every contact of the account. To all that counts lines they stand in a file without a header.
    pub fn of_account(ids: Ids, doubts: Vec<String>) -> Self {
        let mut hasher = Sha256::new();
        for id in ids.iter() {
            hasher.update(&*id);
            hasher.update("\n");
        }
        let runs = if ids.is_empty() { Vec::new() } else { vec![(0, 1)] };
        let (sha256, lines) = (hex(&hasher.finalize()), ids.len() as u64);
        Self { ids, runs, sha256, lines, doubts, ..Self::new(ALL.to_owned()) }
    }

    /// Adds a contact that is not in the list yet, with the line it was first seen on.
    pub fn push(&mut self, id: &ContactId, line: u64) {
        let index = self.len();
        let continues = index > 0 && self.line(index - 1) + 1 == line;
        if !continues {
            self.runs.push((u32::try_from(index).unwrap_or(u32::MAX), line));
        }
        self.ids.push(id);
    }

    /// How many contacts there are, each counted once.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ID at `index`, from 0, in the order of the file.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn get(&self, index: usize) -> ContactId {
        self.ids.id(index)
    }

    /// The same as text.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn text_at(&self, index: usize) -> IdText<'_> {
        self.ids.get(index)
    }

    /// The IDs alone.
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// The line of the file on which the ID at `index` first stands, from 1.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn line(&self, index: usize) -> u64 {
        assert!(index < self.len(), "there is no contact {index}");
        let run = self.runs.partition_point(|(first, _)| *first as usize <= index) - 1;
        let (first, line) = self.runs[run];
        line + (index - first as usize) as u64
    }

    /// All IDs, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = IdText<'_>> {
        self.ids.iter()
    }
}
