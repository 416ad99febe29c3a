//! Object stores on loopback: servers of other projects, a stand-in for Google's, and a proxy that makes
//! faults.

pub mod gcs;
mod http;
mod objects;
pub mod proxy;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::Request;
use object_store::aws::AmazonS3Builder;
use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential, MicrosoftAzureBuilder};
use object_store::client::HttpRequestBody;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig};
use serde_json::json;
use tempfile::TempDir;

use crate::support::export::{Export, write};
use crate::support::service::{RUNTIME, wait_until};
use crate::system::skip;
use gcs::Gcs;
use proxy::FaultProxy;
use server::{BUCKET, SECRET, Server, USER};

/// Texts that must not be in a URL, a message or a file.
pub const SECRETS: [&str; 1] = [SECRET];

/// The kind of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// S3 with conditions that hold also in races.
    SeaweedFs,
    /// S3 with conditions, one request at a time.
    Moto,
    /// S3 that ignores conditions.
    Rclone,
    Azurite,
    Gcs,
}

/// A folder of a store that belongs to one test, and the way to it.
#[derive(Clone)]
pub struct Remote {
    pub kind: Kind,
    /// URL of the server, or of a proxy before it.
    endpoint: String,
    prefix: String,
    /// The file with the credentials of Google, which names the endpoint.
    account: Option<Arc<TempDir>>,
    gcs: Option<Arc<Gcs>>,
}

/// A client of a store that is not the one of the program.
pub trait Client: ObjectStore + MultipartStore {}

impl<S: ObjectStore + MultipartStore> Client for S {}

impl Remote {
    /// SeaweedFS, or `None` with a message if it is not installed.
    pub fn seaweedfs(test: &str) -> Option<Self> {
        Self::on(Kind::SeaweedFs, Server::seaweedfs(), test)
    }

    pub fn moto(test: &str) -> Option<Self> {
        Self::on(Kind::Moto, Server::moto(), test)
    }

    pub fn rclone(test: &str) -> Option<Self> {
        Self::on(Kind::Rclone, Server::rclone(), test)
    }

    pub fn azurite(test: &str) -> Option<Self> {
        Self::on(Kind::Azurite, Server::azurite(), test)
    }

    /// The stand-in for Google's store, one for each call.
    pub fn gcs() -> Self {
        let gcs = Arc::new(Gcs::start());
        let endpoint = gcs.endpoint();
        Self { gcs: Some(gcs), ..Self::new(Kind::Gcs, endpoint) }
    }

    /// A folder with this path in the stand-in, which answers those who only read as S3 does, too.
    pub fn to_read(kind: Kind, prefix: &str) -> Self {
        let gcs = Arc::new(Gcs::start());
        let endpoint = gcs.endpoint();
        Self { gcs: Some(gcs), prefix: prefix.to_owned(), ..Self::new(kind, endpoint) }
    }

    /// The stores with conditions that are there.
    pub fn all_with_conditions(test: &str) -> Vec<Self> {
        Self::each(&[Kind::SeaweedFs, Kind::Azurite, Kind::Moto, Kind::Gcs], test)
    }

    /// One store for each protocol.
    pub fn one_of_each(test: &str) -> Vec<Self> {
        Self::each(&[Kind::SeaweedFs, Kind::Azurite, Kind::Gcs], test)
    }

    fn each(kinds: &[Kind], test: &str) -> Vec<Self> {
        std::thread::scope(|scope| {
            let start = |kind: &Kind| {
                scope.spawn({
                    let kind = *kind;
                    move || Self::of(kind, test)
                })
            };
            let starting: Vec<_> = kinds.iter().map(start).collect();
            starting.into_iter().filter_map(|started| started.join().expect("a server")).collect()
        })
    }

    /// A store of this kind, or `None` with a message if it is not installed.
    pub fn of(kind: Kind, test: &str) -> Option<Self> {
        match kind {
            Kind::SeaweedFs => Self::seaweedfs(test),
            Kind::Moto => Self::moto(test),
            Kind::Rclone => Self::rclone(test),
            Kind::Azurite => Self::azurite(test),
            Kind::Gcs => Some(Self::gcs()),
        }
    }

    /// Another folder of the same server.
    pub fn another(&self) -> Self {
        Self { prefix: Self::new(self.kind, String::new()).prefix, ..self.clone() }
    }

    fn on(kind: Kind, server: Option<&Server>, test: &str) -> Option<Self> {
        let Some(server) = server else {
            skip(test, &format!("needs {kind:?} (scripts/store-tools.sh)"));
            return None;
        };
        let remote = Self::new(kind, server.endpoint());
        remote.create_bucket();
        Some(remote)
    }

    fn new(kind: Kind, endpoint: String) -> Self {
        static REMOTES: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("test-{}/chats", REMOTES.fetch_add(1, Ordering::Relaxed));
        let mut remote = Self { kind, endpoint: String::new(), prefix, account: None, gcs: None };
        remote.set_endpoint(endpoint);
        remote
    }

    fn set_endpoint(&mut self, endpoint: String) {
        if self.kind == Kind::Gcs {
            let folder = tempfile::tempdir().expect("a folder");
            let account = json!({
                "type": "service_account", "disable_oauth": true, "gcs_base_url": endpoint,
                "private_key": "", "private_key_id": "", "client_email": "",
            });
            write(&folder.path().join("account.json"), account.to_string());
            self.account = Some(Arc::new(folder));
        }
        self.endpoint = endpoint;
    }

