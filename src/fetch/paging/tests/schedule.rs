//! Schedules: from a seed, a run over chats of all kinds on a server of any kind, and its verdict.

use std::fmt::Write as _;

use fastrand::Rng;

use super::super::*;
use super::chat::{Chat, Naming, ServerModel, Short};
use super::run::{ChatChanges, Contact, Run};
use super::tally::Tally;

/// Number of messages of a conversation: many small, some large, at most a few dozen pages.
fn size(stride: usize, rng: &mut Rng) -> usize {
    match rng.u32(0..100) {
        0..15 => rng.usize(0..3),
        15..60 => rng.usize(0..(6 * stride).min(30)),
        60..90 => rng.usize(0..(12 * stride).min(100)),
        90..99 => rng.usize(0..(20 * stride).min(300)),
        _ => rng.usize(0..(40 * stride).min(1500)),
    }
}

fn page_size(rng: &mut Rng) -> u32 {
    match rng.u32(0..10) {
        0 => 1,
        1 => 2,
        2..5 => rng.u32(3..12),
        5..8 => rng.u32(12..60),
        _ => 100,
    }
}

fn server(page_size: u32, rng: &mut Rng) -> ServerModel {
    let per_conversation = rng.u32(0..10) < 4;
    let most = page_size as usize;
    let clamps = match rng.u32(0..10) {
        0..6 => vec![usize::MAX],
        6..9 => vec![rng.usize(1..=most)],
        _ => (0..rng.usize(2..4)).map(|_| rng.usize(1..=most)).collect(),
    };
    let chance = rng.f64() * 0.5;
    let short = match rng.u32(0..20) {
        0..14 => Short::Never,
        14..16 => Short::ByChance(chance),
        16..18 => Short::ByOffset(chance),
        _ => Short::Empty(chance * 0.4),
    };
    let capacity = if rng.u32(0..6) == 0 { rng.u32(1..120) } else { u32::MAX };
    // With pages of one or two messages, an empty page in the middle always looks like the end.
    let short = match short {
        Short::Empty(_) if capacity < u32::MAX || clamps.len() > 1 || clamps[0].min(most) < 3 => Short::Never,
        short => short,
    };
    ServerModel {
        per_conversation,
        clamps,
        short,
        capacity,
        is_reversed: rng.u32(0..4) == 0,
        hides_conversations: !per_conversation && rng.u32(0..4) == 0,
        ignores_offset: false,
    }
}

/// `stride` is the minimum progress per page: no chat grows forever about as fast as it can be read.
fn chat_changes(stride: u32, is_unreliable: bool, rng: &mut Rng) -> ChatChanges {
    let chance = match rng.u32(0..10) {
        0..3 => 0.0,
        // A page of one message does not show its neighbours. A removal, an insertion and another removal
        // within three consecutive requests stay unnoticed. At one change in thirty requests, that is one
        // history in a million.
        3.. if stride == 1 => 0.01,
        3..6 => 0.03,
        // The same holds for a page that may have been cut anywhere.
        6..9 => 0.2,
        _ if is_unreliable => 0.2,
        _ => 0.7,
    };
    let burst = [1_u32, 1, 3, 10, 40][rng.usize(0..5)];
    let for_ever = chance * f64::from(burst) * 4.0 < f64::from(stride) && rng.bool();
    ChatChanges {
        chance,
        removals: [0, 2, 5, 8, 10][rng.usize(0..5)],
        at_the_end: [0, 5, 9, 10][rng.usize(0..4)],
        burst: burst as usize,
        newest_first: rng.bool(),
        until: if for_ever { u64::MAX } else { rng.u64(0..80) },
    }
}

fn naming(server: &ServerModel, stride: usize, rests: bool, rng: &mut Rng) -> Naming {
    // Equal messages without an id count as one, unless a page shows both.
    let shows_repeats = stride > 5 && !server.has_unreliable_pages() && server.capacity == u32::MAX;
    let may_repeat = shows_repeats || rests && stride > 1 && server.clamps == [usize::MAX];
    match rng.u32(0..8) {
        // Equal ids of two conversations are ambiguous if messages do not name their conversation.
        _ if server.hides_conversations => Naming::Unique,
        0 => Naming::PerConversation,
        1 => {
            let one_in = [1, 2, 10][rng.usize(0..3)];
            let contents = if may_repeat && rng.bool() { 2 } else { 1_000_000_000 };
            Naming::Nameless { one_in, contents }
        }
        _ => Naming::Unique,
    }
}

