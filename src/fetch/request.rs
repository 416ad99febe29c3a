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
pub struct FetchedPage {
    pub page: PageAnswer,
    pub summary: PageSummary,
    /// Time of the first request, in microseconds since 1970.
    pub requested_at: i64,
    /// Time of the response, in microseconds since 1970.
    pub received_at: i64,
}

/// Facts that fetch extracts from a page.
pub struct PageSummary {
    pub view: PageView,
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
    pub async fn page(
        &self,
        request: &PageRequest,
        is_wanted: impl Fn() -> bool,
    ) -> Result<FetchedPage, Failure> {
        let query = PageQuery {
            contact: &self.contact,
            channel: self.pass,
            offset: request.offset,
            limit: request.limit,
            shape: self.shape,
        };
        let requested_at = Utc::now().timestamp_micros();
        let (page, summary) = self.client.page_while(is_wanted, &query, &self.counters, summarize).await?;
        Ok(FetchedPage { page, summary, requested_at, received_at: Utc::now().timestamp_micros() })
    }
}

/// Extracts the messages and conversations of a page.
pub fn summarize(answer: &ContactAnswer<'_>) -> PageSummary {
    let view = PageView::of(answer);
    let anonymous = if answer.names_contact() { None } else { view.fingerprint() };
    PageSummary { view, shows_contact: !answer.is_absent(), anonymous }
}
