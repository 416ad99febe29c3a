//! Messages without an id that are equal to others: named by content and numbered over the page.

use std::collections::HashMap;

use super::super::*;

/// Alternates two conversations: one with ids, and one without ids that has only three contents.
fn answer(offset: usize, limit: usize, reading: OffsetUnit) -> PageView {
    let all = (0..60_usize).map(|at| (if at % 2 == 0 { "named" } else { "nameless" }, at));
    let (named, nameless): (Vec<_>, Vec<_>) =
        all.clone().partition(|(conversation, _)| *conversation == "named");
    let page: Vec<_> = match reading {
        OffsetUnit::PerConversation => {
            [named, nameless].iter().flat_map(|one| one.iter().copied().skip(offset).take(limit)).collect()
        }
        OffsetUnit::Total | OffsetUnit::Unknown => all.skip(offset).take(limit).collect(),
    };
    let mut met: HashMap<usize, u32> = HashMap::new();
    let mut view = PageView::default();
    for (conversation, at) in page {
        let says = at % 3;
        let before = met.entry(says).or_default();
        let number = if *before == 0 { String::new() } else { format!("-{before}") };
        match conversation {
            "named" => view.add(Some(conversation), &at.to_string()),
            _ => view.add(Some(conversation), &format!("x-{says:032x}{number}")),
        }
        *before += 1;
    }
    view
}

#[test]
fn an_unchanging_chat_with_equal_messages_without_ids_is_read_completely() {
    for reading in [OffsetUnit::Total, OffsetUnit::PerConversation] {
        for page_size in 2..7 {
            let rules = Rules {
                consistency: Consistency::Anchored,
                page_size,
                short_page_policy: ShortPagePolicy::Prove,
            };
            let (mut paging, mut facts) = (Paging::new(rules), ServerBehavior::default());
            let mut read = [false; 60];
            while let Step::Request(request) = *paging.next() {
                let offset = usize::try_from(request.offset).unwrap();
                let page = answer(offset, request.limit as usize, reading);
                let prints: Vec<_> = page.messages().collect();
                for at in (0..60).step_by(2) {
                    read[at] |= prints.contains(&of_named(at));
                }
                paging.absorb(&request, &page, &mut facts);
            }
            let description = format!("{reading:?}, pages of {page_size}: {:?}", paging.next());
            assert!(matches!(paging.next(), Step::End(_)), "{description}");
            assert!((0..60).step_by(2).all(|at| read[at]), "{description}");
        }
    }
}

fn of_named(at: usize) -> Fingerprint {
    let mut view = PageView::default();
    view.add(Some("named"), &at.to_string());
    view.messages().next().expect("a message")
}

#[test]
fn the_identity_of_a_message_does_not_depend_on_the_page() {
    let digest = format!("x-{:032x}", 7);
    let mut wide = PageView::default();
    wide.add(Some("a"), &digest);
    wide.add(Some("b"), &format!("{digest}-1"));
    let mut narrow = PageView::default();
    narrow.add(Some("b"), &digest);
    assert_eq!(wide.messages().last(), narrow.messages().last());
    assert_ne!(wide.messages().next(), narrow.messages().next(), "another conversation, another message");
}
