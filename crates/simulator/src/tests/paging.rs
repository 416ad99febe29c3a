//! With every order and every meaning of an offset, the pages together hold each message of the contact once.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::{get, messages, messages_path, simulator, truth};
use crate::Simulator;

/// The messages of a page, by conversation; a flat page is one conversation.
fn groups(answer: &Value) -> Vec<Vec<Value>> {
    let page = &answer["data"]["data"];
    match page["conversations"].as_array() {
        Some(conversations) => {
            conversations.iter().map(|one| one["messages"].as_array().unwrap().clone()).collect()
        }
        None => vec![page["messages"].as_array().unwrap().clone()],
    }
}

/// Reads until a page is empty. The offset advances by the number of messages received.
async fn read(simulator: &Simulator, contact: &str, limit: u64) -> (Vec<Value>, Vec<usize>) {
    let (mut all, mut sizes, mut offset) = (Vec::new(), Vec::new(), 0);
    let mut inside = false;
    loop {
        let groups = groups(&messages(simulator, contact, limit, offset).await.unwrap().json());
        let received: usize = groups.iter().map(Vec::len).sum();
        if received == 0 {
            return (all, sizes);
        }
        // More messages than requested: the offset counts inside each conversation.
        inside |= received as u64 > limit;
        let longest = groups.iter().map(Vec::len).max().unwrap();
        offset += if inside { longest as u64 } else { received as u64 };
        sizes.push(received);
        all.extend(groups.into_iter().flatten());
    }
}

fn ids(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|message| message["message_id"].as_str().unwrap().to_owned()).collect()
}

async fn assert_complete(switches: &str, limit: u64) -> (Vec<Value>, Vec<usize>) {
    let simulator = simulator(switches).await;
    // With one conversation, parts of this test would prove nothing.
    let contact = "messages-430-e";
    let conversations: BTreeSet<String> = truth(&simulator, contact)
        .await
        .iter()
        .map(|message| message["conversation_id"].to_string())
        .collect();
    assert!(conversations.len() > 2);
    let (read, sizes) = read(&simulator, contact, limit).await;
    let (mut got, mut held) = (ids(&read), ids(&truth(&simulator, contact).await));
    got.sort();
    held.sort();
    assert_eq!(got.len(), 430, "{switches}");
    assert_eq!(got, held, "{switches}");
    simulator.stop().await;
    (read, sizes)
}

fn times(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["created_at"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn both_orders_are_complete_and_in_order() {
    // A flat list shows the order; groups hide it.
    let (newest, sizes) = assert_complete("--grouping never", 100).await;
    assert!(times(&newest).iter().rev().is_sorted());
    assert_eq!(sizes, [100, 100, 100, 100, 30]);
    let (oldest, _) = assert_complete("--grouping never --order oldest", 100).await;
    assert!(times(&oldest).is_sorted());
}

#[tokio::test]
async fn grouped_pages_are_complete_and_split_conversations() {
    assert_complete("", 100).await;
    assert_complete("--order oldest", 33).await;
}

#[tokio::test]
async fn a_clamp_holds_silently() {
    let (_, sizes) = assert_complete("--clamp 20", 100).await;
    assert!(sizes.iter().all(|size| *size <= 20), "{sizes:?}");
}

#[tokio::test]
async fn short_pages_come_short_in_the_middle() {
    let (_, sizes) = assert_complete("--short-pages 0.5", 50).await;
    assert!(sizes.len() > 9 && sizes.contains(&50), "{sizes:?}");
}

#[tokio::test]
async fn offsets_inside_conversations_are_complete() {
    let (_, sizes) = assert_complete("--per-conversation --order oldest", 60).await;
    assert!(sizes[0] > 60, "{sizes:?}");
}

#[tokio::test]
async fn an_ignored_limit_gives_50_and_an_ignored_offset_the_first_page() {
    let (_, sizes) = assert_complete("--ignore-limit", 100).await;
    assert_eq!(sizes[0], 50);
    let simulator = simulator("--ignore-offset").await;
    let first = messages(&simulator, "messages-430-x", 10, 0).await.unwrap();
    assert_eq!(messages(&simulator, "messages-430-x", 10, 100).await.unwrap().body, first.body);
}

#[tokio::test]
async fn a_flat_list_names_conversations_only_if_told_to() {
    for (switches, named) in [("", true), ("--flat-ids off", false)] {
        let simulator = simulator(switches).await;
        let path = messages_path("messages-20-x", 5, 0) + "&grouped_conversations=false";
        let page = get(&simulator, &path).await.unwrap().json();
        let message = &page["data"]["data"]["messages"][0];
        assert_eq!(message.get("conversation_id").is_some(), named);
    }
}

#[tokio::test]
async fn channels_divide_the_messages() {
    let simulator = simulator("").await;
    let mut sum = 0;
    for channel in ["whatsapp", "instagram", "messenger", "website"] {
        let path = format!("{}&channel={channel}", messages_path("messages-90-h", 100, 0));
        let page = get(&simulator, &path).await.unwrap().json();
        for conversation in page["data"]["data"]["conversations"].as_array().unwrap() {
            assert!(conversation["conversation_type"].as_str().unwrap().starts_with(channel));
            sum += conversation["messages"].as_array().unwrap().len();
        }
    }
    assert_eq!(sum, 90);
}

#[tokio::test]
async fn drift_adds_at_the_new_end_and_removes_for_ever() {
    let stable = |messages: &[Value]| messages.iter().filter(|message| message["stable"] == true).count();
    let growing = simulator("--drift-insert 1").await;
    for _ in 0..5 {
        messages(&growing, "messages-30-x", 10, 0).await.unwrap();
    }
    let held = truth(&growing, "messages-30-x").await;
    assert_eq!((held.len(), stable(&held)), (35, 30));
    assert!(times(&held).is_sorted());

    let shrinking = simulator("--drift-delete 1").await;
    let before = ids(&truth(&shrinking, "messages-30-x").await);
    for _ in 0..5 {
        messages(&shrinking, "messages-30-x", 10, 0).await.unwrap();
    }
    let held = truth(&shrinking, "messages-30-x").await;
    assert_eq!((held.len(), stable(&held)), (25, 25));
    assert!(ids(&held).iter().all(|id| before.contains(id)));
    let (read, _) = read_once(&shrinking, "messages-30-x").await;
    assert_eq!(read, 24, "a last one goes before the page is served");
}

async fn read_once(simulator: &Simulator, contact: &str) -> (usize, usize) {
    let groups = groups(&messages(simulator, contact, 100, 0).await.unwrap().json());
    (groups.iter().map(Vec::len).sum(), groups.len())
}
