//! The writer of a table on a thread of its own: rows are encoded while the next ones are flattened.

use std::path::Path;
use std::sync::mpsc::Receiver;

use super::{OutputError, OutputSpec, PieceOrder, StagedFile, TableWriter};
use crate::actor::Actor;
use crate::table::{Rows, Table};

/// Orders that wait for the thread: a batch and the end of its contact. More would only take memory.
const QUEUE: usize = 2;

/// What the thread is told, in the order of the rows.
enum Order {
    Write(Rows),
    Piece(PieceOrder),
    EndContact,
    Finish,
}

/// A [`TableWriter`] on its thread. The rows decide all it does, so it writes what the writer itself would. What becomes of
/// errors and panics: see [`Actor`].
pub struct WriterThread {
    actor: Actor<Order, Vec<StagedFile>, OutputError>,
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
        let name = format!("write-{}", table.name());
        let actor =
            Actor::start(name, &staging.join(table.name()), QUEUE, move |orders| follow(writer, orders))?;
        Ok(Self { actor, in_contact: false })
    }

    /// Hands rows over, in their final order; waits while the thread is behind.
    ///
    /// # Errors
    /// When these or earlier rows cannot be encoded or written.
    pub fn write(&mut self, rows: Rows) -> Result<(), OutputError> {
        self.in_contact = true;
        self.actor.tell(Order::Write(rows))
    }

    /// Has this done to a piece of a long history; see [`TableWriter::piece`].
    ///
    /// # Errors
    /// When this or earlier rows cannot be encoded or written.
    pub fn piece(&mut self, order: PieceOrder) -> Result<(), OutputError> {
        self.in_contact = true;
        self.actor.tell(Order::Piece(order))
    }

    /// Says that all rows of a contact have been handed over; see [`TableWriter::end_contact`].
    ///
    /// # Errors
    /// When earlier rows cannot be encoded or written.
    pub fn end_contact(&mut self) -> Result<(), OutputError> {
        if std::mem::take(&mut self.in_contact) { self.actor.tell(Order::EndContact) } else { Ok(()) }
    }

    /// Has all files closed, which takes its time: several threads may do so at once.
    ///
    /// # Errors
    /// When earlier rows cannot be encoded or written.
    pub fn begin_finish(&mut self) -> Result<(), OutputError> {
        self.actor.tell(Order::Finish)
    }

    /// The files, when they are all closed; see [`TableWriter::finish`].
    ///
    /// # Errors
    /// When rows cannot be encoded or written, or a file cannot be synced.
    pub fn finish(self) -> Result<Vec<StagedFile>, OutputError> {
        self.actor.finish()
    }
}

/// The thread: does as it is told until there is nobody left to tell it.
fn follow(mut writer: TableWriter, orders: &Receiver<Order>) -> Result<Vec<StagedFile>, OutputError> {
    for order in orders {
        match order {
            Order::Write(rows) => writer.write(&rows)?,
            Order::Piece(order) => writer.piece(order)?,
            Order::EndContact => writer.end_contact()?,
            Order::Finish => return writer.finish(),
        }
    }
    Ok(Vec::new())
}
