//! The simulator in the process of the test, so that the test can read its statistics and its data.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use chatzy_simulator::{Simulator, Stats};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// The runtime of all servers of the tests.
pub static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads"));

/// A simulated API that runs until it is dropped.
pub struct Service {
    simulator: Simulator,
}

/// A message that the API holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// True if it has existed from the start.
    pub is_stable: bool,
}

impl Service {
    /// Starts a simulator with these switches of `simulate`.
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

    /// The messages of a contact by their IDs; empty for an unknown contact.
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

    /// The kinds and values of the personal data that `--canaries` planted in a contact.
    pub fn canaries(&self, contact: &str) -> Vec<(String, String)> {
        let contact = contact.replace('+', "%2B");
        let list = get(self.url(), &format!("/_canaries?contact_id={contact}"));
        let list: Vec<Value> = serde_json::from_str(&list).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        list.iter().map(|canary| (text(&canary["kind"]), text(&canary["value"]))).collect()
    }

    /// Advances the account by a day, and returns the affected contacts.
    pub fn night(&self) -> Value {
        serde_json::from_str(&ask(self.url(), "POST", "/_night")).expect("JSON")
    }

    /// Waits until this many requests have arrived.
    pub fn wait_for_requests(&self, count: u64) {
        wait_until("the requests arrive", || self.stats().requests >= count);
    }
}

/// Waits for a condition that must become true, and fails after three minutes: servers start slowly beside other tests.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(3);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited three minutes in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The body of a response. HTTP/1.0, so that it ends with the connection.
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
