//! The writer of a table on a thread of its own: rows are encoded while the next ones are flattened.

use std::panic;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::{OutputError, OutputSpec, StagedFile, TableWriter};
use crate::durable::OnPath;
use crate::table::{Rows, Table};

/// Orders that wait for the thread: a batch and the end of its contact. More would only take memory.
const QUEUE: usize = 2;

/// What the thread is told, in the order of the rows.
enum Order {
    Write(Rows),
    EndContact,
    Finish,
}

/// A [`TableWriter`] on its thread. The rows decide all it does, so it writes what the writer itself would.
///
/// An error of the writer comes back with a later call, and a panic goes on in the caller. After either, and when it is
/// dropped before [`Self::finish`], the thread has ended and the files are unfinished.
pub struct WriterThread {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<Result<Vec<StagedFile>, OutputError>>>,
    /// Whether rows were handed over since a contact last ended.
    in_contact: bool,
}

impl WriterThread {
    /// Starts the thread; otherwise as [`TableWriter::new`].
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(spec: &OutputSpec, table: Table, staging: &Path) -> Result<Self, OutputError> {
        let writer = TableWriter::new(spec, table, staging);
        let (orders, queue) = sync_channel(QUEUE);
        let thread = thread::Builder::new()
            .name(format!("write-{}", table.name()))
            .spawn(move || follow(writer, &queue))
            .on("start the thread that writes to", &staging.join(table.name()))?;
        Ok(Self { orders: Some(orders), thread: Some(thread), in_contact: false })
    }

    /// Hands rows over, in their final order; waits while the thread is behind.
    ///
    /// # Errors
    /// When these or earlier rows cannot be encoded or written.
    pub fn write(&mut self, rows: Rows) -> Result<(), OutputError> {
        self.in_contact = true;
        self.send(Order::Write(rows))
    }

    /// Says that all rows of a contact have been handed over; see [`TableWriter::end_contact`].
    ///
    /// # Errors
    /// When earlier rows cannot be encoded or written.
    pub fn end_contact(&mut self) -> Result<(), OutputError> {
        if std::mem::take(&mut self.in_contact) { self.send(Order::EndContact) } else { Ok(()) }
    }

    /// Has all files closed, which takes its time: several threads may do so at once.
    ///
    /// # Errors
    /// When earlier rows cannot be encoded or written.
    pub fn begin_finish(&mut self) -> Result<(), OutputError> {
        self.send(Order::Finish)
    }

    /// The files, when they are all closed; see [`TableWriter::finish`].
    ///
    /// # Errors
    /// When rows cannot be encoded or written, or a file cannot be synced.
    pub fn finish(mut self) -> Result<Vec<StagedFile>, OutputError> {
        self.join()
    }

    fn send(&mut self, order: Order) -> Result<(), OutputError> {
        let taken = self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok());
        if taken { Ok(()) } else { Err(self.failure()) }
    }

    /// Why the thread has ended early.
    fn failure(&mut self) -> OutputError {
        match self.join() {
            Err(error) => error,
            Ok(_) => unreachable!("a thread that was not told to finish ends with an error"),
        }
    }

    fn join(&mut self) -> Result<Vec<StagedFile>, OutputError> {
        self.orders = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panicked)) => panic::resume_unwind(panicked),
            None => Ok(Vec::new()),
        }
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // Nobody wants the files any more, and what the thread has to say of them neither.
            let _unwanted = thread.join();
        }
    }
}

/// The thread: does as it is told until there is nobody left to tell it.
fn follow(mut writer: TableWriter, orders: &Receiver<Order>) -> Result<Vec<StagedFile>, OutputError> {
    for order in orders {
        match order {
            Order::Write(rows) => writer.write(&rows)?,
            Order::EndContact => writer.end_contact()?,
            Order::Finish => return writer.finish(),
        }
    }
    Ok(Vec::new())
}
