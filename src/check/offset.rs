//! Whether `offset` is honoured, and in which order messages stand over the offsets.
//!
//! A page from inside the first one lacks what stands before it and holds the rest. One that is the first page again is
//! the mark of a server that ignores the offset; so that a chat that changes is not taken for one, it is asked for
//! something far beyond the end, where only such a server has an answer.

use super::ask::{Asker, Part, Seen};
use super::finding::{Cause, Finding};
use super::sample::Sampled;
use crate::api::Failure;

/// Times that a chat which changes meanwhile is looked at.
const TURNS: u32 = 2;
/// Far beyond the end of any history.
const FAR_BEYOND: u64 = 1_000_000;

/// What the server makes of `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// It counts messages over all conversations.
    Messages,
    /// It counts inside each conversation.
    PerConversation,
    /// It is not looked at.
    Ignored,
    /// The pages do not fit together.
    Unclear,
}

/// The order of messages over the offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The newest at offset 0.
    NewestFirst,
    /// The oldest at offset 0.
    OldestFirst,
    /// By something else than their time.
    Neither,
    /// They have no times, or the same.
    Unknown,
}

/// Asks for a page from inside the first page of this contact, which has at least two messages.
///
/// # Errors
/// When an answer cannot be had.
pub async fn find_out(asker: &Asker<'_>, subject: &Sampled) -> Result<(Offset, Order), Failure> {
    let mut first = subject.first.clone();
    for turn in 0..TURNS {
        if turn > 0 {
            first = asker.page(&subject.contact, 0, first.limit).await?;
        }
        // Half of what the longest conversation shows, so that either way of counting leaves something of the page.
        let offset = (first.largest() / 2).max(1);
        let later = asker.page(&subject.contact, offset, first.limit).await?;
        let found = match joint(&first, &later, offset) {
            Offset::Ignored => {
                let beyond = asker.page(&subject.contact, FAR_BEYOND, first.limit).await?;
                if beyond.messages.is_empty() { Offset::Unclear } else { Offset::Ignored }
            }
            found => found,
        };
        if found != Offset::Unclear {
            return Ok((found, order(found, &first, &later)));
        }
    }
    Ok((Offset::Unclear, Order::Unknown))
}

/// How a page at this offset fits to the first.
fn joint(first: &Part, later: &Part, offset: u64) -> Offset {
    let known = first.keys();
    let shared = later.messages.iter().filter(|message| known.contains(&message.key)).count() as u64;
    let is_first_again =
        !later.messages.is_empty() && later.messages.iter().zip(&first.messages).all(|(a, b)| a.key == b.key);
    let over_all = first.len().saturating_sub(offset).min(later.len());
    let inside_each: u64 = first.of_each().into_values().map(|count| count.saturating_sub(offset)).sum();
    if is_first_again && later.len() <= first.len() {
        Offset::Ignored
    } else if shared == over_all && shared > 0 {
        Offset::Messages
    } else if shared == inside_each && shared > 0 {
        Offset::PerConversation
    } else {
        Offset::Unclear
    }
}

/// What is skipped by an offset, against what is left.
fn order(offset: Offset, first: &Part, later: &Part) -> Order {
    let left = later.keys();
    let (kept, skipped): (Vec<&Seen>, Vec<&Seen>) =
        first.messages.iter().partition(|message| left.contains(&message.key));
    let mut orders = match offset {
        Offset::Messages => vec![compare(&skipped, &kept, |_| true)],
        Offset::PerConversation | Offset::Ignored | Offset::Unclear => {
            let conversations = first.of_each();
            conversations.keys().map(|of| compare(&skipped, &kept, |seen| seen.conversation == *of)).collect()
        }
    };
    orders.retain(|order| *order != Order::Unknown);
    match orders.first() {
        Some(order) if orders.iter().all(|other| other == order) => *order,
        Some(_) => Order::Neither,
        None => Order::Unknown,
    }
}

fn compare(skipped: &[&Seen], kept: &[&Seen], is_meant: impl Fn(&Seen) -> bool) -> Order {
    let span = |messages: &[&Seen]| {
        let times = messages.iter().filter(|seen| is_meant(seen)).filter_map(|seen| seen.created_at);
        times.fold(None, |span: Option<(i64, i64)>, time| {
            Some(span.map_or((time, time), |(from, to)| (from.min(time), to.max(time))))
        })
    };
    match (span(skipped), span(kept)) {
        (Some((from, to)), Some((kept_from, kept_to))) => match (kept_to <= from, to <= kept_from) {
            (true, true) => Order::Unknown,
            (true, false) => Order::NewestFirst,
            (false, true) => Order::OldestFirst,
            (false, false) => Order::Neither,
        },
        _ => Order::Unknown,
    }
}

