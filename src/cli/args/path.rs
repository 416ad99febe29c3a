//! Paths of the local file system. A URL is not a path.

use std::error::Error;
use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

use crate::store::Store;

/// Schemes recognized with a single slash too, as in `s3:/bucket`.
const STORES: [&str; 16] = [
    "s3", "s3a", "s3n", "gs", "gcs", "az", "azure", "abfs", "abfss", "adl", "wasb", "wasbs", "r2", "hdfs",
    "sftp", "file",
];

/// Accepts a local path and refuses a URL, which would otherwise become a folder named `s3:`.
pub(super) fn local_path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match scheme(path.as_os_str()) {
        Some(_) => Err("it must be a local path"),
        None => Ok(path),
    })
}

/// Accepts the location of an export: a local path, or the URL of an object store.
pub(super) fn export_path() -> impl TypedValueParser<Value = Store> {
    PathBufValueParser::new().try_map(|path| match scheme(path.as_os_str()) {
        Some(_) => Store::remote(&path.to_string_lossy()),
        None => Ok(Store::local(&path)),
    })
}

/// Accepts a file to read: a local path, or the URL of an object.
pub(super) fn input_file() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| -> Result<PathBuf, Box<dyn Error + Send + Sync>> {
        if scheme(path.as_os_str()).is_some() {
            object(&path.to_string_lossy())?;
        }
        Ok(path)
    })
}

/// Returns the prefix and the name of an object.
///
/// # Errors
/// If the URL is not that of an object, or the client of the store cannot be set up.
pub fn object(url: &str) -> Result<(Store, String), Box<dyn Error + Send + Sync>> {
    // Errors are about the whole URL.
    Store::remote(url)?;
    let (folder, name) = url.rsplit_once('/').ok_or(NoName)?;
    if name.is_empty() || folder.ends_with('/') {
        return Err(NoName.into());
    }
    Ok((Store::remote(folder)?, name.to_owned()))
}

/// A file to write.
#[derive(Clone, Debug)]
pub enum OutputFile {
    /// Given as `-`.
    Stdout,
    File(PathBuf),
    /// An object of a store.
    Object {
        /// The prefix that the object is in.
        folder: Store,
        name: String,
    },
}

impl OutputFile {
    /// Returns the path or URL; none for stdout.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path.clone()),
            Self::Object { folder, name } => Some(folder.join(name)),
        }
    }
}

/// Error of a URL that ends with a bucket or a slash.
#[derive(Debug, thiserror::Error)]
#[error("the name of the object is missing; use a form such as s3://BUCKET/PREFIX/contacts.csv")]
struct NoName;

/// Accepts a file to write: `-`, a local path, or the URL of an object.
pub(super) fn output_file() -> impl TypedValueParser<Value = OutputFile> {
    PathBufValueParser::new().try_map(|path| -> Result<OutputFile, Box<dyn Error + Send + Sync>> {
        if path.as_os_str() == "-" {
            return Ok(OutputFile::Stdout);
        }
        if scheme(path.as_os_str()).is_none() {
            return Ok(OutputFile::File(path));
        }
        let (folder, name) = object(&path.to_string_lossy())?;
        Ok(OutputFile::Object { folder, name })
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
