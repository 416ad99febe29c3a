//! List of the contacts of a run, in the order of their first appearance.

use sha2::{Digest, Sha256};

use super::ids::{IdText, Ids};
use super::index::ContactIndex;
use crate::digest::hex;
use crate::id::ContactId;

/// Name of the list of all contacts of the account, in place of a path.
pub const ALL: &str = "all-contacts";
/// Name of the list of contacts that `--contact` gives, in place of a path.
pub const GIVEN: &str = "contact";
/// Name of the list of contacts that `--search` finds, in place of a path.
pub const FOUND: &str = "search";

/// IDs with their line numbers. IDs on consecutive lines share one entry for their lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactList {
    ids: Ids,
    /// Blocks of IDs on consecutive lines: index of the first ID, and its line from 1.
    blocks: Vec<(u32, u64)>,
    /// Path of the file as given, or `-`. Without a file: [`ALL`], [`GIVEN`] or [`FOUND`].
    pub path: String,
    /// SHA-256 of the file, in hex. Without a file: of the IDs, each with a line end.
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

    /// Creates a list of contacts of the account, with lines as in a file without a header. `name` is [`ALL`]
    /// or [`FOUND`].
    pub fn of_account(name: &str, ids: Ids, doubts: Vec<String>) -> Self {
        let blocks = if ids.is_empty() { Vec::new() } else { vec![(0, 1)] };
        let (sha256, lines) = (hash(&ids), ids.len() as u64);
        Self { ids, blocks, sha256, lines, doubts, ..Self::new(name.to_owned()) }
    }

    /// Creates a list of these contacts, each with its number as its line.
    pub fn of_ids<'a>(given: impl IntoIterator<Item = &'a ContactId>) -> Self {
        let (mut list, mut index) = (Self::new(GIVEN.to_owned()), ContactIndex::default());
        for id in given {
            list.lines += 1;
            let line = list.lines;
            if !index.add(&mut list, id, line) {
                list.duplicates += 1;
            }
        }
        list.sha256 = hash(&list.ids);
        list
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

    /// Returns the list with only those contacts for which `is_kept` returns true. Each keeps its line.
    #[must_use]
    pub fn retained(&self, mut is_kept: impl FnMut(usize, &str) -> bool) -> Self {
        let mut kept = self.without_ids();
        for at in 0..self.len() {
            if is_kept(at, &self.text_at(at)) {
                kept.push(&self.get(at), self.line(at));
            }
        }
        kept
    }

    fn without_ids(&self) -> Self {
        let (path, sha256, doubts) = (self.path.clone(), self.sha256.clone(), self.doubts.clone());
        let (lines, duplicates) = (self.lines, self.duplicates);
        Self { ids: Ids::default(), blocks: Vec::new(), path, sha256, lines, duplicates, doubts }
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

/// Returns the SHA-256 of the IDs, each with a line end, in hex.
fn hash(ids: &Ids) -> String {
    let mut hasher = Sha256::new();
    for id in ids.iter() {
        hasher.update(&*id);
        hasher.update("\n");
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_ids_are_a_list_without_duplicates() {
        let ids = ["b", "a", "b", "c"].map(|id| id.parse::<ContactId>().unwrap());
        let list = ContactList::of_ids(&ids);
        assert_eq!(list.iter().map(|id| id.to_owned()).collect::<Vec<_>>(), ["b", "a", "c"]);
        assert_eq!((0..3).map(|at| list.line(at)).collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!((list.lines, list.duplicates, list.path.as_str()), (4, 1, GIVEN));
        assert_eq!(list.sha256, crate::digest::sha256("b\na\nc\n"));
        let kept = list.retained(|at, id| at > 0 && id != "x");
        assert_eq!(kept.iter().map(|id| id.to_owned()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!((kept.line(0), kept.line(1), kept.lines), (2, 4, 4));
    }
}
