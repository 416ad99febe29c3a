//! Requests pages of a long history ahead of their turn, in slots that no other contact needs.
//!
//! [`Paging::foreseen`](super::paging::Paging::foreseen) predicts the pages. The number of prefetched pages
//! grows as 4, 16, 64, … while the predictions are right. A wrong prediction discards all of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, oneshot};

use super::request::{Answer, HistoryRequest};
use super::shared::Shared;
use super::worker_slots::Slot;
use crate::api::{Failure, Stop};
use crate::contact_read::PageRequest;

/// Response size in bytes above which prefetching stops. Each prefetched response stays in memory until its
/// turn.
const LARGE: usize = 512 << 10;

/// Maximum number of wrong predictions for a history. If page sizes vary, prefetched pages are wasted
/// requests.
const MAX_MISSES: u32 = 4;

/// Ratio of pages that wait for a response or their turn to pages that may be requested at once. It keeps the
/// slots in use while a late page, or a request of another purpose, holds up the responses behind it.
const WAITING: usize = 4;

/// Maximum bytes of all responses that wait for their turn, assuming that each is as large as the largest so
/// far.
const WAITING_BYTES: usize = 8 << 20;

/// Number of pages prefetched before the first correct prediction.
const FIRST: usize = 4;

/// A page requested ahead of its turn.
struct Asked {
    ask: PageRequest,
    answer: Prefetched,
    /// Released on the response, or when the page's turn comes. Then the worker waits for this page, and its
    /// own slot counts.
    slot: Slot,
}

/// A response that was requested ahead of its turn.
pub struct Prefetched(oneshot::Receiver<Result<Answer, Failure>>);

impl Prefetched {
    /// Waits for the response. Returns `None` if the page must be requested again.
    pub async fn wait(self) -> Option<Result<Answer, Failure>> {
        match self.0.await {
            Ok(Err(Failure::Unwanted)) => None,
            Ok(answer) => Some(answer),
            Err(_) => Some(Err(Failure::Stop(Stop::Cancelled))),
        }
    }
}

/// The prefetched pages of one contact, in offset order.
#[derive(Default)]
pub struct Prefetch {
    asked: VecDeque<Asked>,
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
    pub fn take(&mut self, ask: &PageRequest) -> Option<Prefetched> {
        if ask.purpose.is_aside() {
            return None;
        }
        let next = self.asked.pop_front()?;
        if next.ask != *ask {
            self.forget();
            self.hits = 0;
            self.misses += 1;
            return None;
        }
        next.slot.give_back();
        self.hits = self.hits.saturating_add(1);
        Some(next.answer)
    }

    /// Requests pages behind the current one, as far as slots and memory allow.
    pub fn ask(
        &mut self,
        shared: &Shared,
        request: &HistoryRequest,
        foreseen: impl Iterator<Item = PageRequest>,
    ) {
        if self.asked.is_empty() {
            self.is_short.store(false, Ordering::Relaxed); // all of them have had their turn
        }
        if self.misses > MAX_MISSES || self.is_short.load(Ordering::Relaxed) {
            return;
        }
        let (share, proven) = (shared.slots.share() as usize, FIRST << (2 * self.hits.min(8)));
        let held = WAITING_BYTES / self.largest.max(1);
        let missing = (share * WAITING).min(proven).min(held).saturating_sub(self.asked.len());
        // A contact with many waiting responses must not take the slots of contacts that have none.
        let room = missing.min(share.saturating_sub(self.unanswered()));
        if room == 0 {
            return;
        }
        let room = room.min(shared.client.spare());
        for ask in foreseen.skip(self.asked.len()).take(room) {
            let Some(slot) = shared.slots.take() else { return };
            self.asked.push_back(self.begin(request.clone(), ask, slot));
        }
    }

    /// Waits for the next response, which frees a slot.
    pub async fn answered(&self) {
        self.answered.notified().await;
    }

    fn begin(&self, request: HistoryRequest, ask: PageRequest, slot: Slot) -> Asked {
        let (sender, receiver) = oneshot::channel();
        let (is_short, answered, held) =
            (Arc::clone(&self.is_short), Arc::clone(&self.answered), slot.clone());
        tokio::spawn(async move {
            let answer = match request.page(&ask, || !sender.is_closed()).await {
                // No other large response can be read while this one waits for its turn.
                Ok(answer) if answer.page.is_large() => Err(Failure::Unwanted),
                answer => answer,
            };
            if answer.as_ref().is_ok_and(|answer| answer.seen.sight.received() < u64::from(ask.limit)) {
                is_short.store(true, Ordering::Relaxed);
            }
            // The receiver may be gone.
            drop(sender.send(answer));
            held.give_back();
            answered.notify_one();
        });
        Asked { ask, answer: Prefetched(receiver), slot }
    }

    /// Number of requests in flight.
    fn unanswered(&self) -> usize {
        self.asked.iter().filter(|asked| asked.slot.is_held()).count()
    }

    fn forget(&mut self) {
        self.asked.clear();
        self.is_short = Arc::default();
    }

    /// Records the size of a response in its turn. A large one ends prefetching.
    pub fn see(&mut self, answer: &Answer) {
        self.largest = self.largest.max(answer.page.bytes.len());
        if answer.page.bytes.len() > LARGE {
            self.forget();
            self.misses = MAX_MISSES + 1;
        }
    }
}
