//! A model of a list of contacts that changes while it is read, and of its server.

use std::cell::RefCell;
use std::collections::BTreeSet;

use fastrand::Rng;
use futures::FutureExt;

use super::seen_contacts::SeenContacts;
use super::{ListSource, ListingError, read};
use crate::api::Failure;
use crate::record::listing::{Listed, ListedContact, ListingPage};

/// Sort order of a server's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Activity,
    Reversed,
    Id,
}

/// Behavior of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServerModel {
    pub order: Order,
    pub clamp: u32,
    pub max_limit: u32,
    pub ignores_offset: bool,
    /// Seed of the offsets at which parts are short. Zero means none.
    pub short_parts: u64,
}

impl ServerModel {
    /// Maximum number of contacts in the part at this offset.
    fn most(&self, offset: usize, limit: u32) -> usize {
        let most = limit.min(self.clamp) as usize;
        let mut rng = Rng::with_seed(self.short_parts ^ offset as u64);
        if self.short_parts > 0 && rng.u32(0..3) == 0 { rng.usize(1..=most) } else { most }
    }
}

pub const DOCUMENTED: ServerModel =
    ServerModel { order: Order::Activity, clamp: 100, max_limit: 100, ignores_offset: false, short_parts: 0 };

/// Change of the list between two requests.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    Rest,
    /// The contact at this position becomes active.
    Active(usize),
    /// The contact at this position is removed.
    Removed(usize),
    /// A new contact appears.
    New,
    /// The contact at this position becomes active, at a time in the future.
    Future(usize),
}

pub struct Model {
    pub server: ServerModel,
    state: RefCell<State>,
}

struct State {
    /// Contacts with the time of their latest activity.
    contacts: Vec<(u32, i64)>,
    now: i64,
    changes: Vec<Change>,
    /// Contacts that existed from the start until now.
    stable: BTreeSet<String>,
    requests: u32,
}

impl Model {
    pub fn new(count: u32, server: ServerModel, mut changes: Vec<Change>) -> Self {
        changes.reverse();
        let contacts: Vec<_> = (0..count).map(|id| (id, i64::from(id))).collect();
        let stable = (0..count).map(name).collect();
        let state = State { contacts, now: 1_000_000, changes, stable, requests: 0 };
        Self { server, state: RefCell::new(state) }
    }

    pub fn list(&self, page_size: u32) -> (Result<Option<String>, ListingError>, Vec<String>) {
        let mut seen = SeenContacts::with_all_fields();
        let doubt = read(self, page_size, &mut seen).now_or_never().expect("the model never waits");
        (doubt, seen.into_contacts().into_iter().map(|contact| contact.contact_id.to_string()).collect())
    }

    /// Number of requests so far.
    pub fn requests(&self) -> u32 {
        self.state.borrow().requests
    }

    /// Returns the stable contacts that are not listed.
    pub fn missing(&self, listed: &[String]) -> Vec<String> {
        let listed: BTreeSet<_> = listed.iter().cloned().collect();
        self.state.borrow().stable.difference(&listed).cloned().collect()
    }
}

fn name(id: u32) -> String {
    format!("contact-{id:05}")
}

impl State {
    fn pass(&mut self) {
        self.now += 1;
        let count = self.contacts.len();
        match self.changes.pop().unwrap_or(Change::Rest) {
            Change::Active(at) if count > 0 => self.contacts[at % count].1 = self.now,
            Change::Future(at) if count > 0 => self.contacts[at % count].1 = self.now + 1_000_000,
            Change::Removed(at) if count > 0 => {
                let (id, _) = self.contacts.remove(at % count);
                self.stable.remove(&name(id));
            }
            Change::New => self.contacts.push((10_000 + u32::try_from(self.now % 10_000).unwrap(), self.now)),
            _ => {}
        }
    }
}

impl ListSource for Model {
    async fn request(&self, offset: u64, limit: u32, _: u64) -> Result<ListingPage, Failure> {
        let mut state = self.state.borrow_mut();
        state.requests += 1;
        assert!(state.requests < 20_000, "it never ends");
        if limit > self.server.max_limit {
            return Err(Failure::AskLess);
        }
        for _ in 0..3 {
            state.pass();
        }
        let mut sorted = state.contacts.clone();
        match self.server.order {
            Order::Activity => sorted.sort_by_key(|(id, at)| (std::cmp::Reverse(*at), *id)),
            Order::Reversed => sorted.sort_by_key(|(id, at)| (*at, *id)),
            Order::Id => sorted.sort_unstable(),
        }
        let offset = if self.server.ignores_offset { 0 } else { usize::try_from(offset).unwrap() };
        let part = sorted.into_iter().skip(offset).take(self.server.most(offset, limit));
        Ok(ListingPage { places: part.map(|(id, at)| listed(id, at)).collect() })
    }
}

fn listed(id: u32, at: i64) -> Listed {
    Listed::Contact(Box::new(ListedContact {
        contact_id: name(id).parse().unwrap(),
        contact_name: None,
        phone_number: None,
        email: None,
        conversation_status: None,
        assigned_to: None,
        unread_message_count: None,
        latest_message_time: Some((1_700_000_000 + at).to_string().into()),
        channels: Box::default(),
    }))
}
