//! Conversations that go on while they are read: messages that come and go between two requests.
//!
//! Kept only for contacts that were touched. A message that was there from the start and is still there is *stable*:
//! no exporter may miss it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::options::ChangeOptions;
use super::story::{Contact, Dice, Mask, Timeline};

/// How a contact differs from what its ID says.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Messages added after the last one, by their numbers among all that ever came.
    pub added: Vec<u64>,
    /// Messages removed, by their place in time.
    pub removed: BTreeSet<u64>,
    /// How often messages were edited, by their place in time.
    pub edited: BTreeMap<u64, u64>,
}

/// The changes of all contacts.
#[derive(Debug)]
pub struct Drift {
    options: ChangeOptions,
    changes: Mutex<HashMap<String, Changes>>,
    count: AtomicU64,
    /// Messages that were added to anybody.
    came: AtomicU64,
}

impl Drift {
    /// No changes yet.
    pub fn new(options: ChangeOptions) -> Self {
        Self { options, changes: Mutex::default(), count: AtomicU64::new(0), came: AtomicU64::new(0) }
    }

    /// How many changes there have been, to know when something derived from them is out of date.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// What of the contact is there now. Its clock learns when the late ones came.
    pub fn now(&self, contact: &mut Contact) -> Living {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        Living::new(contact, changes.get(&contact.id).cloned().unwrap_or_default())
    }

    /// Somebody of the account writes, perhaps, as `dice` fall: one of `ids`. They move to the front of the list.
    pub fn pass_over_list(&self, ids: &[&str], mut dice: Dice) {
        if ids.is_empty() || !dice.happens(self.options.list_drift) {
            return;
        }
        let mut all = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((*dice.pick(ids)).to_owned()).or_default().added.push(self.next_number());
        drop(all);
        self.count.fetch_add(1, Ordering::Release);
    }

    /// The contact writes so many messages.
    pub fn add(&self, id: &str, count: u64) {
        self.change(id, |changes| changes.added.extend((0..count).map(|_| self.next_number())));
    }

    /// A message is edited, if it is there.
    pub fn edit(&self, id: &str, index: u64) -> bool {
        self.change(id, |changes| {
            let is_there = !changes.removed.contains(&index);
            *changes.edited.entry(index).or_default() += u64::from(is_there);
            is_there
        })
    }

    /// A message is deleted, if it is there.
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

    /// Lets time pass for the contact, as `dice` fall, and says what is there then.
    pub fn pass(&self, contact: &mut Contact, mut dice: Dice) -> Living {
        let add = dice.happens(self.options.drift_insert) && !contact.conversations.is_empty();
        let remove = dice.happens(self.options.drift_delete);
        if !add && !remove {
            return self.now(contact);
        }
        let mut all = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = all.entry(contact.id.clone()).or_default();
        if add {
            changes.added.push(self.next_number());
        }
        if remove {
            let living = Living::new(contact, changes.clone());
            let all = contact.mask(None);
            if let Some(index) = living.nth(all, dice.below(living.count(all))) {
                changes.removed.insert(index);
            }
        }
        let living = Living::new(contact, changes.clone());
        drop(all);
        self.count.fetch_add(1, Ordering::Release);
        living
    }
}

/// The messages of a contact that are there at one moment.
#[derive(Clone, Debug)]
pub struct Living {
    timeline: Timeline,
    removed: BTreeSet<u64>,
    original: u64,
}

impl Living {
    fn new(contact: &mut Contact, changes: Changes) -> Self {
        let mut timeline = contact.timeline.clone();
        timeline.extend(changes.added.len() as u64);
        contact.clock.came_late(&changes.added);
        contact.edited = changes.edited;
        Self { timeline, removed: changes.removed, original: contact.size }
    }

    /// How many messages the conversations of `mask` have.
    pub fn count(&self, mask: Mask) -> u64 {
        let removed = u64::try_from(self.gone(mask).count()).expect("a length fits 64 bits");
        self.timeline.count(mask) - removed
    }

    /// The number of message `rank`, from 0 and oldest first, among those of `mask` that are there.
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

    /// Whether a message that is there has been there from the start.
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
        fn what_is_there_is_all_there_was_and_came_but_for_what_went(
            seed in 0_u64..50,
            added in 0_u64..10,
            removed in proptest::collection::btree_set(0_u64..80, 0..40),
            mask in 1_u8..32,
        ) {
            let wild = Wild { chance: 0.0, kind: WildKind::All };
            let mut contact = Story { seed, max_messages: 100, wild }.contact("messages-80-x").unwrap();
            let numbers = (0..added).collect();
            let living = Living::new(&mut contact, Changes { added: numbers, removed: removed.clone(), ..Changes::default() });
            let is_there = |index: &u64| {
                !removed.contains(index) && mask & (1 << living.timeline.owner(*index)) != 0
            };
            let expected: Vec<u64> = (0..80 + added).filter(is_there).collect();
            prop_assert_eq!(living.count(mask), expected.len() as u64);
            let found: Vec<u64> = (0..living.count(mask)).filter_map(|rank| living.nth(mask, rank)).collect();
            prop_assert_eq!(living.last(mask), expected.last().copied());
            prop_assert_eq!(found, expected);
        }
    }
}
