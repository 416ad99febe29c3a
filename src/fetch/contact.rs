//! Reads one contact to its end: restores its spooled pages, requests the others in turn, and spools its
//! outcome.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;

use super::failure_budget::ContactResult;
use super::paging::{Claims, EndCheck, Paging, Rules, Step};
use super::prefetch::{Prefetch, Prefetched};
use super::request::{Answer, HistoryRequest, Seen};
use super::shared::Shared;
use super::{FetchError, restore};
use crate::api::{Counters, Failure, Stop};
use crate::contact_read::{HistoryEnd, Outcome, PageRequest, Status};
use crate::event::Event;
use crate::id::{Channel, ContactId};
use crate::spool::{Entry, SpooledPage};

/// Result of one pass over a contact's history.
enum PassEnd {
    Read(HistoryEnd),
    NotFound,
    Unresolved(String),
    Failed { error: String, fate: ContactResult },
}

/// Combined results of all passes over one contact.
struct Tally {
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
pub async fn read(shared: &Shared, contact: u32, claims: Claims) -> Result<(), FetchError> {
    let id = shared.plan.contacts.get(contact as usize);
    let spooled = spooled_answers(shared, contact, &id).await?;
    let channels = &shared.plan.reading.channels;
    let passes: Vec<Option<Channel>> =
        if channels.is_empty() { vec![None] } else { channels.iter().copied().map(Some).collect() };
    // The spool does not record retries. So an earlier attempt counts as one request per page.
    let mut tally = Tally::new(shared.ledger.page_count(contact));
    for pass in passes {
        let request = HistoryRequest::new(shared, contact, pass, &tally.counters);
        let read = Read { shared, contact, id: &id, pass, claims, request };
        let end = Box::pin(read.to_its_end(&spooled, &mut tally)).await?;
        if tally.add(pass, end) == Go::Stop {
            break;
        }
    }
    let (fate, messages) = (tally.fate(), tally.messages);
    let outcome = tally.outcome(shared.ledger.page_count(contact));
    shared.observer.event(Event::ContactDone {
        contact: id.to_string(),
        status: outcome.status.as_str(),
        messages,
        error: outcome.error.clone(),
    });
    shared.settle(contact, outcome).await?;
    shared.budget.count(&fate, shared.known())
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
struct Read<'a> {
    shared: &'a Shared,
    contact: u32,
    id: &'a ContactId,
    pass: Option<Channel>,
    claims: Claims,
    request: HistoryRequest,
}

impl Read<'_> {
    async fn to_its_end(&self, spooled: &[SpooledPage], tally: &mut Tally) -> Result<PassEnd, FetchError> {
        let reading = &self.shared.plan.reading;
        let rules =
            Rules { consistency: reading.consistency, page_size: reading.page_size, claims: self.claims };
        let mut paging = Paging::new(rules);
        let mut shown = if spooled.is_empty() {
            false
        } else {
            tokio::task::block_in_place(|| {
                let of = (self.contact, self.id);
                restore::absorb(self.shared, of, spooled, self.pass, &mut paging)
            })?
        };
        let mut ahead = Prefetch::default();
        let end = loop {
            let ask = match paging.next().clone() {
                Step::Request(ask) => ask,
                Step::End(_) if !shown => break PassEnd::NotFound,
                Step::End(ending) => break PassEnd::Read(ending),
                Step::Unresolved(why) => break PassEnd::Unresolved(why),
                Step::OffsetIgnored => break self.offset_ignored(),
            };
            let mut turn = pin!(self.turn(&ask, ahead.take(&ask)));
            let answer = loop {
                ahead.ask(self.shared, &self.request, paging.foreseen());
                tokio::select! {
                    biased;
                    answer = &mut turn => break answer,
                    () = ahead.answered() => {}
                }
            };
            match answer {
                Ok(answer) => {
                    ahead.see(&answer);
                    let seen = self.spool(&ask, answer).await?;
                    shown |= seen.shows_contact;
                    self.shared.first_pages.see(self.contact, &ask, &seen);
                    self.shared.with_facts(|facts| paging.absorb(&ask, &seen.sight, facts));
                }
                Err(Failure::AskLess) if paging.halve(&ask) => {}
                Err(Failure::NotFound) if paging.known() == 0 => break PassEnd::NotFound,
                Err(failure) => break Self::give_up(failure, &ask)?,
            }
        };
        tally.rereads += u64::from(paging.rereads());
        tally.messages += paging.known();
        Ok(end)
    }

