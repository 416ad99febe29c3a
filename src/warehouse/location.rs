//! Location of an export, in the parts that databases want.

use std::fmt::Write as _;

/// A folder, or a prefix in an object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// Absolute path of a folder on this machine.
    Local(String),
    /// S3 and stores with its interface.
    S3 {
        bucket: String,
        /// Empty, or path without slashes at its ends.
        prefix: String,
        /// URL of a store other than that of AWS.
        endpoint: Option<String>,
        region: Option<String>,
    },
    /// Google Cloud Storage.
    Gs { bucket: String, prefix: String },
    /// Azure Blob Storage.
    Az {
        container: String,
        prefix: String,
        /// Name of the storage account.
        account: Option<String>,
        /// URL of the account, if it is not at Azure's own address.
        endpoint: Option<String>,
    },
}

impl Location {
    /// Parses a path or URL. The function returns the value of an environment variable.
    pub(super) fn parse(root: &str, variable: impl Fn(&str) -> Option<String>) -> Self {
        let first =
            |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
        let parts = |rest: &str| {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            (bucket.to_owned(), prefix.trim_matches('/').to_owned())
        };
        if let Some(rest) = root.strip_prefix("s3://") {
            let (bucket, prefix) = parts(rest);
            let endpoint = first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]);
            let region = first(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
            return Self::S3 { bucket, prefix, endpoint: endpoint.map(|url| without_slash(&url)), region };
        }
        if let Some(rest) = root.strip_prefix("gs://") {
            let (bucket, prefix) = parts(rest);
            return Self::Gs { bucket, prefix };
        }
        if let Some(rest) = root.strip_prefix("az://") {
            let (container, prefix) = parts(rest);
            let account = first(&["AZURE_STORAGE_ACCOUNT_NAME"]);
            let endpoint =
                first(&["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"]).map(|url| without_slash(&url));
            return Self::Az { container, prefix, account, endpoint };
        }
        let absolute = std::path::absolute(root).ok();
        let absolute = absolute.as_ref().and_then(|path| path.to_str()).unwrap_or(root);
        Self::Local(absolute.trim_end_matches('/').to_owned())
    }
}

fn without_slash(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

/// Returns the `https` URL of a bucket in AWS, without a slash at its end.
pub(super) fn aws_url(bucket: &str, region: Option<&str>) -> String {
    let host = region.map_or_else(|| "s3".to_owned(), |region| format!("s3.{region}"));
    let domain = if region.is_some_and(|region| region.starts_with("cn-")) { ".cn" } else { "" };
    // A certificate for all buckets does not fit those with dots.
    if bucket.contains('.') {
        format!("https://{host}.amazonaws.com{domain}/{bucket}")
    } else {
        format!("https://{bucket}.{host}.amazonaws.com{domain}")
    }
}

/// Returns a path as part of a URL.
pub(super) fn percent_encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut url, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b'=' => {
                url.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => drop(write!(url, "%{byte:02X}")),
        }
        url
    })
}

/// Returns a path below a prefix, which may be empty.
pub(super) fn below(prefix: &str, path: &str) -> String {
    if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") }
}
