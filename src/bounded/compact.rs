//! Thrift's compact protocol, limited to what page headers use.

use std::io::{self, Read};

use parquet::errors::Result;

use super::rejected;

/// Type codes of fields.
pub(super) const BOOLS: [u8; 2] = [1, 2];
pub(super) const I32: u8 = 5;
pub(super) const I64: u8 = 6;
pub(super) const BINARY: u8 = 8;
pub(super) const STRUCT: u8 = 12;

/// A reader with a limit of bytes.
pub(super) struct Compact<R>(io::Take<R>);

impl<R: Read> Compact<R> {
    pub(super) fn new(input: R, length: u64) -> Self {
        Self(input.take(length))
    }

    /// Returns the number of remaining bytes.
    pub(super) fn rest(&self) -> u64 {
        self.0.limit()
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.0.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn unsigned(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(rejected("a number is too long"))
    }

    /// Reads a signed number.
    pub(super) fn int(&mut self) -> Result<i64> {
        let number = self.unsigned()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// Reads a number from 0 to `i32::MAX`.
    pub(super) fn size(&mut self) -> Result<u64> {
        i32::try_from(self.int()?)
            .ok()
            .and_then(|size| u64::try_from(size).ok())
            .ok_or_else(|| rejected("a size is negative or too large"))
    }

    /// Reads the number and type of the next field; `None` at the end of the structure. Numbers must
    /// increase.
    pub(super) fn field(&mut self, last: &mut u8) -> Result<Option<(u8, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        let id = last.checked_add(byte >> 4).filter(|id| id > last);
        *last = id.ok_or_else(|| rejected("fields of a header are out of order"))?;
        Ok(Some((*last, byte & 0x0f)))
    }

    /// Skips a text or byte string.
    pub(super) fn skip_binary(&mut self) -> Result<()> {
        let length = self.unsigned()?;
        if io::copy(&mut self.0.by_ref().take(length), &mut io::sink())? < length {
            return Err(rejected("a header is incomplete"));
        }
        Ok(())
    }
}
