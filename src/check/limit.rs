//! Checks `limit`: the unit that it counts, and a smaller limit of the server.

use super::finding::Finding;
use super::probe_page::{PageReader, ProbedPage};
use super::sample::{Sample, Sampled};
use crate::api::Failure;

/// The `limit` that shows what it counts. Most contacts have more messages.
const SMALL_LIMIT: u32 = 5;

/// Meaning of `limit` to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitMeaning {
    /// Counts messages over all conversations.
    Messages,
    /// Counts messages inside each conversation.
    PerConversation,
    /// Has no effect.
    Ignored,
    /// No sampled contact has enough messages to show it.
    Unknown,
}

/// Effect of `limit` on pages.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub counts: LimitMeaning,
    /// Maximum number of messages on a page, in the unit of `offset`.
    pub page: u64,
    /// True if pages are shorter than requested.
    pub is_cut: bool,
}

/// Requests a few messages of the largest sampled contact. If its first page is short, a second request reads
/// after its end.
///
/// # Errors
/// If a page cannot be read.
pub async fn probe(
    reader: &PageReader<'_>,
    sample: &Sample,
    subject: &Sampled,
    page_size: u32,
) -> Result<(Limit, Finding), Failure> {
    let first = &subject.first;
    let few = if first.len() > u64::from(SMALL_LIMIT) {
        Some(reader.page(&subject.contact, 0, SMALL_LIMIT).await?)
    } else {
        None
    };
    let counts = few.as_ref().map_or(LimitMeaning::Unknown, |few| meaning(first, few));
    let stride = |part: &ProbedPage| match counts {
        LimitMeaning::PerConversation => part.largest(),
        LimitMeaning::Messages | LimitMeaning::Ignored | LimitMeaning::Unknown => part.len(),
    };
    let longest = sample.read.iter().map(|sampled| &sampled.first).max_by_key(|first| stride(first));
    let longest = longest.map_or(0, stride);
    let is_cut = stride(first) > 0
        && stride(first) < u64::from(page_size)
        && has_more(reader, subject, stride(first)).await?;
    let page = if is_cut || counts == LimitMeaning::Ignored { longest.max(1) } else { u64::from(page_size) };
    let limit = Limit { counts, page, is_cut };
    Ok((limit, finding(limit, first, page_size)))
}

fn meaning(first: &ProbedPage, few: &ProbedPage) -> LimitMeaning {
    let requested = u64::from(SMALL_LIMIT);
    match (few.len() <= requested, few.largest() <= requested) {
        (true, _) => LimitMeaning::Messages,
        // If no conversation has more on the first page either, the two pages may be the same.
        (false, true) if first.largest() > requested || few.len() < first.len() => {
            LimitMeaning::PerConversation
        }
        (false, _) => LimitMeaning::Ignored,
    }
}

/// True if there is an unknown message at the end of the first page.
async fn has_more(reader: &PageReader<'_>, subject: &Sampled, end: u64) -> Result<bool, Failure> {
    let known = subject.first.keys();
    let next = reader.page(&subject.contact, end, 1).await?;
    Ok(next.messages.iter().any(|message| !known.contains(&message.key)))
}

fn finding(limit: Limit, first: &ProbedPage, page_size: u32) -> Finding {
    let (token, counts) = match limit.counts {
        LimitMeaning::Messages => ("messages", "messages over all conversations"),
        LimitMeaning::PerConversation => ("per_conversation", "messages inside each conversation"),
        LimitMeaning::Ignored => ("ignored", "nothing"),
        LimitMeaning::Unknown => ("unknown", "an unknown unit"),
    };
    let page = limit.page;
    let finding = match (limit.counts, limit.is_cut) {
        (LimitMeaning::Ignored, _) => Finding::warn(
            "limit",
            format!("ignored: for a limit of {SMALL_LIMIT}, the API sends up to {page} messages"),
        ),
        (_, true) if first.limit < page_size => Finding::warn(
            "limit",
            format!("a page of {page_size} messages is too large for the server; it sends {}", first.limit),
        ),
        (_, true) => Finding::warn(
            "limit",
            format!("pages end after about {page} of {page_size} messages: a run needs more requests"),
        ),
        (LimitMeaning::Unknown, false) => {
            Finding::skipped("limit", format!("no sampled contact has more than {SMALL_LIMIT} messages"))
        }
        (_, false) => Finding::ok("limit", format!("honored; it counts {counts}")),
    };
    finding.with("counts", token).with("page_size", page).with("clamped", limit.is_cut)
}

#[cfg(test)]
mod tests {
    use super::super::probe_page::ProbedMessage;
    use super::*;

    /// Returns a page with these numbers of messages per conversation.
    fn page(counts: &[u128]) -> ProbedPage {
        let messages = counts.iter().zip(1..).flat_map(|(count, conversation)| {
            let key = move |at| at + conversation * 1000;
            (0..*count).map(move |at| ProbedMessage { key: key(at), conversation, created_at: None })
        });
        ProbedPage { messages: messages.collect(), ..ProbedPage::default() }
    }

    #[test]
    fn pages_show_the_meaning_of_limit() {
        for (first, few, expected) in [
            (&[60, 40][..], &[3, 2][..], LimitMeaning::Messages),
            (&[60, 40], &[5, 5], LimitMeaning::PerConversation),
            (&[60, 40], &[60, 40], LimitMeaning::Ignored),
            (&[7, 1], &[5, 1], LimitMeaning::PerConversation),
            (&[4, 4], &[4, 4], LimitMeaning::Ignored),
            (&[9], &[2], LimitMeaning::Messages),
        ] {
            assert_eq!(meaning(&page(first), &page(few)), expected, "{first:?} and {few:?}");
        }
    }
}
