//! Reads one contact to its end: restores its spooled pages, requests the others in turn, and spools its
//! outcome.

use std::pin::pin;
use std::sync::Arc;

use chrono::Utc;

use super::failure_budget::ContactResult;
use super::paging::{EndCheck, Paging, Rules, ShortPagePolicy, Step};
use super::prefetch::{PendingResponse, Prefetch};
use super::request::{FetchedPage, HistoryRequest, PageSummary};
use super::shared::Shared;
use super::{FetchError, restore};
use crate::api::{Counters, Failure, Fatal};
use crate::contact_read::{HistoryEnd, Outcome, PageRequest, Status};
use crate::event::Event;
use crate::id::{Channel, ContactId};
use crate::spool::{Entry, SpooledPage};

/// Result of one pass over a contact's history.
enum PassEnd {
    Read(HistoryEnd),
    NotFound,
    Unresolved(String),
    Failed { error: String, result: ContactResult },
}

/// Combined results of all passes over one contact.
struct PassResults {
    started_at: i64,
    counters: Arc<Counters>,
    rereads: u64,
    messages: u64,
    found: bool,
    endings: Vec<(Option<Channel>, HistoryEnd)>,
    unresolved: Option<String>,
    failed: Option<(String, ContactResult)>,
}

/// Reads a contact in all passes and spools its outcome.
pub async fn read(
    shared: &Shared,
    contact: u32,
    short_page_policy: ShortPagePolicy,
) -> Result<(), FetchError> {
    let id = shared.plan.contacts.get(contact as usize);
    let spooled = spooled_answers(shared, contact, &id).await?;
    let channels = &shared.plan.reading.channels;
    let passes: Vec<Option<Channel>> =
        if channels.is_empty() { vec![None] } else { channels.iter().copied().map(Some).collect() };
    // The spool does not record retries. So an earlier attempt counts as one request per page.
    let mut results = PassResults::new(shared.ledger.page_count(contact));
    for pass in passes {
        let history = HistoryRequest::new(shared, contact, pass, &results.counters);
        let reader = PassReader { shared, contact, id: &id, pass, short_page_policy, history };
        let end = Box::pin(reader.run(&spooled, &mut results)).await?;
        if results.add(pass, end) == NextPass::Stop {
            break;
        }
    }
    let (result, messages) = (results.result(), results.messages);
    let outcome = results.outcome(shared.ledger.page_count(contact));
    shared.observer.event(Event::ContactDone {
        contact: id.to_string(),
        status: outcome.status.as_str(),
        messages,
        error: outcome.error.clone(),
    });
    shared.finish(contact, outcome, messages).await?;
    shared.budget.count(&result, shared.evidence())
}

/// Returns the pages of an earlier attempt from which the read resumes. Returns none if one of them is not a
/// valid response, as earlier versions could spool. The history is then read from its start.
async fn spooled_answers(
    shared: &Shared,
    contact: u32,
    id: &ContactId,
) -> Result<Vec<SpooledPage>, FetchError> {
    let spooled = shared.ledger.current_pages(contact);
    if tokio::task::block_in_place(|| restore::are_answers(shared, &spooled, id))? {
        return Ok(spooled);
    }
    reopen(shared, contact).await?;
    Ok(Vec::new())
}

/// One pass over one contact.
struct PassReader<'a> {
    shared: &'a Shared,
    contact: u32,
    id: &'a ContactId,
    pass: Option<Channel>,
    short_page_policy: ShortPagePolicy,
    history: HistoryRequest,
}

