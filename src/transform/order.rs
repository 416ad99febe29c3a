//! The order of rows inside a contact (`docs/tables.md#order-of-rows`).
//!
//! Conversations are sorted by their first message and ID; those without an ID come last. Messages are sorted
//! by time, order and ID. Nulls come last.

use std::cmp::Ordering;

use super::index::Index;

fn nulls_last<T: Ord>(left: Option<T>, right: Option<T>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// The conversations' numbers in row order. The index must be counted first.
pub fn conversations(index: &Index) -> Vec<u32> {
    by_first(index, |conversation| index.conversations[conversation as usize].totals.first)
}

fn by_first(index: &Index, first: impl Fn(u32) -> Option<i64>) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(index.conversations.len()).unwrap_or(u32::MAX)).collect();
    let id = |conversation: u32| index.conversations[conversation as usize].columns.id.as_deref();
    order.sort_by(|left, right| {
        let has_no_id = |conversation: u32| id(conversation).is_none();
        has_no_id(*left)
            .cmp(&has_no_id(*right))
            .then_with(|| nulls_last(first(*left), first(*right)))
            .then_with(|| nulls_last(id(*left), id(*right)))
    });
    order
}

/// The messages' numbers in row order, given the order of the conversations.
pub fn messages(index: &Index, conversations: &[u32]) -> Vec<u32> {
    // The newest messages mostly come first. Reversed, they are nearly sorted.
    sorted(index, conversations, (0..u32::try_from(index.messages.len()).unwrap_or(u32::MAX)).rev().collect())
}

/// These messages' numbers in row order, as if the contact had no others.
pub fn some_messages(index: &Index, messages: Vec<u32>) -> Vec<u32> {
    let mut first: Vec<Option<i64>> = vec![None; index.conversations.len()];
    for at in &messages {
        let message = &index.messages[*at as usize];
        let first = &mut first[message.conversation as usize];
        *first = [*first, message.created_at].into_iter().flatten().min();
    }
    let conversations = by_first(index, |conversation| first[conversation as usize]);
    sorted(index, &conversations, messages)
}

fn sorted(index: &Index, conversations: &[u32], mut messages: Vec<u32>) -> Vec<u32> {
    let mut rank = vec![0; conversations.len()];
    for (place, conversation) in (0_u32..).zip(conversations) {
        // All messages without a conversation ID are sorted together.
        let has_id = index.conversations[*conversation as usize].columns.id.is_some();
        rank[*conversation as usize] = if has_id { place } else { u32::MAX };
    }
    // The stable sort is fast on nearly sorted input.
    messages.sort_by(|left, right| {
        let (left, right) = (&index.messages[*left as usize], &index.messages[*right as usize]);
        rank[left.conversation as usize]
            .cmp(&rank[right.conversation as usize])
            .then_with(|| nulls_last(left.created_at, right.created_at))
            .then_with(|| nulls_last(left.message_order, right.message_order))
            .then_with(|| index.id(left).cmp(index.id(right)))
    });
    messages
}
