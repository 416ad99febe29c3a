//! Each fault has its effect.

use std::collections::BTreeSet;

use super::client::{messages, open, send, sign_in, simulator};
use tokio::io::AsyncReadExt;

const CONTACT: &str = "messages-40-faults";

#[tokio::test]
async fn errors_are_of_the_gateway_and_pass_when_tried_again() {
    let simulator = simulator("--errors 0.5").await;
    let mut seen = BTreeSet::new();
    for _ in 0..60 {
        seen.insert(messages(&simulator, CONTACT, 10, 0).await.unwrap().status);
    }
    assert_eq!(seen, BTreeSet::from([200, 500, 502, 503, 504]));
}

#[tokio::test]
async fn the_same_requests_meet_the_same_faults_whatever_else_is_asked() {
    let (alone, busy) = (simulator("--errors 0.5").await, simulator("--errors 0.5").await);
    for _ in 0..20 {
        messages(&busy, "messages-40-other", 10, 0).await.unwrap();
        let there = messages(&busy, CONTACT, 10, 0).await.unwrap().status;
        assert_eq!(messages(&alone, CONTACT, 10, 0).await.unwrap().status, there);
    }
}

#[tokio::test]
async fn resets_are_resets() {
    let simulator = simulator("--resets 1").await;
    let error = messages(&simulator, CONTACT, 10, 0).await.map(|answer| answer.status).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(simulator.stats().by_status["reset"], 1);
}

#[tokio::test]
async fn a_cut_body_is_shorter_than_announced() {
    let simulator = simulator("--cut 1").await;
    let answer = messages(&simulator, CONTACT, 10, 0).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(!answer.is_whole() && !answer.body.is_empty(), "{}", answer.head);
}

#[tokio::test]
async fn spoiled_answers_come_with_status_200() {
    for (switches, start) in
        [("--html 1", "<!DOCTYPE html>"), ("--empty-body 1", ""), ("--error-answers 1", "{\"")]
    {
        let simulator = simulator(switches).await;
        let answer = messages(&simulator, CONTACT, 10, 0).await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.is_whole());
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.starts_with(start) && text.is_empty() == start.is_empty(), "{text}");
        assert!(!text.contains("conversations"), "{text}");
        assert_eq!(sign_in(&simulator, "a@b.c", "secret").await.status, 200);
    }
}

#[tokio::test]
async fn a_slow_body_arrives_whole() {
    let simulator = simulator("--slow 1 --slow-rate 10000000").await;
    let answer = messages(&simulator, CONTACT, 10, 0).await.unwrap();
    assert!(answer.is_whole());
    assert!(answer.json()["data"]["data"]["contact"].is_object());
}

#[tokio::test]
async fn stalled_bodies_stay_in_flight() {
    let simulator = simulator("--stalls 1").await;
    let head =
        format!("GET {} HTTP/1.1\r\nauthorization: T\r\n", super::client::messages_path(CONTACT, 10, 0));
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = open(&simulator, &head, "").await.unwrap();
        assert_eq!(&stream.read_u64().await.unwrap().to_be_bytes(), b"HTTP/1.1");
        streams.push(stream);
    }
    let stats = simulator.stats();
    assert_eq!((stats.max_in_flight, stats.max_messages_in_flight), (5, 5));
}

#[tokio::test]
async fn requests_above_the_rate_and_the_quota_are_told_so() {
    for (retry_after, expected) in [
        ("none", None),
        ("7", Some("retry-after: 7")),
        ("garbage", Some("retry-after: a moment")),
        ("date", Some(" GMT")),
    ] {
        let simulator = simulator(&format!("--rate-limit 2 --retry-after {retry_after}")).await;
        let mut refused = Vec::new();
        for _ in 0..20 {
            let answer = messages(&simulator, CONTACT, 10, 0).await.unwrap();
            if answer.status == 429 {
                assert_eq!(answer.json()["message"], "Too Many Requests");
                refused.push(answer.head);
            }
        }
        let line = refused[0].lines().find(|line| line.starts_with("retry-after"));
        assert_eq!(line.is_some(), expected.is_some());
        assert!(line.unwrap_or_default().contains(expected.unwrap_or_default()), "{line:?}");
    }
    let simulator = simulator("--quota 3").await;
    for number in 1..6 {
        let answer = messages(&simulator, CONTACT, 10, 0).await.unwrap();
        assert_eq!(answer.status, if number > 3 { 429 } else { 200 });
        assert!(number <= 3 || answer.json()["message"] == "Limit Exceeded");
    }
}

#[tokio::test]
async fn an_outage_is_a_window_of_requests() {
    let simulator = simulator("--outage 3..6").await;
    let mut served = Vec::new();
    for number in 1..8 {
        if messages(&simulator, CONTACT, 10, 0).await.is_ok_and(|answer| answer.status == 200) {
            served.push(number);
        }
    }
    assert_eq!(served, [1, 2, 6, 7]);
}

#[tokio::test]
async fn pages_too_large_get_through_in_halves() {
    let simulator = simulator("--too-large 20000").await;
    assert_eq!(messages(&simulator, CONTACT, 40, 0).await.unwrap().status, 502);
    assert_eq!(messages(&simulator, CONTACT, 10, 0).await.unwrap().status, 200);
}

#[tokio::test]
async fn one_message_of_a_poisoned_contact_fails_for_ever() {
    let simulator = simulator("").await;
    let mut failed = 0;
    for offset in 0..30 {
        failed += usize::from(messages(&simulator, "poison-30-x", 1, offset).await.unwrap().status == 502);
    }
    assert_eq!(failed, 1);
    assert_eq!(messages(&simulator, "poison-30-x", 30, 0).await.unwrap().status, 502);
}

#[tokio::test]
async fn every_nth_good_token_is_refused() {
    let simulator = simulator("--unauthorized-every 3").await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(messages(&simulator, CONTACT, 10, 0).await.unwrap().status);
    }
    assert_eq!(statuses, [200, 200, 401, 200, 200, 401]);
}

#[tokio::test]
async fn wild_pages_differ_from_tame_ones_and_valid_ones_are_json() {
    let wild = simulator("--wild 1 --wild-kind valid").await;
    let mut distinct = BTreeSet::new();
    for offset in 0..200 {
        let body = messages(&wild, "messages-200-wild", 1, offset).await.unwrap().body;
        // Checks the grammar alone: the oddities are too much for typed values.
        serde_json::from_slice::<serde::de::IgnoredAny>(&body).unwrap();
        distinct.insert(body.len());
    }
    assert!(distinct.len() > 50);
    let all = simulator("--wild 1").await;
    let mut broken = 0;
    for offset in 0..200 {
        let body = messages(&all, "messages-200-wild", 1, offset).await.unwrap().body;
        broken += usize::from(serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err());
    }
    assert!(broken > 0);
}

#[tokio::test]
async fn paths_and_methods_unknown_to_the_gateway_are_403() {
    let simulator = simulator("").await;
    for head in ["GET /prod/nothing HTTP/1.1\r\n", "GET /get_id_token HTTP/1.1\r\n"] {
        let answer = send(&simulator, head, "").await.unwrap();
        assert_eq!(
            (answer.status, answer.json()["message"].as_str().unwrap()),
            (403, "Missing Authentication Token")
        );
    }
}
