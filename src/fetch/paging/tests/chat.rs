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
#[expect(clippy::struct_excessive_bools, reason = "four independent behaviors")]
#[derive(Clone, Debug)]
pub struct ServerModel {
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
    ByOffset(f64),
    /// With this probability, a page in the middle is empty, but never twice in a row.
    Empty(f64),
}

impl Default for ServerModel {
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

impl ServerModel {
    /// True if a page smaller than the server's largest page may be followed by more messages.
    pub fn has_unreliable_pages(&self) -> bool {
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
    pub server: ServerModel,
    pub conversations: u8,
    naming: Naming,
    /// One message in this many is large; 0 means none.
    heavy_one_in: u32,
    total: u32,
    /// Number of ids assigned in each conversation.
    named: Vec<u32>,
    /// All messages without an id that ever existed.
    contents: Vec<(u32, Name)>,
    was_empty: bool,
    /// Fingerprints of the conversations. The first one means "none".
    prints: Vec<Fingerprint>,
    pub requests: u64,
}

impl Chat {
    /// Creates a chat with conversations of these sizes, interleaved in short runs.
    pub fn new(
        sizes: &[usize],
        server: ServerModel,
        naming: Naming,
        heavy_one_in: u32,
        rng: &mut Rng,
    ) -> Self {
        let mut chat = Self {
            messages: Vec::new(),
            server,
            conversations: u8::try_from(sizes.len()).expect("few conversations"),
            naming,
            heavy_one_in,
            total: 0,
            named: vec![0; sizes.len()],
            contents: Vec::new(),
            was_empty: false,
            prints: (0..=sizes.len()).map(|of| Fingerprint::of(&format!("conversation {of}"))).collect(),
            requests: 0,
        };
        let mut left = sizes.to_vec();
        while left.iter().any(|count| *count > 0) {
            for (conversation, count) in left.iter_mut().enumerate() {
                let run = (*count).min(rng.usize(1..8));
                for _ in 0..run {
                    let message = chat.make(u8::try_from(conversation).expect("few"), rng);
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
    pub fn total(&self) -> u32 {
        self.total
    }

    fn make(&mut self, conversation: u8, rng: &mut Rng) -> Message {
        let serial = self.total;
        self.total += 1;
        let name = match self.naming {
            Naming::Unique => Name::Id(serial),
            Naming::PerConversation => {
                let count = &mut self.named[usize::from(conversation)];
                *count += 1;
                Name::Id(*count)
            }
            Naming::Nameless { one_in, contents } if rng.u32(0..one_in) == 0 => {
                Name::Content(rng.u32(0..contents))
            }
            Naming::Nameless { .. } => Name::Id(serial),
        };
        let heavy = self.heavy_one_in > 0 && rng.u32(0..self.heavy_one_in) == 0;
        let print = print(name);
        if matches!(name, Name::Content(_)) {
            self.contents.push((serial, name));
        }
        Message { serial, conversation, weight: if heavy { 50 } else { 1 }, name, print }
    }

    /// Inserts consecutive messages at a position.
    pub fn insert(&mut self, at: usize, count: usize, rng: &mut Rng) {
        let conversation = rng.u8(0..self.conversations.max(1));
        let arrived: Vec<Message> = (0..count).map(|_| self.make(conversation, rng)).collect();
        self.messages.splice(at..at, arrived);
    }

    /// Changes the content of a message. A message without an id becomes another one.
    pub fn edit(&mut self, at: usize, rng: &mut Rng) {
        let message = self.messages[at];
        if matches!(message.name, Name::Content(_)) {
            self.messages[at] = self.make(message.conversation, rng);
        }
    }

    /// Returns the response, or `None` if the page is too large for the server.
    pub fn answer(&mut self, request: &PageRequest, rng: &mut Rng) -> Option<(PageView, Vec<u32>)> {
        self.requests += 1;
        let clamp = self.server.clamps[rng.usize(0..self.server.clamps.len())];
        let limit = (request.limit as usize).min(clamp);
        let offset = if self.server.ignores_offset {
            0
        } else {
            usize::try_from(request.offset).unwrap_or(usize::MAX)
        };
        let page = if self.server.per_conversation {
            self.of_each_conversation(offset, limit, rng)
        } else {
            let limit = self.shortened(limit, offset, rng);
            let from = offset.min(self.messages.len());
            self.messages[from..self.messages.len().min(from + limit)].to_vec()
        };
        if request.limit > 1 && page.iter().map(|message| message.weight).sum::<u32>() > self.server.capacity
        {
            return None;
        }
        let page = match self.server.short {
            Short::Empty(chance) if offset > 0 && !self.was_empty && rng.f64() < chance => Vec::new(),
            _ => page,
        };
        self.was_empty = page.is_empty();
        Some((self.view_of(&page), page.iter().map(|message| message.serial).collect()))
    }

    fn of_each_conversation(&self, offset: usize, limit: usize, rng: &mut Rng) -> Vec<Message> {
        let limit = self.shortened(limit, offset, rng);
        let mut met = vec![0; usize::from(self.conversations)];
        let on_page = |message: &&Message| {
            let of = usize::from(message.conversation);
            met[of] += 1;
            met[of] > offset && met[of] - offset <= limit
        };
        self.messages.iter().filter(on_page).copied().collect()
    }

    fn shortened(&self, limit: usize, offset: usize, rng: &mut Rng) -> usize {
        match self.server.short {
            Short::ByChance(chance) if rng.f64() < chance => rng.usize(1..=limit),
            Short::ByOffset(chance) => {
                let mut by_offset = Rng::with_seed(offset as u64);
                if by_offset.f64() < chance { by_offset.usize(1..=limit) } else { limit }
            }
            _ => limit,
        }
    }

    fn view_of(&self, page: &[Message]) -> PageView {
        let mut view = PageView::default();
        let mut add = |message: &Message| {
            let conversation = if self.server.hides_conversations { 0 } else { message.conversation + 1 };
            let conversation = self.prints[usize::from(conversation)];
            match message.name {
                Name::Id(_) => view.put(conversation, message.print, Identity::Named),
                Name::Content(_) => view.put_nameless(conversation, message.print),
            }
        };
        if self.server.is_reversed {
            page.iter().rev().for_each(&mut add);
        } else {
            page.iter().for_each(&mut add);
        }
        view
    }

    /// Returns the contents of the given messages that have no id.
    pub fn contents_of(&self, serials: &HashSet<u32>) -> HashSet<Name> {
        let met = self.contents.iter().filter(|(serial, _)| serials.contains(serial));
        met.map(|(_, name)| *name).collect()
    }

    /// Minimum number of requests that read the current chat, including the proof of its end.
    pub fn fewest(&self, page_size: u32) -> u64 {
        let clamp = self.server.clamps.iter().copied().max().unwrap_or(usize::MAX);
        let stride = (page_size as usize).min(clamp).max(1);
        let longest = if self.server.per_conversation {
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
