//! An archive returns the content that was written to it.

use proptest::prelude::*;

use super::*;
use crate::contact_read::{End, HistoryEnd, Purpose, Status};
use crate::store::Store;

fn answer(contact: u32) -> RawAnswer {
    RawAnswer {
        contact,
        contact_id: format!("Gr\u{fc}\u{df}e \"{contact}\\"),
        channel: (contact % 2 == 1).then_some(Channel::Whatsapp),
        ask: PageRequest { offset: 99, limit: 100, overlap: 1, purpose: Purpose::StepBack },
        requested_at: (contact > 0).then_some(1_796_176_800_123_456),
        received_at: 1_796_176_800_654_321,
    }
}

fn contact(contact: u32) -> RawContact {
    let ending = HistoryEnd { end: End::ShortPage, past: 7, measure: 3, rests_on_total: true };
    RawContact {
        contact,
        contact_id: format!("c{contact}"),
        input_line: 12,
        outcome: Outcome {
            status: Status::Unresolved,
            pages: 1,
            requests: 2,
            retries: 3,
            rereads: 4,
            endings: vec![
                (None, ending),
                (Some(Channel::Website), HistoryEnd { end: End::Proved, ..ending }),
            ],
            started_at: 1,
            finished_at: -1,
            error: Some("it \"kept\"\nchanging".to_owned()),
        },
    }
}

/// Writes one body per contact, and reads all files back.
fn round_trip(bodies: &[Vec<u8>], target: u64) -> (Vec<RawLine>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RawWriter::new(&"r1".parse().unwrap(), target, folder.path());
    for (at, body) in (0..).zip(bodies) {
        writer.answer(&answer(at), body).unwrap();
        writer.end_contact().unwrap();
    }
    for at in 0..u32::try_from(bodies.len()).unwrap() {
        writer.contact(&contact(at)).unwrap();
    }
    let files = writer.finish().unwrap();
    let mut lines = Vec::new();
    for file in &files {
        let mut reader = RawReader::open(&Store::local(folder.path()), &file.path).unwrap();
        while let Some(line) = reader.next().unwrap() {
            lines.push(line);
        }
        assert_eq!(reader.finish(), (file.sha256.clone(), file.bytes, file.rows));
    }
    (lines, files.len())
}

fn check(bodies: &[Vec<u8>], target: u64) -> usize {
    let (lines, files) = round_trip(bodies, target);
    let answers = (0..).zip(bodies).map(|(at, body)| RawLine::Answer(answer(at), body.clone()));
    let contacts = (0..u32::try_from(bodies.len()).unwrap()).map(|at| RawLine::Contact(contact(at)));
    assert_eq!(lines, answers.chain(contacts).collect::<Vec<_>>());
    files
}

#[test]
fn every_body_comes_back_byte_for_byte() {
    let odd: [&[u8]; 9] = [
        b"",
        b"{\"a\": NaN,\r\n\t\"b\":\"\\ud83d\"}",
        b"{}\n\n",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe\x00",
        b"no\x00text\x1b[31m",
        b"\"\\\\\\\"\"",
        "\u{2028}\u{fffd}\u{10ffff}".as_bytes(),
        b"\xed\xa0\xbd",
    ];
    assert_eq!(check(&odd.map(<[u8]>::to_vec), 1 << 20), 1);
}

#[test]
fn files_are_closed_at_contacts_after_their_size() {
    let mut random = fastrand::Rng::with_seed(7);
    let bodies: Vec<Vec<u8>> =
        (0..50).map(|_| (0..2000).map(|_| random.alphanumeric() as u8).collect()).collect();
    let files = check(&bodies, 10_000);
    assert!((5..=15).contains(&files), "{files} files");
}

#[test]
fn an_incomplete_or_foreign_file_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RawWriter::new(&"r1".parse().unwrap(), 1 << 20, folder.path());
    writer.answer(&answer(0), b"{}").unwrap();
    let files = writer.finish().unwrap();
    let whole = std::fs::read(folder.path().join(&files[0].path)).unwrap();
    for (name, bytes) in [
        ("cut", whole[..whole.len() - 5].to_vec()),
        ("no zstd", b"{}\n".to_vec()),
        ("no line", zstd::encode_all(&b"{\"kind\":\"answer\"}\n"[..], 1).unwrap()),
        ("no end", zstd::encode_all(&b"{}"[..], 1).unwrap()),
    ] {
        crate::durable::replace(&folder.path().join(&files[0].path), &bytes).unwrap();
        let mut reader = RawReader::open(&Store::local(folder.path()), &files[0].path).unwrap();
        let error = loop {
            match reader.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{name}: read to its end"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, RawError::Damaged { .. }), "{name}: {error}");
    }
}

proptest! {
    #[test]
    fn any_body_comes_back(body in proptest::collection::vec(any::<u8>(), 0..200), text in ".*") {
        check(&[body, text.into_bytes()], 1);
    }
}

#[test]
fn the_largest_response_is_read_and_a_larger_one_is_rejected() {
    const MAX: usize = crate::record::MAX_ANSWER;
    // Each quote takes two bytes in its line.
    let bodies = [vec![b'"'; MAX], vec![1; MAX]];
    let (lines, _) = round_trip(&bodies, u64::MAX);
    for (line, body) in lines.iter().zip(&bodies) {
        assert!(matches!(line, RawLine::Answer(_, read) if read == body));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RawWriter::new(&"r1".parse().unwrap(), u64::MAX, folder.path());
    writer.answer(&answer(0), &vec![b'x'; MAX + 1]).unwrap();
    let files = writer.finish().unwrap();
    let mut reader = RawReader::open(&Store::local(folder.path()), &files[0].path).unwrap();
    let error = reader.next().unwrap_err();
    assert!(matches!(error, RawError::TooLarge { line: 1, .. }), "{error}");
}
