//! What a run has learned of the server's ways, from all contacts together.
//!
//! The API's documents leave open how `limit` and `offset` count and whether `limit` is honoured (`docs/api.md#messages-of-a-contact`). Each
//! page read is evidence; what is learned from one contact serves the others.

use super::PageView;
use crate::contact_read::{OffsetUnit, PageRequest, ServerBehavior};

/// Messages that would have to have been inserted between two requests for a page to look as if offsets counted all
/// conversations when they do not. Far above what a live chat adds in a round trip.
const TOTAL_EVIDENCE: u64 = 8;

impl ServerBehavior {
    /// Learns from a page whether it can be explained by the reading held so far.
    ///
    /// More messages than asked for, though no conversation alone has more, is proof that each conversation counts
    /// for itself. (One conversation with more than asked for only shows that `limit` is not honoured.)
    pub fn learn_from_size(&mut self, ask: &PageRequest, sight: &PageView) {
        let limit = u64::from(ask.limit);
        if sight.largest() > limit && self.reading == OffsetUnit::Unknown {
            self.ignores_limit = true;
        }
        if sight.is_mixed() && sight.received() > limit && sight.largest() <= limit && !self.ignores_limit {
            self.reading = OffsetUnit::PerConversation;
        }
        self.largest_page = self.largest_page.max(self.stride(sight));
    }

    /// Learns from how many known messages a page shows that follows a mixed page ending, if each conversation
    /// counted for itself, at `end_if_per_conversation`.
    ///
    /// Under that reading nothing known stands at or after that position, unless as many messages were inserted.
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

    /// How far a page's messages reach beyond its offset, at the least.
    pub fn stride(&self, sight: &PageView) -> u64 {
        match self.reading {
            OffsetUnit::Total => sight.received(),
            OffsetUnit::PerConversation | OffsetUnit::Unknown => sight.largest(),
        }
    }

    /// Whether the page held fewer messages than asked for, which claims to be the end of the history.
    pub fn is_short(&self, ask: &PageRequest, sight: &PageView) -> bool {
        let limit = u64::from(ask.limit);
        match self.reading {
            OffsetUnit::Total | OffsetUnit::Unknown => sight.received() < limit,
            OffsetUnit::PerConversation => sight.largest() < limit,
        }
    }
}
