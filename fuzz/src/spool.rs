//! A spool that a crash, a bad disk or somebody's editor has left: the scan of it, and reading single records.

use std::path::Path;

use chatzy_export::internals::contact_read::{Outcome, PageRequest, Purpose, ServerBehavior, Status};
use chatzy_export::internals::id::Channel;
use chatzy_export::internals::spool::{Entry, Ledger, Reader, RecordLocation, SpoolError, recover};

use super::segment::{self, BodyForm};

/// A script of what was written and what became of it: see [`Spool::made_by`]. A first byte of 255 makes the rest one segment.
pub fn check(input: &[u8]) {
    let spool = match input.split_first() {
        Some((255, raw)) => Spool { segments: vec![Segment::foreign(raw)], only_cut: false },
        _ => Spool::made_by(&mut Script(input)),
    };
    let folder = tempfile::tempdir().unwrap();
    for (number, segment) in spool.segments.iter().enumerate() {
        segment::write(folder.path(), number, &segment.bytes);
    }
    spool.check(folder.path());
}

/// Bytes, read from the front; zeros when there are no more.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> usize {
        self.take(1).first().copied().unwrap_or_default().into()
    }

    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(bytes.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

struct Written {
    end: usize,
    entry: Entry,
    body: Vec<u8>,
}

struct Segment {
    bytes: Vec<u8>,
    records: Vec<Written>,
    /// Bytes that are as the writer left them.
    sound: usize,
}

impl Segment {
    fn new() -> Self {
        Self { bytes: segment::HEAD.to_vec(), records: Vec::new(), sound: usize::MAX }
    }

    fn foreign(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), records: Vec::new(), sound: 0 }
    }

    fn push(&mut self, entry: Entry, body: &[u8], form: BodyForm) {
        self.bytes.extend(segment::record(&entry, body, form));
        self.records.push(Written { end: self.bytes.len(), entry, body: body.to_vec() });
    }

    fn push_foreign(&mut self, bytes: &[u8]) {
        self.sound = self.sound.min(self.bytes.len());
        self.bytes.extend(bytes);
    }

    /// The records that nothing has touched, nor anything before them.
    fn sound(&self) -> impl Iterator<Item = &Written> {
        let from_head = self.sound >= segment::HEAD.len();
        self.records.iter().take_while(move |record| from_head && record.end <= self.sound)
    }
}

struct Spool {
    segments: Vec<Segment>,
    /// The last segment has lost its end, and nothing else has happened.
    only_cut: bool,
}

impl Spool {
    /// Records, segments and foreign bytes, then places where a byte is changed, then a length the last segment is cut to.
    fn made_by(script: &mut Script<'_>) -> Self {
        let mut segments = vec![Segment::new()];
        let mut only_cut = true;
        for _ in 0..40 {
            let full = segments.len() == 3;
            let segment = segments.last_mut().unwrap();
            let (what, contact) = (script.byte(), u32::try_from(script.byte() % 4).unwrap());
            match what % 8 {
                0 | 1 => {
                    let length = script.byte();
                    let form = if what < 128 { BodyForm::Zstd } else { BodyForm::Gzip };
                    segment.push(page(contact, what), script.take(length), form);
                }
                2 => segment.push(done(contact, what), b"", BodyForm::Zstd),
                3 => segment.push(Entry::Reopened { contact }, b"", BodyForm::Zstd),
                4 if !full => segments.push(Segment::new()),
                5 => {
                    let length = script.byte();
                    segment.push_foreign(script.take(length));
                    only_cut = false;
                }
                6 => {
                    let length = script.byte();
                    segment.push_foreign(&segment::frame(script.take(length)));
                    only_cut = false;
                }
                _ => break,
            }
        }
        let cut = script.byte() << 8 | script.byte();
        while let [number, high, low, xor @ 1..=255, rest @ ..] = script.0 {
            script.0 = rest;
            let count = segments.len();
            let segment = &mut segments[usize::from(*number) % count];
            let at = (usize::from(*high) << 8 | usize::from(*low)) % segment.bytes.len();
            segment.bytes[at] ^= xor;
            segment.sound = segment.sound.min(at);
            only_cut = false;
        }
        let last = segments.last_mut().unwrap();
        if cut > 0 {
            last.bytes.truncate(cut - 1);
            last.sound = last.sound.min(last.bytes.len());
        }
        Self { segments, only_cut }
    }

