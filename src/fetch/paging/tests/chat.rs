//! A model of a chat and of the server: order, offset unit, clamps, short pages and size limits.

use std::collections::HashSet;

use fastrand::Rng;

use super::super::page_view::Identity;
use super::super::*;

/// One message of a chat.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Number of the message, in the order of arrival.
    pub serial: u32,
    pub conversation: u8,
    /// Contribution to the size of a page.
    pub weight: u32,
    pub name: Name,
    print: Fingerprint,
}

/// Identity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// The message has an id.
    Id(u32),
    /// The message has no id. Others may have the same content.
    Content(u32),
}

/// Behavior of a server that cuts histories into pages.
#[expect(clippy::struct_excessive_bools, reason = "four ways that have nothing to do with each other")]
#[derive(Clone, Debug)]
pub struct Ways {
    pub per_conversation: bool,
    /// Maximum number of messages per page, whatever the limit. With several values, it varies from page to
    /// page.
    pub clamps: Vec<usize>,
    pub short: Short,
    /// Largest page that the server can send, by weight.
    pub capacity: u32,
    /// The order on a page is the reverse of the order over the offsets.
    pub is_reversed: bool,
    /// Messages do not name their conversation.
    pub hides_conversations: bool,
    pub ignores_offset: bool,
}

/// Pages with fewer messages than available.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Short {
    Never,
    /// With this probability, a page holds only a part, at least one message.
    ByChance(f64),
    /// The same, but always at the same offsets.
    ByPlace(f64),
    /// With this probability, a page in the middle is empty, but never twice in a row.
    Empty(f64),
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            per_conversation: false,
            clamps: vec![usize::MAX],
            short: Short::Never,
            capacity: u32::MAX,
            is_reversed: false,
            hides_conversations: false,
            ignores_offset: false,
        }
    }
}

impl Ways {
    /// True if a page smaller than the server's largest page may be followed by more messages.
    pub fn lie(&self) -> bool {
        self.short != Short::Never || self.clamps.len() > 1
    }
}

/// Assignment of ids to messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Every message has a unique id.
    Unique,
    /// Ids count inside each conversation.
    PerConversation,
    /// Some messages have no id.
    Nameless { one_in: u32, contents: u32 },
}

/// The chat of one contact.
#[derive(Clone, Debug)]
pub struct Chat {
    pub messages: Vec<Message>,
    pub ways: Ways,
    pub conversations: u8,
    naming: Naming,
    /// One message in this many is large; 0 means none.
    heavy_one_in: u32,
    came: u32,
    /// Number of ids assigned in each conversation.
    named: Vec<u32>,
    /// All messages without an id that ever existed.
    contents: Vec<(u32, Name)>,
    was_empty: bool,
    /// Fingerprints of the conversations. The first one means "none".
    prints: Vec<Fingerprint>,
    pub asks: u64,
}

impl Chat {
    /// Creates a chat with conversations of these sizes, interleaved in short runs.
    pub fn new(sizes: &[usize], ways: Ways, naming: Naming, heavy_one_in: u32, dice: &mut Rng) -> Self {
        let mut chat = Self {
            messages: Vec::new(),
            ways,
            conversations: u8::try_from(sizes.len()).expect("few conversations"),
            naming,
            heavy_one_in,
            came: 0,
            named: vec![0; sizes.len()],
            contents: Vec::new(),
            was_empty: false,
            prints: (0..=sizes.len()).map(|of| Fingerprint::of(&format!("conversation {of}"))).collect(),
            asks: 0,
        };
        let mut left = sizes.to_vec();
        while left.iter().any(|count| *count > 0) {
            for (conversation, count) in left.iter_mut().enumerate() {
                let run = (*count).min(dice.usize(1..8));
                for _ in 0..run {
                    let message = chat.make(u8::try_from(conversation).expect("few"), dice);
                    chat.messages.push(message);
                }
                *count -= run;
            }
        }
        chat
    }

    pub fn naming(&self) -> Naming {
        self.naming
    }

    /// Number of messages that ever existed. Later messages have greater serials.
    pub fn came(&self) -> u32 {
        self.came
    }

    fn make(&mut self, conversation: u8, dice: &mut Rng) -> Message {
        let serial = self.came;
        self.came += 1;
        let name = match self.naming {
            Naming::Unique => Name::Id(serial),
            Naming::PerConversation => {
                let count = &mut self.named[usize::from(conversation)];
                *count += 1;
                Name::Id(*count)
            }
            Naming::Nameless { one_in, contents } if dice.u32(0..one_in) == 0 => {
                Name::Content(dice.u32(0..contents))
            }
            Naming::Nameless { .. } => Name::Id(serial),
        };
        let heavy = self.heavy_one_in > 0 && dice.u32(0..self.heavy_one_in) == 0;
        let print = print(name);
        if matches!(name, Name::Content(_)) {
            self.contents.push((serial, name));
        }
        Message { serial, conversation, weight: if heavy { 50 } else { 1 }, name, print }
    }

