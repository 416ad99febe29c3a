//! The order of chunks: which contacts a thread takes next, whose turn it is to write, and how much the threads
//! that are not at their turn may hold in memory.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::buffer::Buffer;
use crate::state::Due;

/// Bounds of the threads. They matter for speed and memory only.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Maximum bytes that all threads hold ahead of their turn: pages, indexes and rows.
    pub ahead_bytes: usize,
    /// Bytes that a thread may always hold for its chunk, so that one with a long history does not keep all others
    /// waiting. No thread begins a chunk while all together hold too much.
    pub free_bytes: usize,
    /// Range of the bytes of rows in a chunk, and in a batch. Larger batches take fewer copies, smaller ones less
    /// memory.
    pub chunk_bytes: Range<usize>,
    /// Maximum number of contacts in a chunk.
    pub chunk_contacts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ahead_bytes: 64 << 20,
            free_bytes: 1 << 20,
            chunk_bytes: 512 << 10..4 << 20,
            chunk_contacts: 256,
        }
    }
}

/// Consecutive contacts that one thread flattens. Its number is its position among all chunks.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk {
    pub number: usize,
    pub contacts: Range<usize>,
}

/// The turns of all chunks.
pub struct Turns {
    threads: usize,
    limits: Limits,
    /// The chunk whose turn it is.
    head: AtomicUsize,
    stop: AtomicBool,
    state: Mutex<State>,
    /// Notified when the turn or the held bytes change, while a thread waits.
    changed: Condvar,
}

struct State {
    next: Chunk,
    /// Number of all contacts.
    contacts: usize,
    /// Finished chunks that wait for their turn.
    finished: HashMap<usize, Buffer>,
    /// Bytes that threads hold ahead of their turn.
    held: usize,
    /// Number of threads that wait for their turn or for memory.
    waiting: usize,
    /// Number of flattened contacts, and the bytes of their rows.
    flattened: (usize, usize),
}

