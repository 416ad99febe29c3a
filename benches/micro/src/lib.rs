//! What the micro-benchmarks work on: pages of the built-in API, a hundred messages each.

use std::io::{Read, Write};
use std::net::TcpStream;

use chatzy_simulator::Simulator;

/// Pages of as many contacts, as text.
pub fn pages(count: usize) -> Vec<String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
    let options = "--max-messages 1000000".parse().expect("switches of the simulator");
    let simulator = runtime.block_on(Simulator::start(options)).expect("a free port");
    let host = simulator.url().trim_start_matches("http://").to_owned();
    let signed_in = answer(&host, "POST /get_id_token", "", r#"{"user_email_id":"a","password":"b"}"#);
    let signed_in: serde_json::Value = serde_json::from_str(&signed_in).expect("an answer to the sign-in");
    let header =
        format!("Authorization: Bearer {}\r\n", signed_in["data"]["idToken"].as_str().expect("a token"));
    let page = |contact| {
        let target = format!(
            "GET /get_contact_conversation_messages?contact_id=messages-500-{contact}&limit=100&offset=0&grouped_conversations=true"
        );
        answer(&host, &target, &header, "")
    };
    (0..count).map(page).collect()
}

/// The body of an answer.
fn answer(host: &str, target: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(host).expect("the simulator");
    let length = body.len();
    write!(
        stream,
        "{target} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split_once("\r\n\r\n").expect("a head").1.to_owned()
}
