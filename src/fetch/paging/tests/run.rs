//! A run over several chats that change while they are read. Contacts share what the run learns, the run may
//! crash and resume, and believed ends are checked.

use std::collections::{HashSet, VecDeque};

use fastrand::Rng;

use super::super::*;
use super::chat::{Chat, Message};

/// Rate and kind of changes to a chat.
#[derive(Clone, Copy, Debug)]
pub struct ChatChanges {
    /// Probability of a change before a response.
    pub chance: f64,
    /// Number of removals per ten changes.
    pub removals: u32,
    /// Number of insertions at the new end per ten insertions. The others are at random positions.
    pub at_the_end: u32,
    /// Maximum number of messages per change.
    pub burst: usize,
    /// True if the new end is at offset 0.
    pub newest_first: bool,
    /// Number of requests after which the chat no longer changes.
    pub until: u64,
}

/// One contact of a run.
#[derive(Debug)]
pub struct Contact {
    pub chat: Chat,
    pub chat_changes: ChatChanges,
    pub rules: Rules,
    paging: Paging,
    spool: Vec<(PageRequest, PageView)>,
    /// Maximum number of prefetched pages.
    pub max_prefetched: usize,
    /// Number of prefetched pages used since the last discarded one, and number of discards.
    hits: u32,
    misses: u32,
    prefetched: VecDeque<(PageRequest, PageView, Vec<u32>)>,
    read: HashSet<u32>,
    /// Messages with smaller serials existed when the read began.
    began: u32,
    /// Messages with smaller serials existed when the last sweep began.
    sweep: u32,
    pub fewest: u64,
    pub requests_in_read: u64,
    pub verdict: Option<Verdict>,
}

/// Result of reading a contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub step: Step,
    /// Messages that existed during the whole read and are missing.
    pub lost: Vec<u32>,
    /// Missing messages that arrived during the read but existed when the closing sweep began.
    pub unswept: Vec<u32>,
}

/// A run over several contacts.
#[derive(Debug)]
pub struct Run {
    pub facts: ServerBehavior,
    /// Server behavior that the spool keeps for a resumed run.
    learned: ServerBehavior,
    pub contacts: Vec<Contact>,
    /// Number of contacts read at a time.
    pub concurrency: usize,
    /// Probability of a crash at a request.
    pub crash: f64,
    /// Probability that a request fails and is repeated.
    pub failure: f64,
    pub rng: Rng,
    pub checks: u64,
}

/// Maximum number of requests for one history, beyond a few per message.
pub const MAX_REQUESTS: u64 = 20_000;

impl Contact {
    pub fn new(chat: Chat, chat_changes: ChatChanges, rules: Rules) -> Self {
        let (began, fewest) = (chat.total(), chat.fewest(rules.page_size));
        Self {
            chat,
            chat_changes,
            rules,
            paging: Paging::new(rules),
            spool: Vec::new(),
            max_prefetched: 0,
            hits: 0,
            misses: 0,
            prefetched: VecDeque::new(),
            read: HashSet::new(),
            began,
            sweep: 0,
            fewest,
            requests_in_read: 0,
            verdict: None,
        }
    }

    pub fn set_short_page_policy(&mut self, short_page_policy: ShortPagePolicy) {
        self.rules.short_page_policy = short_page_policy;
        self.paging = Paging::new(self.rules);
    }

    /// Applies one change to the chat, if any is due.
    fn drift(&mut self, rng: &mut Rng) {
        let chat_changes = self.chat_changes;
        if self.chat.requests >= chat_changes.until || rng.f64() >= chat_changes.chance {
            return;
        }
        let count = rng.usize(1..=chat_changes.burst);
        let length = self.chat.messages.len();
        if rng.u32(0..10) < chat_changes.removals {
            if length > 0 && rng.u32(0..8) == 0 {
                self.chat.edit(rng.usize(0..length), rng);
            } else if rng.bool() {
                let from = rng.usize(0..=length);
                self.chat.messages.drain(from..length.min(from + count));
            } else {
                for _ in 0..count.min(length) {
                    let at = rng.usize(0..self.chat.messages.len());
                    self.chat.messages.remove(at);
                }
            }
        } else {
            let at = match (rng.u32(0..10) < chat_changes.at_the_end, chat_changes.newest_first) {
                (true, true) => 0,
                (true, false) => length,
                (false, _) => rng.usize(0..=length),
            };
            self.chat.insert(at, count, rng);
        }
    }

    /// Requests one page. Returns false if the contact is done.
    fn step(&mut self, facts: &mut ServerBehavior, failure: f64, rng: &mut Rng) -> bool {
        let Step::Request(request) = *self.paging.next() else { return false };
        if let Some((page, serials)) = self.take_prefetched(&request) {
            self.absorb(&request, page, serials, facts);
            return true;
        }
        self.prefetch(rng);
        self.requests_in_read += 1;
        let most = MAX_REQUESTS + 6 * u64::from(self.chat.total());
        assert!(self.requests_in_read < most, "it never ends: {request:?}");
        self.drift(rng);
        if rng.f64() < failure {
            return true;
        }
        if request.offset == 0 && matches!(request.purpose, Purpose::Sweep | Purpose::Start) {
            self.sweep = self.chat.total();
        }
        match self.chat.answer(&request, rng) {
            Some((page, serials)) => self.absorb(&request, page, serials, facts),
            None => assert!(self.paging.halve(&request), "one message is too much for the server"),
        }
        true
    }

    fn absorb(
        &mut self,
        request: &PageRequest,
        page: PageView,
        serials: Vec<u32>,
        facts: &mut ServerBehavior,
    ) {
        self.read.extend(serials);
        self.paging.absorb(request, &page, facts);
        self.spool.push((*request, page));
    }

