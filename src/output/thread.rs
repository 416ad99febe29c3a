//! Runs the writer of a table on its own thread: it encodes rows while the next ones are flattened.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::{OutputError, OutputSpec, PieceOrder, StagedFile, TableWriter};
use crate::table::{Rows, Table};
use crate::worker_thread::WorkerThread;

/// Orders that may wait for the thread: a batch and the end of its contact. More would only take memory.
const QUEUE: usize = 2;

/// Orders to the thread, in the order of the rows.
enum Order {
    Write(Rows),
    Piece(PieceOrder),
    EndContact,
    /// Answers when all earlier orders are followed.
    Wait(SyncSender<()>),
    Finish,
}

/// A [`TableWriter`] on its own thread. Only the rows determine what it does, so it writes the same files as
/// the writer alone. [`WorkerThread`] describes errors and panics.
pub struct WriterThread {
    worker: WorkerThread<Order, Vec<StagedFile>, OutputError>,
    /// True if rows were sent since the last end of a contact.
    in_contact: bool,
}

impl WriterThread {
    /// Starts the thread, with the parameters of [`TableWriter::new`].
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub fn start(spec: &OutputSpec, table: Table, staging: &Path) -> Result<Self, OutputError> {
        let writer = TableWriter::new(spec, table, staging);
        let name = format!("write-{}", table.name());
        let worker = WorkerThread::start(name, &staging.join(table.name()), QUEUE, move |orders| {
            follow(writer, orders)
        })?;
        Ok(Self { worker, in_contact: false })
    }

    /// Sends rows, in their final order. Waits while the queue is full.
    ///
    /// # Errors
    /// When these or earlier rows cannot be encoded or written.
    pub fn write(&mut self, rows: Rows) -> Result<(), OutputError> {
        self.in_contact = true;
        self.worker.send(Order::Write(rows))
    }

    /// Sends an order for a piece of a long history; see [`TableWriter::piece`].
    ///
    /// # Errors
    /// When this or earlier rows cannot be encoded or written.
    pub fn piece(&mut self, order: PieceOrder) -> Result<(), OutputError> {
        self.in_contact = true;
        self.worker.send(Order::Piece(order))
    }

    /// Reports that all rows of a contact were sent; see [`TableWriter::end_contact`].
    ///
    /// # Errors
    /// When earlier rows cannot be encoded or written.
    pub fn end_contact(&mut self) -> Result<(), OutputError> {
        if std::mem::take(&mut self.in_contact) { self.worker.send(Order::EndContact) } else { Ok(()) }
    }

    /// Waits until all rows sent so far are encoded, so that they take no memory any more.
    ///
    /// # Errors
    /// When earlier rows cannot be encoded or written.
    pub fn wait(&mut self) -> Result<(), OutputError> {
        let (done, waiting) = sync_channel(0);
        self.worker.send(Order::Wait(done))?;
        // After an error nobody answers. The next order returns the error.
        let _answer = waiting.recv();
        Ok(())
    }

    /// Starts to close all files. This takes time; several threads may do it at once.
    ///
    /// # Errors
    /// When earlier rows cannot be encoded or written.
    pub fn begin_finish(&mut self) -> Result<(), OutputError> {
        self.worker.send(Order::Finish)
    }

    /// Waits until all files are closed, and returns them; see [`TableWriter::finish`].
    ///
    /// # Errors
    /// When rows cannot be encoded or written, or a file cannot be synced.
    pub fn finish(self) -> Result<Vec<StagedFile>, OutputError> {
        self.worker.finish()
    }
}

/// Body of the thread: follows orders until the channel is closed.
fn follow(mut writer: TableWriter, orders: &Receiver<Order>) -> Result<Vec<StagedFile>, OutputError> {
    for order in orders {
        match order {
            Order::Write(rows) => writer.write(&rows)?,
            Order::Piece(order) => writer.piece(order)?,
            Order::EndContact => writer.end_contact()?,
            Order::Wait(done) => drop(done.send(())),
            Order::Finish => return writer.finish(),
        }
    }
    Ok(Vec::new())
}
