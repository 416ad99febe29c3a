//! The simulator, run by the test itself so that its statistics and its truth can be asked for.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use chatzy_simulator::{Simulator, Stats};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// Where all servers of the tests run.
pub static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads"));

/// A simulated API until dropped.
pub struct Service {
    simulator: Simulator,
}

/// A message as the API holds it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whether it has been there from the start.
    pub is_stable: bool,
}

impl Service {
    /// Starts one with these switches, as typed after `simulate`.
    pub fn start(switches: &str) -> Self {
        let options = switches.parse().expect("switches of the simulator");
        Self { simulator: RUNTIME.block_on(Simulator::start(options)).expect("a free port") }
    }

    pub fn url(&self) -> &str {
        self.simulator.url()
    }

    pub fn stats(&self) -> Stats {
        self.simulator.stats()
    }

    /// The messages of a contact by their IDs; none of an unknown one.
    pub fn truth(&self, contact: &str) -> BTreeMap<String, Held> {
        let answer = get(self.url(), &format!("/_truth?contact_id={contact}"));
        let lines = answer.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"));
        lines
            .filter_map(|line| {
                let id = line.get("message_id")?.as_str()?.to_owned();
                Some((id, Held { is_stable: line["stable"] == true }))
            })
            .collect()
    }

    /// Lets a day pass for the account; tells whom it concerned.
    pub fn night(&self) -> Value {
        serde_json::from_str(&ask(self.url(), "POST", "/_night")).expect("JSON")
    }

    /// Waits until so many requests were seen.
    pub fn wait_for_requests(&self, count: u64) {
        wait_until("the requests arrive", || self.stats().requests >= count);
    }
}

/// Waits for something that is sure to come; fails when it does not.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited a minute in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The body of an answer. HTTP/1.0, so that it ends with the connection.
fn get(url: &str, path: &str) -> String {
    ask(url, "GET", path)
}

fn ask(url: &str, method: &str, path: &str) -> String {
    let address = url.strip_prefix("http://").expect("a loopback URL");
    let mut stream = TcpStream::connect(address).expect("a server");
    write!(stream, "{method} {path} HTTP/1.0\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
}
