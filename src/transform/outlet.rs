//! The way of a thread's results to the joiner: straight to it at the turn of the thread's chunk, or into a buffer
//! before.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::TransformError;
use super::buffer::{Buffer, ContactOrder, TableOrder};
use super::joiner::Joiner;
use super::turns::{Held, Turns};
use crate::table::{Counts, Table};

/// The way of the results of one chunk.
pub struct Outlet<'a> {
    turns: &'a Turns,
    joiner: &'a Mutex<Joiner>,
    chunk: usize,
    way: Way<'a>,
}

enum Way<'a> {
    /// It is the turn of the chunk.
    Head(MutexGuard<'a, Joiner>),
    /// The chunk waits for its turn.
    Waiting(Box<Buffer>, Held<'a>),
    /// The chunk is finished.
    Finished,
}

impl<'a> Outlet<'a> {
    /// The way for this chunk.
    pub fn new(turns: &'a Turns, joiner: &'a Mutex<Joiner>, chunk: usize) -> Self {
        let way = Way::Waiting(Box::default(), Held::new(turns, chunk));
        Self { turns, joiner, chunk, way }
    }

    /// True if it is the turn of the chunk. Then everything before is written.
    pub fn is_head(&mut self) -> Result<bool, TransformError> {
        Ok(self.head()?.is_some())
    }

    /// The joiner, if it is the turn of the chunk. What the buffer has is written first.
    fn head(&mut self) -> Result<Option<&mut Joiner>, TransformError> {
        if let Way::Waiting(buffer, _) = &mut self.way {
            if !self.turns.is_head(self.chunk) {
                return Ok(None);
            }
            let mut joiner = self.joiner.lock().unwrap_or_else(PoisonError::into_inner);
            joiner.take(std::mem::take(buffer))?;
            self.way = Way::Head(joiner);
        }
        match &mut self.way {
            Way::Head(joiner) => Ok(Some(joiner)),
            Way::Waiting(..) | Way::Finished => Ok(None),
        }
    }

    /// True if the builder should give away its rows of the table after a contact: `pending` bytes, of contacts
    /// with `ended` bytes.
    pub fn is_full(&mut self, table: Table, pending: usize, ended: usize) -> Result<bool, TransformError> {
        let batch_bytes = self.turns.batch_bytes();
        Ok(match self.head()? {
            Some(joiner) => pending >= batch_bytes || joiner.is_end(table, ended),
            None => pending >= batch_bytes,
        })
    }

    /// Takes an order for a table, whose rows have this size.
    pub fn table(&mut self, table: Table, order: TableOrder, bytes: usize) -> Result<(), TransformError> {
        if let Some(joiner) = self.head()? {
            return joiner.follow(table, order);
        }
        self.buffer(bytes + size_of::<TableOrder>(), |buffer| buffer.tables[table as usize].push(order));
        Ok(())
    }

    /// Takes a fact about a contact.
    pub fn contact(&mut self, order: ContactOrder) -> Result<(), TransformError> {
        if let Some(joiner) = self.head()? {
            return joiner.contact(order);
        }
        let bytes = match &order {
            ContactOrder::Answers(_, pages) => size_of::<ContactOrder>() + size_of_val(pages.as_slice()),
            ContactOrder::Flattened(contact) => contact.memory(),
        };
        self.buffer(bytes, |buffer| buffer.contacts.push(order));
        Ok(())
    }

    /// Waits until the buffer may grow by these bytes. After a stop, nobody needs the results any more.
    fn buffer(&mut self, bytes: usize, add: impl FnOnce(&mut Buffer)) {
        if let Way::Waiting(buffer, held) = &mut self.way
            && !self.turns.is_stopped()
        {
            add(buffer);
            held.add(bytes);
        }
    }

    /// Ends the chunk. At its turn, finished chunks behind it are written, too.
    pub fn finish(&mut self, counts: Counts) -> Result<(), TransformError> {
        self.head()?;
        let mut joiner = match std::mem::replace(&mut self.way, Way::Finished) {
            Way::Finished => return Ok(()),
            Way::Head(mut joiner) => {
                joiner.add_counts(&counts);
                joiner
            }
            Way::Waiting(mut buffer, held) => {
                buffer.counts = counts;
                buffer.held = held.leave();
                let Some(mut buffer) = self.turns.finish(self.chunk, *buffer) else { return Ok(()) };
                let _held = Held::of_buffer(self.turns, std::mem::take(&mut buffer.held));
                let mut joiner = self.joiner.lock().unwrap_or_else(PoisonError::into_inner);
                joiner.take(buffer)?;
                joiner
            }
        };
        while let Some(buffer) = self.turns.advance() {
            let _held = Held::of_buffer(self.turns, buffer.held);
            joiner.take(buffer)?;
        }
        Ok(())
    }
}
