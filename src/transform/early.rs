//! The rows of a long history in pieces, the newest of which are made while it is still read.
//!
//! Rows stand in the order of time, and pages mostly come the newest first: where a row stands is known with the last page.
//! To begin then is to leave all the work for the end, when nobody else has any. But what was read long before seldom
//! changes its place any more. So pieces are made of it beside the reading, on trial, and when the history is whole, those
//! that stand in it as they were made are put in their places. The others are made again.
//!
//! What is made early changes no byte of the files: every long history is cut into the same pieces, counted from its end.

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

use super::index::Index;
use super::order;
use crate::settings::Window;
use crate::table::Counts;

/// How many messages make what.
#[derive(Clone, Copy)]
pub struct Lengths {
    /// Messages of a piece. Two tables get a row group of it, or more where it is large. A history of at least two is long.
    piece: usize,
    /// Messages that were read last: among them those that come next may stand.
    unsettled: usize,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { piece: 16 << 10, unsettled: 1000 }
    }
}

/// How often the history may seem to end.
const MAX_ENDS: u32 = 2;
/// How often in a row a piece may be of messages that were read last before no more are tried. Then the history is read from
/// its oldest message on, or has several conversations that go on all the time.
const MAX_MISSES: u32 = 16;

/// The pieces of one history that were made so far.
#[derive(Default)]
pub struct Early {
    lengths: Lengths,
    /// Messages of the index that were looked at.
    seen: usize,
    /// Those of them that are in no piece.
    pending: Vec<u32>,
    /// How many of them it needs to try again.
    enough: usize,
    misses: u32,
    /// The most messages of a page.
    largest: usize,
    /// How many messages were read when the history last seemed to end.
    end: usize,
    ends: u32,
    made: Vec<Made>,
}

/// A piece: its number is its place among those that were made.
struct Made {
    /// Of what it was made.
    print: u128,
    counts: Counts,
}

impl Early {
    /// Takes in that a page was read. Gives the messages of pieces that may now be made, each in the order of their rows: those
    /// that are not likely to change their places any more, and all, if it seems to be the last page.
    pub fn read(&mut self, received: usize, index: &Index, window: Window) -> Vec<Vec<u32>> {
        let (before, read) = (self.seen, index.messages.len());
        let is_wanted = |at: &u32| window.holds(index.messages[*at as usize].created_at);
        self.pending.extend((before..read).filter_map(|at| u32::try_from(at).ok()).filter(is_wanted));
        self.seen = read;
        self.largest = self.largest.max(received);
        if !self.lengths.is_long(read) {
            return Vec::new();
        }
        // A page that only finds something out about the server may be short, and shows nothing new.
        let is_short = received == 0 || (received < self.largest && read > before);
        if is_short && read > self.end && self.ends < MAX_ENDS {
            (self.end, self.ends) = (read, self.ends + 1);
            return self.rest(index);
        }
        std::iter::from_fn(|| self.settled(index)).collect()
    }

    /// All that is in no piece, as if the history were whole: who waits for the proof that it is has nothing else to do.
    fn rest(&self, index: &Index) -> Vec<Vec<u32>> {
        let order = order::of_some(index, self.pending.clone());
        self.lengths.cuts(order.len()).map(|piece| order[piece].to_vec()).collect()
    }

    /// The newest of what is in no piece.
    fn settled(&mut self, index: &Index) -> Option<Vec<u32>> {
        let rest = self.pending.len().checked_sub(self.lengths.piece)?;
        if rest < self.lengths.unsettled || self.pending.len() < self.enough || self.misses > MAX_MISSES {
            return None;
        }
        let mut order = order::of_some(index, std::mem::take(&mut self.pending));
        if order[rest..].iter().any(|at| *at as usize + self.lengths.unsettled >= self.seen) {
            self.misses += 1;
            self.enough = order.len() + self.lengths.unsettled;
            self.pending = order;
            return None;
        }
        (self.misses, self.enough) = (0, 0);
        let piece = order.split_off(rest);
        self.pending = order;
        Some(piece)
    }

