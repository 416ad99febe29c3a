//! Writes long histories in pieces that are encoded independently, some of them before their position is
//! known.

use super::super::{OutputError, rows};
use super::TableWriter;
use crate::table::Rows;

/// An order for a piece. Pieces are numbered within their contact.
pub enum PieceOrder {
    /// Appends rows in their final order.
    Write(u32, Rows),
    /// Ends the piece: it has all its rows.
    End(u32),
    /// Places the piece after all rows written so far, at the file's next row group.
    Put(u32),
    /// Discards all pieces that were not placed.
    DropAll,
}

impl TableWriter {
    /// Follows the order. Only for Parquet with one open file at a time; see
    /// [`OutputSpec::has_pieces`](super::super::OutputSpec::has_pieces).
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
