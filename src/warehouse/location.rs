//! Location of an export, in the parts that databases want.

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
            return Self::S3 {
                bucket,
                prefix,
                endpoint: endpoint.map(|url| url.trim_end_matches('/').to_owned()),
                region,
            };
        }
        if let Some(rest) = root.strip_prefix("gs://") {
            let (bucket, prefix) = parts(rest);
            return Self::Gs { bucket, prefix };
        }
        if let Some(rest) = root.strip_prefix("az://") {
            let (container, prefix) = parts(rest);
            return Self::Az { container, prefix, account: first(&["AZURE_STORAGE_ACCOUNT_NAME"]) };
        }
        let absolute = std::path::absolute(root).ok();
        let absolute = absolute.as_ref().and_then(|path| path.to_str()).unwrap_or(root);
        Self::Local(absolute.trim_end_matches('/').to_owned())
    }
}

/// Returns a path below a prefix, which may be empty.
pub(super) fn below(prefix: &str, path: &str) -> String {
    if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") }
}
