//! Parses the headers of pages.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use parquet::errors::{ParquetError, Result};

use super::compact::{BINARY, BOOLS, Compact, I32, I64, STRUCT};
use super::rejected;

/// Bytes read at once. A header has a few dozen.
const BUFFER_BYTES: usize = 256;

/// Kind of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Dictionary,
    /// A page without values, which is skipped.
    Index,
}

/// The fields of a header that determine memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) uncompressed: u64,
    pub(super) compressed: u64,
    pub(super) values: u64,
    pub(super) encoding: u64,
}

/// Iterates over the page headers of a column chunk.
pub(super) struct Pages {
    file: BufReader<File>,
    at: u64,
    end: u64,
}

impl Pages {
    pub(super) fn new(file: File, start: u64, length: u64) -> Result<Self> {
        let end =
            start.checked_add(length).filter(|end| file.metadata().is_ok_and(|meta| *end <= meta.len()));
        let end = end.ok_or_else(|| rejected("a column extends past the end of the file"))?;
        Ok(Self { file: BufReader::with_capacity(BUFFER_BYTES, file), at: start, end })
    }

    fn header(&mut self) -> Result<Header> {
        self.file.seek(SeekFrom::Start(self.at))?;
        let mut input = Compact::new(&mut self.file, self.end - self.at);
        let header = header(&mut input)?;
        let after = self.end - input.rest();
        self.at = after.checked_add(header.compressed).filter(|at| *at <= self.end).ok_or_else(unknown)?;
        Ok(header)
    }
}

impl Iterator for Pages {
    type Item = Result<Header>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.end {
            return None;
        }
        let header = self.header();
        if header.is_err() {
            self.at = self.end;
        }
        Some(header)
    }
}

/// Parses a header. It rejects everything except known fields with their known types, since another reader
/// could interpret it differently.
fn header<R: Read>(input: &mut Compact<R>) -> Result<Header> {
    let mut own = [None; 4];
    let mut kinds = [false; 4];
    let (mut values, mut encoding) = (0, 0);
    let mut last = 0;
    while let Some((id, kind)) = input.field(&mut last)? {
        match (id, kind) {
            (4, I32) => drop(input.int()?), // a checksum may be negative
            (1..=3, I32) => own[usize::from(id)] = Some(input.size()?),
            (5..=8, STRUCT) => {
                kinds[usize::from(id) - 5] = true;
                (values, encoding) = details(input, id)?;
            }
            _ => return Err(unknown()),
        }
    }
    let [_, Some(kind), Some(uncompressed), Some(compressed)] = own else { return Err(unknown()) };
    let kind = match (kind, kinds) {
        (0, [true, false, false, false]) | (3, [false, false, false, true]) => Kind::Data,
        (1, [false, true, false, false]) => Kind::Index,
        (2, [false, false, true, false]) => Kind::Dictionary,
        _ => return Err(unknown()),
    };
    Ok(Header { kind, uncompressed, compressed, values, encoding })
}

/// Returns the number of values of a page, and their encoding.
fn details<R: Read>(input: &mut Compact<R>, page: u8) -> Result<(u64, u64)> {
    // Per kind of page: number of integers, index of the encoding, index of the flag, index of the
    // statistics.
    let (integers, encoding_at, flag, statistics) = match page {
        5 => (4, 2, 0, 5),
        6 => (0, 0, 0, 0),
        7 => (2, 2, 3, 0),
        _ => (6, 4, 7, 8),
    };
    let (mut values, mut encoding) = (0, 0);
    let mut last = 0;
    while let Some((id, kind)) = input.field(&mut last)? {
        match kind {
            I32 if id <= integers => {
                let number = input.size()?;
                if id == 1 {
                    values = number;
                }
                if id == encoding_at {
                    encoding = number;
                }
            }
            kind if BOOLS.contains(&kind) && id == flag => {}
            STRUCT if id == statistics => skip_statistics(input)?,
            _ => return Err(unknown()),
        }
    }
    Ok((values, encoding))
}

fn skip_statistics<R: Read>(input: &mut Compact<R>) -> Result<()> {
    let mut last = 0;
    while let Some((id, kind)) = input.field(&mut last)? {
        match (id, kind) {
            (1 | 2 | 5 | 6, BINARY) => input.skip_binary()?,
            (3 | 4 | 9, I64) => drop(input.int()?),
            (7 | 8, kind) if BOOLS.contains(&kind) => {}
            _ => return Err(unknown()),
        }
    }
    Ok(())
}

fn unknown() -> ParquetError {
    rejected("the header of a page is damaged")
}
