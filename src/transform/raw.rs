//! The raw archive, written beside the tables on its own thread.
//!
//! The transform announces each contact. The thread then reads the contact's recently written responses from
//! the spool, one at a time. Outcomes are written last, as in `coverage`: until all contacts are read, an
//! outcome may change.

use std::path::Path;
use std::sync::mpsc::Receiver;

use super::{TransformError, TransformPlan};
use crate::contact_read::Outcome;
use crate::id::ContactId;
use crate::output::manifest::FileEntry;
use crate::output::{RAW, RawAnswer, RawContact, RawWriter};
use crate::spool::{Entry, Reader, RecordLocation, SpooledPage};
use crate::worker_thread::WorkerThread;

/// Orders that may wait for the thread. Each takes a few dozen bytes per page of a contact.
const QUEUE: usize = 64;

/// Orders to the thread, in the order of the lines.
enum RawOrder {
    Answers { contact_id: ContactId, pages: Vec<SpooledPage> },
    Contact { contact_id: ContactId, input_line: u64, done: RecordLocation },
    Unchanged { contact: u32, contact_id: ContactId, input_line: u64 },
    Finish,
}

/// The writing thread. [`WorkerThread`] describes errors and panics. After a drop its files stay unfinished.
pub struct RawThread(WorkerThread<RawOrder, Vec<FileEntry>, TransformError>);

impl RawThread {
    pub fn start(plan: &TransformPlan) -> Result<Self, TransformError> {
        let output = &plan.output;
        let writer = RawWriter::new(&output.run_id, output.settings.target_file_size, &plan.stage)
            .of_shard(output.shard)
            .uploading(output.uploads.clone());
        let reader = Reader::new(plan.spool_folder.clone());
        let began = plan.stamp.exported_at;
        let follow = move |orders: &Receiver<RawOrder>| follow(writer, reader, began, orders);
        Ok(Self(WorkerThread::start(
            "write-raw".to_owned(),
            &plan.stage.join(Path::new(RAW)),
            QUEUE,
            follow,
        )?))
    }

    /// Orders the responses of the next contact.
    pub fn answers(&mut self, contact_id: ContactId, pages: Vec<SpooledPage>) -> Result<(), TransformError> {
        self.0.send(RawOrder::Answers { contact_id, pages })
    }

    /// Orders the outcome of a contact.
    pub fn contact(
        &mut self,
        contact_id: ContactId,
        input_line: u64,
        done: RecordLocation,
    ) -> Result<(), TransformError> {
        self.0.send(RawOrder::Contact { contact_id, input_line, done })
    }

    /// Orders the line of a contact that was not due.
    pub fn unchanged(
        &mut self,
        contact: u32,
        contact_id: ContactId,
        input_line: u64,
    ) -> Result<(), TransformError> {
        self.0.send(RawOrder::Unchanged { contact, contact_id, input_line })
    }

    /// Closes all files and returns them.
    pub fn finish(mut self) -> Result<Vec<FileEntry>, TransformError> {
        self.0.send(RawOrder::Finish)?;
        self.0.finish()
    }
}

/// Body of the thread. It follows orders until the last one, or until the sender is gone.
fn follow(
    mut writer: RawWriter,
    mut reader: Reader,
    began: i64,
    orders: &Receiver<RawOrder>,
) -> Result<Vec<FileEntry>, TransformError> {
    for order in orders {
        match order {
            RawOrder::Answers { contact_id, pages } => {
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
            RawOrder::Contact { contact_id, input_line, done } => {
                let Entry::Done { contact, outcome, .. } = reader.entry(done)? else { continue };
                let contact_id = contact_id.to_string();
                writer.contact(&RawContact { contact, contact_id, input_line, outcome })?;
            }
            RawOrder::Unchanged { contact, contact_id, input_line } => {
                let (contact_id, outcome) = (contact_id.to_string(), Outcome::unchanged(began));
                writer.contact(&RawContact { contact, contact_id, input_line, outcome })?;
            }
            RawOrder::Finish => return Ok(writer.finish()?),
        }
    }
    Ok(Vec::new())
}