impl Turns {
    /// The turns of this number of threads, for this number of contacts.
    pub fn new(threads: usize, contacts: usize, limits: Limits) -> Self {
        let state = State {
            next: Chunk { number: 0, contacts: 0..0 },
            contacts,
            finished: HashMap::new(),
            held: 0,
            waiting: 0,
            flattened: (0, 0),
        };
        Self {
            threads,
            limits,
            head: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Bytes of the rows of one table after which they leave the builders.
    pub fn batch_bytes(&self) -> usize {
        let Range { start, end } = self.limits.chunk_bytes;
        if self.threads == 1 { end } else { (self.limits.ahead_bytes / (4 * self.threads)).clamp(start, end) }
    }

    /// The next chunk; `None` after the last one. Its length follows from the rows of earlier contacts. It only
    /// matters for speed: no byte of the files depends on it.
    ///
    /// Waits while finished chunks hold too much, unless the next chunk is the head.
    pub fn next(&self, due: &Due) -> Option<Chunk> {
        let mut state = self.lock();
        while state.held > self.limits.ahead_bytes && !self.is_head(state.next.number) && !self.is_stopped() {
            state = self.wait(state);
        }
        if self.is_stopped() {
            return None;
        }
        let from = (state.next.contacts.end..state.contacts).find(|at| due.holds(*at))?;
        let length = if self.threads == 1 { state.contacts } else { self.length(state.flattened) };
        let mut to = from;
        let mut taken = 0;
        while to < state.contacts && taken < length {
            taken += usize::from(due.holds(to));
            to += 1;
        }
        let chunk = Chunk { number: state.next.number, contacts: from..to };
        state.next = Chunk { number: chunk.number + 1, contacts: from..to };
        Some(chunk)
    }

    /// Number of contacts that have about as many rows as a chunk should have.
    fn length(&self, (contacts, bytes): (usize, usize)) -> usize {
        (self.batch_bytes().saturating_mul(contacts) / bytes.max(1)).clamp(1, self.limits.chunk_contacts)
    }

    /// Notes the bytes of the rows of a flattened contact.
    pub fn flattened(&self, bytes: usize) {
        if self.threads > 1 {
            let mut state = self.lock();
            state.flattened = (state.flattened.0 + 1, state.flattened.1.saturating_add(bytes));
        }
    }

    /// The chunk whose turn it is.
    pub fn head(&self) -> usize {
        self.head.load(Ordering::Acquire)
    }

    /// True if it is the turn of this chunk.
    pub fn is_head(&self, chunk: usize) -> bool {
        self.head() == chunk
    }

    /// Ends a chunk that has not had its turn. Returns the buffer if its turn has come: the caller writes it.
    pub fn finish(&self, chunk: usize, buffer: Buffer) -> Option<Buffer> {
        let mut state = self.lock();
        if self.is_head(chunk) {
            return Some(buffer);
        }
        state.finished.insert(chunk, buffer);
        None
    }

    /// Ends the turn of a chunk. If the next one is finished, returns its buffer: the caller writes it, and calls
    /// this again. The thread of an unfinished chunk writes for itself.
    pub fn advance(&self) -> Option<Buffer> {
        let mut state = self.lock();
        let head = self.head() + 1;
        self.head.store(head, Ordering::Release);
        let finished = state.finished.remove(&head);
        self.notify(&state);
        finished
    }

    /// True if all threads must end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The mark that all threads must end.
    pub fn stop_mark(&self) -> &AtomicBool {
        &self.stop
    }

    /// Makes all threads end.
    pub fn stop(&self) {
        let state = self.lock();
        self.stop.store(true, Ordering::Relaxed);
        self.notify(&state);
    }

    /// Waits for a change of the turn or of the held bytes, or for a stop.
    fn wait<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let mut state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }

    fn notify(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No thread panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes that one thread holds for a chunk. They count until the turn of the chunk.
pub struct Held<'a> {
    turns: &'a Turns,
    chunk: usize,
    bytes: usize,
}

impl<'a> Held<'a> {
    /// Nothing, for this chunk.
    pub fn new(turns: &'a Turns, chunk: usize) -> Self {
        Self { turns, chunk, bytes: 0 }
    }

    /// True if it is the turn of the chunk.
    pub fn is_head(&self) -> bool {
        self.turns.is_head(self.chunk)
    }

    /// Adds bytes. Waits while all threads hold too much, at most until it is the turn of the chunk.
    pub fn add(&mut self, more: usize) {
        if self.is_head() {
            return self.release();
        }
        let bytes = self.bytes + more;
        let mut state = self.turns.lock();
        let may_hold = |held: usize| {
            bytes <= self.turns.limits.free_bytes
                || held.saturating_add(more) <= self.turns.limits.ahead_bytes
                || self.turns.is_head(self.chunk)
                || self.turns.is_stopped()
        };
        while !may_hold(state.held) {
            state = self.turns.wait(state);
        }
        state.held += more;
        self.bytes = bytes;
    }

    /// Frees all bytes.
    pub fn release(&mut self) {
        if self.bytes > 0 {
            let mut state = self.turns.lock();
            state.held -= std::mem::take(&mut self.bytes);
            self.turns.notify(&state);
        }
    }

    /// Leaves the bytes to the buffer of a finished chunk, which frees them when it is written.
    pub fn leave(mut self) -> usize {
        std::mem::take(&mut self.bytes)
    }

    /// The bytes that a buffer had.
    pub fn of_buffer(turns: &'a Turns, bytes: usize) -> Self {
        Self { turns, chunk: turns.head(), bytes }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Chunks of small contacts are below the bytes that a thread may always hold. While the head is slow, they
    /// must not pile up.
    #[test]
    fn a_thread_waits_before_its_next_chunk_while_finished_ones_hold_too_much() {
        let limits = Limits { ahead_bytes: 1_000, free_bytes: 2_000, chunk_bytes: 1..1, chunk_contacts: 1 };
        let (turns, due) = (Turns::new(2, 4, limits), Due::all(4));
        assert_eq!(turns.next(&due).map(|chunk| chunk.number), Some(0), "the head");
        assert_eq!(turns.next(&due).map(|chunk| chunk.number), Some(1));
        let mut held = Held::new(&turns, 1);
        held.add(1_500);
        let buffer = Buffer { held: held.leave(), ..Buffer::default() };
        assert!(turns.finish(1, buffer).is_none(), "it is not its turn");
        thread::scope(|scope| {
            let other = scope.spawn(|| turns.next(&due));
            while turns.lock().waiting == 0 && !other.is_finished() {
                thread::yield_now();
            }
            assert!(!other.is_finished(), "it waits");
            let finished = turns.advance().expect("the finished chunk behind the head");
            drop(Held::of_buffer(&turns, finished.held));
            assert_eq!(other.join().unwrap(), Some(Chunk { number: 2, contacts: 2..3 }));
        });
    }
}
