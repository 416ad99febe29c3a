//! The client of a store, from the environment variables that the clouds' own tools use.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, Checksum};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{BackoffConfig, RetryConfig};

use super::address::{Address, AddressError, Scheme};
use super::credentials::check_endpoint;
use super::error::describe_setup;
use super::http::Connector;
use super::{Integrity, Service};

/// Maximum number of repetitions of a request.
const RETRIES: usize = 20;
/// Time after which a request is not repeated any more. A signature is valid for longer.
const RETRY_TIME: Duration = Duration::from_mins(3);

/// Sets up the client. No request is sent yet.
pub(super) fn service(address: &Address) -> Result<(Arc<dyn Service>, Integrity), AddressError> {
    check_endpoint(address.scheme)?;
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(15),
            base: 3.0,
        },
        max_retries: RETRIES,
        retry_timeout: RETRY_TIME,
    };
    let bucket = &address.bucket;
    // `Connector` refuses plain http to other machines itself.
    let built: object_store::Result<(Arc<dyn Service>, Integrity)> = match address.scheme {
        Scheme::S3 => AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_allow_http(true)
            .with_http_connector(Connector)
            .with_retry(retry)
            .with_checksum_algorithm(Checksum::SHA256)
            .build()
            .map(|store| (Arc::new(store) as _, Integrity::Checksums)),
        Scheme::Gs => GoogleCloudStorageBuilder::from_env()
            .with_bucket_name(bucket)
            .with_http_connector(Connector)
            .with_retry(retry)
            .build()
            .map(|store| (Arc::new(store) as _, Integrity::ReadBack)),
        Scheme::Az => MicrosoftAzureBuilder::from_env()
            .with_container_name(bucket)
            .with_allow_http(true)
            .with_http_connector(Connector)
            .with_retry(retry)
            .build()
            .map(|store| (Arc::new(store) as _, Integrity::ReadBack)),
    };
    built.map_err(|error| AddressError::Settings {
        what: format!(
            "cannot use {}: {}; set {}",
            address.url(),
            describe_setup(&error),
            address.scheme.key_variables()
        ),
    })
}
