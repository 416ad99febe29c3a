//! A run over several chats that change while they are read. Contacts share what the run learns, the run may
//! crash and resume, and believed ends are checked.

use std::collections::{HashSet, VecDeque};

use fastrand::Rng;

use super::super::*;
use super::chat::{Chat, Message};

/// Rate and kind of changes to a chat.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
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
    pub weather: Weather,
    pub rules: Rules,
    paging: Paging,
    spool: Vec<(PageRequest, PageView)>,
    /// Maximum number of prefetched pages.
    pub ahead: usize,
    /// Number of prefetched pages used since the last discarded one, and number of discards.
    hits: u32,
    misses: u32,
    early: VecDeque<(PageRequest, PageView, Vec<u32>)>,
    read: HashSet<u32>,
    /// Messages with smaller serials existed when the read began.
    began: u32,
    /// Messages with smaller serials existed when the last sweep began.
    sweep: u32,
    pub fewest: u64,
    pub asks_in_read: u64,
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
    pub at_once: usize,
    /// Probability of a crash at a request.
    pub crash: f64,
    /// Probability that a request fails and is repeated.
    pub failure: f64,
    pub dice: Rng,
    pub looks: u64,
}

/// Maximum number of requests for one history, beyond a few per message.
pub const MOST_ASKS: u64 = 20_000;

impl Contact {
    pub fn new(chat: Chat, weather: Weather, rules: Rules) -> Self {
        let (began, fewest) = (chat.came(), chat.fewest(rules.page_size));
        Self {
            chat,
            weather,
            rules,
            paging: Paging::new(rules),
            spool: Vec::new(),
            ahead: 0,
            hits: 0,
            misses: 0,
            early: VecDeque::new(),
            read: HashSet::new(),
            began,
            sweep: 0,
            fewest,
            asks_in_read: 0,
            verdict: None,
        }
    }

    pub fn set_claims(&mut self, claims: Claims) {
        self.rules.claims = claims;
        self.paging = Paging::new(self.rules);
    }

    /// Applies one change to the chat, if any is due.
    fn pass(&mut self, dice: &mut Rng) {
        let weather = self.weather;
        if self.chat.asks >= weather.until || dice.f64() >= weather.chance {
            return;
        }
        let count = dice.usize(1..=weather.burst);
        let length = self.chat.messages.len();
        if dice.u32(0..10) < weather.removals {
            if length > 0 && dice.u32(0..8) == 0 {
                self.chat.edit(dice.usize(0..length), dice);
            } else if dice.bool() {
                let from = dice.usize(0..=length);
                self.chat.messages.drain(from..length.min(from + count));
            } else {
                for _ in 0..count.min(length) {
                    let at = dice.usize(0..self.chat.messages.len());
                    self.chat.messages.remove(at);
                }
            }
        } else {
            let at = match (dice.u32(0..10) < weather.at_the_end, weather.newest_first) {
                (true, true) => 0,
                (true, false) => length,
                (false, _) => dice.usize(0..=length),
            };
            self.chat.insert(at, count, dice);
        }
    }

    /// Requests one page. Returns false if the contact is done.
    fn step(&mut self, facts: &mut ServerBehavior, failure: f64, dice: &mut Rng) -> bool {
        let Step::Request(ask) = *self.paging.next() else { return false };
        if let Some((page, serials)) = self.take_early(&ask) {
            self.absorb(&ask, page, serials, facts);
            return true;
        }
        self.ask_early(dice);
        self.asks_in_read += 1;
        let most = MOST_ASKS + 6 * u64::from(self.chat.came());
        assert!(self.asks_in_read < most, "it never ends: {ask:?}");
        self.pass(dice);
        if dice.f64() < failure {
            return true;
        }
        if ask.offset == 0 && matches!(ask.purpose, Purpose::Sweep | Purpose::Start) {
            self.sweep = self.chat.came();
        }
        match self.chat.answer(&ask, dice) {
            Some((page, serials)) => self.absorb(&ask, page, serials, facts),
            None => assert!(self.paging.halve(&ask), "one message is too much for the server"),
        }
        true
    }