    /// Returns the response to the current request. If it was prefetched, waits for it; otherwise sends the
    /// request.
    async fn turn(&self, ask: &PageRequest, early: Option<Prefetched>) -> Result<Answer, Failure> {
        if let Some(early) = early
            && let Some(answer) = early.wait().await
        {
            return answer;
        }
        self.request.page(ask, || true).await
    }

    /// Spools a page and returns its view.
    async fn spool(&self, ask: &PageRequest, answer: Answer) -> Result<Seen, FetchError> {
        let Answer { page, seen, asked_at, at } = answer;
        self.shared.observer.event(Event::PageRead {
            contact: self.id.to_string(),
            offset: ask.offset,
            messages: seen.sight.received(),
            bytes: page.bytes.len() as u64,
        });
        let entry =
            Entry::Page { contact: self.contact, pass: self.pass, ask: *ask, asked_at: Some(asked_at), at };
        self.shared.spool_page(&entry, &page).await?;
        Ok(seen)
    }

    /// The server has not shown that it honours the offset. The contact fails, so that the next attempt reads
    /// it again.
    fn offset_ignored(&self) -> PassEnd {
        let error = "the server answers every offset with the same messages".to_owned();
        PassEnd::Failed { error, fate: ContactResult::OffsetIgnored { contact: self.id.to_string() } }
    }

    /// Converts a failure into the result of the pass, or into the error that ends the run.
    fn give_up(failure: Failure, ask: &PageRequest) -> Result<PassEnd, FetchError> {
        let failed = |what: String, fate| PassEnd::Failed {
            error: format!("{what} (at offset {})", ask.offset),
            fate,
        };
        Ok(match failure {
            Failure::Stop(stop) => return Err(stop.into()),
            Failure::Unwanted => return Err(Stop::Cancelled.into()),
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
enum Go {
    On,
    Stop,
}

impl Tally {
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

    fn add(&mut self, pass: Option<Channel>, end: PassEnd) -> Go {
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
            PassEnd::Failed { error, fate } => {
                self.failed = Some((error, fate));
                return Go::Stop;
            }
        }
        Go::On
    }

    fn fate(&self) -> ContactResult {
        self.failed.as_ref().map_or(ContactResult::Answered, |(_, fate)| fate.clone())
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
pub async fn holds(
    shared: &Shared,
    contact: u32,
    pass: Option<Channel>,
    ending: &HistoryEnd,
    counters: &Arc<Counters>,
) -> Result<bool, FetchError> {
    let mut look = EndCheck::new(ending, shared.plan.reading.page_size);
    let spooled = shared.ledger.current_pages(contact);
    tokio::task::block_in_place(|| {
        let id = shared.plan.contacts.get(contact as usize);
        restore::pages(shared, &id, &spooled, pass, |_, seen| look.knows(&seen.sight))
    })?;
    let [beyond, last] = look.asks();
    let request = HistoryRequest::new(shared, contact, pass, counters);
    for (ask, is_last) in [(beyond, false), (last, true)] {
        match request.page(&ask, || true).await {
            Ok(answer) if is_last && look.is_last(&answer.seen.sight) => {}
            Ok(answer) if !is_last && EndCheck::is_clear(&answer.seen.sight) => {}
            Err(Failure::Stop(stop)) => return Err(stop.into()),
            // The history is read again from its start, which reports the error.
            Ok(_) | Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// Discards the contact's outcome, so that its history is read from its start.
pub async fn reopen(shared: &Shared, contact: u32) -> Result<(), FetchError> {
    shared.spool(&Entry::Reopened { contact }, Bytes::new()).await?;
    Ok(())
}
