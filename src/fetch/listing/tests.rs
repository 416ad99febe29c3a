//! Listing against a model of a changing list, on servers of several kinds.

use std::cell::RefCell;
use std::collections::BTreeSet;

use futures::FutureExt;
use proptest::prelude::*;

use super::seen_contacts::SeenContacts;
use super::{ListSource, ListingError, read};
use crate::api::Failure;
use crate::record::listing::{Listed, ListedContact, ListingPage};

/// Sort order of a server's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Activity,
    Reversed,
    Id,
}

/// Behavior of a server.
#[derive(Clone, Copy, Debug)]
struct ServerModel {
    order: Order,
    clamp: u32,
    max_limit: u32,
    ignores_offset: bool,
}

const DOCUMENTED: ServerModel =
    ServerModel { order: Order::Activity, clamp: 100, max_limit: 100, ignores_offset: false };

/// Change of the list between two requests.
#[derive(Clone, Copy, Debug)]
enum Change {
    Rest,
    /// The contact at this position becomes active.
    Active(usize),
    /// The contact at this position is removed.
    Removed(usize),
    /// A new contact appears.
    New,
}

struct Model {
    server: ServerModel,
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
    fn new(count: u32, server: ServerModel, mut changes: Vec<Change>) -> Self {
        changes.reverse();
        let contacts: Vec<_> = (0..count).map(|id| (id, i64::from(id))).collect();
        let stable = (0..count).map(name).collect();
        let state = State { contacts, now: 1_000_000, changes, stable, requests: 0 };
        Self { server, state: RefCell::new(state) }
    }

    fn list(&self, page_size: u32) -> (Result<Option<String>, ListingError>, Vec<String>) {
        let mut seen = SeenContacts::with_all_fields();
        let doubt = read(self, page_size, &mut seen).now_or_never().expect("the model never waits");
        (doubt, seen.into_contacts().into_iter().map(|contact| contact.contact_id.to_string()).collect())
    }

    /// Returns the stable contacts that are not listed.
    fn missing(&self, listed: &[String]) -> Vec<String> {
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
        let part = sorted.into_iter().skip(offset).take(limit.min(self.server.clamp) as usize);
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

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        3 => Just(Change::Rest),
        6 => (0..400_usize).prop_map(Change::Active),
        1 => (0..400_usize).prop_map(Change::Removed),
        1 => Just(Change::New),
    ];
    proptest::collection::vec(change, 0..600)
}

fn server() -> impl Strategy<Value = ServerModel> {
    let order = prop_oneof![4 => Just(Order::Activity), 1 => Just(Order::Reversed), 1 => Just(Order::Id)];
    let clamp = prop_oneof![3 => Just(100_u32), 1 => 1..30_u32];
    let max_limit = prop_oneof![3 => Just(100_u32), 1 => 1..30_u32];
    (order, clamp, max_limit).prop_map(|(order, clamp, max_limit)| ServerModel {
        order,
        clamp,
        max_limit,
        ignores_offset: false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// In a list sorted by activity, every stable contact is listed, or the result is doubtful.
    #[test]
    fn no_stable_contact_is_missing(
        count in 0..300_u32,
        page_size in 1..=40_u32,
        server in server(),
        changes in changes(),
    ) {
        let model = Model::new(count, server, changes);
        let (doubt, listed) = model.list(page_size);
        let unique: BTreeSet<_> = listed.iter().collect();
        prop_assert_eq!(unique.len(), listed.len(), "none twice");
        if doubt.expect("the list is read").is_none() {
            prop_assert_eq!(model.missing(&listed), Vec::<String>::new());
        }
    }

    /// A list that does not change is never doubtful, and costs only a few requests more than its parts.
    #[test]
    fn an_unchanging_list_is_proved(count in 0..300_u32, page_size in 2..=100_u32, server in server()) {
        let model = Model::new(count, server, Vec::new());
        let (doubt, listed) = model.list(page_size);
        prop_assert_eq!(doubt.expect("the list is read"), None);
        prop_assert_eq!(listed.len(), count as usize);
        let part = page_size.min(server.clamp).min(server.max_limit);
        let passes = if server.order == Order::Activity { 1 } else { 2 };
        if part == page_size && part > 10 {
            let least = count / (part - 1) + 1;
            let requests = model.state.borrow().requests;
            prop_assert!(requests <= passes * (least + 5) + 1, "{requests} requests");
        }
    }
}

#[test]
fn an_always_active_contact_is_listed_once() {
    // The last contact moves to the front before its part is read, and others move in front of it.
    let mut changes = vec![Change::Rest; 3];
    changes.push(Change::Active(0));
    changes.extend((1..200).map(|at| Change::Active(at * 7)));
    let model = Model::new(300, DOCUMENTED, changes);
    let (doubt, listed) = model.list(20);
    assert_eq!(doubt.unwrap(), None);
    assert_eq!(listed.len(), 300);
    assert_eq!(model.missing(&listed), Vec::<String>::new());
}

#[test]
fn a_list_that_changes_too_fast_is_doubtful() {
    let changes = (0..60_000).map(|at| Change::Active(at * 7919)).collect();
    let (doubt, listed) = Model::new(50, DOCUMENTED, changes).list(2);
    assert!(doubt.unwrap().is_some_and(|why| why.contains("contacts may be missing")));
    assert!(listed.len() > 25);
}

#[test]
fn a_server_that_ignores_the_offset_is_detected() {
    let server = ServerModel { ignores_offset: true, ..DOCUMENTED };
    let (doubt, _) = Model::new(50, server, Vec::new()).list(20);
    assert!(matches!(doubt, Err(ListingError::OffsetIgnored)));
}
