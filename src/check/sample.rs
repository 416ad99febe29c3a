//! A few contacts, evenly spread over the list, and the first page of each: what the rest is found out with.

use std::collections::HashMap;

use futures::{StreamExt, stream};

use super::ask::{Asker, Part};
use super::finding::{Cause, Finding, Findings};
use crate::api::{Failure, Stop};
use crate::contacts::ContactList;
use crate::id::ContactId;

/// Contacts asked for.
const MOST: usize = 10;
/// Of these, so many at a time: to look around, and not to press.
const AT_ONCE: usize = 4;

/// Contacts with the same first page that raise a doubt.
const ALIKE: usize = 3;

/// A contact of the sample.
#[derive(Debug)]
pub struct Sampled {
    /// Which.
    pub contact: ContactId,
    /// Its place in the list.
    pub place: usize,
    /// Its first page.
    pub first: Part,
}

/// The sample.
#[derive(Debug, Default)]
pub struct Sample {
    /// Contacts that were answered, in the order of the list; empty ones too.
    pub read: Vec<Sampled>,
    /// How many the API does not know.
    pub not_found: u64,
    /// Those that cannot be read, with the reason.
    failed: Vec<(ContactId, Refusal)>,
}

#[derive(Debug)]
struct Refusal {
    kind: Kind,
    what: String,
}

/// The reason why a contact could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A refusal with this status.
    Status(u16),
    /// An answer that is not what was asked for.
    NotAnAnswer,
    /// No answer, or one that is too large.
    Unreadable,
}

impl Sample {
    /// How many were asked for.
    pub fn asked(&self) -> u64 {
        self.read.len() as u64 + self.not_found + self.failed.len() as u64
    }

    /// The most contacts with the same first page, among those whose answers do not name them.
    fn alike(&self) -> usize {
        let pages = self.read.iter().map(|sampled| &sampled.first).filter(|first| !first.names_contact);
        let mut counts: HashMap<Vec<u128>, usize> = HashMap::new();
        for first in pages.filter(|first| !first.messages.is_empty()) {
            let mut keys: Vec<u128> = first.keys().into_iter().collect();
            keys.sort_unstable();
            *counts.entry(keys).or_default() += 1;
        }
        counts.into_values().max().unwrap_or(0)
    }

    /// The one that shows most: many messages of one conversation.
    pub fn subject(&self) -> Option<&Sampled> {
        self.read.iter().max_by_key(|sampled| {
            (sampled.first.largest(), sampled.first.len(), std::cmp::Reverse(sampled.place))
        })
    }
}

/// Asks for the first page of each.
///
/// # Errors
/// What ends a run.
pub async fn take(asker: &Asker<'_>, contacts: &ContactList, page_size: u32) -> Result<Sample, Stop> {
    let ask = |place: usize| async move {
        let contact = contacts.get(place);
        let page = asker.page(&contact, 0, page_size).await;
        (place, contact, page)
    };
    let mut answers = stream::iter(places(contacts.len())).map(ask).buffered(AT_ONCE);
    let mut sample = Sample::default();
    while let Some((place, contact, page)) = Box::pin(answers.next()).await {
        let failed = match page {
            Ok(first) if first.shows_contact => {
                sample.read.push(Sampled { contact, place, first });
                continue;
            }
            Ok(_) | Err(Failure::NotFound) => {
                sample.not_found += 1;
                continue;
            }
            Err(Failure::Stop(stop)) => return Err(stop),
            Err(Failure::Unwanted) => return Err(Stop::Cancelled),
            Err(Failure::AskLess) => Refusal {
                kind: Kind::Unreadable,
                what: "a single message is too much for the server".to_owned(),
            },
            Err(Failure::Refused { status, what }) => Refusal { kind: Kind::Status(status), what },
            Err(Failure::NotAnAnswer { what }) => Refusal { kind: Kind::NotAnAnswer, what },
            Err(Failure::Unanswered { what } | Failure::Unreadable { what }) => {
                Refusal { kind: Kind::Unreadable, what }
            }
        };
        sample.failed.push((contact, failed));
    }
    Ok(sample)
}

/// Places evenly spread over so many, the first and the last among them.
fn places(count: usize) -> Vec<usize> {
    let most = count.min(MOST);
    (0..most).map(|nth| if most == 1 { 0 } else { nth * (count - 1) / (most - 1) }).collect()
}

/// What the sample says of the contacts.
pub fn tell(sample: &Sample, found: &mut Findings) {
    let asked = sample.asked();
    let empty = sample.read.iter().filter(|sampled| sampled.first.messages.is_empty()).count() as u64;
    let with_messages = sample.read.len() as u64 - empty;
    let others = [(empty, "empty"), (sample.not_found, "not found"), (sample.failed.len() as u64, "failed")];
    let others = others.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let parts: Vec<String> =
        std::iter::once(format!("{with_messages} with messages")).chain(others).collect();
    let detail = format!("{asked} asked for: {}", parts.join(", "));
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
            let so = match cause {
                Cause::AnswersChanged => "the API's answers have changed: ",
                _ => "",
            };
            Finding::fail(
                "contact",
                cause,
                format!("{so}all {asked} asked for failed, the first with {}", refusal.what),
            )
        }
        Some((contact, refusal)) => {
            Finding::warn("contact", format!("{detail}; contact {contact}: {}", refusal.what))
        }
        None if sample.read.is_empty() => {
            Finding::warn("contact", format!("{detail}: are these the account's contacts?"))
        }
        None if sample.alike() >= ALIKE => Finding::warn(
            "contact",
            format!(
                "{detail}; {} have the same messages: something between here and the API may ignore the query",
                sample.alike()
            ),
        ),
        None => Finding::ok("contact", detail),
    };
    found.put(
        finding
            .with("asked", asked)
            .with("with_messages", with_messages)
            .with("empty", empty)
            .with("not_found", sample.not_found)
            .with("failed", sample.failed.len()),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_spread_evenly() {
        assert!(places(0).is_empty());
        assert_eq!(places(1), [0]);
        assert_eq!(places(3), [0, 1, 2]);
        assert_eq!(places(10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(places(1000), [0, 111, 222, 333, 444, 555, 666, 777, 888, 999]);
    }
}
