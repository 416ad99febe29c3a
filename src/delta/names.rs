//! Names in the folder of a Delta log, and the paths that a log holds.

use std::fmt::Write;

use crate::layout;
use crate::output::ExportPath;
use crate::table::Table;

/// Number of digits of a version in its file name.
const DIGITS: usize = 20;

/// Path of a version, relative to the export.
pub(super) fn version_path(table: Table, version: u64) -> String {
    format!("{}/{version:0DIGITS$}.json", layout::delta_log(table.name()))
}

/// Returns the version that a file holds, by its name.
pub(super) fn version_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".json")?;
    let is_number = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

/// True for a version that was being written when a command was interrupted.
pub(super) fn is_temporary(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let version = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp"));
    version.and_then(|version| version.rsplit_once('.')).is_some_and(|(name, _)| version_of(name).is_some())
}

/// Returns the path of a file as a log holds it: relative to the folder of the table, percent-encoded as in a URL.
pub(super) fn encoded(path: &ExportPath) -> String {
    let relative = path.split_once('/').map_or(path.as_str(), |(_, relative)| relative);
    let mut encoded = String::with_capacity(relative.len());
    for byte in relative.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b'=') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Returns the data file that an entry names; `None` if no run writes such a file in the table.
pub(super) fn decoded(table: Table, entry: &str) -> Option<ExportPath> {
    let mut bytes = entry.bytes();
    let mut decoded = Vec::with_capacity(entry.len());
    while let Some(byte) = bytes.next() {
        let value = if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            u8::try_from(digit(bytes.next())? * 16 + digit(bytes.next())?).ok()?
        } else {
            byte
        };
        decoded.push(value);
    }
    format!("{}/{}", table.name(), String::from_utf8(decoded).ok()?).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_versions() {
        assert_eq!(version_path(Table::Messages, 7), "messages/_delta_log/00000000000000000007.json");
        assert_eq!(version_of("00000000000000000007.json"), Some(7));
        for name in [
            "7.json",
            "0000000000000000000a.json",
            "00000000000000000007.json.tmp",
            "99999999999999999999.json",
        ] {
            assert_eq!(version_of(name), None, "{name}");
        }
        assert!(is_temporary("messages/_delta_log/.00000000000000000007.json.123.tmp"));
        assert!(!is_temporary("messages/_delta_log/.mine.123.tmp"));
    }

    #[test]
    fn paths_are_encoded_once_more() {
        let path: ExportPath = "messages/channel=web%2Fx/part-r.1-00000.parquet".parse().unwrap();
        assert_eq!(encoded(&path), "channel=web%252Fx/part-r.1-00000.parquet");
        assert_eq!(decoded(Table::Messages, &encoded(&path)), Some(path));
        for entry in [
            "../contacts/part-r-00000.parquet",
            "%2e%2e/contacts/part-r-00000.parquet",
            "/etc/passwd",
            "file:///etc/passwd",
            "s3://bucket/part-r-00000.parquet",
            "part-r-00000.parquet%",
            "part-r-00000.parquet%0",
            "part-r-00000.parquet%ff",
            "_delta_log/part-r-00000.parquet",
        ] {
            assert_eq!(decoded(Table::Messages, entry), None, "{entry}");
        }
    }
}
