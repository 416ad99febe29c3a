//! Requests pages of a long history ahead of their turn, in slots that no other contact needs.
//!
//! [`Paging::predicted`](super::paging::Paging::predicted) names the pages. The number of prefetched pages
//! grows as 4, 16, 64, … while the predictions are right. A wrong prediction discards all of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, oneshot};

use super::request::{FetchedPage, HistoryRequest};
use super::shared::Shared;
use super::worker_slots::Slot;
use crate::api::{Failure, Fatal};
use crate::contact_read::PageRequest;

/// Response size in bytes above which prefetching stops. Each prefetched response stays in memory until its
/// turn.
const MAX_PREFETCH_BYTES: usize = 512 << 10;

/// Maximum number of wrong predictions for a history. If page sizes vary, prefetched pages are wasted
/// requests.
const MAX_MISSES: u32 = 4;

/// Ratio of pages that wait for a response or their turn to pages that may be requested at once. It keeps the
/// slots in use while a late page, or a request of another purpose, holds up the responses behind it.
const WAITING_PER_SLOT: usize = 4;

/// Maximum bytes of all responses that wait for their turn, assuming that each is as large as the largest so
/// far.
const MAX_WAITING_BYTES: usize = 8 << 20;

/// Number of pages prefetched before the first correct prediction.
const FIRST_BATCH: usize = 4;

/// A page requested ahead of its turn.
struct PrefetchedPage {
    request: PageRequest,
    answer: PendingResponse,
    /// Released on the response, or when the page's turn comes. Then the worker waits for this page, and its
    /// own slot counts.
    slot: Slot,
}

/// A response that was requested ahead of its turn.
pub struct PendingResponse(oneshot::Receiver<Result<FetchedPage, Failure>>);

impl PendingResponse {
    /// Waits for the response. Returns `None` if the page must be requested again.
    pub async fn wait(self) -> Option<Result<FetchedPage, Failure>> {
        match self.0.await {
            Ok(Err(Failure::Unwanted)) => None,
            Ok(answer) => Some(answer),
            Err(_) => Some(Err(Failure::Fatal(Fatal::Cancelled))),
        }
    }
}

/// The prefetched pages of one contact, in offset order.
#[derive(Default)]
pub struct Prefetch {
    pages: VecDeque<PrefetchedPage>,
    /// Set if a response was short. The history may end there, so no page behind it is requested.
    is_short: Arc<AtomicBool>,
    /// Notified on each response.
    answered: Arc<Notify>,
    /// Number of correct predictions since the last wrong one.
    hits: u32,
    /// Number of wrong predictions.
    misses: u32,
    /// Bytes of the largest response so far.
    largest: usize,
}

impl Prefetch {
    /// Returns the prefetched response for the page whose turn it is. If another page was predicted, discards
    /// all prefetched pages.
    pub fn take(&mut self, request: &PageRequest) -> Option<PendingResponse> {
        if request.purpose.is_server_test() {
            return None;
        }
        let next = self.pages.pop_front()?;
        if next.request != *request {
            self.discard();
            self.hits = 0;
            self.misses += 1;
            return None;
        }
        next.slot.release();
        self.hits = self.hits.saturating_add(1);
        Some(next.answer)
    }

    /// Requests pages behind the current one, as far as slots and memory allow.
    pub fn request_ahead(
        &mut self,
        shared: &Shared,
        history: &HistoryRequest,
        predicted: impl Iterator<Item = PageRequest>,
    ) {
        if self.pages.is_empty() {
            self.is_short.store(false, Ordering::Relaxed); // all of them have had their turn
        }
        if self.misses > MAX_MISSES || self.is_short.load(Ordering::Relaxed) {
            return;
        }
        let (share, proven) = (shared.slots.share() as usize, FIRST_BATCH << (2 * self.hits.min(8)));
        let held = MAX_WAITING_BYTES / self.largest.max(1);
        let missing = (share * WAITING_PER_SLOT).min(proven).min(held).saturating_sub(self.pages.len());
        // A contact with many waiting responses must not take the slots of contacts that have none.
        let room = missing.min(share.saturating_sub(self.in_flight()));
        if room == 0 {
            return;
        }
        let room = room.min(shared.client.spare());
        for request in predicted.skip(self.pages.len()).take(room) {
            let Some(slot) = shared.slots.take() else { return };
            self.pages.push_back(self.begin(history.clone(), request, slot));
        }
    }

    /// Waits for the next response, which frees a slot.
    pub async fn next_response(&self) {
        self.answered.notified().await;
    }

    fn begin(&self, history: HistoryRequest, request: PageRequest, slot: Slot) -> PrefetchedPage {
        let (sender, receiver) = oneshot::channel();
        let (is_short, answered, held) =
            (Arc::clone(&self.is_short), Arc::clone(&self.answered), slot.clone());
        tokio::spawn(async move {
            let answer = match history.page(&request, || !sender.is_closed()).await {
                // No other large response can be read while this one waits for its turn.
                Ok(answer) if answer.page.is_large() => Err(Failure::Unwanted),
                answer => answer,
            };
            if answer.as_ref().is_ok_and(|answer| answer.summary.view.received() < u64::from(request.limit)) {
                is_short.store(true, Ordering::Relaxed);
            }
            // The receiver may be gone.
            drop(sender.send(answer));
            held.release();
            answered.notify_one();
        });
        PrefetchedPage { request, answer: PendingResponse(receiver), slot }
    }

    /// Number of requests in flight.
    fn in_flight(&self) -> usize {
        self.pages.iter().filter(|page| page.slot.is_held()).count()
    }

    fn discard(&mut self) {
        self.pages.clear();
        self.is_short = Arc::default();
    }

    /// Records the size of a response in its turn. A large one ends prefetching.
    pub fn record_size(&mut self, answer: &FetchedPage) {
        self.largest = self.largest.max(answer.page.bytes.len());
        if answer.page.bytes.len() > MAX_PREFETCH_BYTES {
            self.discard();
            self.misses = MAX_MISSES + 1;
        }
    }
}