/// Returns the run of a seed.
pub fn plan(seed: u64) -> Run {
    let mut rng = Rng::with_seed(seed);
    let page_size = page_size(&mut rng);
    let consistency = match rng.u32(0..20) {
        0 => Consistency::Fast,
        1..5 => Consistency::Strict,
        _ => Consistency::Anchored,
    };
    let mut shared = server(page_size, &mut rng);
    if consistency == Consistency::Fast {
        // This level trusts the documents, and requires chats that do not change.
        shared = ServerModel {
            is_reversed: shared.is_reversed,
            hides_conversations: true,
            ..ServerModel::default()
        };
    }
    let changes_server = rng.u32(0..8) == 0 && consistency != Consistency::Fast;
    let count = [1, 1, 1, 2, 3, 6][rng.usize(0..6)];
    let proved = rng.usize(0..3);
    let contacts = (0..count).map(|at| {
        if changes_server {
            let per_conversation = shared.per_conversation;
            shared = ServerModel { per_conversation, ..server(page_size, &mut rng) };
            shared.hides_conversations &= !per_conversation;
        }
        let conversations = [1, 1, 2, 3, 5][rng.usize(0..5)];
        let heavy = if shared.capacity < u32::MAX { rng.u32(0..30) } else { 0 };
        let stride = shared.clamps.iter().copied().min().unwrap_or(1).min(page_size as usize);
        let sizes: Vec<usize> = (0..conversations).map(|_| size(stride, &mut rng)).collect();
        // If pages may have to be halved, a page may advance by only one message.
        let surely = if shared.capacity < u32::MAX { 1 } else { u32::try_from(stride).unwrap_or(u32::MAX) };
        let chat_changes = chat_changes(surely, shared.has_unreliable_pages(), &mut rng);
        let naming = naming(&shared, stride, chat_changes.chance == 0.0, &mut rng);
        let chat = Chat::new(&sizes, shared.clone(), naming, heavy, &mut rng);
        let short_page_policy =
            if at < proved || changes_server { ShortPagePolicy::Prove } else { ShortPagePolicy::Believe };
        let rules = Rules { consistency, page_size, short_page_policy };
        Contact::new(chat, chat_changes, rules)
    });
    let contacts = contacts.collect();
    let mut contacts: Vec<Contact> = contacts;
    let facts = match rng.u32(0..10) {
        // An earlier contact has shown this, even if the others behave differently.
        0 => ServerBehavior { largest_page: u64::from(page_size), ..ServerBehavior::default() },
        1 => ServerBehavior {
            short_pages_lie: true,
            largest_page: rng.u64(0..100),
            ..ServerBehavior::default()
        },
        2 if !shared.per_conversation => {
            ServerBehavior { reading: OffsetUnit::Total, largest_page: 100, ..ServerBehavior::default() }
        }
        3 if shared.per_conversation => ServerBehavior {
            reading: OffsetUnit::PerConversation,
            largest_page: 100,
            ..ServerBehavior::default()
        },
        _ => ServerBehavior::default(),
    };
    if facts.largest_page > 0 {
        // A run believes only what its own proved contacts support.
        for contact in &mut contacts {
            contact.set_short_page_policy(ShortPagePolicy::Prove);
        }
    }
    let mut run = Run::new(contacts, facts, rng);
    for contact in &mut run.contacts {
        if matches!(contact.chat.server.short, Short::Empty(_)) || consistency == Consistency::Fast {
            contact.chat_changes.chance = 0.0;
        }
    }
    let slips = run.contacts.iter().any(|contact| matches!(contact.chat.server.short, Short::Empty(_)));
    run.concurrency = run.rng.usize(1..4);
    run.crash = if run.rng.u32(0..5) == 0 && !slips { 0.03 } else { 0.0 };
    for contact in &mut run.contacts {
        contact.max_prefetched = [0, 0, 1, 3, 31][run.rng.usize(0..5)];
    }
    run.failure = if run.rng.u32(0..5) == 0 { 0.1 } else { 0.0 };
    run
}

