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
use crate::table::UnknownFields;

/// Messages of a piece. Two tables get a row group of it, or more where it is large.
const PIECE: usize = 16 << 10;
/// Messages of a history that is cut into pieces.
const LONG: usize = 2 * PIECE;
/// Messages that were read last: among them those that come next may stand.
const UNSETTLED: usize = 1000;
/// How often the history may seem to end.
const MAX_ENDS: u32 = 2;
/// How often in a row a piece may be of messages that were read last before no more are tried. Then the history is read from
/// its oldest message on, or has several conversations that go on all the time.
const MAX_MISSES: u32 = 16;

/// The pieces of one history that were made so far.
#[derive(Default)]
pub struct Early {
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
    unknown: UnknownFields,
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
        if read < LONG {
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
        cuts(order.len()).map(|piece| order[piece].to_vec()).collect()
    }

    /// The newest of what is in no piece.
    fn settled(&mut self, index: &Index) -> Option<Vec<u32>> {
        let rest = self.pending.len().checked_sub(PIECE)?;
        if rest < UNSETTLED || self.pending.len() < self.enough || self.misses > MAX_MISSES {
            return None;
        }
        let mut order = order::of_some(index, std::mem::take(&mut self.pending));
        if order[rest..].iter().any(|at| *at as usize + UNSETTLED >= self.seen) {
            self.misses += 1;
            self.enough = order.len() + UNSETTLED;
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
    pub fn made(&mut self, index: &Index, messages: &[u32], unknown: UnknownFields) {
        self.made.push(Made { print: print(index, messages), unknown });
    }

    /// The piece that was made of just these messages.
    pub fn find(&self, index: &Index, messages: &[u32]) -> Option<(u32, &UnknownFields)> {
        let print = print(index, messages);
        let (number, made) = (0..).zip(&self.made).find(|(_, made)| made.print == print)?;
        Some((number, &made.unknown))
    }

    /// Whether any were made.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty()
    }
}

/// Where a history of so many messages is cut into pieces; nowhere if it is not long.
pub fn pieces(messages: usize) -> Option<impl Iterator<Item = Range<usize>>> {
    (messages >= LONG).then(|| cuts(messages))
}

fn cuts(messages: usize) -> impl Iterator<Item = Range<usize>> {
    let first = messages % PIECE;
    let others = (first..messages).step_by(PIECE).map(|start| start..start + PIECE);
    Some(0..first).filter(|first| !first.is_empty()).into_iter().chain(others)
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
