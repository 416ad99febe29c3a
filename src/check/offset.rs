//! Checks `offset`: the unit that it counts, and the order of the messages.
//!
//! A page from inside the first page must contain exactly the rest of it. If it equals the first page, the
//! server may ignore `offset`, or the history has changed. A page far beyond the end decides: only a server
//! that ignores `offset` sends one.

use super::finding::{Cause, Finding};
use super::probe_page::{PageReader, ProbedMessage, ProbedPage};
use super::sample::Sampled;
use crate::api::Failure;

/// Number of attempts if the history changes during the check.
const ATTEMPTS: u32 = 2;
/// Offset far beyond the end of any history.
const FAR_BEYOND: u64 = 1_000_000;

/// Meaning of `offset` to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetMeaning {
    /// Counts messages over all conversations.
    Messages,
    /// Counts messages inside each conversation.
    PerConversation,
    /// Has no effect.
    Ignored,
    /// The pages do not fit together.
    Unclear,
}

/// The order of messages over the offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageOrder {
    /// The newest at offset 0.
    NewestFirst,
    /// The oldest at offset 0.
    OldestFirst,
    /// Not by time.
    Neither,
    /// The messages have no times, or equal ones.
    Unknown,
}

/// Requests a page from inside the first page of this contact, which has at least two messages.
///
/// # Errors
/// If a page cannot be read.
pub async fn probe(
    reader: &PageReader<'_>,
    subject: &Sampled,
) -> Result<(OffsetMeaning, MessageOrder), Failure> {
    let mut first = subject.first.clone();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            first = reader.page(&subject.contact, 0, first.limit).await?;
        }
        // Half of the longest conversation. So a part of the page remains, whatever the offset counts.
        let offset = (first.largest() / 2).max(1);
        let later = reader.page(&subject.contact, offset, first.limit).await?;
        let found = match meaning(&first, &later, offset) {
            OffsetMeaning::Ignored => {
                let beyond = reader.page(&subject.contact, FAR_BEYOND, first.limit).await?;
                if beyond.messages.is_empty() { OffsetMeaning::Unclear } else { OffsetMeaning::Ignored }
            }
            found => found,
        };
        if found != OffsetMeaning::Unclear {
            return Ok((found, order(found, &first, &later)));
        }
    }
    Ok((OffsetMeaning::Unclear, MessageOrder::Unknown))
}

/// Returns the meaning of `offset` that explains the messages of the second page.
fn meaning(first: &ProbedPage, later: &ProbedPage, offset: u64) -> OffsetMeaning {
    let known = first.keys();
    let shared = later.messages.iter().filter(|message| known.contains(&message.key)).count() as u64;
    let is_first_again =
        !later.messages.is_empty() && later.messages.iter().zip(&first.messages).all(|(a, b)| a.key == b.key);
    let over_all = first.len().saturating_sub(offset).min(later.len());
    let inside_each: u64 =
        first.by_conversation().into_values().map(|count| count.saturating_sub(offset)).sum();
    if is_first_again && later.len() <= first.len() {
        OffsetMeaning::Ignored
    } else if shared == over_all && shared > 0 {
        OffsetMeaning::Messages
    } else if shared == inside_each && shared > 0 {
        OffsetMeaning::PerConversation
    } else {
        OffsetMeaning::Unclear
    }
}

/// Returns the order of the messages that the offset skips, compared with the rest.
fn order(offset: OffsetMeaning, first: &ProbedPage, later: &ProbedPage) -> MessageOrder {
    let left = later.keys();
    let (kept, skipped): (Vec<&ProbedMessage>, Vec<&ProbedMessage>) =
        first.messages.iter().partition(|message| left.contains(&message.key));
    let mut orders = match offset {
        OffsetMeaning::Messages => vec![compare(&skipped, &kept, |_| true)],
        OffsetMeaning::PerConversation | OffsetMeaning::Ignored | OffsetMeaning::Unclear => {
            let conversations = first.by_conversation();
            conversations.keys().map(|of| compare(&skipped, &kept, |seen| seen.conversation == *of)).collect()
        }
    };
    orders.retain(|order| *order != MessageOrder::Unknown);
    match orders.first() {
        Some(order) if orders.iter().all(|other| other == order) => *order,
        Some(_) => MessageOrder::Neither,
        None => MessageOrder::Unknown,
    }
}

fn compare(
    skipped: &[&ProbedMessage],
    kept: &[&ProbedMessage],
    is_meant: impl Fn(&ProbedMessage) -> bool,
) -> MessageOrder {
    let span = |messages: &[&ProbedMessage]| {
        let times = messages.iter().filter(|seen| is_meant(seen)).filter_map(|seen| seen.created_at);
        times.fold(None, |span: Option<(i64, i64)>, time| {
            Some(span.map_or((time, time), |(from, to)| (from.min(time), to.max(time))))
        })
    };
    match (span(skipped), span(kept)) {
        (Some((from, to)), Some((kept_from, kept_to))) => match (kept_to <= from, to <= kept_from) {
            (true, true) => MessageOrder::Unknown,
            (true, false) => MessageOrder::NewestFirst,
            (false, true) => MessageOrder::OldestFirst,
            (false, false) => MessageOrder::Neither,
        },
        _ => MessageOrder::Unknown,
    }
}

