//! The environment variables of a store, and where its credentials are looked for.

use std::io;

use url::Url;

use super::address::{AddressError, Scheme};
use super::http;

/// There are no credentials, neither in the environment nor at a metadata service.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoCredentials(String);

impl Scheme {
    /// The scheme and bucket of an URL that was checked before.
    pub(super) fn of_url(url: &str) -> (Self, &str) {
        let (scheme, rest) = url.split_once("://").unwrap_or(("s3", url));
        let scheme = match scheme {
            "gs" => Self::Gs,
            "az" => Self::Az,
            _ => Self::S3,
        };
        (scheme, rest.split('/').next().unwrap_or_default())
    }

    /// The word of the cloud for a bucket.
    pub(super) fn bucket(self) -> &'static str {
        match self {
            Self::S3 | Self::Gs => "bucket",
            Self::Az => "container",
        }
    }

    pub(super) fn user_variable(self) -> &'static str {
        match self {
            Self::S3 => "AWS_ACCESS_KEY_ID",
            Self::Gs => "GOOGLE_APPLICATION_CREDENTIALS",
            Self::Az => "AZURE_STORAGE_ACCOUNT_NAME",
        }
    }

    pub(super) fn secret_variable(self) -> &'static str {
        match self {
            Self::S3 => "AWS_SECRET_ACCESS_KEY",
            Self::Gs => "GOOGLE_APPLICATION_CREDENTIALS",
            Self::Az => "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
        }
    }

    /// The variables that usually hold the credentials.
    pub(super) fn key_variables(self) -> &'static str {
        match self {
            Self::S3 => "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary ones, AWS_SESSION_TOKEN",
            Self::Gs => "GOOGLE_APPLICATION_CREDENTIALS, the path of a key file",
            Self::Az => {
                "AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN"
            }
        }
    }

    pub(super) fn endpoint_variable(self) -> &'static str {
        match self {
            Self::S3 => "AWS_ENDPOINT_URL",
            Self::Gs => "the proxy",
            Self::Az => "AZURE_STORAGE_ACCOUNT_NAME",
        }
    }

    /// Names of the variables that hold the address of the store.
    fn endpoints(self) -> &'static [&'static str] {
        match self {
            Self::S3 => &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"],
            Self::Gs => &["GOOGLE_BASE_URL"],
            Self::Az => &["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"],
        }
    }

    /// The places without credentials.
    fn searched(self) -> &'static str {
        match self {
            Self::S3 => {
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_WEB_IDENTITY_TOKEN_FILE, \
                 AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
            }
            Self::Gs => {
                "GOOGLE_APPLICATION_CREDENTIALS and the file of `gcloud auth application-default login`"
            }
            Self::Az => {
                "AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN, AZURE_CLIENT_ID with AZURE_TENANT_ID and \
                 AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE"
            }
        }
    }
}

/// The error that there are no credentials. `reason` is that of the metadata service, which was asked last.
pub(super) fn missing(scheme: Scheme, reason: &str) -> io::Error {
    if http::has_answered() {
        // They were valid before, so the settings are right.
        let what =
            format!("the credentials cannot be renewed: the metadata service {reason}: run again later");
        return io::Error::other(what);
    }
    let found = format!("no credentials in {}, and the metadata service {reason}", scheme.searched());
    let next = match scheme {
        Scheme::S3 if is_set("AWS_PROFILE") || has_profiles() => {
            "profiles (AWS_PROFILE) and SSO are not read: run \
             eval \"$(aws configure export-credentials --format env)\" first"
                .to_owned()
        }
        _ => format!("set {}", scheme.key_variables()),
    };
    io::Error::new(io::ErrorKind::PermissionDenied, NoCredentials(format!("{found}: {next}")))
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// True if the AWS tools of this user have a settings file.
fn has_profiles() -> bool {
    std::env::home_dir()
        .is_some_and(|home| home.join(".aws/config").is_file() || home.join(".aws/credentials").is_file())
}

/// Checks the address of the store, if a variable holds one. Its value may contain a secret, so no message has it.
pub(super) fn check_endpoint(scheme: Scheme) -> Result<(), AddressError> {
    for name in scheme.endpoints() {
        let Ok(value) = std::env::var(name) else { continue };
        let wrong = |what: &str| Err(AddressError::Settings { what: format!("{name} {what}") });
        let url = match Url::parse(&value) {
            Ok(url) if url.has_host() && ["http", "https"].contains(&url.scheme()) => url,
            _ => return wrong("is not a URL: use a form such as https://storage.example.com"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("contains a user name or password: set the variables of the credentials instead");
        }
        if http::is_forbidden(&url) {
            return wrong("has plain http, which is only allowed to this machine: use https");
        }
    }
    Ok(())
}
