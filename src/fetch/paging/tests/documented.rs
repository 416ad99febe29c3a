//! The examples of `docs/paging.md`, executed. One letter is one message.

use super::super::*;

/// Reads a history that changes between requests. `states` has the history at each request. The last state
/// stays. Returns the requested offsets, and the messages in reading order.
fn play(limit: u32, max_page: usize, states: &[&str]) -> (Vec<u64>, String) {
    let rules = Rules {
        consistency: Consistency::Anchored,
        page_size: limit,
        short_page_policy: ShortPagePolicy::Prove,
    };
    let (mut paging, mut facts) = (Paging::new(rules), ServerBehavior::default());
    let (mut offsets, mut read) = (Vec::new(), String::new());
    while let Step::Request(request) = *paging.next() {
        let history = states.get(offsets.len()).or(states.last()).expect("a state");
        offsets.push(request.offset);
        let offset = usize::try_from(request.offset).unwrap();
        let mut page = PageView::default();
        for message in history.chars().skip(offset).take(max_page.min(request.limit as usize)) {
            page.add(None, &message.to_string());
            if !read.contains(message) {
                read.push(message);
            }
        }
        paging.absorb(&request, &page, &mut facts);
    }
    assert!(matches!(paging.next(), Step::End(HistoryEnd { end: End::Proved, .. })), "{:?}", paging.next());
    (offsets, read)
}

#[test]
fn a_new_message_repeats_others() {
    let (offsets, read) = play(4, 4, &["JIHGFEDCBA", "KJIHGFEDCBA"]);
    assert_eq!(offsets, [0, 3, 6, 9, 11, 10]);
    assert_eq!(read, "JIHGFEDCBA");
}

#[test]
fn a_removed_message_leaves_no_gap() {
    let (offsets, read) = play(4, 4, &["JIHGFEDCBA", "JGFEDCBA"]);
    assert_eq!(offsets, [0, 3, 2, 0, 3, 6, 8, 7]);
    assert!("JGFEDCBA".chars().all(|message| read.contains(message)), "{read}");
}

#[test]
fn an_end_is_proved_by_two_requests() {
    let (offsets, read) = play(4, 4, &["JIHGFEDCBA"]);
    assert_eq!(offsets, [0, 3, 6, 9, 10, 9]);
    assert_eq!(read, "JIHGFEDCBA");
}

#[test]
fn a_clamped_page_loses_nothing() {
    let history: String = (0..100).map(|at| char::from_u32(0x100 + at).unwrap()).collect();
    let (offsets, read) = play(100, 40, &[&history]);
    assert_eq!(offsets, [0, 40, 39, 77, 98, 100, 99, 100]);
    assert_eq!(read, history);
}
