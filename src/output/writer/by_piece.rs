//! Long histories, in pieces that are encoded each for itself: some of them before it is known where they stand.

use super::super::{OutputError, rows};
use super::TableWriter;
use crate::table::Rows;

/// What is done to a piece, which has a number of its own among those of the contact.
pub enum PieceOrder {
    /// It takes rows, in their final order.
    Write(u32, Rows),
    /// It has all its rows.
    End(u32),
    /// It stands behind all rows written so far, where the file's next row group begins.
    Put(u32),
    /// Those that were not put are none of the contact's.
    DropAll,
}

impl TableWriter {
    /// Follows the order. For Parquet with one file at a time, see [`OutputSpec::has_pieces`](super::super::OutputSpec::has_pieces).
    ///
    /// # Errors
    /// When rows cannot be encoded or written.
    pub fn piece(&mut self, order: PieceOrder) -> Result<(), OutputError> {
        match order {
            PieceOrder::Write(number, rows) => {
                let pieces = match &mut self.pieces {
                    Some(pieces) => pieces,
                    none => none.insert(self.style.pieces(&self.staging)?),
                };
                pieces.write(number, rows.batch)
            }
            PieceOrder::End(number) => self.pieces.as_mut().map_or(Ok(()), |pieces| pieces.end(number)),
            PieceOrder::Put(number) => self.put(number),
            PieceOrder::DropAll => {
                self.pieces = None;
                Ok(())
            }
        }
    }

    fn put(&mut self, number: u32) -> Result<(), OutputError> {
        let Some(piece) = self.pieces.as_mut().and_then(|pieces| pieces.take(number)) else { return Ok(()) };
        let partition = self.partitioner.whole();
        self.open(partition);
        self.end_group(partition)?;
        let mut file = match self.partitions[partition].file.take() {
            Some(file) => file,
            None => self.create(partition, None)?,
        };
        for group in piece.groups {
            file.encoder.append(group)?;
        }
        file.rows += piece.rows;
        file.encoded += piece.bytes;
        file.created_at = rows::joined_range(file.created_at, piece.created_at);
        self.partitions[partition].file = Some(file);
        self.touched.insert(partition);
        Ok(())
    }
}