/// Returns the finding about `offset`.
pub fn offset_finding(offset: OffsetMeaning) -> Finding {
    match offset {
        OffsetMeaning::Messages => {
            Finding::ok("offset", "honored; it counts messages over all conversations")
                .with("counts", "messages")
        }
        OffsetMeaning::PerConversation => {
            Finding::ok("offset", "honored; it counts messages inside each conversation")
                .with("counts", "per_conversation")
        }
        OffsetMeaning::Ignored => Finding::fail(
            "offset",
            Cause::OffsetIgnored,
            "the API ignores `offset`: histories longer than a page cannot be read",
        )
        .with("counts", "ignored"),
        OffsetMeaning::Unclear => {
            Finding::warn("offset", "the pages do not fit together: the history may be changing; check again")
                .with("counts", "unknown")
        }
    }
}

/// Returns the finding about the order of messages.
pub fn order_finding(order: MessageOrder) -> Finding {
    match order {
        MessageOrder::NewestFirst => Finding::ok("order", "newest first").with("order", "newest_first"),
        MessageOrder::OldestFirst => Finding::ok("order", "oldest first").with("order", "oldest_first"),
        MessageOrder::Neither => {
            Finding::ok("order", "not by time; a run assumes no order").with("order", "other")
        }
        MessageOrder::Unknown => Finding::skipped("order", "the times of the messages do not show it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a page with these messages: conversation and number, which is also the time.
    fn page(messages: &[(u128, u128)]) -> ProbedPage {
        let message = |(conversation, number): &(u128, u128)| ProbedMessage {
            key: conversation * 1000 + number,
            conversation: *conversation,
            created_at: i64::try_from(*number).ok(),
        };
        ProbedPage { messages: messages.iter().map(message).collect(), ..ProbedPage::default() }
    }

    #[test]
    fn pages_show_the_meaning_of_offset() {
        let first = page(&[(1, 9), (1, 8), (1, 7), (1, 6), (2, 5), (2, 4)]);
        for (later, expected) in [
            (page(&[(1, 7), (1, 6), (2, 5), (2, 4)]), OffsetMeaning::Messages),
            (page(&[(1, 7), (1, 6), (2, 5), (2, 4), (2, 3), (2, 2)]), OffsetMeaning::Messages),
            (page(&[(1, 7), (1, 6), (2, 3), (2, 2)]), OffsetMeaning::PerConversation),
            (first.clone(), OffsetMeaning::Ignored),
            (page(&[(1, 9), (1, 8), (1, 7)]), OffsetMeaning::Ignored),
            (page(&[(1, 8), (1, 7), (1, 6), (2, 5), (2, 4)]), OffsetMeaning::Unclear),
            (page(&[]), OffsetMeaning::Unclear),
            (page(&[(3, 1)]), OffsetMeaning::Unclear),
        ] {
            assert_eq!(meaning(&first, &later, 2), expected, "{later:?}");
        }
    }

    #[test]
    fn the_order_follows_from_the_offsets() {
        let newest = page(&[(1, 9), (1, 8), (2, 7), (2, 6)]);
        assert_eq!(
            order(OffsetMeaning::Messages, &newest, &page(&[(2, 7), (2, 6)])),
            MessageOrder::NewestFirst
        );
        // The order inside a page does not matter.
        let turned = page(&[(1, 8), (1, 9), (2, 6), (2, 7)]);
        assert_eq!(
            order(OffsetMeaning::Messages, &turned, &page(&[(2, 6), (2, 7)])),
            MessageOrder::NewestFirst
        );
        let oldest = page(&[(1, 1), (1, 2), (2, 3), (2, 4)]);
        assert_eq!(
            order(OffsetMeaning::Messages, &oldest, &page(&[(2, 3), (2, 4)])),
            MessageOrder::OldestFirst
        );
        let each = page(&[(1, 1), (1, 2), (2, 1), (2, 2)]);
        assert_eq!(
            order(OffsetMeaning::PerConversation, &each, &page(&[(1, 2), (2, 2)])),
            MessageOrder::OldestFirst
        );
        let mixed = page(&[(1, 5), (1, 2), (2, 9), (2, 1)]);
        assert_eq!(order(OffsetMeaning::Messages, &mixed, &page(&[(2, 9), (2, 1)])), MessageOrder::Neither);
        let alike = page(&[(1, 5), (2, 5)]);
        assert_eq!(order(OffsetMeaning::Messages, &alike, &page(&[(2, 5)])), MessageOrder::Unknown);
    }
}