/// What was found of the offset.
pub fn tell(offset: Offset) -> Finding {
    match offset {
        Offset::Messages => Finding::ok("offset", "honoured; it counts messages over all conversations")
            .with("counts", "messages"),
        Offset::PerConversation => {
            Finding::ok("offset", "honoured; it counts messages inside each conversation")
                .with("counts", "per_conversation")
        }
        Offset::Ignored => Finding::fail(
            "offset",
            Cause::OffsetIgnored,
            "the API ignores `offset`: no history longer than a page can be read from it",
        )
        .with("counts", "ignored"),
        Offset::Unclear => Finding::warn(
            "offset",
            "the pages do not fit together: the chat may be changing just now; look again",
        )
        .with("counts", "unknown"),
    }
}

/// What was found of the order.
pub fn tell_order(order: Order) -> Finding {
    match order {
        Order::NewestFirst => Finding::ok("order", "newest first").with("order", "newest_first"),
        Order::OldestFirst => Finding::ok("order", "oldest first").with("order", "oldest_first"),
        Order::Neither => Finding::ok("order", "not by time; a run assumes no order").with("order", "other"),
        Order::Unknown => Finding::skipped("order", "the times of the messages do not show it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with these messages: conversation and number, which is the time too.
    fn part(messages: &[(u128, u128)]) -> Part {
        let seen = |(conversation, number): &(u128, u128)| Seen {
            key: conversation * 1000 + number,
            conversation: *conversation,
            created_at: i64::try_from(*number).ok(),
        };
        Part { messages: messages.iter().map(seen).collect(), ..Part::default() }
    }

    #[test]
    fn how_pages_may_fit() {
        let first = part(&[(1, 9), (1, 8), (1, 7), (1, 6), (2, 5), (2, 4)]);
        for (later, expected) in [
            (part(&[(1, 7), (1, 6), (2, 5), (2, 4)]), Offset::Messages),
            (part(&[(1, 7), (1, 6), (2, 5), (2, 4), (2, 3), (2, 2)]), Offset::Messages),
            (part(&[(1, 7), (1, 6), (2, 3), (2, 2)]), Offset::PerConversation),
            (first.clone(), Offset::Ignored),
            (part(&[(1, 9), (1, 8), (1, 7)]), Offset::Ignored),
            (part(&[(1, 8), (1, 7), (1, 6), (2, 5), (2, 4)]), Offset::Unclear),
            (part(&[]), Offset::Unclear),
            (part(&[(3, 1)]), Offset::Unclear),
        ] {
            assert_eq!(joint(&first, &later, 2), expected, "{later:?}");
        }
    }

    #[test]
    fn the_order_is_that_over_the_offsets() {
        let newest = part(&[(1, 9), (1, 8), (2, 7), (2, 6)]);
        assert_eq!(order(Offset::Messages, &newest, &part(&[(2, 7), (2, 6)])), Order::NewestFirst);
        // Inside a page it may be another.
        let turned = part(&[(1, 8), (1, 9), (2, 6), (2, 7)]);
        assert_eq!(order(Offset::Messages, &turned, &part(&[(2, 6), (2, 7)])), Order::NewestFirst);
        let oldest = part(&[(1, 1), (1, 2), (2, 3), (2, 4)]);
        assert_eq!(order(Offset::Messages, &oldest, &part(&[(2, 3), (2, 4)])), Order::OldestFirst);
        let each = part(&[(1, 1), (1, 2), (2, 1), (2, 2)]);
        assert_eq!(order(Offset::PerConversation, &each, &part(&[(1, 2), (2, 2)])), Order::OldestFirst);
        let mixed = part(&[(1, 5), (1, 2), (2, 9), (2, 1)]);
        assert_eq!(order(Offset::Messages, &mixed, &part(&[(2, 9), (2, 1)])), Order::Neither);
        let alike = part(&[(1, 5), (2, 5)]);
        assert_eq!(order(Offset::Messages, &alike, &part(&[(2, 5)])), Order::Unknown);
    }
}
