//! The raw archive, written beside the tables on a thread of its own.
//!
//! Build says which contact it has come to; the thread reads the contact's answers from the spool, where they were
//! written a moment ago, one at a time. What a contact ended with is written last of all, as `coverage` is: until all
//! contacts are read it may change.

use std::panic;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::{BuildError, BuildPlan};
use crate::durable::OnPath;
use crate::history::Outcome;
use crate::id::ContactId;
use crate::output::manifest::FileEntry;
use crate::output::{RAW, RawAnswer, RawContact, RawWriter};
use crate::spool::{Entry, PagePlace, Place, Reader};

/// Orders that wait for the thread, a few dozen bytes for each page of a contact. Build goes on meanwhile.
const QUEUE: usize = 64;

/// What the thread is told, in the order of the lines.
enum Order {
    Answers { contact_id: ContactId, pages: Vec<PagePlace> },
    Contact { contact_id: ContactId, input_line: u64, done: Place },
    Unchanged { contact: u32, contact_id: ContactId, input_line: u64 },
    Finish,
}

/// The thread. An error of it comes back with a later call; dropped, it leaves its files unfinished.
pub struct RawThread {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<Result<Vec<FileEntry>, BuildError>>>,
}

impl RawThread {
    pub fn start(plan: &BuildPlan) -> Result<Self, BuildError> {
        let output = &plan.output;
        let writer = RawWriter::new(&output.run_id, output.settings.target_file_size, &plan.stage);
        let reader = Reader::new(plan.spool_folder.clone());
        let began = plan.stamp.exported_at;
        let (orders, queue) = sync_channel(QUEUE);
        let thread = thread::Builder::new()
            .name("write-raw".to_owned())
            .spawn(move || follow(writer, reader, began, &queue))
            .on("start the thread that writes to", &plan.stage.join(Path::new(RAW)))?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    /// Has the next contact's answers written.
    pub fn answers(&mut self, contact_id: ContactId, pages: Vec<PagePlace>) -> Result<(), BuildError> {
        self.send(Order::Answers { contact_id, pages })
    }

    /// Has the last word on a contact written.
    pub fn contact(&mut self, contact_id: ContactId, input_line: u64, done: Place) -> Result<(), BuildError> {
        self.send(Order::Contact { contact_id, input_line, done })
    }

    /// Has it written that a contact was not due.
    pub fn unchanged(
        &mut self,
        contact: u32,
        contact_id: ContactId,
        input_line: u64,
    ) -> Result<(), BuildError> {
        self.send(Order::Unchanged { contact, contact_id, input_line })
    }

    /// The files, when they are all closed.
    pub fn finish(mut self) -> Result<Vec<FileEntry>, BuildError> {
        self.send(Order::Finish)?;
        self.join()
    }

    fn send(&mut self, order: Order) -> Result<(), BuildError> {
        let taken = self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok());
        if taken {
            return Ok(());
        }
        match self.join() {
            Err(error) => Err(error),
            Ok(_) => unreachable!("a thread that was not told to finish ends with an error"),
        }
    }

    fn join(&mut self) -> Result<Vec<FileEntry>, BuildError> {
        self.orders = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panicked)) => panic::resume_unwind(panicked),
            None => Ok(Vec::new()),
        }
    }
}

impl Drop for RawThread {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // Nobody wants the files any more, and what the thread has to say of them neither.
            let _unwanted = thread.join();
        }
    }
}

/// The thread: does as it is told until there is nobody left to tell it.
fn follow(
    mut writer: RawWriter,
    mut reader: Reader,
    began: i64,
    orders: &Receiver<Order>,
) -> Result<Vec<FileEntry>, BuildError> {
    for order in orders {
        match order {
            Order::Answers { contact_id, pages } => {
                for page in pages {
                    let entry = reader.entry(page.place)?;
                    let Entry::Page { contact, pass, ask, asked_at, at } = entry else { continue };
                    let answer = RawAnswer {
                        contact,
                        contact_id: contact_id.to_string(),
                        channel: pass,
                        ask,
                        requested_at: asked_at,
                        received_at: at,
                    };
                    writer.answer(&answer, &reader.body(page.place)?)?;
                }
                writer.end_contact()?;
            }
            Order::Contact { contact_id, input_line, done } => {
                let Entry::Done { contact, outcome, .. } = reader.entry(done)? else { continue };
                let contact_id = contact_id.to_string();
                writer.contact(&RawContact { contact, contact_id, input_line, outcome })?;
            }
            Order::Unchanged { contact, contact_id, input_line } => {
                let (contact_id, outcome) = (contact_id.to_string(), Outcome::unchanged(began));
                writer.contact(&RawContact { contact, contact_id, input_line, outcome })?;
            }
            Order::Finish => return Ok(writer.finish()?),
        }
    }
    Ok(Vec::new())
}
