//! A package as one ZIP file. The same folder gives the same bytes: entries are sorted, and have one time.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::EvidenceError;
use crate::durable::{self, OnPath};
use crate::store::Store;

/// Endings of files that are compressed already.
const COMPRESSED: [&str; 3] = [".parquet", ".zst", ".gz"];
/// Largest size that an entry may have without the larger form of sizes.
const LARGE: u64 = u32::MAX as u64;

/// Writes the files of a folder but one, below a folder of this name.
pub(super) fn write(folder: &Path, out: &Path, name: &str, left_out: &str) -> Result<(), EvidenceError> {
    let mut listed = Store::local(folder).list("")?;
    listed.retain(|found| found.path != left_out);
    let file = durable::create_new(out)?;
    let mut zip = ZipWriter::new(BufWriter::new(file));
    for found in listed {
        let path = folder.join(&found.path);
        let mut from = durable::open_existing(&path)?;
        let bytes = from.metadata().on("inspect", &path)?.len();
        let is_compressed = COMPRESSED.iter().any(|ending| found.path.ends_with(ending));
        let method = if is_compressed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = options(method).large_file(bytes >= LARGE);
        let written = start(&mut zip, &format!("{name}/{}", found.path), options)
            .and_then(|()| io::copy(&mut BufReader::new(&mut from), &mut zip));
        written.on("write", out)?;
    }
    let buffered = zip.finish().map_err(io::Error::from).on("write", out)?;
    let file: File = buffered.into_inner().map_err(io::IntoInnerError::into_error).on("write", out)?;
    Ok(durable::sync(&file, out)?)
}

/// Writes a copy of a ZIP file with these files added to its folder, which has this name.
pub(super) fn add(
    from: &Path,
    out: &Path,
    name: &str,
    files: &[(String, Vec<u8>)],
) -> Result<(), EvidenceError> {
    let mut file = durable::create_new(out)?;
    let mut old = durable::open_existing(from)?;
    io::copy(&mut old, &mut file).on("write", out)?;
    let mut zip = ZipWriter::new_append(file).map_err(io::Error::from).on("write", out)?;
    let options = options(CompressionMethod::Deflated);
    for (path, content) in files {
        let written =
            start(&mut zip, &format!("{name}/{path}"), options).and_then(|()| zip.write_all(content));
        written.on("write", out)?;
    }
    let file = zip.finish().map_err(io::Error::from).on("write", out)?;
    Ok(durable::sync(&file, out)?)
}

fn options(method: CompressionMethod) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o600)
}

fn start<W: Write + Seek>(zip: &mut ZipWriter<W>, name: &str, options: SimpleFileOptions) -> io::Result<()> {
    zip.start_file(name, options).map_err(io::Error::from)
}
