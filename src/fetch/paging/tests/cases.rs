//! Single rules of paging, and shrinking properties, against a small model of the server.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::*;

/// The chat on the server: (conversation, message) in the order of the offsets.
#[derive(Clone, Debug)]
struct Server {
    messages: Vec<(u8, u32)>,
    next_id: u32,
    insert_at: InsertAt,
    per_conversation: bool,
    clamp: usize,
    short_every: usize,
    /// Maximum number of messages per response. Larger requests fail.
    capacity: u32,
    requests: usize,
    ignores_offset: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InsertAt {
    Start,
    End,
}

/// Change of the chat before a response.
#[derive(Clone, Debug)]
enum Change {
    None,
    Insert { conversation: u8, count: u8 },
    Remove { at: usize, count: u8 },
}

impl Server {
    fn new(sizes: &[usize], insert_at: InsertAt) -> Self {
        // Conversations are interleaved, as in a chat over several channels.
        let mut left = sizes.to_vec();
        let mut messages = Vec::new();
        let mut id = 0;
        while left.iter().any(|count| *count > 0) {
            for (conversation, count) in left.iter_mut().enumerate() {
                let run = (*count).min(1 + (id as usize * 7) % 5);
                for _ in 0..run {
                    messages.push((u8::try_from(conversation).unwrap(), id));
                    id += 1;
                }
                *count -= run;
            }
        }
        Self {
            messages,
            next_id: id,
            insert_at,
            per_conversation: false,
            clamp: usize::MAX,
            short_every: usize::MAX,
            capacity: u32::MAX,
            requests: 0,
            ignores_offset: false,
        }
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::None => {}
            Change::Insert { conversation, count } => {
                for _ in 0..*count {
                    let message = (*conversation, self.next_id);
                    self.next_id += 1;
                    match self.insert_at {
                        InsertAt::Start => self.messages.insert(0, message),
                        InsertAt::End => self.messages.push(message),
                    }
                }
            }
            Change::Remove { at, count } => {
                for _ in 0..*count {
                    if !self.messages.is_empty() {
                        self.messages.remove(at % self.messages.len());
                    }
                }
            }
        }
    }

    fn answer(&mut self, request: &PageRequest) -> Option<PageView> {
        self.requests += 1;
        if request.limit > self.capacity {
            return None;
        }
        let mut limit = (request.limit as usize).min(self.clamp);
        if self.requests.is_multiple_of(self.short_every) {
            limit = limit.div_ceil(2);
        }
        let offset = if self.ignores_offset { 0 } else { usize::try_from(request.offset).unwrap() };
        let mut view = PageView::default();
        let mut add =
            |(conversation, id): &(u8, u32)| view.add(Some(&conversation.to_string()), &id.to_string());
        if self.per_conversation {
            for wanted in 0..8 {
                let of_it = self.messages.iter().filter(|(conversation, _)| *conversation == wanted);
                of_it.skip(offset).take(limit).for_each(&mut add);
            }
        } else {
            self.messages.iter().skip(offset).take(limit).for_each(&mut add);
        }
        Some(view)
    }
}

/// Reads one contact to its end. Returns the ids read and the last step.
fn read(
    server: &mut Server,
    rules: Rules,
    facts: &mut ServerBehavior,
    changes: &[Change],
) -> (HashSet<Fingerprint>, Step) {
    let mut paging = Paging::new(rules);
    let mut read = HashSet::new();
    for turn in 0.. {
        assert!(turn < 20_000, "it never ends");
        let Step::Request(request) = *paging.next() else { break };
        if let Some(change) = changes.get(turn) {
            server.change(change);
        }
        match server.answer(&request) {
            Some(page) => {
                read.extend(page.messages());
                paging.absorb(&request, &page, facts);
            }
            None => assert!(paging.halve(&request), "one message is too much for the server"),
        }
    }
    (read, paging.next().clone())
}

fn ids(messages: &[(u8, u32)]) -> HashSet<Fingerprint> {
    let mut view = PageView::default();
    for (conversation, id) in messages {
        view.add(Some(&conversation.to_string()), &id.to_string());
    }
    view.messages().collect()
}