    /// The first page that has messages which are in no piece.
    pub fn first_page(&self, index: &Index) -> Option<u32> {
        self.pending.iter().map(|at| index.messages[*at as usize].page).min()
    }

    /// The number of the next piece.
    pub fn next(&self) -> u32 {
        u32::try_from(self.made.len()).unwrap_or(u32::MAX)
    }

    /// The next piece was made, of these messages.
    pub fn made(&mut self, index: &Index, messages: &[u32], counts: Counts) {
        self.made.push(Made { print: print(index, messages), counts });
    }

    /// The number of the piece that was made of just these messages.
    pub fn find(&self, index: &Index, messages: &[u32]) -> Option<u32> {
        let print = print(index, messages);
        (0..).zip(&self.made).find(|(_, made)| made.print == print).map(|(number, _)| number)
    }

    /// The counts of what the piece of this number holds.
    pub fn counts(&self, number: u32) -> &Counts {
        &self.made[number as usize].counts
    }

    /// Where a history of so many messages is cut into pieces; nowhere if it is not long.
    pub fn pieces(&self, messages: usize) -> Option<impl Iterator<Item = Range<usize>> + use<>> {
        self.lengths.is_long(messages).then(|| self.lengths.cuts(messages))
    }

    /// Whether any were made.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty()
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

/// All that the rows of these messages depend on, but for what is the contact's.
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

    /// A message as a page shows it: id, conversation, time, and what the page says of the conversation.
    type Shown = (u32, u8, i64, bool);

    /// What rows show.
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

    /// What the rows of these messages show.
    fn rows(index: &Index, messages: &[u32]) -> Rows {
        let row = |at: &u32| {
            let message = &index.messages[*at as usize];
            let columns = &index.conversations[message.conversation as usize].columns;
            format!("{} {} {} {columns:?}", index.id(message), message.page, message.value)
        };
        messages.iter().map(row).collect()
    }

    /// Reads the pages; gives the rows of the pieces that were made early, and those the history has, with whether each was
    /// found among the early ones.
    fn read(pages: &[Vec<Shown>]) -> (Vec<Rows>, Vec<(Rows, Option<u32>)>) {
        let mut early = Early { lengths: Lengths { piece: 8, unsettled: 4 }, ..Early::default() };
        let (mut index, mut made) = (Index::default(), Vec::new());
        for (number, shown) in (0..).zip(pages) {
            index.add(number, &read_page(&Document::parse(page(shown)).unwrap()).unwrap());
            for messages in early.read(shown.len(), &index, Window::default()) {
                early.made(&index, &messages, Counts::default());
                made.push(rows(&index, &messages));
            }
        }
        index.count();
        let order = order::messages(&index, &order::conversations(&index));
        let pieces = early.pieces(order.len()).into_iter().flatten().map(|piece| {
            let messages = &order[piece];
            (rows(&index, messages), early.find(&index, messages))
        });
        (made, pieces.collect())
    }

    fn newest_first(messages: u32) -> Vec<Vec<Shown>> {
        let all: Vec<Shown> = (0..messages).rev().map(|id| (id, 0, i64::from(id), false)).collect();
        all.chunks(5).map(<[Shown]>::to_vec).collect()
    }

    #[test]
    fn newest_first_all_is_made_before_the_end_and_each_piece_once() {
        let (made, pieces) = read(&newest_first(82));
        assert_eq!(pieces.len(), 11);
        assert!(pieces.iter().all(|(_, found)| found.is_some()));
        assert_eq!(made.len(), pieces.len());
    }

    #[test]
    fn oldest_first_nothing_is_tried_before_the_history_seems_to_end() {
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
    fn what_the_last_page_says_of_a_conversation_is_in_the_rows_of_all_its_messages() {
        let mut pages = newest_first(82);
        pages.last_mut().unwrap().iter_mut().for_each(|shown| shown.3 = true);
        let (made, pieces) = read(&pages);
        assert!(made.len() > 8, "all was made early");
        let found = pieces.iter().filter(|(_, found)| found.is_some()).count();
        assert_eq!(found, 2, "and only what was made after the last page is still right");
    }

    proptest! {
        #[test]
        fn a_piece_that_is_found_is_as_it_would_be_made_now(
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
