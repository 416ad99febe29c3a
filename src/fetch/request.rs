//! Requests one page of a contact and extracts what fetch needs from the response.

use std::sync::Arc;

use chrono::Utc;

use super::paging::PageView;
use super::shared::Shared;
use crate::api::{Client, Counters, Failure, PageAnswer, PageQuery};
use crate::contact_read::PageRequest;
use crate::id::{Channel, ContactId};
use crate::record::ContactAnswer;
use crate::settings::AskedShape;

/// Properties shared by all page requests of one pass over a contact.
#[derive(Clone)]
pub struct HistoryRequest {
    client: Arc<Client>,
    contact: ContactId,
    pass: Option<Channel>,
    shape: AskedShape,
    /// Counts the requests for the contact.
    counters: Arc<Counters>,
}

/// A page with its view and times.
pub struct Answer {
    pub page: PageAnswer,
    pub seen: Seen,
    /// Time of the first request, in microseconds since 1970.
    pub asked_at: i64,
    /// Time of the response, in microseconds since 1970.
    pub at: i64,
}

/// Facts that fetch extracts from a page.
pub struct Seen {
    pub sight: PageView,
    /// True if the response shows that the contact exists.
    pub shows_contact: bool,
    /// Fingerprint of the messages, if the response does not name its contact.
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

    /// Requests a page. Stops when `is_wanted` returns false.
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

/// Extracts the messages and conversations of a page.
pub fn see(answer: &ContactAnswer<'_>) -> Seen {
    let sight = PageView::of(answer);
    let anonymous = if answer.names_contact() { None } else { sight.fingerprint() };
    Seen { sight, shows_contact: !answer.is_absent(), anonymous }
}
