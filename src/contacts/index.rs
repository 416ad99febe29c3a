//! Finds an ID in a list, with five to ten bytes for each.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64;

use super::list::ContactList;
use crate::id::ContactId;

/// The indices of the IDs of one list, by their hashes. The list holds the texts.
#[derive(Default)]
pub struct ContactIndex {
    places: HashTable<u32>,
}

impl ContactIndex {
    /// An index of all IDs of a list.
    pub fn of(list: &ContactList) -> Self {
        let mut places = HashTable::with_capacity(list.len());
        for (place, id) in (0_u32..).zip(list.iter()) {
            places.insert_unique(hash(id), place, |place| hash(list.text_at(*place as usize)));
        }
        Self { places }
    }

    /// Adds an ID to the list, unless it is there already; false if it is.
    pub fn add(&mut self, list: &mut ContactList, id: &ContactId, line: u64) -> bool {
        let is_same = |place: &u32| list.text_at(*place as usize) == id.as_str();
        let hash_of = |place: &u32| hash(list.text_at(*place as usize));
        match self.places.entry(hash(id.as_str()), is_same, hash_of) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(u32::try_from(list.len()).unwrap_or(u32::MAX));
                list.push(id, line);
                true
            }
        }
    }

    /// The index of an ID in the list.
    pub fn find(&self, list: &ContactList, id: &str) -> Option<usize> {
        let is_same = |place: &u32| list.text_at(*place as usize) == id;
        self.places.find(hash(id), is_same).map(|place| *place as usize)
    }
}

fn hash(id: &str) -> u64 {
    xxh3_64(id.as_bytes())
}
