//! List of the contacts of a run, in the order of their first appearance.

use sha2::{Digest, Sha256};

use super::ids::{IdText, Ids};
use crate::digest::hex;
use crate::id::ContactId;

/// Name of the list of all contacts of the account, in place of a path.
pub const ALL: &str = "all-contacts";

/// IDs with their line numbers. IDs on consecutive lines share one entry for their lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactList {
    ids: Ids,
    /// Blocks of IDs on consecutive lines: index of the first ID, and its line from 1.
    blocks: Vec<(u32, u64)>,
    /// Path of the file as given, `-` or `all-contacts`.
    pub path: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Number of lines in the file, including the header and blank lines.
    pub lines: u64,
    /// Number of duplicate IDs, which are exported only once.
    pub duplicates: u64,
    /// Reasons why contacts of the account may be missing. Empty for a file.
    pub doubts: Vec<String>,
}

impl ContactList {
    /// Creates an empty list from this source.
    pub fn new(path: String) -> Self {
        Self {
            ids: Ids::default(),
            blocks: Vec::new(),
            path,
            sha256: String::new(),
            lines: 0,
            duplicates: 0,
            doubts: Vec::new(),
        }
    }

    /// Creates the list of all contacts of the account, with lines as in a file without a header.
    pub fn of_account(ids: Ids, doubts: Vec<String>) -> Self {
        let mut hasher = Sha256::new();
        for id in ids.iter() {
            hasher.update(&*id);
            hasher.update("\n");
        }
        let blocks = if ids.is_empty() { Vec::new() } else { vec![(0, 1)] };
        let (sha256, lines) = (hex(&hasher.finalize()), ids.len() as u64);
        Self { ids, blocks, sha256, lines, doubts, ..Self::new(ALL.to_owned()) }
    }

    /// Adds a new contact with its line.
    pub fn push(&mut self, id: &ContactId, line: u64) {
        let index = self.len();
        let continues = index > 0 && self.line(index - 1) + 1 == line;
        if !continues {
            self.blocks.push((u32::try_from(index).unwrap_or(u32::MAX), line));
        }
        self.ids.push(id);
    }

    /// Number of contacts, without duplicates.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// True if the list has no contacts.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns the ID at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Self::len`].
    pub fn get(&self, index: usize) -> ContactId {
        self.ids.id(index)
    }

    /// Returns the ID at `index` as text.
    ///
    /// # Panics
    /// If `index` is not below [`Self::len`].
    pub fn text_at(&self, index: usize) -> IdText<'_> {
        self.ids.get(index)
    }

    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Returns the first line with the ID at `index`, from 1.
    ///
    /// # Panics
    /// If `index` is not below [`Self::len`].
    pub fn line(&self, index: usize) -> u64 {
        assert!(index < self.len(), "no contact {index}");
        let block = self.blocks.partition_point(|(first, _)| *first as usize <= index) - 1;
        let (first, line) = self.blocks[block];
        line + (index - first as usize) as u64
    }

    /// Iterates over the IDs, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = IdText<'_>> {
        self.ids.iter()
    }
}
