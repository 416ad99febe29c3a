//! What all contacts' reads share.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::failure_budget::{FailureBudget, Known};
use super::first_pages::FirstPages;
use super::worker_slots::Slots;
use super::{FetchError, FetchPlan};
use crate::api::{Client, PageAnswer};
use crate::contact_read::{Outcome, ServerBehavior};
use crate::event::SharedObserver;
use crate::spool::{Appender, Entry, Ledger, SpoolError};

/// What the tasks share.
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

    /// Works on what the run has learned of the server.
    pub fn with_facts<T>(&self, work: impl FnOnce(&mut ServerBehavior) -> T) -> T {
        work(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Facts known about the server.
    pub fn known(&self) -> Known {
        let honours_offset = self.with_facts(|facts| facts.honours_offset);
        Known { has_answered: self.client.has_answered(), honours_offset }
    }

    /// Puts a record into the spool and its place into the ledger.
    pub async fn spool(&self, entry: &Entry, body: Bytes) -> Result<(), SpoolError> {
        let place = self.appender.append(entry, body).await?;
        self.ledger.enter(entry, place);
        Ok(())
    }

    /// Puts a page into the spool and its place into the ledger; what was read of it stays at hand for build.
    ///
    /// The page is borrowed, so that a large body's memory is given back only when it is in the file.
    pub async fn spool_page(&self, entry: &Entry, page: &PageAnswer) -> Result<(), SpoolError> {
        let place = self.appender.append(entry, page.bytes.clone()).await?;
        self.ledger.recent().put(place, Arc::clone(&page.document));
        self.ledger.enter(entry, place);
        Ok(())
    }

    /// Puts a contact's last word into the spool.
    pub async fn settle(&self, contact: u32, outcome: Outcome) -> Result<(), FetchError> {
        let learned = self.with_facts(|facts| *facts);
        let first_page = self.first_pages.of(contact);
        let entry = Entry::Done { contact, outcome, learned, first_page };
        self.spool(&entry, Bytes::new()).await?;
        Ok(())
    }
}
