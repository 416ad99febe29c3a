//! The contacts of a run, in the order of their first appearance.

use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::id::ContactId;

/// What stands for a file where every contact of the account is exported.
pub const ALL: &str = "all-contacts";

/// IDs between two positions that are stored. The lengths of the IDs in between lead from one to the next.
const STEP: usize = 16;

/// IDs in one string. Beyond its text an ID takes a byte and a half where lines follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactList {
    text: String,
    /// The length of each ID in bytes, at most [`ContactId::MAX_BYTES`].
    lengths: Vec<u8>,
    /// Start in `text` of each ID whose index is a multiple of [`STEP`].
    starts: Vec<usize>,
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
            text: String::new(),
            lengths: Vec::new(),
            starts: Vec::new(),
            runs: Vec::new(),
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
        let index = self.len();
        if index.is_multiple_of(STEP) {
            self.starts.push(self.text.len());
        }
        let continues = index > 0 && self.line(index - 1) + 1 == line;
        if !continues {
            self.runs.push((u32::try_from(index).unwrap_or(u32::MAX), line));
        }
        self.text.push_str(id.as_str());
        self.lengths.push(u8::try_from(id.as_str().len()).unwrap_or(u8::MAX));
    }

    /// How many contacts there are, each counted once.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
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
        let step = index / STEP;
        let before = &self.lengths[step * STEP..index];
        let start = self.starts[step] + before.iter().copied().map(usize::from).sum::<usize>();
        self.text
            .get(start..start + usize::from(self.lengths[index]))
            .expect("lengths are those of whole IDs")
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
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| self.text_at(index))
    }
}
