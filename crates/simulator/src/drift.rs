//! Drift: messages that arrive and disappear between two requests.
//!
//! Only changed contacts take memory. An original message that still exists is *stable*: no exporter may miss it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::options::ChangeOptions;
use super::story::{Contact, Mask, Rng, Timeline};

/// The differences of a contact from its original content.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Messages added at the end. Each number counts the messages added to any contact.
    pub added: Vec<u64>,
    /// Removed messages, by index.
    pub removed: BTreeSet<u64>,
    /// Number of edits per message, by index.
    pub edited: BTreeMap<u64, u64>,
}

/// The changes of all contacts.
#[derive(Debug)]
pub struct Drift {
    options: ChangeOptions,
    changes: Mutex<HashMap<String, Changes>>,
    count: AtomicU64,
    /// Number of messages added to any contact.
    came: AtomicU64,
}

impl Drift {
    /// No changes yet.
    pub fn new(options: ChangeOptions) -> Self {
        Self { options, changes: Mutex::default(), count: AtomicU64::new(0), came: AtomicU64::new(0) }
    }

    /// Number of changes so far. Derived data is current while it stays the same.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// The current messages of the contact. Sets the times of the added ones.
    pub fn now(&self, contact: &mut Contact) -> Snapshot {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        Snapshot::new(contact, changes.get(&contact.id).cloned().unwrap_or_default())
    }

    /// Adds a message to a random contact of `ids`, with the probability of the options. It moves to the front of the list.
    pub fn pass_over_list(&self, ids: &[&str], mut rng: Rng) {
        if ids.is_empty() || !rng.happens(self.options.list_drift) {
            return;
        }
        let mut all = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((*rng.pick(ids)).to_owned()).or_default().added.push(self.next_number());
        drop(all);
        self.count.fetch_add(1, Ordering::Release);
    }

    /// Adds messages to a contact.
    pub fn add(&self, id: &str, count: u64) {
        self.change(id, |changes| changes.added.extend((0..count).map(|_| self.next_number())));
    }

    /// Edits a message if it exists.
    pub fn edit(&self, id: &str, index: u64) -> bool {
        self.change(id, |changes| {
            let is_there = !changes.removed.contains(&index);
            *changes.edited.entry(index).or_default() += u64::from(is_there);
            is_there
        })
    }

    /// Deletes a message if it exists.
    pub fn remove(&self, id: &str, index: u64) -> bool {
        self.change(id, |changes| changes.removed.insert(index))
    }

    fn change<T>(&self, id: &str, change: impl FnOnce(&mut Changes) -> T) -> T {
        let mut all = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(all.entry(id.to_owned()).or_default());
        drop(all);
        self.count.fetch_add(1, Ordering::Release);
        changed
    }

    fn next_number(&self) -> u64 {
        self.came.fetch_add(1, Ordering::Relaxed)
    }

    /// Applies random changes to the contact and returns its messages after them.
    pub fn pass(&self, contact: &mut Contact, mut rng: Rng) -> Snapshot {
        let add = rng.happens(self.options.drift_insert) && !contact.conversations.is_empty();
        let remove = rng.happens(self.options.drift_delete);
        if !add && !remove {
            return self.now(contact);
        }
        let mut all = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = all.entry(contact.id.clone()).or_default();
        if add {
            changes.added.push(self.next_number());
        }
        if remove {
            let snapshot = Snapshot::new(contact, changes.clone());
            let all = contact.mask(None);
            if let Some(index) = snapshot.nth(all, rng.below(snapshot.count(all))) {
                changes.removed.insert(index);
            }
        }
        let snapshot = Snapshot::new(contact, changes.clone());
        drop(all);
        self.count.fetch_add(1, Ordering::Release);
        snapshot
    }
}

/// The messages of a contact at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    timeline: Timeline,
    removed: BTreeSet<u64>,
    original: u64,
}

impl Snapshot {
    fn new(contact: &mut Contact, changes: Changes) -> Self {
        let mut timeline = contact.timeline.clone();
        timeline.extend(changes.added.len() as u64);
        contact.times.set_added(&changes.added);
        contact.edited = changes.edited;
        Self { timeline, removed: changes.removed, original: contact.size }
    }

    /// Number of messages in the conversations of `mask`.
    pub fn count(&self, mask: Mask) -> u64 {
        let removed = u64::try_from(self.gone(mask).count()).expect("a length fits 64 bits");
        self.timeline.count(mask) - removed
    }

    /// Index of the message with this rank (from 0, oldest first) in the conversations of `mask`.
    pub fn nth(&self, mask: Mask, rank: u64) -> Option<u64> {
        let mut rank = rank;
        for gone in self.gone(mask) {
            if self.timeline.rank(mask, gone) > rank {
                break;
            }
            rank += 1;
        }
        self.timeline.nth(mask, rank)
    }

    /// The newest message.
    pub fn last(&self, mask: Mask) -> Option<u64> {
        self.nth(mask, self.count(mask).checked_sub(1)?)
    }

    /// True for an original message.
    pub fn is_stable(&self, index: u64) -> bool {
        index < self.original
    }

    fn gone(&self, mask: Mask) -> impl Iterator<Item = u64> {
        self.removed.iter().copied().filter(move |index| mask & (1 << self.timeline.owner(*index)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::options::WildKind;
    use crate::story::{Story, Wild};

    proptest! {
        #[test]
        fn a_snapshot_holds_original_and_added_messages_without_removed_ones(
            seed in 0_u64..50,
            added in 0_u64..10,
            removed in proptest::collection::btree_set(0_u64..80, 0..40),
            mask in 1_u8..32,
        ) {
            let wild = Wild { chance: 0.0, kind: WildKind::All };
            let mut contact = Story { seed, max_messages: 100, receipts: 1.0, wild, has_canaries: false }.contact("messages-80-x").unwrap();
            let numbers = (0..added).collect();
            let snapshot = Snapshot::new(&mut contact, Changes { added: numbers, removed: removed.clone(), ..Changes::default() });
            let is_there = |index: &u64| {
                !removed.contains(index) && mask & (1 << snapshot.timeline.owner(*index)) != 0
            };
            let expected: Vec<u64> = (0..80 + added).filter(is_there).collect();
            prop_assert_eq!(snapshot.count(mask), expected.len() as u64);
            let found: Vec<u64> = (0..snapshot.count(mask)).filter_map(|rank| snapshot.nth(mask, rank)).collect();
            prop_assert_eq!(snapshot.last(mask), expected.last().copied());
            prop_assert_eq!(found, expected);
        }
    }
}
