//! Servers of other projects, each started once on loopback and shared by all tests of the process.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::promises::root;
use crate::support::export::{read, write};

/// Another process may take a port between its choice and the start. Then a server ends, or it hangs.
const ATTEMPTS: usize = 3;
/// Maximum time of an attempt.
const LONGEST_START: Duration = Duration::from_secs(40);
/// Ports that the system gives to nobody by itself.
const PORTS: Range<u16> = 10_000..32_000;

/// The account of Azurite, and the user of the S3 servers.
pub const USER: &str = "tester";
/// The key of both. Azurite requires base64.
pub const SECRET: &str = "c3RvcmUtc2VjcmV0LW9mLXRoZS10ZXN0cw==";
/// The bucket or container of all tests.
pub const BUCKET: &str = "exports";

/// A server until the process ends.
pub struct Server {
    port: u16,
    /// The process that kills the server when its stdin closes.
    _guard: Child,
}

/// The data folder of a server, and ports for it.
struct Place {
    folder: PathBuf,
    ports: Vec<u16>,
}

impl Server {
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// SeaweedFS with its S3 gateway. `None` if it is not installed.
    pub fn seaweedfs() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let start = || {
            let program = installed("bin/weed")?;
            Some(Self::start(9, "/healthz", |place| {
                let identity = json!({
                    "name": USER, "actions": ["Admin"],
                    "credentials": [{"accessKey": USER, "secretKey": SECRET}],
                });
                write(&place.folder.join("s3.json"), json!({ "identities": [identity] }).to_string());
                let ports = [
                    "s3.port",
                    "s3.port.grpc",
                    "master.port",
                    "master.port.grpc",
                    "volume.port",
                    "volume.port.grpc",
                    "filer.port",
                    "filer.port.grpc",
                ];
                let ports = ports.iter().zip(&place.ports).map(|(name, port)| format!("-{name}={port}"));
                // No telemetry, and no address for it. One second is its shortest heartbeat.
                let nowhere = format!("-master.telemetry.url=http://127.0.0.1:{}/", place.ports[8]);
                let switches = "server -dir=. -ip=127.0.0.1 -ip.bind=127.0.0.1 -filer -s3 -s3.config=s3.json \
                                -master.telemetry=false -master.volumeSizeLimitMB=256 -volume.max=100 \
                                -s3.port.iceberg=0 -s3.port.lance=0";
                let mut command = vec![program.clone().into_os_string()];
                command.extend(switches.split_whitespace().map(OsString::from));
                command.extend(ports.chain([nowhere]).map(OsString::from));
                command
            }))
        };
        SERVER.get_or_init(start).as_ref()
    }

    /// Moto, a second S3. It does not check signatures.
    pub fn moto() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let start = || {
            let program = installed("bin/moto_server")?;
            Some(Self::start(1, "/moto-api/", |place| {
                let port = place.ports[0].to_string();
                let switches = ["-H", "127.0.0.1", "-p", &port];
                [program.as_os_str().to_owned()].into_iter().chain(switches.map(OsString::from)).collect()
            }))
        };
        SERVER.get_or_init(start).as_ref()
    }

    /// The S3 of rclone, which ignores conditions.
    pub fn rclone() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let start = || {
            let program = installed("bin/rclone")?;
            Some(Self::start(1, "/", |place| {
                let address = format!("127.0.0.1:{}", place.ports[0]);
                let user = format!("{USER},{SECRET}");
                // A bucket is a folder.
                let bucket = place.folder.join("data").join(BUCKET);
                chatzy_export::internals::durable::create_dir_all(&bucket).expect("a folder");
                write(&place.folder.join("rclone.conf"), "");
                let switches = ["serve", "s3", "--config", "rclone.conf", "--addr", &address];
                let more = ["--auth-key", &user, "--cache-dir", "cache", "data"];
                let switches = switches.into_iter().chain(more).map(OsString::from);
                [program.as_os_str().to_owned()].into_iter().chain(switches).collect()
            }))
        };
        SERVER.get_or_init(start).as_ref()
    }

    /// Azurite, Azure Blob Storage.
    pub fn azurite() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let start = || {
            let node = installed("bin/node")?;
            let script = installed("azurite/node_modules/azurite/dist/src/blob/main.js")?;
            Some(Self::start(1, "/", |place| {
                let port = place.ports[0].to_string();
                let account = format!("AZURITE_ACCOUNTS={USER}:{SECRET}");
                let switches = ["--blobHost", "127.0.0.1", "--blobPort", &port, "--disableTelemetry"];
                let more = ["--skipApiVersionCheck", "--inMemoryPersistence", "--silent"];
                let mut command = vec![OsString::from("env"), account.into()];
                command.extend([node.as_os_str().to_owned(), script.as_os_str().to_owned()]);
                command.extend(switches.into_iter().chain(more).map(OsString::from));
                command
            }))
        };
        SERVER.get_or_init(start).as_ref()
    }

    /// Starts the command that the closure makes, and waits until its first port answers this path.
    fn start(ports: usize, path: &str, command: impl Fn(&Place) -> Vec<OsString>) -> Self {
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            let folder = tempfile::Builder::new().prefix("store-").tempdir().expect("a folder").keep();
            let place = Place { folder, ports: free_ports(ports) };
            let mut guard = Command::new(installed("bin/python").expect("its Python"))
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/stores/guard.py"))
                .arg(&place.folder)
                .args(command(&place))
                // Credentials and metadata services of the machine are not for tests.
                .env("AWS_EC2_METADATA_DISABLED", "true")
                .stdin(Stdio::piped())
                .spawn()
                .expect("Python");
            let deadline = Instant::now() + LONGEST_START;
            while guard.try_wait().expect("a child").is_none() && Instant::now() < deadline {
                if answers(place.ports[0], path) {
                    return Self { port: place.ports[0], _guard: guard };
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            log = read(&place.folder.join("log"));
            // The guard removes the folder, unless the server has ended by itself.
            drop(guard.stdin.take());
            guard.wait().expect("a child");
            chatzy_export::internals::durable::remove_tree(&place.folder).expect("removed");
        }
        panic!("the object store does not start:\n{log}");
    }
}

/// A file of `scripts/store-tools.sh`, if it could be installed.
fn installed(name: &str) -> Option<PathBuf> {
    let path = root().join(".tools/stores").join(name);
    path.is_file().then_some(path)
}

/// Ports that are free now.
fn free_ports(count: usize) -> Vec<u16> {
    let mut listeners = Vec::new();
    while listeners.len() < count {
        listeners.extend(TcpListener::bind(("127.0.0.1", fastrand::u16(PORTS))));
    }
    listeners.iter().map(|listener| listener.local_addr().expect("an address").port()).collect()
}

/// True if a server answers with anything but an error of its own.
fn answers(port: u16, path: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 10];
        stream.read_exact(&mut head).map(|()| head)
    };
    ask().is_ok_and(|head| head.starts_with(b"HTTP/1.") && head[9] != b'5')
}