    /// The same folder, reached through a new proxy.
    pub fn behind_proxy(&self) -> (Self, FaultProxy) {
        let proxy = FaultProxy::before(&self.endpoint);
        let mut remote = self.clone();
        remote.set_endpoint(proxy.endpoint());
        (remote, proxy)
    }

    /// URL of the export, as the program takes it.
    pub fn url(&self) -> String {
        let scheme = match self.kind {
            Kind::SeaweedFs | Kind::Moto | Kind::Rclone => "s3",
            Kind::Azurite => "az",
            Kind::Gcs => "gs",
        };
        format!("{scheme}://{BUCKET}/{}", self.prefix)
    }

    /// The same folder's path below the bucket.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The path of an object of the export.
    pub fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.prefix))
    }

    /// The stand-in for Google's store behind it.
    pub fn as_gcs(&self) -> &Gcs {
        self.gcs.as_deref().expect("the stand-in for Google's store")
    }

    /// The environment in which the program finds the store.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        match self.kind {
            Kind::SeaweedFs | Kind::Moto | Kind::Rclone => vec![
                ("AWS_ACCESS_KEY_ID", USER.to_owned()),
                ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
                ("AWS_REGION", "us-east-1".to_owned()),
                ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ],
            Kind::Azurite => vec![
                ("AZURE_STORAGE_ACCOUNT_NAME", USER.to_owned()),
                ("AZURE_STORAGE_ACCOUNT_KEY", SECRET.to_owned()),
                ("AZURE_STORAGE_ENDPOINT", self.azure_account()),
            ],
            Kind::Gcs => vec![("GOOGLE_SERVICE_ACCOUNT", self.account_file())],
        }
    }

    /// The command with this environment and no other credentials.
    pub fn reach(&self, export: Export) -> Export {
        let foreign = std::env::vars().map(|(name, _)| name);
        let is_cloud = |name: &String| ["AWS_", "AZURE_", "GOOGLE_"].iter().any(|way| name.starts_with(way));
        let export = foreign.filter(is_cloud).fold(export, |export, name| export.env_remove(&name));
        let export = self.environment().iter().fold(export, |export, (name, value)| export.env(name, value));
        // The services that give credentials to machines in clouds are not asked.
        export.env("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1").env("GCE_METADATA_HOST", "127.0.0.1:1")
    }

    /// A client that gives up after this many repetitions.
    pub fn client(&self, retries: usize) -> Arc<dyn Client> {
        // Its HTTP client has no cryptography of its own.
        drop(rustls::crypto::ring::default_provider().install_default());
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(9),
            base: 2.0,
        };
        let retry = RetryConfig { backoff, max_retries: retries, ..RetryConfig::default() };
        let options = ClientOptions::new().with_allow_http(true);
        // The names are read as `from_env` reads them.
        let settings = self.environment().into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        match self.kind {
            Kind::SeaweedFs | Kind::Moto | Kind::Rclone => {
                let builder = settings.fold(AmazonS3Builder::new(), |builder, (name, value)| {
                    builder.with_config(name.parse().expect("a name"), value)
                });
                let builder = builder.with_bucket_name(BUCKET).with_client_options(options);
                Arc::new(builder.with_retry(retry).build().expect("a client"))
            }
            Kind::Azurite => {
                let builder = settings.fold(MicrosoftAzureBuilder::new(), |builder, (name, value)| {
                    builder.with_config(name.parse().expect("a name"), value)
                });
                let builder = builder.with_container_name(BUCKET).with_client_options(options);
                Arc::new(builder.with_retry(retry).build().expect("a client"))
            }
            Kind::Gcs => {
                let builder = settings.fold(GoogleCloudStorageBuilder::new(), |builder, (name, value)| {
                    builder.with_config(name.parse().expect("a name"), value)
                });
                let builder = builder.with_bucket_name(BUCKET).with_client_options(options);
                Arc::new(builder.with_retry(retry).build().expect("a client"))
            }
        }
    }

    fn azure_account(&self) -> String {
        format!("{}/{USER}", self.endpoint)
    }

    fn account_file(&self) -> String {
        let folder = self.account.as_ref().expect("credentials of Google");
        folder.path().join("account.json").to_string_lossy().into_owned()
    }

    /// Creates the bucket of all tests, if it is not there yet.
    fn create_bucket(&self) {
        match self.kind {
            // It creates buckets as they are needed, and accepts writes a moment after it answers.
            Kind::SeaweedFs => {
                let (client, path) = (self.client(0), Path::from("first"));
                let content = PutPayload::from(vec![b'x'; 100_000]);
                wait_until("SeaweedFS accepts writes", || {
                    RUNTIME.block_on(client.put(&path, content.clone())).is_ok()
                });
            }
            Kind::Moto => self.create(&format!("{}/{BUCKET}", self.endpoint), |_| {}),
            Kind::Azurite => {
                let key = AzureCredential::AccessKey(AzureAccessKey::try_new(SECRET).expect("a key"));
                let sign = |request: &mut _| {
                    AzureAuthorizer::new(&key, USER).try_authorize(request).expect("signed");
                };
                self.create(&format!("{}/{BUCKET}?restype=container", self.azure_account()), sign);
            }
            Kind::Rclone | Kind::Gcs => {}
        }
    }

    fn create(&self, url: &str, sign: impl Fn(&mut Request<HttpRequestBody>)) {
        let request = Request::put(url).header("content-length", "0");
        let mut request = request.body(HttpRequestBody::empty()).expect("a request");
        sign(&mut request);
        let answer = RUNTIME.block_on(http::send(&self.endpoint, request.map(|_| Bytes::new())));
        let status = answer.expect("an answer").status().as_u16();
        assert!([200, 201, 409].contains(&status), "{url}: {status}");
    }
}
