//! Hash index of the IDs in a list. It takes five to ten bytes per ID.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::ids::{Form, Ids};
use super::list::ContactList;
use crate::id::ContactId;

/// Index of the IDs in one list. The IDs themselves are only in the list.
#[derive(Debug, Default)]
pub struct ContactIndex {
    indexes: HashTable<u32>,
}

impl ContactIndex {
    /// Creates an index of all IDs in a list.
    pub fn of(list: &ContactList) -> Self {
        let ids = list.ids();
        let mut indexes = HashTable::with_capacity(ids.len());
        for index in 0..u32::try_from(ids.len()).unwrap_or(u32::MAX) {
            indexes.insert_unique(ids.form(index as usize).hash(), index, |index| {
                ids.form(*index as usize).hash()
            });
        }
        Self { indexes }
    }

    /// Adds an ID to the list. Returns false for a duplicate.
    pub fn add(&mut self, list: &mut ContactList, id: &ContactId, line: u64) -> bool {
        let (_, is_new) = self.find_or_reserve(list.ids(), id);
        if is_new {
            list.push(id, line);
        }
        is_new
    }

    /// Returns the index of an ID. A new ID gets the next index, and true: the caller must add it to the IDs.
    pub fn find_or_reserve(&mut self, ids: &Ids, id: &ContactId) -> (usize, bool) {
        let form = Form::of(id.as_str());
        let is_same = |index: &u32| ids.form(*index as usize) == form;
        match self.indexes.entry(form.hash(), is_same, |index| ids.form(*index as usize).hash()) {
            Entry::Occupied(known) => (*known.get() as usize, false),
            Entry::Vacant(free) => {
                free.insert(u32::try_from(ids.len()).unwrap_or(u32::MAX));
                (ids.len(), true)
            }
        }
    }

    /// Returns the index of an ID in the list.
    pub fn find(&self, list: &ContactList, id: &str) -> Option<usize> {
        let (ids, form) = (list.ids(), Form::of(id));
        let is_same = |index: &u32| ids.form(*index as usize) == form;
        self.indexes.find(form.hash(), is_same).map(|index| *index as usize)
    }
}