/// Runs a schedule. Returns its cost, or a description of the loss.
pub fn play(seed: u64) -> Result<Tally, String> {
    let mut run = plan(seed);
    run.read();
    let mut tally = Tally { schedules: 1, ..Tally::default() };
    let mut wrong = String::new();
    for (at, contact) in run.contacts.iter().enumerate() {
        let Some(verdict) = &contact.verdict else { return Err(format!("contact {at} has no verdict")) };
        let is_quiet = contact.chat_changes.chance == 0.0;
        tally.contacts += 1;
        tally.requests += contact.requests_in_read;
        tally.max_requests = tally.max_requests.max(contact.requests_in_read);
        tally.fewest += contact.fewest;
        if is_quiet && !contact.chat.server.has_unreliable_pages() && contact.chat.server.capacity == u32::MAX
        {
            tally.quiet += 1;
            tally.quiet_requests += contact.requests_in_read;
            tally.quiet_fewest += contact.fewest;
        }
        if !is_quiet {
            tally.drifting += 1;
        }
        match &verdict.step {
            Step::Unresolved(why) => {
                tally.unresolved += 1;
                tally.drifting_unresolved += u64::from(!is_quiet);
                // Equal messages without an id are ambiguous across pages.
                let is_distinguishable =
                    !matches!(contact.chat.naming(), Naming::Nameless { contents: 2, .. });
                let is_distinguishable = is_distinguishable && run.crash == 0.0;
                if is_quiet && is_distinguishable && !contact.chat.server.has_unreliable_pages() {
                    let _ = write!(wrong, "contact {at} does not change and is unresolved ({why}); ");
                }
            }
            Step::End(ending) => {
                let comes_at_the_end = contact.chat_changes.at_the_end == 10
                    && !contact.chat.server.has_unreliable_pages()
                    && !contact.chat.server.clamps.contains(&1)
                    && contact.chat.server.capacity == u32::MAX
                    && !matches!(contact.chat.naming(), Naming::Nameless { .. });
                if comes_at_the_end
                    && contact.rules.consistency == Consistency::Strict
                    && !verdict.unswept.is_empty()
                {
                    let _ = write!(wrong, "contact {at} was not swept of {}; ", verdict.unswept.len());
                }
                let is_believed = ending.end == End::ShortPage;
                tally.believed += u64::from(is_believed);
                if !verdict.lost.is_empty() {
                    if is_believed && contact.chat.server.has_unreliable_pages() && !run.facts.short_pages_lie
                    {
                        tally.deceived += 1;
                    } else {
                        let _ = write!(
                            wrong,
                            "contact {at} lost {} like {:?}, {ending:?}; ",
                            verdict.lost.len(),
                            verdict.lost.first()
                        );
                    }
                }
            }
            step => {
                let _ = write!(wrong, "contact {at}: {step:?}; ");
            }
        }
    }
    if wrong.is_empty() {
        Ok(tally)
    } else {
        Err(format!("{wrong} finally {:?}; {}", run.facts, describe(&plan(seed), &wrong)))
    }
}

/// Describes the schedule in a few words.
fn describe(run: &Run, wrong: &str) -> String {
    let mut description = format!(
        "facts {:?}, crash {}, failure {}, at once {}",
        run.facts, run.crash, run.failure, run.concurrency
    );
    for (at, contact) in run.contacts.iter().enumerate() {
        if !wrong.contains(&format!("contact {at} ")) {
            continue;
        }
        let chat = &contact.chat;
        let _ = write!(
            description,
            "\n  contact {at}: {} messages, {} conversations, {:?}\n    {:?}\n    {:?} {:?}",
            chat.messages.len(),
            chat.conversations,
            contact.rules,
            chat.server,
            contact.chat_changes,
            chat.naming(),
        );
    }
    description
}
