//! Asking for one page of a contact, and what fetch sees of the answer.

use std::sync::Arc;

use chrono::Utc;

use super::paging::PageView;
use super::shared::Shared;
use crate::api::{Client, Counters, Failure, PageAnswer, PageQuery};
use crate::contact_read::PageRequest;
use crate::id::{Channel, ContactId};
use crate::record::ContactAnswer;
use crate::settings::AskedShape;

/// What the pages of one pass over a contact have in common.
#[derive(Clone)]
pub struct HistoryRequest {
    client: Arc<Client>,
    contact: ContactId,
    pass: Option<Channel>,
    shape: AskedShape,
    /// What the contact costs.
    counters: Arc<Counters>,
}

/// One page.
pub struct Answer {
    pub page: PageAnswer,
    pub seen: Seen,
    /// When it was first asked for, in microseconds since 1970.
    pub asked_at: i64,
    /// When it was there, likewise.
    pub at: i64,
}

/// What is seen of a page while fetching.
pub struct Seen {
    pub sight: PageView,
    /// True if the answer shows that the contact exists.
    pub shows_contact: bool,
    /// A fingerprint of the messages, where the answer does not name the contact it belongs to.
    pub anonymous: Option<u64>,
}

impl HistoryRequest {
    pub fn new(shared: &Shared, contact: u32, pass: Option<Channel>, counters: &Arc<Counters>) -> Self {
        Self {
            client: Arc::clone(&shared.client),
            contact: shared.plan.contacts.get(contact as usize),
            pass,
            shape: shared.plan.reading.shape,
            counters: Arc::clone(counters),
        }
    }

    /// Asks for a page, as long as somebody wants it.
    pub async fn page(&self, ask: &PageRequest, is_wanted: impl Fn() -> bool) -> Result<Answer, Failure> {
        let query = PageQuery {
            contact: &self.contact,
            channel: self.pass,
            offset: ask.offset,
            limit: ask.limit,
            shape: self.shape,
        };
        let asked_at = Utc::now().timestamp_micros();
        let (page, seen) = self.client.page_while(is_wanted, &query, &self.counters, see).await?;
        Ok(Answer { page, seen, asked_at, at: Utc::now().timestamp_micros() })
    }
}

/// Looks at a page: which messages of which conversations stand on it.
pub fn see(answer: &ContactAnswer<'_>) -> Seen {
    let sight = PageView::of(answer);
    let anonymous = if answer.names_contact() { None } else { sight.fingerprint() };
    Seen { sight, shows_contact: !answer.is_absent(), anonymous }
}
