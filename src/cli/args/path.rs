//! Paths of this machine's file system, as opposed to URLs.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

/// Schemes that are recognised with a single slash too, as in `s3:/bucket`.
const STORES: [&str; 16] = [
    "s3", "s3a", "s3n", "gs", "gcs", "az", "azure", "abfs", "abfss", "adl", "wasb", "wasbs", "r2", "hdfs",
    "sftp", "file",
];

/// Accepts a local path and refuses a URL, which would become a folder called `s3:`.
pub(super) fn local_path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match scheme(path.as_os_str()) {
        Some(_) => Err("this version reads and writes local paths only; to use an object store, copy the folder, as with rclone"),
        None => Ok(path),
    })
}

/// True for a URL, which no file can be opened by.
pub fn is_url(path: &OsStr) -> bool {
    scheme(path).is_some()
}

/// The scheme of a URL.
fn scheme(path: &OsStr) -> Option<String> {
    let text = path.to_string_lossy();
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let lower = scheme.to_ascii_lowercase();
    let is_url = rest.starts_with("//") || (rest.starts_with('/') && STORES.contains(&lower.as_str()));
    (is_scheme && is_url).then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::is_url;

    #[test]
    fn urls_are_no_paths() {
        for url in [
            "s3://bucket/prefix",
            "GS://b",
            "az://c/p",
            "abfss://c@a/p",
            "file:///x",
            "https://h/p",
            "s3:/b",
            "x-y+1.z://b",
        ] {
            assert!(is_url(url.as_ref()), "{url}");
        }
        for path in [
            "export",
            "./s3://b",
            "/data/s3://b",
            "C:/data",
            "a:b",
            "a:/b",
            "s3",
            "s3:",
            "://x",
            "1a://b",
            "a b://c",
            "",
        ] {
            assert!(!is_url(path.as_ref()), "{path}");
        }
    }
}