    fn absorb(&mut self, ask: &PageRequest, page: PageView, serials: Vec<u32>, facts: &mut ServerBehavior) {
        self.read.extend(serials);
        self.paging.absorb(ask, &page, facts);
        self.spool.push((*ask, page));
    }

    /// Prefetches pages behind the next request.
    fn ask_early(&mut self, dice: &mut Rng) {
        let missing = if self.misses > 4 { 0 } else { self.ahead };
        let missing = missing.min(1 << self.hits.min(5)).saturating_sub(self.early.len());
        let asks: Vec<PageRequest> = self.paging.foreseen().skip(self.early.len()).take(missing).collect();
        for ask in asks {
            self.pass(dice);
            self.asks_in_read += 1;
            let Some((page, serials)) = self.chat.answer(&ask, dice) else { return };
            self.early.push_back((ask, page, serials));
        }
    }

    /// Returns the prefetched page, if it is the predicted one.
    fn take_early(&mut self, ask: &PageRequest) -> Option<(PageView, Vec<u32>)> {
        if ask.purpose.is_aside() {
            return None;
        }
        let (foreseen, page, serials) = self.early.pop_front()?;
        if foreseen != *ask {
            self.early.clear();
            self.hits = 0;
            self.misses += 1;
            return None;
        }
        self.hits += 1;
        Some((page, serials))
    }

    /// Resumes the run after a crash: some time passes, and the spooled pages are absorbed again.
    fn resume(&mut self, facts: &mut ServerBehavior, dice: &mut Rng) {
        for _ in 0..dice.u32(0..6) {
            self.pass(dice);
        }
        if dice.u32(0..4) == 0 {
            self.rules.page_size = dice.u32(1..=100);
        }
        self.paging = Paging::new(self.rules);
        self.early.clear();
        for (ask, page) in &self.spool {
            self.paging.absorb(ask, page, facts);
        }
    }

    /// Requests a page without absorbing it.
    fn glance(&mut self, ask: &PageRequest, dice: &mut Rng) -> Option<PageView> {
        self.pass(dice);
        Some(self.chat.answer(ask, dice)?.0)
    }

    fn begin_anew(&mut self) {
        self.rules.claims = Claims::Prove;
        self.paging = Paging::new(self.rules);
        self.spool.clear();
        self.early.clear();
        self.read.clear();
        self.began = self.chat.came();
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
    pub fn new(contacts: Vec<Contact>, facts: ServerBehavior, dice: Rng) -> Self {
        Self { facts, learned: facts, contacts, at_once: 1, crash: 0.0, failure: 0.0, dice, looks: 0 }
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
                self.look(at);
            }
            self.read_open();
        }
    }

    fn read_open(&mut self) {
        loop {
            let open = self.contacts.iter().enumerate().filter(|(_, contact)| contact.verdict.is_none());
            let open: Vec<usize> = open.map(|(at, _)| at).take(self.at_once).collect();
            let Some(&at) = open.get(self.dice.usize(0..open.len().max(1))) else { return };
            if self.dice.f64() < self.crash {
                self.facts = self.learned;
                for at in open {
                    self.contacts[at].resume(&mut self.facts, &mut self.dice);
                }
                continue;
            }
            let contact = &mut self.contacts[at];
            if !contact.step(&mut self.facts, self.failure, &mut self.dice) {
                contact.judge();
                self.learned = self.facts;
            }
        }
    }

    fn is_doubtful(&self, at: usize) -> bool {
        self.contacts[at].ending().is_some_and(|ending| check_end(&ending, &self.facts) != EndVerdict::None)
    }

    fn look(&mut self, at: usize) {
        let contact = &mut self.contacts[at];
        let Some(ending) = contact.ending() else { return };
        let holds = match check_end(&ending, &self.facts) {
            EndVerdict::None => true,
            EndVerdict::ReadAnew => false,
            EndVerdict::Check => {
                self.looks += 1;
                let mut look = EndCheck::new(&ending, contact.rules.page_size);
                contact.spool.iter().for_each(|(_, page)| look.knows(page));
                let [beyond, last] = look.asks();
                contact.glance(&beyond, &mut self.dice).is_some_and(|page| EndCheck::is_clear(&page))
                    && contact.glance(&last, &mut self.dice).is_some_and(|page| look.is_last(&page))
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
            contact.begin_anew();
        }
    }
}