    fn check(&self, folder: &Path) {
        let before = self.segments.len();
        let (seen, ended) = scan(folder);
        self.check_prefix(&seen);
        check_reading(folder, &seen, self.sound().count(), |at| &self.sound().nth(at).unwrap().1.body);
        match ended {
            Err(SpoolError::Damaged { .. } | SpoolError::OtherVersion { .. }) => {
                assert!(!self.only_cut, "the torn end of a write is no damage");
                let unchanged =
                    |(at, segment): (usize, &Segment)| segment::bytes(folder, at) == segment.bytes;
                assert!(self.segments.iter().enumerate().all(unchanged), "what is damaged is not written to");
            }
            Err(error) => panic!("{error}"),
            Ok(next) => {
                assert_eq!(next as usize, before);
                assert!(!self.only_cut || seen.len() == self.sound().count());
                let left: Vec<_> = (0..before).map(|at| segment::bytes(folder, at)).collect();
                for (segment, left) in self.segments.iter().zip(&left) {
                    assert!(
                        segment.bytes.starts_with(left) || left == segment::HEAD,
                        "only an end is cut off"
                    );
                }
                let (again, ended) = scan(folder);
                assert_eq!(ended.unwrap() as usize, before, "a second scan finds nothing to mend");
                assert_eq!(again, seen);
                assert!((0..before).all(|at| segment::bytes(folder, at) == left[at]));
            }
        }
    }

    /// The records, with the numbers of their segments, before the first byte that was touched.
    fn sound(&self) -> impl Iterator<Item = (usize, &Written)> {
        let whole = |segment: &&Segment| segment.sound >= segment.bytes.len();
        let whole = self.segments.iter().take_while(whole).count();
        let segments = self.segments.iter().enumerate().take(whole + 1);
        segments.flat_map(|(number, segment)| segment.sound().map(move |record| (number, record)))
    }

    fn check_prefix(&self, seen: &[(Entry, RecordLocation)]) {
        let mut seen = seen.iter();
        for (number, record) in self.sound() {
            let (entry, place) = seen.next().expect("a sound record is found");
            assert_eq!(*entry, record.entry);
            let end = place.offset + u64::from(place.bytes);
            assert_eq!((place.segment as usize, end), (number, record.end as u64));
        }
    }
}

fn scan(folder: &Path) -> (Vec<(Entry, RecordLocation)>, Result<u32, SpoolError>) {
    let mut seen = Vec::new();
    let ended = recover(folder, |entry, place| seen.push((entry, place)));
    (seen, ended)
}

/// Each record that was told can be read by its place; the first `sound` ones give the bodies they were written with.
fn check_reading<'b>(
    folder: &Path,
    seen: &[(Entry, RecordLocation)],
    sound: usize,
    body: impl Fn(usize) -> &'b Vec<u8>,
) {
    let mut reader = Reader::new(folder.to_owned());
    let ledger = Ledger::new(3);
    for (at, (entry, place)) in seen.iter().enumerate() {
        ledger.enter(entry, *place);
        assert_eq!(reader.entry(*place).unwrap(), *entry);
        match reader.body(*place) {
            Ok(read) if at < sound => assert_eq!(read, *body(at)),
            Ok(_) | Err(SpoolError::Damaged { .. }) if at >= sound => {}
            other => panic!("{other:?}"),
        }
        // A place that is no record's, as of a file that was cut meanwhile.
        let beyond = RecordLocation { offset: place.offset + 1, ..*place };
        assert!(reader.entry(beyond).is_err() && reader.body(beyond).is_err());
    }
    for contact in 0..4 {
        assert!(ledger.current_pages(contact).len() as u64 <= ledger.page_count(contact));
    }
}

fn page(contact: u32, what: usize) -> Entry {
    let ask = PageRequest { offset: 100, limit: 100, overlap: 1, purpose: Purpose::Onward };
    Entry::Page {
        contact,
        pass: (what > 7).then_some(Channel::Whatsapp),
        ask,
        asked_at: None,
        at: 1_800_000_000_000_000,
    }
}

fn done(contact: u32, what: usize) -> Entry {
    let status = Status::ALL[what / 8 % Status::ALL.len()];
    let (outcome, learned) = (outcome(status, 1), ServerBehavior::default());
    Entry::Done { contact, outcome, learned, first_page: None, messages: 1 }
}

/// How a contact of this many pages ended.
pub fn outcome(status: Status, pages: u64) -> Outcome {
    Outcome {
        status,
        pages,
        requests: pages,
        retries: 0,
        rereads: 0,
        endings: Vec::new(),
        started_at: 1_800_000_000_000_000,
        finished_at: 1_800_000_000_000_001,
        error: None,
    }
}
