//! Statistics of requests and responses, for tests of rate limits, concurrency and retries.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// An endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Endpoint {
    /// Sign-in.
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

/// Statistics since the start or the last reset.
///
/// A request is in flight from the end of its headers until the last byte of the response is handed to the socket. This
/// interval is always within the client's own measurement.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    /// All requests, including refused ones, but without those to the `/_…` endpoints.
    pub requests: u64,
    /// Requests by endpoint.
    pub by_endpoint: BTreeMap<Endpoint, u64>,
    /// Responses by status code. `reset` counts connections that were reset instead.
    pub by_status: BTreeMap<String, u64>,
    /// Maximum number of requests in flight.
    pub max_in_flight: u64,
    /// Maximum number of requests for messages in flight.
    pub max_messages_in_flight: u64,
    /// Maximum number of requests in any period of one second.
    pub max_per_second: u64,
    /// Successful sign-ins.
    pub sign_ins: u64,
    /// Bytes of bodies sent.
    pub bytes_sent: u64,
    /// Requests for messages or contacts by the scheme of their Authorization header: `bearer`, `raw` or `none`.
    /// Requests that a fault stopped before the token check do not count.
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

/// The statistics in progress.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Book>);

/// A request that arrived.
#[derive(Debug)]
pub struct Arrival {
    /// Number of the request among those for the same contact or endpoint, from 1.
    pub nth: u64,
    /// Counts the request as in flight until it is dropped.
    pub flight: Flight,
}

impl Ledger {
    /// Counts a request that arrived.
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

    /// Counts a response.
    pub fn answered(&self, status: &str) {
        *self.book().stats.by_status.entry(status.to_owned()).or_default() += 1;
    }

    /// Counts a scheme of an Authorization header.
    pub fn authorised_by(&self, scheme: &str) {
        *self.book().stats.auth_schemes.entry(scheme.to_owned()).or_default() += 1;
    }

    /// Counts a successful sign-in.
    pub fn signed_in(&self) {
        self.book().stats.sign_ins += 1;
    }

    /// The statistics so far.
    pub fn stats(&self) -> Stats {
        self.book().stats.clone()
    }

    /// Resets all numbers to 0, except the requests in flight.
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

/// Adds `now` to the times of the last second and returns their number.
pub fn count_in_window(recent: &mut VecDeque<Instant>, now: Instant) -> u64 {
    while recent.front().is_some_and(|first| now.duration_since(*first) >= Duration::from_secs(1)) {
        recent.pop_front();
    }
    recent.push_back(now);
    u64::try_from(recent.len()).expect("a length fits 64 bits")
}

/// A request in flight until it is dropped.
#[derive(Debug)]
pub struct Flight {
    ledger: Arc<Ledger>,
    endpoint: Endpoint,
}

impl Flight {
    /// Counts bytes that were handed to the socket.
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
