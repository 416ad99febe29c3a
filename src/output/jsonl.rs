//! JSONL: one object per line, keys in column order. The file is compressed as a whole.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use flate2::write::GzEncoder;

use super::OutputError;
use super::encoder::Framing;
use super::json_text::embed;
use super::part::{Finished, PartFile};
use crate::durable::{self, StorageError};
use crate::settings::JsonlCodec;
use crate::table::{Column, Kind};
use crate::time::format_time;

/// Bytes that a compressor receives at once.
const CHUNK_BYTES: usize = 64 << 10;

/// An open JSONL file.
pub(super) struct JsonlEncoder {
    columns: Vec<Column>,
    codec: JsonlCodec,
    framing: Framing,
    sink: Sink,
    /// Number of compressed streams that the file has so far.
    frames: u32,
    /// Bytes in the file when the last group ended.
    bytes: u64,
}

impl JsonlEncoder {
    pub(super) fn new(columns: Vec<Column>, codec: JsonlCodec, framing: Framing, part: PartFile) -> Self {
        Self { columns, codec, framing, sink: Sink::new(part), frames: 0, bytes: 0 }
    }

    /// Bytes of the finished groups, without the bytes that the compressor holds back.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends one line per row.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let written = self.try_write(batch);
        self.checked(written)
    }

    /// Ends the open group.
    pub(super) fn end_group(&mut self) -> Result<(), OutputError> {
        let ended = match self.framing {
            Framing::WholeFile => self.sink.compress_text(),
            Framing::EachGroup => self.sink.end_frame(),
        };
        self.ended(ended)
    }

    /// Flushes the compressor into the file, so that [`Self::bytes`] is exact.
    pub(super) fn flush(&mut self) -> Result<(), OutputError> {
        let flushed = self.sink.flush_stream();
        self.ended(flushed)
    }

    fn ended(&mut self, result: io::Result<()>) -> Result<(), OutputError> {
        self.sink.part.park();
        self.bytes = self.sink.part.bytes();
        self.checked(result)
    }

    /// Finishes the file and syncs it.
    pub(super) fn finish(mut self) -> Result<Finished, OutputError> {
        let ended = self.sink.end_frame();
        self.checked(ended)?;
        if self.frames > 1 { self.join_frames() } else { Ok(self.sink.part.finish()?) }
    }

    fn try_write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        if matches!(self.sink.stream, Stream::Idle) {
            self.sink.stream = Stream::begin(self.codec)?;
            self.frames += u32::from(self.codec != JsonlCodec::None);
        }
        write_rows(&self.columns, batch, &mut self.sink)
    }

    /// Recompresses the file as a single stream. A file may have several gzip members or zstd frames. But
    /// common readers, such as Python's `zstandard`, silently stop after the first.
    fn join_frames(self) -> Result<Finished, OutputError> {
        let pieces = self.sink.part.path().to_owned();
        let mut whole = pieces.clone().into_os_string();
        whole.push(".whole");
        let whole = PathBuf::from(whole);
        drop(self.sink);
        let mut joined = Self::new(Vec::new(), self.codec, Framing::WholeFile, PartFile::new(whole.clone()));
        let copied = File::open(&pieces).and_then(|file| joined.recompress(BufReader::new(file)));
        joined.checked(copied)?;
        let finished = joined.sink.part.finish()?;
        durable::rename(&whole, &pieces)?;
        Ok(finished)
    }

    fn recompress(&mut self, pieces: impl io::BufRead) -> io::Result<()> {
        let mut text: Box<dyn Read + '_> = match self.codec {
            JsonlCodec::None => Box::new(pieces),
            JsonlCodec::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(pieces)),
            JsonlCodec::Zstd(_) => Box::new(zstd::stream::read::Decoder::with_buffer(pieces)?),
        };
        self.sink.stream = Stream::begin(self.codec)?;
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        loop {
            chunk.clear();
            // Compresses whole chunks, whatever the decoder returns at once: equal text then gives equal
            // bytes.
            if (&mut text).take(CHUNK_BYTES as u64).read_to_end(&mut chunk)? == 0 {
                return self.sink.end_frame();
            }
            self.sink.write_all(&chunk)?;
        }
    }

    fn checked(&mut self, result: io::Result<()>) -> Result<(), OutputError> {
        self.sink.checked(result)
    }
}

/// A file with an optional compressor before it.
pub(super) struct Sink {
    part: PartFile,
    stream: Stream,
    /// Text collected for the compressor, since lines come in pieces of a few bytes.
    text: Vec<u8>,
}

