//! What the simulator was asked and how it answered: the numbers that tests of politeness and retries look at.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// The endpoints that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Endpoint {
    /// Signing in.
    #[serde(rename = "get_id_token")]
    SignIn,
    /// A contact's messages.
    #[serde(rename = "get_contact_conversation_messages")]
    Messages,
    /// The account's contacts.
    #[serde(rename = "get_contact_conversations")]
    Contacts,
    /// Any other path.
    #[serde(rename = "other")]
    Other,
}

/// Numbers since the start or the last reset.
///
/// A request counts as in flight from when its head was read until its last byte was handed to the socket, which is
/// always within the time that the client counts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    /// All requests, refused ones included; those of the `/_…` endpoints are never counted.
    pub requests: u64,
    /// Requests by endpoint.
    pub by_endpoint: BTreeMap<Endpoint, u64>,
    /// Answers by status code, and `reset` for connections reset instead.
    pub by_status: BTreeMap<String, u64>,
    /// Most requests in flight at once.
    pub max_in_flight: u64,
    /// Most requests for messages in flight at once.
    pub max_messages_in_flight: u64,
    /// Most requests that arrived within one second, wherever it begins.
    pub max_per_second: u64,
    /// Successful sign-ins.
    pub sign_ins: u64,
    /// Bytes of bodies sent.
    pub bytes_sent: u64,
    /// Requests for messages or contacts by the scheme of their Authorization header: `bearer`, `raw` or `none`.
    /// Those that a fault kept from the check of the token are not among them.
    pub auth_schemes: BTreeMap<String, u64>,
    /// Requests for messages by contact.
    pub contacts: HashMap<String, u64>,
}

#[derive(Debug, Default)]
struct Book {
    stats: Stats,
    in_flight: u64,
    messages_in_flight: u64,
    recent: VecDeque<Instant>,
}

/// Where the numbers are kept.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Book>);

/// A request as it arrived: its number of those of the same subject (contact or endpoint), and its being in flight.
#[derive(Debug)]
pub struct Arrival {
    /// Counted from 1.
    pub nth: u64,
    /// To be kept until the answer is on its way.
    pub flight: Flight,
}

impl Ledger {
    /// Notes that a request has arrived.
    pub fn arrive(self: &Arc<Self>, endpoint: Endpoint, contact: Option<&str>) -> Arrival {
        let mut book = self.book();
        let book = &mut *book;
        book.stats.requests += 1;
        let of_endpoint = book.stats.by_endpoint.entry(endpoint).or_default();
        *of_endpoint += 1;
        let nth = match contact {
            Some(contact) => {
                let of_contact = book.stats.contacts.entry(contact.to_owned()).or_default();
                *of_contact += 1;
                *of_contact
            }
            None => *of_endpoint,
        };
        book.in_flight += 1;
        book.stats.max_in_flight = book.stats.max_in_flight.max(book.in_flight);
        if endpoint == Endpoint::Messages {
            book.messages_in_flight += 1;
            book.stats.max_messages_in_flight =
                book.stats.max_messages_in_flight.max(book.messages_in_flight);
        }
        let within = count_in_window(&mut book.recent, Instant::now());
        book.stats.max_per_second = book.stats.max_per_second.max(within);
        Arrival { nth, flight: Flight { ledger: Arc::clone(self), endpoint } }
    }

    /// Notes how a request was answered.
    pub fn answered(&self, status: &str) {
        *self.book().stats.by_status.entry(status.to_owned()).or_default() += 1;
    }

    /// Notes the scheme that a request named itself with.
    pub fn authorised_by(&self, scheme: &str) {
        *self.book().stats.auth_schemes.entry(scheme.to_owned()).or_default() += 1;
    }

    /// Notes a successful sign-in.
    pub fn signed_in(&self) {
        self.book().stats.sign_ins += 1;
    }

    /// The numbers so far.
    pub fn stats(&self) -> Stats {
        self.book().stats.clone()
    }

    /// Starts all numbers from 0; what is in flight stays so.
    pub fn reset(&self) {
        let mut book = self.book();
        book.stats = Stats {
            max_in_flight: book.in_flight,
            max_messages_in_flight: book.messages_in_flight,
            ..Stats::default()
        };
        book.recent.clear();
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds `now` to the times of the last second and says how many they are.
pub fn count_in_window(recent: &mut VecDeque<Instant>, now: Instant) -> u64 {
    while recent.front().is_some_and(|first| now.duration_since(*first) >= Duration::from_secs(1)) {
        recent.pop_front();
    }
    recent.push_back(now);
    u64::try_from(recent.len()).expect("a length fits 64 bits")
}

/// A request in flight, until dropped.
#[derive(Debug)]
pub struct Flight {
    ledger: Arc<Ledger>,
    endpoint: Endpoint,
}

impl Flight {
    /// Notes bytes that were handed to the socket.
    pub fn sent(&self, bytes: usize) {
        self.ledger.book().stats.bytes_sent += u64::try_from(bytes).expect("a length fits 64 bits");
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut book = self.ledger.book();
        book.in_flight -= 1;
        if self.endpoint == Endpoint::Messages {
            book.messages_in_flight -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_counted_wherever_it_begins() {
        let start = Instant::now();
        let mut recent = VecDeque::new();
        let mut at = |millis| count_in_window(&mut recent, start + Duration::from_millis(millis));
        let counts = [0, 600, 900, 999, 1000, 1599, 1600, 5000].map(&mut at);
        assert_eq!(counts, [1, 2, 3, 4, 4, 5, 5, 1]);
    }
}
