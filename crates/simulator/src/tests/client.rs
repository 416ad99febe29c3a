//! A client without an HTTP library: it sees every byte and uses one connection per request.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Simulator;

/// A response.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// True if the body has the announced length.
    pub fn is_whole(&self) -> bool {
        let announced = self.head.lines().find_map(|line| line.strip_prefix("content-length: "));
        announced.is_none_or(|length| length.trim() == self.body.len().to_string())
    }
}

pub async fn simulator(switches: &str) -> Simulator {
    Simulator::start(format!("--token T {switches}").parse().unwrap()).await.unwrap()
}

/// Opens a connection and sends a request on it.
pub async fn open(simulator: &Simulator, head: &str, body: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(simulator.url().strip_prefix("http://").unwrap()).await?;
    let length = body.len();
    let request = format!("{head}host: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

pub async fn send(simulator: &Simulator, head: &str, body: &str) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    open(simulator, head, body).await?.read_to_end(&mut bytes).await?;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok(Answer { status, head, body: bytes[end + 4..].to_vec() })
}

pub async fn get(simulator: &Simulator, path: &str) -> io::Result<Answer> {
    send(simulator, &format!("GET {path} HTTP/1.1\r\nauthorization: Bearer T\r\n"), "").await
}

pub fn messages_path(contact: &str, limit: u64, offset: u64) -> String {
    format!("/prod/get_contact_conversation_messages?contact_id={contact}&limit={limit}&offset={offset}")
}

pub async fn messages(simulator: &Simulator, contact: &str, limit: u64, offset: u64) -> io::Result<Answer> {
    get(simulator, &messages_path(contact, limit, offset)).await
}

pub async fn sign_in(simulator: &Simulator, email: &str, password: &str) -> Answer {
    let body = serde_json::json!({"user_email_id": email, "password": password}).to_string();
    send(simulator, "POST /prod/get_id_token HTTP/1.1\r\n", &body).await.unwrap()
}

/// The contact's current messages, oldest first.
pub async fn truth(simulator: &Simulator, contact: &str) -> Vec<Value> {
    // HTTP/1.0: the lines come without chunks.
    let head = format!("GET /_truth?contact_id={contact} HTTP/1.0\r\n");
    let answer = send(simulator, &head, "").await.unwrap();
    let lines = answer.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}
