//! Signing in, unknown contacts, the account's list, statistics.

use super::client::{get, messages, messages_path, send, sign_in, simulator, truth};
use crate::{Endpoint, Simulator};

async fn with_header(simulator: &Simulator, header: &str) -> (u16, String) {
    let head = format!("GET {} HTTP/1.1\r\n{header}", messages_path("messages-3-x", 10, 0));
    let answer = send(simulator, &head, "").await.unwrap();
    (answer.status, answer.json()["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn signing_in_gives_a_token_that_works_until_it_expires() {
    let simulator = simulator("--email a@b.c --sim-password secret").await;
    assert_eq!(sign_in(&simulator, "a@b.c", "wrong").await.status, 401);
    let welcome = sign_in(&simulator, "a@b.c", "secret").await.json();
    let token = welcome["data"]["idToken"].as_str().unwrap();
    assert!(welcome["data"]["expiryAt"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(with_header(&simulator, &format!("authorization: Bearer {token}\r\n")).await.0, 200);
    assert_eq!(with_header(&simulator, &format!("authorization: {token}\r\n")).await.0, 200);
    assert_eq!(simulator.stats().sign_ins, 1);

    let short = super::client::simulator("--token-life 0s").await;
    let welcome = sign_in(&short, "a@b.c", "secret").await.json();
    let header = format!("authorization: Bearer {}\r\n", welcome["data"]["idToken"].as_str().unwrap());
    assert_eq!(with_header(&short, &header).await, (401, "The incoming token has expired".into()));
}

#[tokio::test]
async fn tokens_missing_wrong_or_of_the_wrong_form_are_refused() {
    let simulator = simulator("--auth bearer").await;
    assert_eq!(with_header(&simulator, "").await, (403, "Missing Authentication Token".into()));
    assert_eq!(with_header(&simulator, "authorization: Bearer U\r\n").await, (401, "Unauthorized".into()));
    assert_eq!(with_header(&simulator, "authorization: T\r\n").await, (401, "Unauthorized".into()));
    assert_eq!(with_header(&simulator, "authorization: Bearer T\r\n").await.0, 200);
    let schemes = simulator.stats().auth_schemes;
    assert_eq!((schemes["none"], schemes["raw"], schemes["bearer"]), (1, 1, 2));
}

#[tokio::test]
async fn expiry_at_can_be_wrong_in_every_way() {
    for (what, test) in [
        ("missing", (|at| at.is_none()) as fn(Option<u64>) -> bool),
        ("seconds", |at| at.is_some_and(|at| at < 100_000_000_000)),
        ("past", |at| at.is_some_and(|at| (1_700_000_000_000..4_000_000_000_000).contains(&at))),
        ("absurd", |at| at.is_some_and(|at| at > 1_000_000_000_000_000)),
    ] {
        let simulator = simulator(&format!("--expiry-at {what}")).await;
        let welcome = sign_in(&simulator, "a", "b").await.json();
        assert!(test(welcome["data"]["expiryAt"].as_u64()), "{what}: {welcome}");
    }
}

#[tokio::test]
async fn contacts_are_unknown_or_empty_in_the_way_asked_for() {
    for (switches, status, expected) in [
        ("", 404, r#"{"message":"Contact not found"}"#),
        ("--unknown null", 200, r#"{"data":{"data":{"contact":null,"conversations":[]}}}"#),
        ("--unknown empty", 200, r#"{"data":{"data":{"conversations":[]}}}"#),
    ] {
        let simulator = simulator(switches).await;
        let answer = messages(&simulator, "unknown-x", 10, 0).await.unwrap();
        assert_eq!((answer.status, String::from_utf8(answer.body).unwrap().as_str()), (status, expected));
        let empty = messages(&simulator, "empty-x", 10, 0).await.unwrap().json();
        assert_eq!(empty["data"]["data"]["contact"]["contact_id"], "empty-x");
        assert_eq!(empty["data"]["data"]["conversations"], serde_json::json!([]));
    }
}

#[tokio::test]
async fn wrong_queries_are_400() {
    let simulator = simulator("").await;
    for query in ["limit=10", "contact_id=x&limit=0", "contact_id=x&limit=101", "contact_id=x&channel=fax"] {
        let answer = get(&simulator, &format!("/get_contact_conversation_messages?{query}")).await.unwrap();
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[tokio::test]
async fn the_account_lists_its_contacts_latest_first_and_all_of_them_have_messages() {
    let simulator = simulator("--account-contacts 25").await;
    let mut listed = Vec::new();
    for offset in [0, 10, 20, 30] {
        let path = format!("/prod/get_contact_conversations?user_email_id=a%40b.c&offset={offset}");
        let page = get(&simulator, &path).await.unwrap().json();
        listed.extend(page["data"]["data"]["contacts"].as_array().unwrap().clone());
    }
    assert_eq!(listed.len(), 25);
    let times: Vec<&str> = listed.iter().map(|c| c["latest_message_time"].as_str().unwrap()).collect();
    assert!(times.iter().rev().is_sorted());
    for contact in &listed[..3] {
        let held = truth(&simulator, contact["contact_id"].as_str().unwrap()).await;
        assert_eq!(held.last().unwrap()["created_at"], contact["latest_message_time"]);
    }
    let search = listed[7]["phone_number"].as_str().unwrap().trim_start_matches('+');
    let path = format!("/get_contact_conversations?user_email_id=a&search={search}");
    let found = get(&simulator, &path).await.unwrap().json();
    assert_eq!(found["data"]["data"]["contacts"], serde_json::json!([listed[7]]));
}

#[tokio::test]
async fn ids_of_all_scripts_work() {
    let simulator = simulator("").await;
    let id = "kontakt-%C3%A5sa-%C3%B6berg-%E6%97%A5%E6%9C%AC";
    let page = messages(&simulator, id, 10, 0).await.unwrap().json();
    assert_eq!(page["data"]["data"]["contact"]["contact_id"], "kontakt-åsa-öberg-日本");
}

#[tokio::test]
async fn statistics_count_what_was_asked_and_start_anew() {
    let simulator = simulator("").await;
    sign_in(&simulator, "a", "b").await;
    for contact in ["messages-5-a", "messages-5-a", "unknown-b"] {
        messages(&simulator, contact, 10, 0).await.unwrap();
    }
    let stats = simulator.stats();
    assert_eq!((stats.requests, stats.max_in_flight), (4, 1));
    assert_eq!((stats.by_endpoint[&Endpoint::Messages], stats.by_endpoint[&Endpoint::SignIn]), (3, 1));
    assert_eq!((stats.by_status["200"], stats.by_status["404"]), (3, 1));
    assert_eq!(stats.contacts["messages-5-a"], 2);
    let told = get(&simulator, "/_stats").await.unwrap().json();
    assert_eq!(told, serde_json::to_value(&stats).unwrap());

    assert_eq!(send(&simulator, "POST /_stats/reset HTTP/1.1\r\n", "").await.unwrap().status, 200);
    assert_eq!((simulator.stats().requests, simulator.stats().bytes_sent), (0, 0));
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_accept_it() {
    let simulator = simulator("--compress").await;
    let plain = messages(&simulator, "messages-9-x", 10, 0).await.unwrap().body;
    let path = messages_path("messages-9-x", 10, 0);
    for (encoding, magic) in [("gzip", &[0x1f, 0x8b][..]), ("br, zstd;q=1", &[0x28, 0xb5])] {
        let head = format!("GET {path} HTTP/1.1\r\nauthorization: T\r\naccept-encoding: {encoding}\r\n");
        let answer = send(&simulator, &head, "").await.unwrap();
        assert!(answer.body.starts_with(magic) && answer.body.len() < plain.len());
        assert!(answer.is_whole() && answer.head.contains("content-encoding: "));
    }

    let simulator = self::simulator("--compress=gzip").await;
    let head = format!("GET {path} HTTP/1.1\r\nauthorization: T\r\naccept-encoding: zstd, gzip\r\n");
    assert!(send(&simulator, &head, "").await.unwrap().head.contains("content-encoding: gzip"));
}

#[tokio::test]
async fn nobody_listens_after_the_stop() {
    let simulator = simulator("").await;
    let address = simulator.url().strip_prefix("http://").unwrap().to_owned();
    simulator.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn the_sample_contacts_show_every_kind_and_stay_small() {
    let simulator = simulator("").await;
    let mut ids = Vec::new();
    for line in include_str!("../../../../sample_contacts.csv").lines().skip(1) {
        ids.push(line.split(',').next().unwrap().replace('å', "%C3%A5").replace('ö', "%C3%B6"));
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all - 1, "one contact is listed twice");
    let mut held = Vec::new();
    for id in ids.iter().filter(|id| id.is_ascii() && !id.starts_with("unknown-")) {
        held.push(truth(&simulator, id).await.len());
    }
    assert!(held.contains(&3200) && held.contains(&200) && held.contains(&0));
    assert!(held.iter().sum::<usize>() < 10_000);
}
