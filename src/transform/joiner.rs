//! Joins the results of all threads in the order of the input: rows to the writers, responses to the raw archive,
//! and counts.
//!
//! Only the thread whose turn it is has the joiner. Writers close files at the ends of contacts only, where a rule
//! of sizes allows it. So neither the chunks nor the batches that threads make change the files.

use std::path::PathBuf;

use super::buffer::{Buffer, ContactEnd, ContactOrder, FlattenedContact, TableOrder};
use super::exported::Exported;
use super::raw::RawThread;
use super::{REPORT_EVERY, TransformError, TransformPlan};
use crate::event::{Event, SharedObserver};
use crate::id::ContactId;
use crate::output::{OutputSpec, PieceOrder, StagedFile, WriterThread};
use crate::settings::RawAnswers;
use crate::spool::SpooledPage;
use crate::table::{Counts, Rows, Table, Totals};

/// The writers of all tables, and what is known of the contacts before the current one.
pub struct Joiner {
    spec: OutputSpec,
    stage: PathBuf,
    /// The writers' threads. Each starts with the first rows of its table.
    writers: [Option<WriterThread>; 5],
    /// Bytes of the contacts in each table since its writer could last close a file.
    since_end: [usize; 5],
    /// The thread that writes the raw archive, if it is kept.
    pub raw: Option<RawThread>,
    /// Totals of the exported messages of each contact, for `coverage`.
    pub exported: Exported,
    /// Number of contacts in `exported`.
    joined: usize,
    /// Number of contacts with responses that only earlier versions accepted.
    pub doubtful: u64,
    counts: Counts,
    observer: SharedObserver,
    /// Contacts and messages so far, and the number of due contacts.
    progress: (usize, u64, usize),
}

/// All staged files of the tables, and the counts of their content.
pub struct StagedTables {
    pub files: Vec<StagedFile>,
    pub counts: Counts,
}

impl Joiner {
    pub fn new(plan: &TransformPlan, observer: &SharedObserver) -> Result<Self, TransformError> {
        let raw = match plan.raw {
            RawAnswers::Kept => Some(RawThread::start(plan)?),
            RawAnswers::Dropped => None,
        };
        Ok(Self {
            spec: plan.output.clone(),
            stage: plan.stage.clone(),
            writers: [const { None }; 5],
            since_end: [0; 5],
            raw,
            exported: Exported::default(),
            joined: 0,
            doubtful: 0,
            counts: Counts::default(),
            observer: observer.clone(),
            progress: (0, 0, plan.due.count()),
        })
    }

    /// Takes all results of a buffer.
    pub fn take(&mut self, buffer: Buffer) -> Result<(), TransformError> {
        for (table, orders) in Table::ALL.into_iter().zip(buffer.tables) {
            orders.into_iter().try_for_each(|order| self.follow(table, order))?;
        }
        buffer.contacts.into_iter().try_for_each(|order| self.contact(order))?;
        self.add_counts(&buffer.counts);
        Ok(())
    }

    /// True if a contact with `more` bytes in the table lets its writer close a file.
    pub fn is_end(&self, table: Table, more: usize) -> bool {
        self.since_end[table as usize] + more >= self.spec.batch_bytes()
    }

    /// Follows an order for a table.
    pub fn follow(&mut self, table: Table, order: TableOrder) -> Result<(), TransformError> {
        match order {
            TableOrder::Rows(rows, ends) => self.rows(&rows, &ends),
            TableOrder::Piece(order) => self.piece(table, order),
            TableOrder::End(end) => self.end(table, end),
        }
    }

    fn rows(&mut self, rows: &Rows, ends: &[ContactEnd]) -> Result<(), TransformError> {
        let mut start = 0;
        for end in ends {
            if end.has_pieces || self.is_end(rows.table, end.bytes) {
                self.write(rows.slice(start..end.rows))?;
                start = end.rows;
            }
            self.end(rows.table, *end)?;
        }
        self.write(rows.slice(start..rows.batch.num_rows()))
    }

    fn write(&mut self, rows: Rows) -> Result<(), TransformError> {
        if rows.batch.num_rows() > 0 {
            self.writer(rows.table)?.write(rows)?;
        }
        Ok(())
    }

    /// Follows an order for a piece. A table without rows has no pieces.
    fn piece(&mut self, table: Table, order: PieceOrder) -> Result<(), TransformError> {
        if matches!(order, PieceOrder::Write(..)) {
            self.writer(table)?;
        }
        Ok(self.writers[table as usize].as_mut().map_or(Ok(()), |writer| writer.piece(order))?)
    }

    /// Lets the writer close a file if enough rows were written since it last could.
    fn end(&mut self, table: Table, end: ContactEnd) -> Result<(), TransformError> {
        let may_close = end.has_pieces || self.is_end(table, end.bytes);
        let since = &mut self.since_end[table as usize];
        *since = if may_close { 0 } else { *since + end.bytes };
        if may_close && let Some(writer) = &mut self.writers[table as usize] {
            writer.end_contact()?;
        }
        Ok(())
    }

    fn writer(&mut self, table: Table) -> Result<&mut WriterThread, TransformError> {
        match &mut self.writers[table as usize] {
            Some(writer) => Ok(writer),
            none => Ok(none.insert(WriterThread::start(&self.spec, table, &self.stage)?)),
        }
    }

    /// Takes a fact about the next contact.
    pub fn contact(&mut self, order: ContactOrder) -> Result<(), TransformError> {
        match order {
            ContactOrder::Answers(id, pages) => self.answers(id, pages),
            ContactOrder::Flattened(contact) => {
                self.flattened(&contact);
                Ok(())
            }
        }
    }

    fn answers(&mut self, id: ContactId, pages: Vec<SpooledPage>) -> Result<(), TransformError> {
        self.raw.as_mut().map_or(Ok(()), |raw| raw.answers(id, pages))
    }

    fn flattened(&mut self, flattened: &FlattenedContact) {
        self.skip_to(flattened.contact);
        self.exported.push(&flattened.exported);
        self.joined += 1;
        self.doubtful += u64::from(flattened.is_doubtful);
        self.counts.unknown.merge(&flattened.unknown);
        let (contacts, messages, of) = &mut self.progress;
        (*contacts, *messages) = (*contacts + 1, *messages + flattened.exported.messages);
        if contacts.is_multiple_of(REPORT_EVERY) || contacts == of {
            let event = Event::Built { contacts: *contacts as u64, of: *of as u64, messages: *messages };
            self.observer.event(event);
        }
    }

    /// Enters the contacts before this one that are not due: they have no rows.
    pub fn skip_to(&mut self, contact: usize) {
        while self.joined < contact {
            self.exported.push(&Totals::default());
            self.joined += 1;
        }
    }

    /// Adds counts.
    pub fn add_counts(&mut self, counts: &Counts) {
        self.counts.merge(counts);
    }

    /// Closes all files.
    pub fn finish(self) -> Result<StagedTables, TransformError> {
        let mut writers: Vec<_> = self.writers.into_iter().flatten().collect();
        for writer in &mut writers {
            writer.begin_finish()?;
        }
        let mut files = Vec::new();
        for writer in writers {
            files.extend(writer.finish()?);
        }
        Ok(StagedTables { files, counts: self.counts })
    }
}
