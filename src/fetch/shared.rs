//! State shared by the reads of all contacts.

use std::sync::{Arc, Mutex, PoisonError};

use super::failure_budget::{Evidence, FailureBudget};
use super::first_pages::FirstPages;
use super::worker_slots::Slots;
use super::{FetchError, FetchPlan};
use crate::api::{Client, PageAnswer};
use crate::contact_read::{Outcome, ServerBehavior};
use crate::event::SharedObserver;
use crate::spool::{Appender, Entry, Ledger, SpoolBody, SpoolError};

/// State shared by all workers.
pub struct Shared {
    pub plan: FetchPlan,
    pub client: Arc<Client>,
    pub ledger: Arc<Ledger>,
    pub observer: SharedObserver,
    pub budget: FailureBudget,
    pub slots: Slots,
    pub first_pages: FirstPages,
    appender: Appender,
    facts: Mutex<ServerBehavior>,
}

impl Shared {
    pub fn new(
        mut plan: FetchPlan,
        client: Arc<Client>,
        appender: Appender,
        ledger: Arc<Ledger>,
        observer: SharedObserver,
    ) -> Self {
        let budget = FailureBudget::new(plan.max_failed, plan.due.count() as u64);
        let facts = Mutex::new(plan.learned);
        let slots = Slots::new(plan.concurrency);
        let first_pages = std::mem::take(&mut plan.first_pages);
        Self { plan, client, ledger, observer, budget, slots, first_pages, appender, facts }
    }

    pub fn contact_count(&self) -> u32 {
        u32::try_from(self.plan.contacts.len()).unwrap_or(u32::MAX)
    }

    /// Runs `work` on the server behavior that the run has learned.
    pub fn with_facts<T>(&self, work: impl FnOnce(&mut ServerBehavior) -> T) -> T {
        work(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the facts that the failure budget needs.
    pub fn evidence(&self) -> Evidence {
        let honours_offset = self.with_facts(|facts| facts.honours_offset);
        Evidence { has_answered: self.client.has_answered(), honours_offset }
    }

    /// Appends a record without a response to the spool and enters its location in the ledger.
    pub async fn spool(&self, entry: &Entry) -> Result<(), SpoolError> {
        let place = self.appender.append(entry, SpoolBody::NONE).await?;
        self.ledger.enter(entry, place);
        Ok(())
    }

    /// Appends a page to the spool and enters its location in the ledger. The parsed page stays in memory for
    /// build.
    ///
    /// The page is borrowed, so that the memory of a large body is released only after the write.
    pub async fn spool_page(&self, entry: &Entry, page: &PageAnswer) -> Result<(), SpoolError> {
        let body = match &page.compressed {
            Some(compressed) => SpoolBody::Compressed(compressed.clone()),
            None => SpoolBody::Plain(page.bytes.clone()),
        };
        let place = self.appender.append(entry, body).await?;
        self.ledger.recent().put(place, Arc::clone(&page.document));
        self.ledger.enter(entry, place);
        Ok(())
    }

    /// Spools a contact's outcome and number of messages, with what the run has learned.
    pub async fn finish(&self, contact: u32, outcome: Outcome, messages: u64) -> Result<(), FetchError> {
        let learned = self.with_facts(|facts| *facts);
        let first_page = self.first_pages.of(contact);
        let entry = Entry::Done { contact, outcome, learned, first_page, messages };
        self.spool(&entry).await?;
        Ok(())
    }
}