    /// Inserts consecutive messages at a position.
    pub fn insert(&mut self, at: usize, count: usize, dice: &mut Rng) {
        let conversation = dice.u8(0..self.conversations.max(1));
        let arrived: Vec<Message> = (0..count).map(|_| self.make(conversation, dice)).collect();
        self.messages.splice(at..at, arrived);
    }

    /// Changes the content of a message. A message without an id becomes another one.
    pub fn edit(&mut self, at: usize, dice: &mut Rng) {
        let message = self.messages[at];
        if matches!(message.name, Name::Content(_)) {
            self.messages[at] = self.make(message.conversation, dice);
        }
    }

    /// Returns the response, or `None` if the page is too large for the server.
    pub fn answer(&mut self, ask: &PageRequest, dice: &mut Rng) -> Option<(PageView, Vec<u32>)> {
        self.asks += 1;
        let clamp = self.ways.clamps[dice.usize(0..self.ways.clamps.len())];
        let limit = (ask.limit as usize).min(clamp);
        let offset =
            if self.ways.ignores_offset { 0 } else { usize::try_from(ask.offset).unwrap_or(usize::MAX) };
        let page = if self.ways.per_conversation {
            self.of_each_conversation(offset, limit, dice)
        } else {
            let limit = self.shortened(limit, offset, dice);
            let from = offset.min(self.messages.len());
            self.messages[from..self.messages.len().min(from + limit)].to_vec()
        };
        if ask.limit > 1 && page.iter().map(|message| message.weight).sum::<u32>() > self.ways.capacity {
            return None;
        }
        let page = match self.ways.short {
            Short::Empty(chance) if offset > 0 && !self.was_empty && dice.f64() < chance => Vec::new(),
            _ => page,
        };
        self.was_empty = page.is_empty();
        Some((self.seen(&page), page.iter().map(|message| message.serial).collect()))
    }

    fn of_each_conversation(&self, offset: usize, limit: usize, dice: &mut Rng) -> Vec<Message> {
        let limit = self.shortened(limit, offset, dice);
        let mut met = vec![0; usize::from(self.conversations)];
        let on_page = |message: &&Message| {
            let of = usize::from(message.conversation);
            met[of] += 1;
            met[of] > offset && met[of] - offset <= limit
        };
        self.messages.iter().filter(on_page).copied().collect()
    }

    fn shortened(&self, limit: usize, offset: usize, dice: &mut Rng) -> usize {
        match self.ways.short {
            Short::ByChance(chance) if dice.f64() < chance => dice.usize(1..=limit),
            Short::ByPlace(chance) => {
                let mut of_place = Rng::with_seed(offset as u64);
                if of_place.f64() < chance { of_place.usize(1..=limit) } else { limit }
            }
            _ => limit,
        }
    }

    fn seen(&self, page: &[Message]) -> PageView {
        let mut sight = PageView::default();
        let mut add = |message: &Message| {
            let conversation = if self.ways.hides_conversations { 0 } else { message.conversation + 1 };
            let conversation = self.prints[usize::from(conversation)];
            match message.name {
                Name::Id(_) => sight.put(conversation, message.print, Identity::Named),
                Name::Content(_) => sight.put_nameless(conversation, message.print),
            }
        };
        if self.ways.is_reversed {
            page.iter().rev().for_each(&mut add);
        } else {
            page.iter().for_each(&mut add);
        }
        sight
    }

    /// Returns the contents of the given messages that have no id.
    pub fn contents_of(&self, serials: &HashSet<u32>) -> HashSet<Name> {
        let met = self.contents.iter().filter(|(serial, _)| serials.contains(serial));
        met.map(|(_, name)| *name).collect()
    }

    /// Minimum number of requests that read the current chat, including the proof of its end.
    pub fn fewest(&self, page_size: u32) -> u64 {
        let clamp = self.ways.clamps.iter().copied().max().unwrap_or(usize::MAX);
        let stride = (page_size as usize).min(clamp).max(1);
        let longest = if self.ways.per_conversation {
            let of = |one| self.messages.iter().filter(|message| message.conversation == one).count();
            (0..self.conversations).map(of).max().unwrap_or(0)
        } else {
            self.messages.len()
        };
        longest.div_ceil(stride) as u64 + 1
    }
}

/// Fingerprint of a name on a page.
fn print(name: Name) -> Fingerprint {
    match name {
        Name::Id(id) => Fingerprint::of(&id.to_string()),
        Name::Content(content) => Fingerprint::of(&format!("x-{content}")),
    }
}
