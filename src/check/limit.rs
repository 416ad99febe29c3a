//! Whether `limit` is honoured, what it counts, and whether the server has a smaller one of its own.

use super::ask::{Asker, Part};
use super::finding::Finding;
use super::sample::{Sample, Sampled};
use crate::api::Failure;

/// What is asked for to see what `limit` counts: few enough for most contacts to have more.
const FEW: u32 = 5;

/// What the server makes of `limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// It counts messages over all conversations.
    Messages,
    /// It counts inside each conversation.
    PerConversation,
    /// It is not looked at.
    Ignored,
    /// No contact of the sample has enough messages to see it.
    Unknown,
}

/// What is known of pages.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What it counts.
    pub counts: Counts,
    /// The most that a page reaches over an offset.
    pub page: u64,
    /// Whether that is less than what was asked for.
    pub is_cut: bool,
}

/// Asks for few messages of the contact that shows most, and for what stands behind its first page if that is short.
///
/// # Errors
/// When an answer cannot be had.
pub async fn find_out(
    asker: &Asker<'_>,
    sample: &Sample,
    subject: &Sampled,
    page_size: u32,
) -> Result<(Limit, Finding), Failure> {
    let first = &subject.first;
    let few =
        if first.len() > u64::from(FEW) { Some(asker.page(&subject.contact, 0, FEW).await?) } else { None };
    let counts = few.as_ref().map_or(Counts::Unknown, |few| counted(first, few));
    let stride = |part: &Part| match counts {
        Counts::PerConversation => part.largest(),
        Counts::Messages | Counts::Ignored | Counts::Unknown => part.len(),
    };
    let longest = sample.read.iter().map(|sampled| &sampled.first).max_by_key(|first| stride(first));
    let longest = longest.map_or(0, stride);
    let is_cut = stride(first) > 0
        && stride(first) < u64::from(page_size)
        && has_more(asker, subject, stride(first)).await?;
    let page = if is_cut || counts == Counts::Ignored { longest.max(1) } else { u64::from(page_size) };
    let limit = Limit { counts, page, is_cut };
    Ok((limit, tell(limit, first, page_size)))
}

fn counted(first: &Part, few: &Part) -> Counts {
    let asked = u64::from(FEW);
    match (few.len() <= asked, few.largest() <= asked) {
        (true, _) => Counts::Messages,
        // Where no conversation has more on the first page either, each page may as well be the same one.
        (false, true) if first.largest() > asked || few.len() < first.len() => Counts::PerConversation,
        (false, _) => Counts::Ignored,
    }
}

/// Whether a message that the first page does not hold stands where it ends.
async fn has_more(asker: &Asker<'_>, subject: &Sampled, end: u64) -> Result<bool, Failure> {
    let known = subject.first.keys();
    let behind = asker.page(&subject.contact, end, 1).await?;
    Ok(behind.messages.iter().any(|message| !known.contains(&message.key)))
}

fn tell(limit: Limit, first: &Part, page_size: u32) -> Finding {
    let (token, counts) = match limit.counts {
        Counts::Messages => ("messages", "messages over all conversations"),
        Counts::PerConversation => ("per_conversation", "messages inside each conversation"),
        Counts::Ignored => ("ignored", "nothing"),
        Counts::Unknown => ("unknown", "nobody knows what"),
    };
    let page = limit.page;
    let finding = match (limit.counts, limit.is_cut) {
        (Counts::Ignored, _) => Finding::warn(
            "limit",
            format!("ignored: asked for {FEW} messages, the API sends a page of its own, of up to {page}"),
        ),
        (_, true) if first.limit < page_size => Finding::warn(
            "limit",
            format!(
                "a page of {page_size} messages is too much for the server; it is asked for {}",
                first.limit
            ),
        ),
        (_, true) => Finding::warn(
            "limit",
            format!("asked for {page_size} messages, pages end after about {page}: more requests are needed"),
        ),
        (Counts::Unknown, false) => {
            Finding::skipped("limit", format!("no contact asked for has more than {FEW} messages"))
        }
        (_, false) => Finding::ok("limit", format!("honoured; it counts {counts}")),
    };
    finding.with("counts", token).with("page_size", page).with("clamped", limit.is_cut)
}

#[cfg(test)]
mod tests {
    use super::super::ask::Seen;
    use super::*;

    /// A page with so many messages of each conversation.
    fn part(of_each: &[u128]) -> Part {
        let messages = of_each.iter().zip(1..).flat_map(|(count, conversation)| {
            let key = move |at| at + conversation * 1000;
            (0..*count).map(move |at| Seen { key: key(at), conversation, created_at: None })
        });
        Part { messages: messages.collect(), ..Part::default() }
    }

    #[test]
    fn what_a_limit_of_five_may_bring() {
        for (first, few, expected) in [
            (&[60, 40][..], &[3, 2][..], Counts::Messages),
            (&[60, 40], &[5, 5], Counts::PerConversation),
            (&[60, 40], &[60, 40], Counts::Ignored),
            (&[7, 1], &[5, 1], Counts::PerConversation),
            (&[4, 4], &[4, 4], Counts::Ignored),
            (&[9], &[2], Counts::Messages),
        ] {
            assert_eq!(counted(&part(first), &part(few)), expected, "{first:?} and {few:?}");
        }
    }
}
