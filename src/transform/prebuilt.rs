//! Pieces of a long history, built before the whole history is read.
//!
//! Rows are in chronological order, and the API mostly returns the newest page first. So the position of a
//! row is certain only after the last page. Starting then would leave all the work for the end, when fetch is
//! idle.
//!
//! Messages that were read long ago seldom change their position. Pieces of those are built on trial during
//! the read. When the history is complete, pieces that match it are used, and the others are built again.
//!
//! Prebuilding changes no byte of the files: every long history is cut into the same pieces, counted from its
//! end.

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

use super::index::Index;
use super::order;
use crate::settings::Window;
use crate::table::Counts;

/// Lengths of pieces, in messages.
#[derive(Clone, Copy)]
pub struct Lengths {
    /// Messages per piece. A piece becomes at least one row group in two tables. A history of two pieces or
    /// more is long.
    piece: usize,
    /// Number of messages, the last ones read, whose positions the next pages may still change.
    unsettled: usize,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { piece: 16 << 10, unsettled: 1000 }
    }
}

/// Maximum number of pages that are treated as the last one.
const MAX_ENDS: u32 = 2;
/// Maximum number of consecutive failed attempts to build a piece. After that, the history is probably read
/// oldest first, or has several active conversations.
const MAX_MISSES: u32 = 16;

/// The pieces of one history that are built so far.
#[derive(Default)]
pub struct Prebuilt {
    lengths: Lengths,
    /// Number of messages of the index that were considered.
    seen: usize,
    /// Considered messages that are in no piece.
    pending: Vec<u32>,
    /// Length of `pending` from which a next attempt is made.
    next_attempt: usize,
    misses: u32,
    /// Messages of the largest page.
    largest: usize,
    /// Number of messages read when the history last seemed to end.
    end: usize,
    ends: u32,
    pieces: Vec<Piece>,
}

/// A piece. Its number is its index in [`Prebuilt::pieces`].
struct Piece {
    /// Fingerprint of the messages in it.
    print: u128,
    counts: Counts,
}

impl Prebuilt {
    /// Notes that a page was read. Returns the messages of each piece to build now, in row order: those whose
    /// positions are unlikely to change, or all of them if the page seems to be the last one.
    pub fn page_read(&mut self, received: usize, index: &Index, window: Window) -> Vec<Vec<u32>> {
        let (before, read) = (self.seen, index.messages.len());
        let is_wanted = |at: &u32| window.holds(index.messages[*at as usize].created_at);
        self.pending.extend((before..read).filter_map(|at| u32::try_from(at).ok()).filter(is_wanted));
        self.seen = read;
        self.largest = self.largest.max(received);
        if !self.lengths.is_long(read) {
            return Vec::new();
        }
        // A page that only probes the server may be short, and has no new messages.
        let is_short = received == 0 || (received < self.largest && read > before);
        if is_short && read > self.end && self.ends < MAX_ENDS {
            (self.end, self.ends) = (read, self.ends + 1);
            return self.rest(index);
        }
        std::iter::from_fn(|| self.settled(index)).collect()
    }

    /// Pieces of all pending messages, as if the history were complete. The thread is idle until the end is
    /// proved.
    fn rest(&self, index: &Index) -> Vec<Vec<u32>> {
        let order = order::some_messages(index, self.pending.clone());
        self.lengths.cuts(order.len()).map(|piece| order[piece].to_vec()).collect()
    }

    /// A piece of the newest pending messages, if their positions are settled.
    fn settled(&mut self, index: &Index) -> Option<Vec<u32>> {
        let rest = self.pending.len().checked_sub(self.lengths.piece)?;
        if rest < self.lengths.unsettled || self.pending.len() < self.next_attempt || self.misses > MAX_MISSES
        {
            return None;
        }
        let mut order = order::some_messages(index, std::mem::take(&mut self.pending));
        if order[rest..].iter().any(|at| *at as usize + self.lengths.unsettled >= self.seen) {
            self.misses += 1;
            self.next_attempt = order.len() + self.lengths.unsettled;
            self.pending = order;
            return None;
        }
        (self.misses, self.next_attempt) = (0, 0);
        let piece = order.split_off(rest);
        self.pending = order;
        Some(piece)
    }

    /// The first page with pending messages.
    pub fn first_page(&self, index: &Index) -> Option<u32> {
        self.pending.iter().map(|at| index.messages[*at as usize].page).min()
    }

    /// The number of the next piece.
    pub fn next_number(&self) -> u32 {
        u32::try_from(self.pieces.len()).unwrap_or(u32::MAX)
    }

    /// Adds the next piece, built from these messages.
    pub fn add(&mut self, index: &Index, messages: &[u32], counts: Counts) {
        self.pieces.push(Piece { print: print(index, messages), counts });
    }

    /// The number of the piece with exactly these messages.
    pub fn find(&self, index: &Index, messages: &[u32]) -> Option<u32> {
        let print = print(index, messages);
        (0..).zip(&self.pieces).find(|(_, piece)| piece.print == print).map(|(number, _)| number)
    }

    /// The counts of the values in a piece.
    pub fn counts(&self, number: u32) -> &Counts {
        &self.pieces[number as usize].counts
    }

    /// The ranges of the pieces of a history with this number of messages. `None` if the history is not long.
    pub fn cuts(&self, messages: usize) -> Option<impl Iterator<Item = Range<usize>> + use<>> {
        self.lengths.is_long(messages).then(|| self.lengths.cuts(messages))
    }

    /// True if no piece was built.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

impl Lengths {
    fn is_long(self, messages: usize) -> bool {
        messages >= 2 * self.piece
    }

