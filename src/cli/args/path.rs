//! Paths of the local file system. A URL is not a path.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

/// Schemes recognized with a single slash too, as in `s3:/bucket`.
const STORES: [&str; 16] = [
    "s3", "s3a", "s3n", "gs", "gcs", "az", "azure", "abfs", "abfss", "adl", "wasb", "wasbs", "r2", "hdfs",
    "sftp", "file",
];

/// Accepts a local path and refuses a URL, which would otherwise become a folder named `s3:`.
pub(super) fn local_path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match scheme(path.as_os_str()) {
        Some(_) => Err("only local paths are supported; to use an object store, copy the folder, for example with rclone"),
        None => Ok(path),
    })
}

/// True if the text is a URL.
pub fn is_url(path: &OsStr) -> bool {
    scheme(path).is_some()
}

/// Returns the scheme of a URL in lower case.
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
    fn urls_are_recognized() {
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
