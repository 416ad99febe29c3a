//! A client that reads every contact's history and throws it away: what fetching alone costs.
//!
//!     fetch_only URL CONTACTS [CONCURRENCY]
//!
//! It pages by what was received and takes a short page for the end. Messages are counted by the name of their id, without
//! reading the JSON.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex};

use reqwest::Client;
use tokio::task::JoinSet;

const LIMIT: usize = 100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let _installed_once = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = std::env::args().skip(1);
    let (url, contacts) = (arguments.next().ok_or("no URL")?, arguments.next().ok_or("no contacts")?);
    let concurrency: usize = arguments.next().map_or(Ok(32), |number| number.parse())?;
    let contacts: VecDeque<String> =
        std::fs::read_to_string(contacts)?.lines().skip(1).map(str::to_owned).collect();
    let client = Client::new();
    let token = sign_in(&client, &url).await?;
    let queue = Arc::new(Mutex::new(contacts));
    let mut workers = JoinSet::new();
    for _ in 0..concurrency {
        let (queue, client, url, token) = (Arc::clone(&queue), client.clone(), url.clone(), token.clone());
        workers.spawn(async move {
            loop {
                let Some(contact) = queue.lock().ok().and_then(|mut queue| queue.pop_front()) else {
                    return Ok(());
                };
                read(&client, &url, &token, &contact).await?;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended?.map_err(|error: reqwest::Error| error)?;
    }
    Ok(())
}

async fn sign_in(client: &Client, url: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let body = serde_json::json!({"user_email_id": variable("CHATZY_EMAIL"), "password": variable("CHATZY_PASSWORD")});
    let answer =
        client.post(format!("{url}/get_id_token")).body(body.to_string()).send().await?.bytes().await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer)?;
    Ok(answer["data"]["idToken"].as_str().ok_or("no token")?.to_owned())
}

async fn read(client: &Client, url: &str, token: &str, contact: &str) -> Result<(), reqwest::Error> {
    let mut offset = 0;
    loop {
        let page = format!(
            "{url}/get_contact_conversation_messages?contact_id={contact}&limit={LIMIT}&offset={offset}&grouped_conversations=true"
        );
        let body = client.get(page).bearer_auth(token).send().await?.error_for_status()?.bytes().await?;
        let received = memchr::memmem::find_iter(&body, b"\"message_id\":").count();
        offset += received;
        if received < LIMIT {
            return Ok(());
        }
    }
}