    fn cuts(self, messages: usize) -> impl Iterator<Item = Range<usize>> {
        let first = messages % self.piece;
        let others = (first..messages).step_by(self.piece).map(move |start| start..start + self.piece);
        Some(0..first).filter(|first| !first.is_empty()).into_iter().chain(others)
    }
}

/// Fingerprint of everything that the rows of these messages depend on, apart from the contact.
fn print(index: &Index, messages: &[u32]) -> u128 {
    let mut print = Xxh3::new();
    let mut conversation = None;
    for at in messages {
        let message = &index.messages[*at as usize];
        if conversation != Some(message.conversation) {
            conversation = Some(message.conversation);
            let columns = &index.conversations[message.conversation as usize].columns;
            print.update(format!("{}{columns:?}", message.conversation).as_bytes());
        }
        print.update(&message.page.to_le_bytes());
        print.update(&message.value.to_le_bytes());
    }
    print.digest128()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::json::Document;
    use crate::record::read_page;
    use crate::settings::Window;

    /// A message on a page: ID, conversation, time, and true if the page calls the conversation open.
    type Shown = (u32, u8, i64, bool);

    type Rows = Vec<String>;

    fn page(messages: &[Shown]) -> String {
        let mut text = String::from(r#"{"data":{"data":{"conversations":["#);
        for (at, (id, conversation, time, is_open)) in messages.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let status = if *is_open { "open" } else { "closed" };
            let conversation =
                format!(r#""conversation_id":"c{conversation}","conversation_status":"{status}""#);
            let message = format!(r#"{{"message_id":"m{id}","created_at":{}}}"#, 1_700_000_000 + time);
            write!(text, r#"{comma}{{{conversation},"messages":[{message}]}}"#).unwrap();
        }
        text + "]}}}"
    }

    /// The contents of the rows of these messages.
    fn rows(index: &Index, messages: &[u32]) -> Rows {
        let row = |at: &u32| {
            let message = &index.messages[*at as usize];
            let columns = &index.conversations[message.conversation as usize].columns;
            format!("{} {} {} {columns:?}", index.id(message), message.page, message.value)
        };
        messages.iter().map(row).collect()
    }

    /// Reads the pages. Returns the rows of the prebuilt pieces, and those of the final pieces, each with the
    /// number of the matching prebuilt piece.
    fn read(pages: &[Vec<Shown>]) -> (Vec<Rows>, Vec<(Rows, Option<u32>)>) {
        let mut prebuilt = Prebuilt { lengths: Lengths { piece: 8, unsettled: 4 }, ..Prebuilt::default() };
        let (mut index, mut made) = (Index::default(), Vec::new());
        for (number, shown) in (0..).zip(pages) {
            index.add(number, &read_page(&Document::parse(page(shown)).unwrap()).unwrap());
            for messages in prebuilt.page_read(shown.len(), &index, Window::default()) {
                prebuilt.add(&index, &messages, Counts::default());
                made.push(rows(&index, &messages));
            }
        }
        index.count();
        let order = order::messages(&index, &order::conversations(&index));
        let pieces = prebuilt.cuts(order.len()).into_iter().flatten().map(|piece| {
            let messages = &order[piece];
            (rows(&index, messages), prebuilt.find(&index, messages))
        });
        (made, pieces.collect())
    }

    fn newest_first(messages: u32) -> Vec<Vec<Shown>> {
        let all: Vec<Shown> = (0..messages).rev().map(|id| (id, 0, i64::from(id), false)).collect();
        all.chunks(5).map(<[Shown]>::to_vec).collect()
    }

    #[test]
    fn newest_first_each_piece_is_built_once_before_the_end() {
        let (made, pieces) = read(&newest_first(82));
        assert_eq!(pieces.len(), 11);
        assert!(pieces.iter().all(|(_, found)| found.is_some()));
        assert_eq!(made.len(), pieces.len());
    }

    #[test]
    fn oldest_first_no_piece_is_built_before_the_history_seems_to_end() {
        let mut pages = newest_first(82);
        pages.reverse();
        for page in &mut pages {
            page.reverse();
        }
        let short = pages.remove(0);
        pages.push(
            short.iter().map(|(id, of, time, is_open)| (id + 100, *of, time + 100, *is_open)).collect(),
        );
        let (made, pieces) = read(&pages);
        assert!(pieces.iter().all(|(_, found)| found.is_some()));
        assert_eq!(made.len(), pieces.len());
    }

    #[test]
    fn a_change_of_a_conversation_on_the_last_page_reaches_all_its_rows() {
        let mut pages = newest_first(82);
        pages.last_mut().unwrap().iter_mut().for_each(|shown| shown.3 = true);
        let (made, pieces) = read(&pages);
        assert!(made.len() > 8, "every piece was prebuilt");
        let found = pieces.iter().filter(|(_, found)| found.is_some()).count();
        assert_eq!(found, 2, "only pieces built after the last page match");
    }

    proptest! {
        #[test]
        fn a_matching_piece_equals_the_final_one(
            shown in prop::collection::vec((0..60_u32, 0..3_u8, 0..1000_i64, any::<bool>()), 0..120),
            in_time in any::<bool>(),
            per_page in 1..9_usize,
        ) {
            let mut shown = shown;
            if in_time {
                shown.sort_by_key(|(_, _, time, _)| -time);
            }
            let pages: Vec<_> = shown.chunks(per_page).map(<[Shown]>::to_vec).collect();
            let (made, pieces) = read(&pages);
            for (rows, found) in pieces {
                if let Some(number) = found {
                    prop_assert_eq!(&made[number as usize], &rows);
                }
            }
        }
    }
}
