//! Reads the first page of a few contacts, evenly spread over the list. The other checks use this sample.

use std::collections::HashMap;

use futures::{StreamExt, stream};

use super::finding::{Cause, Finding};
use super::probe_page::{PageReader, ProbedPage};
use crate::api::{Failure, Fatal};
use crate::contacts::ContactList;
use crate::id::ContactId;

/// Maximum number of contacts in the sample.
const MAX_CONTACTS: usize = 10;
/// Number of concurrent requests, low to spare the service.
const CONCURRENCY: usize = 4;

/// Number of identical first pages that raise a doubt.
const MIN_IDENTICAL: usize = 3;

/// A sampled contact with its first page.
#[derive(Debug)]
pub struct Sampled {
    pub contact: ContactId,
    /// Index of the contact in the list.
    pub index: usize,
    pub first: ProbedPage,
}

/// Results of all sampled contacts.
#[derive(Debug, Default)]
pub struct Sample {
    /// Contacts that were read, in the order of the list, including empty ones.
    pub read: Vec<Sampled>,
    /// Number of contacts that do not exist.
    pub not_found: u64,
    /// Contacts that cannot be read, with the reason.
    failed: Vec<(ContactId, ReadFailure)>,
}

#[derive(Debug)]
struct ReadFailure {
    kind: Kind,
    what: String,
}

/// Kind of a failure to read a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A refusal with this HTTP status.
    Status(u16),
    /// A response that is not a page of the contact.
    NotAnAnswer,
    /// No response, or one that is too large.
    Unreadable,
}

impl Sample {
    /// Number of sampled contacts.
    pub fn len(&self) -> u64 {
        self.read.len() as u64 + self.not_found + self.failed.len() as u64
    }

    /// Returns the largest number of identical first pages, among those that do not name their contact.
    fn identical(&self) -> usize {
        let pages = self.read.iter().map(|sampled| &sampled.first).filter(|first| !first.names_contact);
        let mut counts: HashMap<Vec<u128>, usize> = HashMap::new();
        for first in pages.filter(|first| !first.messages.is_empty()) {
            let mut keys: Vec<u128> = first.keys().into_iter().collect();
            keys.sort_unstable();
            *counts.entry(keys).or_default() += 1;
        }
        counts.into_values().max().unwrap_or(0)
    }

    /// Returns the contact for the paging checks: its first page has the largest conversation.
    pub fn subject(&self) -> Option<&Sampled> {
        self.read.iter().max_by_key(|sampled| {
            (sampled.first.largest(), sampled.first.len(), std::cmp::Reverse(sampled.index))
        })
    }
}

/// Reads the first page of each sampled contact.
///
/// # Errors
/// If the API fails in a way that ends a run.
pub async fn take(reader: &PageReader<'_>, contacts: &ContactList, page_size: u32) -> Result<Sample, Fatal> {
    let read = |index: usize| async move {
        let contact = contacts.get(index);
        let page = reader.page(&contact, 0, page_size).await;
        (index, contact, page)
    };
    let mut pages = stream::iter(spread(contacts.len())).map(read).buffered(CONCURRENCY);
    let mut sample = Sample::default();
    while let Some((index, contact, page)) = Box::pin(pages.next()).await {
        let failed = match page {
            Ok(first) if first.shows_contact => {
                sample.read.push(Sampled { contact, index, first });
                continue;
            }
            Ok(_) | Err(Failure::NotFound) => {
                sample.not_found += 1;
                continue;
            }
            Err(Failure::Fatal(stop)) => return Err(stop),
            Err(Failure::Unwanted) => return Err(Fatal::Cancelled),
            Err(Failure::AskLess) => ReadFailure {
                kind: Kind::Unreadable,
                what: "a single message is too large for the server".to_owned(),
            },
            Err(Failure::Refused { status, what }) => ReadFailure { kind: Kind::Status(status), what },
            Err(Failure::NotAnAnswer { what }) => ReadFailure { kind: Kind::NotAnAnswer, what },
            Err(Failure::Unanswered { what } | Failure::Unreadable { what }) => {
                ReadFailure { kind: Kind::Unreadable, what }
            }
        };
        sample.failed.push((contact, failed));
    }
    Ok(sample)
}

/// Returns indexes that are evenly spread over a list of this length, including the first and the last.
fn spread(count: usize) -> Vec<usize> {
    let size = count.min(MAX_CONTACTS);
    (0..size).map(|nth| if size == 1 { 0 } else { nth * (count - 1) / (size - 1) }).collect()
}

/// Returns the finding about the sampled contacts.
pub fn finding(sample: &Sample) -> Finding {
    let asked = sample.len();
    let empty = sample.read.iter().filter(|sampled| sampled.first.messages.is_empty()).count() as u64;
    let with_messages = sample.read.len() as u64 - empty;
    let others = [(empty, "empty"), (sample.not_found, "not found"), (sample.failed.len() as u64, "failed")];
    let others = others.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let parts: Vec<String> =
        std::iter::once(format!("{with_messages} with messages")).chain(others).collect();
    let detail = format!("{asked} sampled: {}", parts.join(", "));
    let finding = match sample.failed.first() {
        Some((_, refusal)) if sample.failed.len() as u64 == asked => {
            let all =
                |is_such: fn(Kind) -> bool| sample.failed.iter().all(|(_, refusal)| is_such(refusal.kind));
            let cause = if all(|kind| matches!(kind, Kind::Status(_))) {
                let unauthorized = all(|kind| matches!(kind, Kind::Status(401 | 403)));
                Cause::AllRefused { unauthorized }
            } else if all(|kind| kind == Kind::NotAnAnswer) {
                Cause::AnswersChanged
            } else {
                Cause::Unreadable
            };
            let prefix = match cause {
                Cause::AnswersChanged => "the API's responses have changed: ",
                _ => "",
            };
            Finding::fail(
                "contact",
                cause,
                format!("{prefix}all {asked} sampled contacts failed, the first with {}", refusal.what),
            )
        }
        Some((contact, refusal)) => {
            Finding::warn("contact", format!("{detail}; contact {contact}: {}", refusal.what))
        }
        None if sample.read.is_empty() => {
            Finding::warn("contact", format!("{detail}: check that the list belongs to this account"))
        }
        None if sample.identical() >= MIN_IDENTICAL => Finding::warn(
            "contact",
            format!(
                "{detail}; {} have the same messages: something between here and the API may ignore the query",
                sample.identical()
            ),
        ),
        None => Finding::ok("contact", detail),
    };
    finding
        .with("asked", asked)
        .with("with_messages", with_messages)
        .with("empty", empty)
        .with("not_found", sample.not_found)
        .with("failed", sample.failed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_spread_evenly() {
        assert!(spread(0).is_empty());
        assert_eq!(spread(1), [0]);
        assert_eq!(spread(3), [0, 1, 2]);
        assert_eq!(spread(10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(spread(1000), [0, 111, 222, 333, 444, 555, 666, 777, 888, 999]);
    }
}
