//! URLs of exports in object stores.

use object_store::path;

/// A kind of object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// S3 and stores with its interface.
    S3,
    /// Google Cloud Storage.
    Gs,
    /// Azure Blob Storage. The bucket is called container there.
    Az,
}

/// Bucket and prefix of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) scheme: Scheme,
    pub(super) bucket: String,
    pub(super) prefix: path::Path,
}

/// A text that is not the URL of an export in an object store, or a store that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The scheme is that of another protocol.
    #[error(
        "unknown object store {scheme}://; use s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"
    )]
    Scheme {
        /// The scheme, in lower case.
        scheme: String,
    },
    /// The URL has no bucket, or a part that a URL of an export has not.
    #[error("{what}; use the form {form}")]
    Form {
        /// Description of the fault.
        what: String,
        /// The right form.
        form: &'static str,
    },
    /// The client of the store cannot be set up.
    #[error("{what}")]
    Settings {
        /// Description of the fault, with what helps.
        what: String,
    },
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gs => "gs",
            Self::Az => "az",
        }
    }

    fn form(self) -> &'static str {
        match self {
            Self::S3 => "s3://BUCKET/PREFIX",
            Self::Gs => "gs://BUCKET/PREFIX",
            Self::Az => "az://CONTAINER/PREFIX",
        }
    }
}

impl Address {
    /// Parses a URL.
    pub(super) fn parse(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "s3" => Scheme::S3,
            "gs" => Scheme::Gs,
            "az" => Scheme::Az,
            other => return Err(AddressError::Scheme { scheme: other.to_owned() }),
        };
        let wrong = |what: &str| AddressError::Form { what: what.to_owned(), form: scheme.form() };
        let Some(rest) = rest.strip_prefix("//") else { return Err(wrong("two slashes are missing")) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if rest.contains('@')
            && !bucket.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        {
            return Err(wrong("credentials in the URL are not accepted, set the environment variables"));
        }
        if bucket.is_empty() {
            return Err(wrong("the bucket is missing"));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !bucket.chars().all(is_plain) {
            return Err(wrong("the bucket has invalid characters"));
        }
        if rest.contains(['?', '#']) {
            return Err(wrong("the URL has a query or a fragment"));
        }
        if prefix.chars().any(char::is_control) {
            return Err(wrong("the prefix contains control characters"));
        }
        if prefix.starts_with('/') {
            return Err(wrong("the prefix has an empty part, `.` or `..`"));
        }
        let prefix = path::Path::parse(prefix.trim_end_matches('/'))
            .map_err(|_| wrong("the prefix has an empty part, `.` or `..`"))?;
        Ok(Self { scheme, bucket: bucket.to_owned(), prefix })
    }

    /// The URL in its only spelling.
    pub(super) fn url(&self) -> String {
        let Self { scheme, bucket, prefix } = self;
        let slash = if prefix.is_root() { "" } else { "/" };
        format!("{}://{bucket}{slash}{prefix}", scheme.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_one_spelling() {
        for (text, url) in [
            ("s3://bucket", "s3://bucket"),
            ("S3://bucket/", "s3://bucket"),
            ("gs://b/a/b/", "gs://b/a/b"),
            ("az://container/month=1/x y", "az://container/month=1/x y"),
        ] {
            assert_eq!(Address::parse(text).map(|address| address.url()), Ok(url.to_owned()), "{text}");
        }
    }

    #[test]
    fn other_urls_are_refused_with_the_reason() {
        let refusals = [
            "s3a://b/p",
            "s3:/b/p",
            "s3://",
            "gs:///p",
            "az://user:secret@account/p",
            "s3://b/a//b",
            "s3://b/../c",
            "s3://b/p?versionId=1",
            "s3://b b/p",
        ]
        .map(|text| format!("{text}: {}\n", Address::parse(text).unwrap_err()))
        .concat();
        insta::assert_snapshot!(refusals, @r"
        s3a://b/p: unknown object store s3a://; use s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX
        s3:/b/p: two slashes are missing; use the form s3://BUCKET/PREFIX
        s3://: the bucket is missing; use the form s3://BUCKET/PREFIX
        gs:///p: the bucket is missing; use the form gs://BUCKET/PREFIX
        az://user:secret@account/p: credentials in the URL are not accepted, set the environment variables; use the form az://CONTAINER/PREFIX
        s3://b/a//b: the prefix has an empty part, `.` or `..`; use the form s3://BUCKET/PREFIX
        s3://b/../c: the prefix has an empty part, `.` or `..`; use the form s3://BUCKET/PREFIX
        s3://b/p?versionId=1: the URL has a query or a fragment; use the form s3://BUCKET/PREFIX
        s3://b b/p: the bucket has invalid characters; use the form s3://BUCKET/PREFIX
        ");
        assert!(!refusals.replace("az://user:secret", "").contains("secret"));
    }
}
