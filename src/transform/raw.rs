//! The raw archive, written beside the tables on a thread of its own.
//!
//! Build says which contact it has come to; the thread reads the contact's answers from the spool, where they were
//! written a moment ago, one at a time. What a contact ended with is written last of all, as `coverage` is: until all
//! contacts are read it may change.

use std::path::Path;
use std::sync::mpsc::Receiver;

use super::{TransformError, TransformPlan};
use crate::contact_read::Outcome;
use crate::id::ContactId;
use crate::output::manifest::FileEntry;
use crate::output::{RAW, RawAnswer, RawContact, RawWriter};
use crate::spool::{Entry, Reader, RecordLocation, SpooledPage};
use crate::worker_thread::WorkerThread;

/// Orders that wait for the thread, a few dozen bytes for each page of a contact. Build goes on meanwhile.
const QUEUE: usize = 64;

/// What the thread is told, in the order of the lines.
enum Order {
    Answers { contact_id: ContactId, pages: Vec<SpooledPage> },
    Contact { contact_id: ContactId, input_line: u64, done: RecordLocation },
    Unchanged { contact: u32, contact_id: ContactId, input_line: u64 },
    Finish,
}

/// The thread; see [`WorkerThread`] for errors and panics. If it is dropped, its files stay unfinished.
pub struct RawThread(WorkerThread<Order, Vec<FileEntry>, TransformError>);

impl RawThread {
    pub fn start(plan: &TransformPlan) -> Result<Self, TransformError> {
        let output = &plan.output;
        let writer = RawWriter::new(&output.run_id, output.settings.target_file_size, &plan.stage);
        let reader = Reader::new(plan.spool_folder.clone());
        let began = plan.stamp.exported_at;
        let follow = move |orders: &Receiver<Order>| follow(writer, reader, began, orders);
        Ok(Self(WorkerThread::start(
            "write-raw".to_owned(),
            &plan.stage.join(Path::new(RAW)),
            QUEUE,
            follow,
        )?))
    }

    /// Has the next contact's answers written.
    pub fn answers(&mut self, contact_id: ContactId, pages: Vec<SpooledPage>) -> Result<(), TransformError> {
        self.0.send(Order::Answers { contact_id, pages })
    }

    /// Has the last word on a contact written.
    pub fn contact(
        &mut self,
        contact_id: ContactId,
        input_line: u64,
        done: RecordLocation,
    ) -> Result<(), TransformError> {
        self.0.send(Order::Contact { contact_id, input_line, done })
    }

    /// Has it written that a contact was not due.
    pub fn unchanged(
        &mut self,
        contact: u32,
        contact_id: ContactId,
        input_line: u64,
    ) -> Result<(), TransformError> {
        self.0.send(Order::Unchanged { contact, contact_id, input_line })
    }

    /// The files, when they are all closed.
    pub fn finish(mut self) -> Result<Vec<FileEntry>, TransformError> {
        self.0.send(Order::Finish)?;
        self.0.finish()
    }
}

/// Body of the thread: follows orders until the channel is closed.
fn follow(
    mut writer: RawWriter,
    mut reader: Reader,
    began: i64,
    orders: &Receiver<Order>,
) -> Result<Vec<FileEntry>, TransformError> {
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
