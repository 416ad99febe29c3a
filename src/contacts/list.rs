//! The contacts of a run, in the order of their first appearance.

use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::id::ContactId;

/// What stands for a file where every contact of the account is exported.
pub const ALL: &str = "all-contacts";

/// IDs in one string, so that a million of them cost their text and 16 bytes each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactList {
    text: String,
    /// Where each ID ends in `text`.
    ends: Vec<usize>,
    /// The line each ID was first seen on, from 1.
    input_lines: Vec<u64>,
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
            text: String::new(),
            ends: Vec::new(),
            input_lines: Vec::new(),
            path,
            sha256: String::new(),
            lines: 0,
            duplicates: 0,
            doubts: Vec::new(),
        }
    }

    /// Every contact of the account. To all that counts lines they stand in a file without a header.
    pub fn of_account(ids: &[ContactId], doubts: Vec<String>) -> Self {
        let mut list = Self { doubts, ..Self::new(ALL.to_owned()) };
        let mut hasher = Sha256::new();
        for (line, id) in (1..).zip(ids) {
            list.push(id, line);
            hasher.update(id.as_str());
            hasher.update("\n");
            list.lines = line;
        }
        list.sha256 = hex(&hasher.finalize());
        list
    }

    /// Adds a contact that is not in the list yet, with the line it was first seen on.
    pub fn push(&mut self, id: &ContactId, line: u64) {
        self.text.push_str(id.as_str());
        self.ends.push(self.text.len());
        self.input_lines.push(line);
    }

    /// How many contacts there are, each counted once.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The ID at `index`, from 0, in the order of the file.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn get(&self, index: usize) -> ContactId {
        self.text_at(index).parse().expect("only checked IDs are pushed")
    }

    /// The same as text, without a copy.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn text_at(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.text.get(start..self.ends[index]).expect("ends are ends of whole IDs")
    }

    /// The line of the file on which the ID at `index` first stands, from 1.
    ///
    /// # Panics
    /// When `index` is not below [`Self::len`].
    pub fn line(&self, index: usize) -> u64 {
        self.input_lines[index]
    }

    /// All IDs, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| self.text_at(index))
    }
}