impl PassReader<'_> {
    async fn run(&self, spooled: &[SpooledPage], results: &mut PassResults) -> Result<PassEnd, FetchError> {
        let reading = &self.shared.plan.reading;
        let rules = Rules {
            consistency: reading.consistency,
            page_size: reading.page_size,
            short_page_policy: self.short_page_policy,
        };
        let mut paging = Paging::new(rules);
        let mut exists = if spooled.is_empty() {
            false
        } else {
            tokio::task::block_in_place(|| {
                let of = (self.contact, self.id);
                restore::absorb(self.shared, of, spooled, self.pass, &mut paging)
            })?
        };
        let mut prefetch = Prefetch::default();
        let end = loop {
            let request = match paging.next().clone() {
                Step::Request(request) => request,
                Step::End(_) if !exists => break PassEnd::NotFound,
                Step::End(ending) => break PassEnd::Read(ending),
                Step::Unresolved(why) => break PassEnd::Unresolved(why),
                Step::OffsetIgnored => break self.offset_ignored(),
            };
            let mut response = pin!(self.response(&request, prefetch.take(&request)));
            let answer = loop {
                prefetch.request_ahead(self.shared, &self.history, paging.predicted());
                tokio::select! {
                    biased;
                    answer = &mut response => break answer,
                    () = prefetch.next_response() => {}
                }
            };
            match answer {
                Ok(answer) => {
                    prefetch.record_size(&answer);
                    let summary = self.spool(&request, answer).await?;
                    exists |= summary.shows_contact;
                    self.shared.first_pages.record(self.contact, &request, &summary);
                    self.shared.with_facts(|facts| paging.absorb(&request, &summary.view, facts));
                }
                Err(Failure::AskLess) if paging.halve(&request) => {}
                Err(Failure::NotFound) if paging.known() == 0 => break PassEnd::NotFound,
                Err(failure) => break Self::failed_pass(failure, &request)?,
            }
        };
        results.rereads += u64::from(paging.rereads());
        results.messages += paging.known();
        Ok(end)
    }

    /// Returns the response to the current request. If it was prefetched, waits for it; otherwise sends the
    /// request.
    async fn response(
        &self,
        request: &PageRequest,
        prefetched: Option<PendingResponse>,
    ) -> Result<FetchedPage, Failure> {
        if let Some(pending) = prefetched
            && let Some(answer) = pending.wait().await
        {
            return answer;
        }
        self.history.page(request, || true).await
    }

    /// Spools a page and returns its view.
    async fn spool(&self, request: &PageRequest, answer: FetchedPage) -> Result<PageSummary, FetchError> {
        let FetchedPage { page, summary, requested_at, received_at } = answer;
        self.shared.observer.event(Event::PageRead {
            contact: self.id.to_string(),
            offset: request.offset,
            messages: summary.view.received(),
            bytes: page.bytes.len() as u64,
        });
        let entry = Entry::Page {
            contact: self.contact,
            pass: self.pass,
            ask: *request,
            asked_at: Some(requested_at),
            at: received_at,
        };
        self.shared.spool_page(&entry, &page).await?;
        Ok(summary)
    }

    /// The server has not shown that it honours the offset. The contact fails, so that the next attempt reads
    /// it again.
    fn offset_ignored(&self) -> PassEnd {
        let error = "the server returns the same messages at every offset".to_owned();
        PassEnd::Failed { error, result: ContactResult::OffsetIgnored { contact: self.id.to_string() } }
    }

    /// Converts a failure into the result of the pass, or into the error that ends the run.
    fn failed_pass(failure: Failure, request: &PageRequest) -> Result<PassEnd, FetchError> {
        let failed = |what: String, result| PassEnd::Failed {
            error: format!("{what} (at offset {})", request.offset),
            result,
        };
        Ok(match failure {
            Failure::Fatal(stop) => return Err(stop.into()),
            Failure::Unwanted => return Err(Fatal::Cancelled.into()),
            Failure::NotFound => {
                PassEnd::Unresolved("the contact vanished while it was read (404)".to_owned())
            }
            Failure::AskLess => {
                failed("a single message is too much for the server".to_owned(), ContactResult::Failed)
            }
            Failure::Refused { status, what } => {
                failed(what.clone(), ContactResult::Refused { status, what })
            }
            Failure::Unanswered { what } => failed(what.clone(), ContactResult::Unanswered { what }),
            Failure::NotAnAnswer { what } => failed(what.clone(), ContactResult::NotAnAnswer { what }),
            Failure::Unreadable { what } => failed(what, ContactResult::Failed),
        })
    }
}

/// Next action after a pass.
#[derive(PartialEq, Eq)]
enum NextPass {
    Continue,
    Stop,
}

impl PassResults {
    fn new(earlier_requests: u64) -> Self {
        Self {
            started_at: Utc::now().timestamp_micros(),
            counters: Arc::new(Counters::after(earlier_requests)),
            rereads: 0,
            messages: 0,
            found: false,
            endings: Vec::new(),
            unresolved: None,
            failed: None,
        }
    }

    fn add(&mut self, pass: Option<Channel>, end: PassEnd) -> NextPass {
        match end {
            PassEnd::Read(ending) => {
                self.found = true;
                self.endings.push((pass, ending));
            }
            PassEnd::NotFound => {}
            PassEnd::Unresolved(why) => {
                self.found = true;
                self.unresolved = Some(why);
            }
            PassEnd::Failed { error, result } => {
                self.failed = Some((error, result));
                return NextPass::Stop;
            }
        }
        NextPass::Continue
    }

    fn result(&self) -> ContactResult {
        self.failed.as_ref().map_or(ContactResult::Answered, |(_, result)| result.clone())
    }

    fn outcome(self, pages: u64) -> Outcome {
        let (status, error) = match (self.failed, self.unresolved) {
            (Some((error, _)), _) => (Status::Failed, Some(error)),
            (None, Some(why)) => (Status::Unresolved, Some(why)),
            (None, None) if !self.found => (Status::NotFound, None),
            (None, None) if self.messages == 0 => (Status::Empty, None),
            (None, None) => (Status::Exported, None),
        };
        Outcome {
            status,
            pages,
            requests: self.counters.requests(),
            retries: self.counters.retries(),
            rereads: self.rereads,
            endings: self.endings,
            started_at: self.started_at,
            finished_at: Utc::now().timestamp_micros(),
            error,
        }
    }
}

/// Checks a believed end with two requests. True if the end holds.
pub async fn end_holds(
    shared: &Shared,
    contact: u32,
    pass: Option<Channel>,
    ending: &HistoryEnd,
    counters: &Arc<Counters>,
) -> Result<bool, FetchError> {
    let mut check = EndCheck::new(ending, shared.plan.reading.page_size);
    let spooled = shared.ledger.current_pages(contact);
    tokio::task::block_in_place(|| {
        let id = shared.plan.contacts.get(contact as usize);
        restore::pages(shared, &id, &spooled, pass, |_, summary| check.add_known(&summary.view))
    })?;
    let [beyond, last] = check.requests();
    let history = HistoryRequest::new(shared, contact, pass, counters);
    for (request, is_last) in [(beyond, false), (last, true)] {
        match history.page(&request, || true).await {
            Ok(answer) if is_last && check.is_last(&answer.summary.view) => {}
            Ok(answer) if !is_last && EndCheck::is_clear(&answer.summary.view) => {}
            Err(Failure::Fatal(stop)) => return Err(stop.into()),
            // The history is read again from its start, which reports the error.
            Ok(_) | Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// Discards the contact's outcome, so that its history is read from its start.
pub async fn reopen(shared: &Shared, contact: u32) -> Result<(), FetchError> {
    shared.spool(&Entry::Reopened { contact }).await?;
    Ok(())
}
