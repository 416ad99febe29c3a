//! Finds an ID in a list, with five to ten bytes for each.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::ids::{Form, Ids};
use super::list::ContactList;
use crate::id::ContactId;

/// The indices of the IDs of one list, by their hashes. The list holds the IDs.
#[derive(Debug, Default)]
pub struct ContactIndex {
    places: HashTable<u32>,
}

impl ContactIndex {
    /// An index of all IDs of a list.
    pub fn of(list: &ContactList) -> Self {
        let ids = list.ids();
        let mut places = HashTable::with_capacity(ids.len());
        for place in 0..u32::try_from(ids.len()).unwrap_or(u32::MAX) {
            places.insert_unique(ids.form(place as usize).hash(), place, |place| {
                ids.form(*place as usize).hash()
            });
        }
        Self { places }
    }

    /// Adds an ID to the list, unless it is there already; false if it is.
    pub fn add(&mut self, list: &mut ContactList, id: &ContactId, line: u64) -> bool {
        let (_, is_new) = self.place(list.ids(), id);
        if is_new {
            list.push(id, line);
        }
        is_new
    }

    /// The index of an ID. A new one gets the next index, and true: the caller adds it to the IDs.
    pub fn place(&mut self, ids: &Ids, id: &ContactId) -> (usize, bool) {
        let form = Form::of(id.as_str());
        let is_same = |place: &u32| ids.form(*place as usize) == form;
        match self.places.entry(form.hash(), is_same, |place| ids.form(*place as usize).hash()) {
            Entry::Occupied(known) => (*known.get() as usize, false),
            Entry::Vacant(free) => {
                free.insert(u32::try_from(ids.len()).unwrap_or(u32::MAX));
                (ids.len(), true)
            }
        }
    }

    /// The index of an ID in the list.
    pub fn find(&self, list: &ContactList, id: &str) -> Option<usize> {
        let (ids, form) = (list.ids(), Form::of(id));
        let is_same = |place: &u32| ids.form(*place as usize) == form;
        self.places.find(form.hash(), is_same).map(|place| *place as usize)
    }
}
