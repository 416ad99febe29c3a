//! Recognizes other file formats by their first bytes.

/// First bytes of files, with the name of their format.
const SIGNATURES: [(&[u8], &str); 12] = [
    (b"PK\x03\x04", "a spreadsheet (XLSX or ODS) or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (XLS)"),
    (b"%PDF-", "a PDF file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"BZh91AY&SY", "a bzip2 file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"PAR1\x15", "a Parquet file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"{\\rtf", "an RTF document"),
    (b"ARROW1\x00", "an Arrow file"),
];

/// Returns the name of a format that is not a contacts file.
pub(super) fn of(start: &[u8]) -> Option<&'static str> {
    SIGNATURES.iter().find(|(signature, _)| start.starts_with(signature)).map(|(_, kind)| *kind)
}
