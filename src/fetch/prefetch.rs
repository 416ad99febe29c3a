//! Pages of a long history that are asked for before their turn, in slots that no other contact needs.
//!
//! What [`Paging::foreseen`](super::paging::Paging::foreseen) names is asked for, 4, 16, 64, … pages ahead as long as they
//! turn out to be the ones that are asked for next. The others are thrown away.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, oneshot};

use super::request::{Answer, HistoryRequest};
use super::shared::Shared;
use super::worker_slots::Slot;
use crate::api::{Failure, Stop};
use crate::contact_read::PageRequest;

/// Bytes of an answer from which on nothing is asked for ahead: each would have to be held until its turn.
const LARGE: usize = 512 << 10;

/// How often a history may take a turn before its pages are asked for one by one: where pages are of many sizes, each
/// would be asked for in vain before it is asked for where it is.
const MAX_MISSES: u32 = 4;

/// How many times as many pages may be asked for or wait for their turn as may be asked for. While one is late, or
/// something else is looked at, the answers behind it wait, and the slots should not.
const WAITING: usize = 4;

/// Bytes of all answers that may wait for their turn, each as large as the largest so far.
const WAITING_BYTES: usize = 8 << 20;

/// Pages that are asked for ahead before any has turned out right.
const FIRST: usize = 4;

/// A page that was asked for before its turn.
struct Asked {
    ask: PageRequest,
    answer: Prefetched,
    /// Held until the answer is there or has its turn: who then waits for it asks for nothing else, and is counted itself.
    slot: Slot,
}

/// An answer that was asked for before its turn.
pub struct Prefetched(oneshot::Receiver<Result<Answer, Failure>>);

impl Prefetched {
    /// Waits for the answer. None if it has to be asked for in its turn after all.
    pub async fn wait(self) -> Option<Result<Answer, Failure>> {
        match self.0.await {
            Ok(Err(Failure::Unwanted)) => None,
            Ok(answer) => Some(answer),
            Err(_) => Some(Err(Failure::Stop(Stop::Cancelled))),
        }
    }
}

/// The pages of one contact that were asked for before their turn, in their order.
#[derive(Default)]
pub struct Prefetch {
    asked: VecDeque<Asked>,
    /// One of them holds less than was asked for: the history may end there, and no more are asked for behind it.
    is_short: Arc<AtomicBool>,
    /// One of them was answered.
    answered: Arc<Notify>,
    /// How many have turned out right since the last that did not.
    hits: u32,
    /// How often all were thrown away.
    misses: u32,
    /// Bytes of the largest answer so far.
    largest: usize,
}

impl Prefetch {
    /// This page has its turn: its answer, if it was asked for already. If another page was thought to be next, all are
    /// thrown away.
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

    /// Asks for pages behind the one that has its turn, as many as there is room for.
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
        // Who has many answers that wait is not to take the slots of those who have none.
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

    /// Waits until one more is answered: its slot may serve again, whichever has its turn.
    pub async fn answered(&self) {
        self.answered.notified().await;
    }

    fn begin(&self, request: HistoryRequest, ask: PageRequest, slot: Slot) -> Asked {
        let (sender, receiver) = oneshot::channel();
        let (is_short, answered, held) =
            (Arc::clone(&self.is_short), Arc::clone(&self.answered), slot.clone());
        tokio::spawn(async move {
            let answer = match request.page(&ask, || !sender.is_closed()).await {
                // No other large one could be read while this one waits for its turn.
                Ok(answer) if answer.page.is_large() => Err(Failure::Unwanted),
                answer => answer,
            };
            if answer.as_ref().is_ok_and(|answer| answer.seen.sight.received() < u64::from(ask.limit)) {
                is_short.store(true, Ordering::Relaxed);
            }
            // Nobody may want it any more.
            drop(sender.send(answer));
            held.give_back();
            answered.notify_one();
        });
        Asked { ask, answer: Prefetched(receiver), slot }
    }

    /// How many are under way.
    fn unanswered(&self) -> usize {
        self.asked.iter().filter(|asked| asked.slot.is_held()).count()
    }

    fn forget(&mut self) {
        self.asked.clear();
        self.is_short = Arc::default();
    }

    /// What an answer in its turn says of those to come.
    pub fn see(&mut self, answer: &Answer) {
        self.largest = self.largest.max(answer.page.bytes.len());
        if answer.page.bytes.len() > LARGE {
            self.forget();
            self.misses = MAX_MISSES + 1;
        }
    }
}
