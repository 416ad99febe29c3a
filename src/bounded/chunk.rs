//! Reads the page headers of one column of a row group.

use std::fs::File;
use std::sync::Arc;

use parquet::basic::Type;
use parquet::column::page::{Page, PageReader};
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::page::{Header, Kind, Pages};
use super::{MAX_PAGES, rejected};

/// Encodings in which values are independent or refer to the dictionary: PLAIN, `PLAIN_DICTIONARY`,
/// `DELTA_LENGTH_BYTE_ARRAY`, `RLE_DICTIONARY`. In others a text can begin with the previous one.
const ENCODINGS_OF_TEXT: [u64; 4] = [0, 2, 6, 8];

/// Upper bound of the memory for the values of a column chunk.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// Bytes of the largest data page.
    pub(super) page: u64,
    /// Bytes of the dictionary.
    pub(super) dictionary: u64,
    /// Bytes of the longest value in the dictionary.
    longest: u64,
    /// Smallest number of values in a data page, except the last one.
    fewest: u64,
}

impl Extent {
    /// Returns the maximum bytes of this number of consecutive rows.
    pub(super) fn bytes_of(&self, rows: u64) -> u64 {
        // Consecutive rows may end one page, include the last page of this group, and begin a page of the
        // next group.
        let pages = rows.min((rows / self.fewest.max(1)).saturating_add(3));
        pages.saturating_mul(self.page).saturating_add(rows.saturating_mul(self.longest))
    }
}

/// Reads the page headers, and the lengths of the values in the dictionary.
pub(super) fn extent(file: &File, chunk: &ColumnChunkMetaData) -> Result<Extent> {
    let column = chunk.column_path().string();
    let descriptor = chunk.column_descr();
    let is_flat = descriptor.max_rep_level() == 0 && descriptor.path().parts().len() == 1;
    if !is_flat || matches!(descriptor.physical_type(), Type::FIXED_LEN_BYTE_ARRAY | Type::INT96) {
        return Err(rejected(format!("column {column} has a type that chatzy-export never writes")));
    }
    let is_text = descriptor.physical_type() == Type::BYTE_ARRAY;
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let (Ok(start), Ok(length)) = (u64::try_from(start), u64::try_from(chunk.compressed_size())) else {
        return Err(rejected(format!("column {column} has a negative offset")));
    };
    let mut extent = Extent { fewest: u64::MAX, ..Extent::default() };
    let mut last = None;
    for header in Pages::new(file.try_clone()?, start, length)? {
        let header = header?;
        let bytes = header.uncompressed.max(header.compressed);
        if bytes > MAX_PAGES {
            return Err(rejected(format!("column {column} has a page of {} MiB", bytes >> 20)));
        }
        if header.kind == Kind::Dictionary {
            check_dictionary(&column, &header)?;
            extent.dictionary = extent.dictionary.max(bytes);
            continue;
        }
        if header.kind == Kind::Data && is_text && !ENCODINGS_OF_TEXT.contains(&header.encoding) {
            return Err(rejected(format!("column {column} has an encoding that chatzy-export never writes")));
        }
        extent.page = extent.page.max(bytes);
        if header.values > 0 {
            extent.fewest = last.replace(header.values).map_or(extent.fewest, |last| extent.fewest.min(last));
        }
    }
    if extent.dictionary > 0 && is_text {
        extent.longest = longest(file, chunk)?;
    }
    Ok(extent)
}

/// Checks the number of values: readers reserve an offset for each claimed value.
fn check_dictionary(column: &str, header: &Header) -> Result<()> {
    if header.values > header.uncompressed {
        let what = format!("{} values in {} bytes", header.values, header.uncompressed);
        return Err(rejected(format!("the dictionary of column {column} claims {what}")));
    }
    Ok(())
}

/// Returns the length of the longest text in the dictionary, which is the first page.
fn longest(file: &File, chunk: &ColumnChunkMetaData) -> Result<u64> {
    let mut pages = SerializedPageReader::new(Arc::new(file.try_clone()?), chunk, 0, None)?;
    let Some(Page::DictionaryPage { buf, .. }) = pages.get_next_page()? else {
        return Err(rejected("a dictionary is not the first page of its column"));
    };
    let (mut rest, mut longest) = (&buf[..], 0);
    while let Some((length, values)) = rest.split_first_chunk() {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(u64::from(length));
        rest = usize::try_from(length).ok().and_then(|length| values.get(length..)).unwrap_or_default();
    }
    Ok(longest.min(buf.len() as u64))
}