    /// Prefetches pages behind the next request.
    fn prefetch(&mut self, rng: &mut Rng) {
        let missing = if self.misses > 4 { 0 } else { self.max_prefetched };
        let missing = missing.min(1 << self.hits.min(5)).saturating_sub(self.prefetched.len());
        let requests: Vec<PageRequest> =
            self.paging.predicted().skip(self.prefetched.len()).take(missing).collect();
        for request in requests {
            self.drift(rng);
            self.requests_in_read += 1;
            let Some((page, serials)) = self.chat.answer(&request, rng) else { return };
            self.prefetched.push_back((request, page, serials));
        }
    }

    /// Returns the prefetched page, if it is the predicted one.
    fn take_prefetched(&mut self, request: &PageRequest) -> Option<(PageView, Vec<u32>)> {
        if request.purpose.is_server_test() {
            return None;
        }
        let (predicted, page, serials) = self.prefetched.pop_front()?;
        if predicted != *request {
            self.prefetched.clear();
            self.hits = 0;
            self.misses += 1;
            return None;
        }
        self.hits += 1;
        Some((page, serials))
    }

    /// Resumes the run after a crash: some time passes, and the spooled pages are absorbed again.
    fn resume(&mut self, facts: &mut ServerBehavior, rng: &mut Rng) {
        for _ in 0..rng.u32(0..6) {
            self.drift(rng);
        }
        if rng.u32(0..4) == 0 {
            self.rules.page_size = rng.u32(1..=100);
        }
        self.paging = Paging::new(self.rules);
        self.prefetched.clear();
        for (request, page) in &self.spool {
            self.paging.absorb(request, page, facts);
        }
    }

    /// Requests a page without absorbing it.
    fn peek(&mut self, request: &PageRequest, rng: &mut Rng) -> Option<PageView> {
        self.drift(rng);
        Some(self.chat.answer(request, rng)?.0)
    }

    fn restart(&mut self) {
        self.rules.short_page_policy = ShortPagePolicy::Prove;
        self.paging = Paging::new(self.rules);
        self.spool.clear();
        self.prefetched.clear();
        self.read.clear();
        self.began = self.chat.total();
        self.verdict = None;
    }

    fn judge(&mut self) {
        // Equal messages without an id count as one.
        let contents = self.chat.contents_of(&self.read);
        let is_read =
            |message: &Message| self.read.contains(&message.serial) || contents.contains(&message.name);
        let missing = |until: u32| -> Vec<u32> {
            let there = self.chat.messages.iter().filter(|message| message.serial < until);
            there.filter(|message| !is_read(message)).map(|message| message.serial).collect()
        };
        self.verdict = Some(Verdict {
            step: self.paging.next().clone(),
            lost: missing(self.began),
            unswept: missing(self.sweep),
        });
    }

    fn ending(&self) -> Option<HistoryEnd> {
        match self.verdict.as_ref()?.step {
            Step::End(ending) => Some(ending),
            _ => None,
        }
    }
}

impl Run {
    pub fn new(contacts: Vec<Contact>, facts: ServerBehavior, rng: Rng) -> Self {
        Self { facts, learned: facts, contacts, concurrency: 1, crash: 0.0, failure: 0.0, rng, checks: 0 }
    }

    /// Reads all contacts, then checks the believed ends.
    pub fn read(&mut self) {
        self.read_open();
        if self.contacts.first().is_none_or(|contact| contact.rules.consistency == Consistency::Fast) {
            return;
        }
        for _ in 0..4 {
            let doubtful: Vec<usize> = (0..self.contacts.len()).filter(|at| self.is_doubtful(*at)).collect();
            if doubtful.is_empty() {
                return;
            }
            for at in doubtful {
                self.check(at);
            }
            self.read_open();
        }
    }

    fn read_open(&mut self) {
        loop {
            let open = self.contacts.iter().enumerate().filter(|(_, contact)| contact.verdict.is_none());
            let open: Vec<usize> = open.map(|(at, _)| at).take(self.concurrency).collect();
            let Some(&at) = open.get(self.rng.usize(0..open.len().max(1))) else { return };
            if self.rng.f64() < self.crash {
                self.facts = self.learned;
                for at in open {
                    self.contacts[at].resume(&mut self.facts, &mut self.rng);
                }
                continue;
            }
            let contact = &mut self.contacts[at];
            if !contact.step(&mut self.facts, self.failure, &mut self.rng) {
                contact.judge();
                self.learned = self.facts;
            }
        }
    }

    fn is_doubtful(&self, at: usize) -> bool {
        self.contacts[at].ending().is_some_and(|ending| check_end(&ending, &self.facts) != EndVerdict::Holds)
    }

    fn check(&mut self, at: usize) {
        let contact = &mut self.contacts[at];
        let Some(ending) = contact.ending() else { return };
        let holds = match check_end(&ending, &self.facts) {
            EndVerdict::Holds => true,
            EndVerdict::Reread => false,
            EndVerdict::Check => {
                self.checks += 1;
                let mut check = EndCheck::new(&ending, contact.rules.page_size);
                contact.spool.iter().for_each(|(_, page)| check.add_known(page));
                let [beyond, last] = check.requests();
                contact.peek(&beyond, &mut self.rng).is_some_and(|page| EndCheck::is_clear(&page))
                    && contact.peek(&last, &mut self.rng).is_some_and(|page| check.is_last(&page))
            }
        };
        if holds {
            let proved = HistoryEnd { end: End::Proved, ..ending };
            contact.judge();
            if let Some(verdict) = &mut contact.verdict {
                verdict.step = Step::End(proved);
            }
        } else {
            self.facts.short_pages_lie |= ending.end == End::ShortPage;
            contact.restart();
        }
    }
}
