//! The order of rows inside a contact (contract §4): conversations by their first message and id, those without an id
//! last; messages by time, order and id; nulls last.

use std::cmp::Ordering;

use super::index::{Conversation, Index};

/// Nulls last.
fn nulls_last<T: Ord>(left: Option<T>, right: Option<T>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// The conversations' numbers in the order of their rows.
pub fn conversations(conversations: &[Conversation]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(conversations.len()).unwrap_or(u32::MAX)).collect();
    order.sort_by(|left, right| {
        let (left, right) = (&conversations[*left as usize], &conversations[*right as usize]);
        let has_no_id = |conversation: &Conversation| conversation.columns.id.is_none();
        has_no_id(left)
            .cmp(&has_no_id(right))
            .then_with(|| nulls_last(left.totals.first, right.totals.first))
            .then_with(|| nulls_last(left.columns.id.as_deref(), right.columns.id.as_deref()))
    });
    order
}

/// Sorts the messages' numbers into the order of their rows, given the order of the conversations.
pub fn messages(index: &Index, conversations: &[u32]) -> Vec<u32> {
    let mut rank = vec![0; conversations.len()];
    for (place, conversation) in (0_u32..).zip(conversations) {
        // All messages without a conversation are one list, whatever else is known of them.
        let has_id = index.conversations[*conversation as usize].columns.id.is_some();
        rank[*conversation as usize] = if has_id { place } else { u32::MAX };
    }
    let mut order: Vec<u32> = (0..u32::try_from(index.messages.len()).unwrap_or(u32::MAX)).collect();
    order.sort_unstable_by(|left, right| {
        let (left, right) = (&index.messages[*left as usize], &index.messages[*right as usize]);
        rank[left.conversation as usize]
            .cmp(&rank[right.conversation as usize])
            .then_with(|| nulls_last(left.created_at, right.created_at))
            .then_with(|| nulls_last(left.message_order, right.message_order))
            .then_with(|| index.id(left).cmp(index.id(right)))
    });
    order
}