enum Stream {
    /// No stream is open.
    Idle,
    Plain,
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Stream {
    fn begin(codec: JsonlCodec) -> io::Result<Self> {
        Ok(match codec {
            JsonlCodec::None => Self::Plain,
            // The time in the header stays 0, so that the same rows give the same bytes.
            JsonlCodec::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::default())),
            JsonlCodec::Zstd(level) => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), level)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
        })
    }
}

impl Sink {
    pub(super) fn new(part: PartFile) -> Self {
        Self { part, stream: Stream::Idle, text: Vec::new() }
    }

    /// Starts a compressed stream.
    pub(super) fn begin(&mut self, codec: JsonlCodec) -> io::Result<()> {
        self.stream = Stream::begin(codec)?;
        Ok(())
    }

    /// Bytes in the file, without those that are collected or held by the compressor.
    pub(super) fn bytes(&self) -> u64 {
        self.part.bytes()
    }

    /// Makes the file durable. Its stream must have ended.
    pub(super) fn finish(self) -> Result<Finished, StorageError> {
        self.part.finish()
    }

    /// Adds the path to an error.
    pub(super) fn checked(&mut self, result: io::Result<()>) -> Result<(), OutputError> {
        let part = &mut self.part;
        match (result, part.take_failure()) {
            (Ok(()), None) => Ok(()),
            (_, Some(failure)) => Err(failure.into()),
            (Err(error), None) => Err(StorageError::new("write", part.path(), error).into()),
        }
    }

    pub(super) fn flush_stream(&mut self) -> io::Result<()> {
        self.compress_text()?;
        match &mut self.stream {
            Stream::Idle | Stream::Plain => {}
            Stream::Gzip(encoder) => encoder.flush()?,
            Stream::Zstd(encoder) => encoder.flush()?,
        }
        self.drain()
    }

    pub(super) fn end_frame(&mut self) -> io::Result<()> {
        self.compress_text()?;
        self.text = Vec::new();
        match std::mem::replace(&mut self.stream, Stream::Idle) {
            Stream::Idle | Stream::Plain => Ok(()),
            Stream::Gzip(encoder) => self.part.write_all(&encoder.finish()?),
            Stream::Zstd(encoder) => self.part.write_all(&encoder.finish()?),
        }
    }

    /// Passes the collected text to the compressor.
    fn compress_text(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Idle | Stream::Plain => self.part.write_all(&self.text)?,
            Stream::Gzip(encoder) => encoder.write_all(&self.text)?,
            Stream::Zstd(encoder) => encoder.write_all(&self.text)?,
        }
        self.text.clear();
        self.drain()
    }

    fn drain(&mut self) -> io::Result<()> {
        let compressed = match &mut self.stream {
            Stream::Idle | Stream::Plain => return Ok(()),
            Stream::Gzip(encoder) => encoder.get_mut(),
            Stream::Zstd(encoder) => encoder.get_mut(),
        };
        self.part.write_all(compressed)?;
        compressed.clear();
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK_BYTES - self.text.len());
        self.text.extend_from_slice(&bytes[..taken]);
        if self.text.len() == CHUNK_BYTES {
            self.compress_text()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes one line per row of a batch, which has these columns.
///
/// # Errors
/// If `out` reports an error.
pub fn write_rows(columns: &[Column], batch: &RecordBatch, out: &mut impl Write) -> io::Result<()> {
    for row in 0..batch.num_rows() {
        for (index, (column, values)) in columns.iter().zip(batch.columns()).enumerate() {
            out.write_all(if index == 0 { b"{\"" } else { b",\"" })?;
            out.write_all(column.name.as_bytes())?;
            out.write_all(b"\":")?;
            if values.is_null(row) {
                out.write_all(b"null")?;
            } else {
                write_value(column.kind, values, row, out)?;
            }
        }
        out.write_all(b"}\n")?;
    }
    Ok(())
}

fn write_value(kind: Kind, values: &ArrayRef, row: usize, out: &mut impl Write) -> io::Result<()> {
    match kind {
        Kind::Str => Ok(serde_json::to_writer(out, values.as_string::<i32>().value(row))?),
        Kind::Json => embed(values.as_string::<i32>().value(row), out),
        Kind::Int => write!(out, "{}", values.as_primitive::<Int64Type>().value(row)),
        Kind::Bool => out.write_all(if values.as_boolean().value(row) { b"true" } else { b"false" }),
        Kind::Ts => {
            write!(out, "\"{}\"", format_time(values.as_primitive::<TimestampMicrosecondType>().value(row)))
        }
    }
}
