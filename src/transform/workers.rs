//! The threads that flatten. Each takes chunks of consecutive contacts, reads their pages and flattens them.
//!
//! Chunks are joined in the order of the input. The thread of the first unfinished chunk, the *head*, gives its
//! rows straight to the writers. The others buffer theirs, and together hold a bounded number of bytes. A thread
//! that would exceed the bound waits until its chunk is the head. Whoever ends the head gives the finished chunks
//! behind it to the writers, and the next unfinished chunk becomes the head. The head waits for the records of its
//! contacts and for the writers only, so there is no deadlock.
//!
//! Early pieces of a long history ([`super::prebuilt`]) go to the writers from the head only. Others index such a
//! history while it is read, and build its pieces from the end.
//!
//! Other designs were weighed:
//!
//! - *Chunks of fixed length whose ends close batches.* The files would depend on that length, and contacts with one
//!   message would make tiny batches. Here a rule of sizes decides where files may end ([`super::joiner`]). So
//!   chunks may be as long as their rows suggest, and one thread needs none.
//! - *One thread per message range of a contact.* It helps with a single long history only. Its pieces are built
//!   during the read anyway.
//! - *Threads that decode, one that fills the builders.* Filling them is most of the work.
//! - *Separate files per thread, joined at the end.* The files would depend on the number of threads.

use std::panic;
use std::sync::Mutex;
use std::thread;

use super::contact;
use super::joiner::Joiner;
use super::pages::Source;
use super::tables::Tables;
use super::turns::{Held, Turns};
use super::{TransformError, TransformPlan};
use crate::contact_read::Status;
use crate::event::{Event, SharedObserver};
use crate::spool::{Entry, Ledger, Reader};

/// Everything that the threads share.
pub struct Shared<'a> {
    pub plan: &'a TransformPlan,
    pub ledger: &'a Ledger,
    pub turns: &'a Turns,
    pub joiner: &'a Mutex<Joiner>,
}

impl Shared<'_> {
    /// Flattens all contacts, on as many threads as planned or as the system has. Returns false if the run stops.
    ///
    /// The calling thread is one of them. An error or a panic of one ends all, and is returned or resumed.
    pub fn run(&self, observer: &SharedObserver) -> Result<bool, TransformError> {
        thread::scope(|scope| {
            let mut others = Vec::new();
            for number in 1..self.turns.threads() {
                let builder = thread::Builder::new().name(format!("flatten-{number}"));
                match builder.spawn_scoped(scope, || self.work()) {
                    Ok(thread) => others.push(thread),
                    Err(error) => {
                        let threads = self.turns.threads();
                        let reason = format!(
                            "the system cannot start another thread ({error}), --threads is lowered from {threads} to {number}"
                        );
                        observer.event(Event::Shortage { reason });
                        break;
                    }
                }
            }
            let mut ended = self.work();
            for thread in others {
                let other = thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked));
                // An error says more than the stop that it causes in other threads.
                ended = match (ended, other) {
                    (Err(error), _) | (_, Err(error)) => Err(error),
                    (Ok(first), Ok(second)) => Ok(first && second),
                };
            }
            ended
        })
    }

    /// Body of a thread. Returns false if the run stops.
    fn work(&self) -> Result<bool, TransformError> {
        let stop = StopUnlessEnded { shared: self, has_ended: false };
        let ended = self.flatten_chunks()?;
        if ended {
            stop.ended();
        }
        Ok(ended)
    }

    fn flatten_chunks(&self) -> Result<bool, TransformError> {
        let plan = self.plan;
        let have_pieces = plan.output.has_pieces();
        let mut tables = Tables::new(&plan.stamp, have_pieces, (self.turns, self.joiner), usize::MAX);
        let mut source = Source {
            ledger: self.ledger,
            stop: self.turns.stop_mark(),
            spool_folder: plan.spool_folder.clone(),
            reader: Reader::new(plan.spool_folder.clone()).one_of(self.turns.threads()),
            held: Held::new(self.turns, usize::MAX),
        };
        while let Some(chunk) = self.turns.next(&plan.due) {
            tables.begin_chunk(chunk.number);
            source.held = Held::new(self.turns, chunk.number);
            for at in chunk.contacts.filter(|at| plan.due.holds(*at)) {
                if !self.flatten(at, &mut source, &mut tables)? {
                    return Ok(false);
                }
            }
            tables.end_chunk()?;
        }
        Ok(!self.turns.is_stopped())
    }

    /// Flattens a contact. Returns false if the run stops first.
    fn flatten(
        &self,
        at: usize,
        source: &mut Source<'_>,
        tables: &mut Tables<'_>,
    ) -> Result<bool, TransformError> {
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        let id = self.plan.contacts.get(at);
        let read = contact::read(source, tables, (place, &id), self.plan.window)?;
        let Some((contact, done)) = read else { return Ok(false) };
        let Entry::Done { outcome, .. } = source.reader.entry(done)? else { return Ok(false) };
        tables.answers(&id, contact.places())?;
        let is_doubtful = outcome.status != Status::Failed && contact.is_doubtful();
        let exported = contact.flatten(outcome.status, source, tables)?;
        tables.end_contact(at, exported, is_doubtful)?;
        source.held.release();
        Ok(true)
    }
}

/// Ends all other threads if its thread ends early: with an error, a panic, or because the run stops.
struct StopUnlessEnded<'a> {
    shared: &'a Shared<'a>,
    has_ended: bool,
}

impl StopUnlessEnded<'_> {
    fn ended(mut self) {
        self.has_ended = true;
    }
}

impl Drop for StopUnlessEnded<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.shared.turns.stop();
            self.shared.ledger.wake();
        }
    }
}
