//! Learns how the server behaves, from the pages of all contacts together.
//!
//! The API's documents do not define what `limit` and `offset` count, or if `limit` is honoured
//! (`docs/api.md#messages-of-a-contact`). Each page is evidence, and what one contact shows holds for the
//! others.

use super::PageView;
use crate::contact_read::{OffsetUnit, PageRequest, ServerBehavior};

/// Number of messages that suffices as evidence for a total offset. With offsets per conversation, as many
/// messages would have to be inserted between two requests. A live chat is far slower.
const TOTAL_EVIDENCE: u64 = 8;

impl ServerBehavior {
    /// Learns from the number of messages on a page.
    ///
    /// More messages than requested, with no conversation above the limit, prove that offsets count inside
    /// each conversation. More than requested in one conversation only show that `limit` is not honoured.
    pub fn learn_from_size(&mut self, request: &PageRequest, view: &PageView) {
        let limit = u64::from(request.limit);
        if view.largest() > limit && self.reading == OffsetUnit::Unknown {
            self.ignores_limit = true;
        }
        if view.is_mixed() && view.received() > limit && view.largest() <= limit && !self.ignores_limit {
            self.reading = OffsetUnit::PerConversation;
        }
        self.largest_page = self.largest_page.max(self.stride(view));
    }

    /// Learns from the number of known messages on a page that follows a mixed page. With offsets per
    /// conversation, the mixed page would end at `end_if_per_conversation`. Then no known message could be at
    /// or after that position, unless as many messages were inserted.
    pub fn learn_from_overlap(
        &mut self,
        offset: u64,
        known: u64,
        end_if_per_conversation: u64,
        conversations: u64,
    ) {
        if self.reading != OffsetUnit::Unknown || !self.ignores_limit {
            return;
        }
        let overlap = end_if_per_conversation.saturating_sub(offset) * conversations;
        let margin = offset.saturating_sub(end_if_per_conversation);
        if known > overlap && margin + (known - overlap) >= TOTAL_EVIDENCE {
            self.reading = OffsetUnit::Total;
        }
    }

    /// Minimum distance that a page's messages reach beyond its offset.
    pub fn stride(&self, view: &PageView) -> u64 {
        match self.reading {
            OffsetUnit::Total => view.received(),
            OffsetUnit::PerConversation | OffsetUnit::Unknown => view.largest(),
        }
    }

    /// True if the page held fewer messages than requested, which claims the end of the history.
    pub fn is_short(&self, request: &PageRequest, view: &PageView) -> bool {
        let limit = u64::from(request.limit);
        match self.reading {
            OffsetUnit::Total | OffsetUnit::Unknown => view.received() < limit,
            OffsetUnit::PerConversation => view.largest() < limit,
        }
    }
}