fn rules(consistency: Consistency, page_size: u32) -> Rules {
    Rules { consistency, page_size, short_page_policy: ShortPagePolicy::Prove }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => Just(Change::None),
        2 => (0u8..4, 1u8..4).prop_map(|(conversation, count)| Change::Insert { conversation, count }),
        2 => (any::<usize>(), 1u8..4).prop_map(|(at, count)| Change::Remove { at, count }),
    ]
}

fn server() -> impl Strategy<Value = Server> {
    let sizes = prop::collection::vec(0usize..120, 1..4);
    let insert_at = prop_oneof![Just(InsertAt::Start), Just(InsertAt::End)];
    let clamp = prop_oneof![3 => Just(usize::MAX), 1 => 1usize..40];
    let short_every = prop_oneof![3 => Just(usize::MAX), 1 => 2usize..6];
    (sizes, insert_at, any::<bool>(), clamp, short_every).prop_map(
        |(sizes, insert_at, per_conversation, clamp, short_every)| {
            let mut server = Server::new(&sizes, insert_at);
            server.per_conversation = per_conversation;
            server.clamp = clamp;
            server.short_every = short_every;
            server
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A chat that does not change is read completely, on every server, and its end is proved.
    #[test]
    fn an_unchanging_chat_is_read_completely(
        mut server in server(), page_size in 1u32..30, strict in any::<bool>(),
    ) {
        let consistency = if strict { Consistency::Strict } else { Consistency::Anchored };
        let expected = ids(&server.messages);
        let (read, end) = read(&mut server, rules(consistency, page_size), &mut ServerBehavior::default(), &[]);
        prop_assert_eq!(read, expected);
        let proved = matches!(end, Step::End(HistoryEnd { end: End::Proved, .. }));
        prop_assert!(proved, "{:?}", end);
    }

    /// With total offsets, a message that exists during the whole read is read, or the contact is unresolved.
    #[test]
    fn no_message_is_lost_to_drift(
        mut server in server(), page_size in 6u32..40, changes in prop::collection::vec(change(), 0..60),
    ) {
        server.per_conversation = false;
        server.clamp = server.clamp.max(6);
        let before: HashSet<_> = ids(&server.messages);
        let mut facts = ServerBehavior { reading: OffsetUnit::Total, short_pages_lie: server.short_every != usize::MAX, ..ServerBehavior::default() };
        let (read, end) = read(&mut server, rules(Consistency::Anchored, page_size), &mut facts, &changes);
        let survivors: HashSet<_> = ids(&server.messages).intersection(&before).copied().collect();
        let lost = survivors.difference(&read).count();
        prop_assert!(lost == 0 || matches!(end, Step::Unresolved(_)), "{} lost, {:?}", lost, end);
    }

    /// The same, if a page has room for only one message.
    #[test]
    fn no_message_is_lost_where_pages_hold_only_one(
        mut server in server(), page_size in 1u32..4, changes in prop::collection::vec(change(), 0..30),
    ) {
        server.per_conversation = false;
        server.short_every = usize::MAX;
        server.clamp = 1;
        let before: HashSet<_> = ids(&server.messages);
        let mut facts = ServerBehavior { reading: OffsetUnit::Total, ..ServerBehavior::default() };
        let (read, end) = read(&mut server, rules(Consistency::Anchored, page_size), &mut facts, &changes);
        let survivors: HashSet<_> = ids(&server.messages).intersection(&before).copied().collect();
        let lost = survivors.difference(&read).count();
        prop_assert!(lost == 0 || matches!(end, Step::Unresolved(_)), "{} lost, {:?}", lost, end);
    }

    /// The same, if offsets count inside each conversation.
    #[test]
    fn no_message_is_lost_to_drift_inside_conversations(
        mut server in server(), page_size in 6u32..40, changes in prop::collection::vec(change(), 0..60),
    ) {
        server.per_conversation = true;
        server.clamp = server.clamp.max(6);
        let before: HashSet<_> = ids(&server.messages);
        let mut facts = ServerBehavior { reading: OffsetUnit::PerConversation, short_pages_lie: server.short_every != usize::MAX, ..ServerBehavior::default() };
        let (read, end) = read(&mut server, rules(Consistency::Anchored, page_size), &mut facts, &changes);
        let survivors: HashSet<_> = ids(&server.messages).intersection(&before).copied().collect();
        let lost = survivors.difference(&read).count();
        prop_assert!(lost == 0 || matches!(end, Step::Unresolved(_)), "{} lost, {:?}", lost, end);
    }

    /// A server that cannot send large pages is read with small ones.
    #[test]
    fn pages_too_large_for_the_server_are_halved(mut server in server(), capacity in 1u32..20) {
        server.capacity = capacity;
        let expected = ids(&server.messages);
        let (read, _) = read(&mut server, rules(Consistency::Anchored, 100), &mut ServerBehavior::default(), &[]);
        prop_assert_eq!(read, expected);
    }
}

#[test]
fn a_server_that_ignores_the_offset_is_detected() {
    for size in [3, 30, 100, 250] {
        let mut server = Server::new(&[size], InsertAt::Start);
        server.ignores_offset = true;
        let (_, end) =
            read(&mut server, rules(Consistency::Anchored, 100), &mut ServerBehavior::default(), &[]);
        assert_eq!(end, Step::OffsetIgnored, "{size} messages");
    }
}

#[test]
fn a_well_behaved_server_costs_two_requests_more_than_the_pages() {
    let mut facts = ServerBehavior::default();
    let mut server = Server::new(&[250], InsertAt::Start);
    read(&mut server, rules(Consistency::Anchored, 100), &mut facts, &[]);
    assert_eq!(server.requests, 5, "three pages, the proof of the end and the look back at it");

    let mut server = Server::new(&[250], InsertAt::Start);
    let believe = Rules { short_page_policy: ShortPagePolicy::Believe, ..rules(Consistency::Anchored, 100) };
    let (_, end) = read(&mut server, believe, &mut facts, &[]);
    assert_eq!(server.requests, 3, "three pages, the end believed");
    assert!(matches!(end, Step::End(HistoryEnd { end: End::ShortPage, past: 250, .. })), "{end:?}");
}

#[test]
fn the_stride_over_all_conversations_is_learned_once() {
    let mut facts = ServerBehavior::default();
    let mut server = Server::new(&[300, 300, 300], InsertAt::Start);
    read(&mut server, rules(Consistency::Anchored, 100), &mut facts, &[]);
    assert_eq!(facts.reading, OffsetUnit::Total);
    assert_eq!(server.requests, 14, "ten pages that overlap, two to find out, and the end");
}

#[test]
fn more_messages_than_asked_for_prove_that_each_conversation_counts() {
    let mut facts = ServerBehavior::default();
    let mut server = Server::new(&[300, 200, 100], InsertAt::End);
    server.per_conversation = true;
    let (read, _) = read(&mut server, rules(Consistency::Anchored, 100), &mut facts, &[]);
    assert_eq!(facts.reading, OffsetUnit::PerConversation);
    assert_eq!(read.len(), 600);
    assert_eq!(server.requests, 6, "as many pages as the longest conversation needs, and the end");
}

#[test]
fn fast_trusts_the_documents() {
    let mut server = Server::new(&[200], InsertAt::Start);
    let (_, end) = read(&mut server, rules(Consistency::Fast, 100), &mut ServerBehavior::default(), &[]);
    assert_eq!(server.requests, 3);
    assert!(matches!(end, Step::End(_)), "{end:?}");
}

#[test]
fn a_history_that_changes_too_fast_is_unresolved() {
    let mut server = Server::new(&[500], InsertAt::Start);
    let changes = vec![Change::Remove { at: 0, count: 30 }; 5000];
    let grow: Vec<Change> = changes
        .into_iter()
        .flat_map(|remove| [remove, Change::Insert { conversation: 0, count: 29 }])
        .collect();
    let (_, end) = read(&mut server, rules(Consistency::Strict, 2), &mut ServerBehavior::default(), &grow);
    assert!(matches!(end, Step::Unresolved(_) | Step::End(_)), "{end:?}");
}
