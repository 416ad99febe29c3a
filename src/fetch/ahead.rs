//! Pages of a long history that are asked for before their turn, in slots that no other contact needs.
//!
//! What [`Paging::foreseen`](super::paging::Paging::foreseen) names is asked for, 1, 2, 4, … pages ahead as long as they
//! turn out to be the ones that are asked for next. The others are thrown away.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::question::{Answer, Question};
use super::shared::Shared;
use crate::api::{Failure, Stop};
use crate::history::Ask;

/// Bytes of an answer from which on nothing is asked for ahead: each would have to be held until its turn.
const LARGE: usize = 512 << 10;

/// How often a history may take a turn before its pages are asked for one by one: where pages are of many sizes, each
/// would be asked for in vain before it is asked for where it is.
const MAX_MISSES: u32 = 4;

/// A slot that was idle. Whoever asks holds it until the answer is there, and whoever waits for its turn as well; when the
/// turn has come, the worker's own slot serves, which was idle meanwhile.
type Slot = Arc<Mutex<Option<OwnedSemaphorePermit>>>;

/// A page that was asked for before its turn.
struct Asked {
    ask: Ask,
    answer: Early,
    slot: Slot,
}

/// An answer that was asked for before its turn.
pub struct Early(oneshot::Receiver<Result<Answer, Failure>>);

impl Early {
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
pub struct Ahead {
    asked: VecDeque<Asked>,
    /// How many have turned out right since the last that did not.
    hits: u32,
    /// How often all were thrown away.
    misses: u32,
}

impl Ahead {
    /// This page has its turn: its answer, if it was asked for already. If another page was thought to be next, all are
    /// thrown away.
    pub fn take(&mut self, ask: &Ask) -> Option<Early> {
        if ask.purpose.is_aside() {
            return None;
        }
        let next = self.asked.pop_front()?;
        if next.ask != *ask {
            self.asked.clear();
            self.hits = 0;
            self.misses += 1;
            return None;
        }
        self.hits = self.hits.saturating_add(1);
        next.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        Some(next.answer)
    }

    /// Asks for pages behind the one that has its turn, as many as there is room for.
    pub fn ask(&mut self, shared: &Shared, question: &Question, foreseen: impl Iterator<Item = Ask>) {
        if self.misses > MAX_MISSES {
            return;
        }
        let most = shared.slots.share().min(1_u32.checked_shl(self.hits).unwrap_or(u32::MAX)) as usize;
        let missing = most.saturating_sub(self.asked.len());
        if missing == 0 {
            return;
        }
        let room = missing.min(shared.client.spare());
        for ask in foreseen.skip(self.asked.len()).take(room) {
            let Some(slot) = shared.slots.take() else { return };
            self.asked.push_back(Asked::begin(question.clone(), ask, slot));
        }
    }

    /// What an answer in its turn says of those to come.
    pub fn see(&mut self, answer: &Answer) {
        if answer.page.bytes.len() > LARGE {
            self.asked.clear();
            self.misses = MAX_MISSES + 1;
        }
    }
}

impl Asked {
    fn begin(question: Question, ask: Ask, slot: OwnedSemaphorePermit) -> Self {
        let (sender, receiver) = oneshot::channel();
        let slot: Slot = Arc::new(Mutex::new(Some(slot)));
        let held = Arc::clone(&slot);
        tokio::spawn(async move {
            let answer = match question.page(&ask, || !sender.is_closed()).await {
                // No other large one could be read while this one waits for its turn.
                Ok(answer) if answer.page.is_large() => Err(Failure::Unwanted),
                answer => answer,
            };
            // Nobody may want it any more.
            drop(sender.send(answer));
            drop(held);
        });
        Self { ask, answer: Early(receiver), slot }
    }
}
