//! Appended records are read back, torn ends are cut off, and damage is reported.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use flate2::write::GzEncoder;
use memchr::memmem;
use proptest::prelude::*;

use super::frame::SEGMENT_HEAD;
use super::{Entry, Reader, RecordLocation, SpoolBody, SpoolError, Writer, recover, segment_path};
use crate::compression::{Compressed, Compression};
use crate::contact_read::{PageRequest, Purpose};
use crate::event::{Event, Observer};

struct Nobody;

impl Observer for Nobody {
    fn event(&self, _: Event) {}
}

fn page(contact: u32) -> Entry {
    let ask = PageRequest { offset: 7, limit: 100, overlap: 1, purpose: Purpose::Onward };
    Entry::Page { contact, pass: None, ask, asked_at: None, at: 1 }
}

/// Appends a page for each body.
fn append(folder: &Path, segment: u32, bodies: &[Vec<u8>]) -> Vec<RecordLocation> {
    let bodies = bodies.iter().map(|body| SpoolBody::Plain(Bytes::from(body.clone())));
    append_bodies(folder, segment, bodies.collect())
}

fn append_bodies(folder: &Path, segment: u32, bodies: Vec<SpoolBody>) -> Vec<RecordLocation> {
    let (writer, appender) = Writer::start(folder, segment, Arc::new(Nobody)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let places = runtime.block_on(async {
        let mut places = Vec::new();
        for (contact, body) in (0..).zip(bodies) {
            places.push(appender.append(&page(contact), body).await.unwrap());
        }
        places
    });
    drop(appender);
    writer.finish().unwrap();
    places
}

/// The locations that a scan finds, and the number of the next segment.
fn scan(folder: &Path) -> Result<(Vec<RecordLocation>, u32), SpoolError> {
    let mut places = Vec::new();
    let next = recover(folder, |_, place| places.push(place))?;
    Ok((places, next))
}

fn bodies() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let text = prop::collection::vec(prop_oneof![Just(b'a'), Just(0x89), Just(b'C'), any::<u8>()], 0..200);
    prop::collection::vec(text, 1..8)
}

/// Writes a file that need not be durable.
#[expect(clippy::disallowed_methods, reason = "damage is done on purpose")]
fn put(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn appended_records_are_read_back(first in bodies(), second in bodies()) {
        let folder = tempfile::tempdir().unwrap();
        let mut places = append(folder.path(), 0, &first);
        places.extend(append(folder.path(), 1, &second));
        prop_assert_eq!(scan(folder.path()).unwrap(), (places.clone(), 2));
        let mut reader = Reader::new(folder.path().to_owned());
        for (body, place) in first.iter().chain(&second).zip(places) {
            prop_assert_eq!(&reader.body(place).unwrap(), body);
        }
    }

    /// After a cut anywhere, even with zeros after it as a power failure leaves them, the whole records
    /// before it stay.
    #[test]
    fn a_torn_end_is_cut_off(bodies in bodies(), cut in 0.0..1.0f64, zeros in 0usize..40) {
        let folder = tempfile::tempdir().unwrap();
        let places = append(folder.path(), 0, &bodies);
        let path = segment_path(folder.path(), 0);
        let mut content = fs::read(&path).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
        content.truncate((content.len() as f64 * cut) as usize);
        let whole = |place: &&RecordLocation| place.offset + u64::from(place.bytes) <= content.len() as u64;
        let expected: Vec<RecordLocation> = places.iter().filter(whole).copied().collect();
        content.resize(content.len() + zeros, 0);
        put(&path, &content);
        prop_assert_eq!(&scan(folder.path()).unwrap().0, &expected);
        prop_assert_eq!(scan(folder.path()).unwrap(), (expected.clone(), 1), "the second scan finds the same");
        let more = append(folder.path(), 1, &bodies);
        prop_assert_eq!(scan(folder.path()).unwrap().0, [expected, more].concat());
    }

    /// A changed byte before good records is damage. The error names the segment.
    #[test]
    fn a_bad_record_before_good_ones_is_damage(bodies in bodies(), at in any::<prop::sample::Index>(), change in 1u8..) {
        let folder = tempfile::tempdir().unwrap();
        let places = append(folder.path(), 0, &bodies);
        let last = places.last().unwrap();
        prop_assume!(places.len() > 1);
        let path = segment_path(folder.path(), 0);
        let mut content = fs::read(&path).unwrap();
        let at = at.index(usize::try_from(last.offset).unwrap());
        content[at] ^= change;
        put(&path, &content);
        let error = scan(folder.path()).unwrap_err();
        prop_assert!(error.to_string().contains("seg-00000.spool"), "{}", error);
        prop_assert_eq!(fs::read(&path).unwrap(), content, "nothing was cut off");
    }
}

/// A body that is compressed already is in the segment as it is, and is read back decompressed.
#[test]
fn a_compressed_body_stays_as_it_arrived() {
    let text = "one page of messages, ".repeat(200).into_bytes();
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&text).unwrap();
    let gzip = encoder.finish().unwrap();
    let zstd = zstd::bulk::compress(&text, 19).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let arrived = [(Compression::Gzip, &gzip), (Compression::Zstd, &zstd)];
    let bodies = arrived.map(|(compression, bytes)| {
        SpoolBody::Compressed(Compressed { compression, bytes: Bytes::from(bytes.clone()) })
    });
    let places = append_bodies(folder.path(), 0, bodies.into());
    let content = fs::read(segment_path(folder.path(), 0)).unwrap();
    assert_eq!(scan(folder.path()).unwrap(), (places.clone(), 1));
    let mut reader = Reader::new(folder.path().to_owned());
    for (place, (_, bytes)) in places.iter().zip(arrived) {
        assert!(memmem::find(&content, bytes).is_some());
        assert_eq!(reader.body(*place).unwrap(), text);
    }
}

/// Segments of version 1 are read beside those of this version. A later version is named, and nothing is cut off.
#[test]
fn segments_of_other_versions_are_read_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut places = append(folder.path(), 0, &[b"one".to_vec()]);
    let path = segment_path(folder.path(), 0);
    let head_of = |version: u8| {
        let mut content = fs::read(&path).unwrap();
        content[7] = version;
        put(&path, &content);
    };
    head_of(b'1');
    places.extend(append(folder.path(), 1, &[b"two".to_vec()]));
    assert_eq!(scan(folder.path()).unwrap(), (places.clone(), 2));
    let mut reader = Reader::new(folder.path().to_owned());
    assert_eq!(places.iter().map(|place| reader.body(*place).unwrap()).collect::<Vec<_>>(), [b"one", b"two"]);

    crate::durable::remove_file(&segment_path(folder.path(), 1)).unwrap();
    head_of(b'3');
    let content = fs::read(&path).unwrap();
    assert!(matches!(scan(folder.path()), Err(SpoolError::OtherVersion { .. })));
    assert_eq!(fs::read(&path).unwrap(), content, "nothing was cut off");
}

#[test]
fn a_cut_segment_with_others_behind_it_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 0, &[b"one".to_vec(), b"two".to_vec()]);
    append(folder.path(), 1, &[b"three".to_vec()]);
    let path = segment_path(folder.path(), 0);
    let content = fs::read(&path).unwrap();
    put(&path, &content[..content.len() - 1]);
    let error = scan(folder.path()).unwrap_err();
    assert!(error.to_string().contains("seg-00000.spool"), "{error}");
}

#[test]
fn a_missing_segment_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    for segment in 0..3 {
        append(folder.path(), segment, &[b"body".to_vec()]);
    }
    crate::durable::remove_file(&segment_path(folder.path(), 1)).unwrap();
    let error = scan(folder.path()).unwrap_err();
    assert!(error.to_string().contains("seg-00001.spool"), "{error}");
}

#[test]
fn a_good_record_far_behind_a_bad_one_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut noise = vec![0; 3_000_000];
    fastrand::Rng::with_seed(1).fill(&mut noise);
    append(folder.path(), 0, &[noise, b"behind".to_vec()]);
    let path = segment_path(folder.path(), 0);
    let mut content = fs::read(&path).unwrap();
    content[SEGMENT_HEAD.len() + 100] ^= 1;
    put(&path, &content);
    assert!(matches!(scan(folder.path()), Err(SpoolError::Damaged { .. })));
}

#[test]
fn a_spool_of_many_segments_needs_few_open_files() {
    let folder = tempfile::tempdir().unwrap();
    let body = |segment: u32| format!("of segment {segment}").into_bytes();
    let places: Vec<RecordLocation> =
        (1..=40).flat_map(|segment| append(folder.path(), segment, &[body(segment)])).collect();
    let mut reader = Reader::new(folder.path().to_owned());
    for place in places.iter().chain(places.iter().rev()).chain(&places) {
        assert_eq!(reader.body(*place).unwrap(), body(place.segment));
    }
    let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
    let open = open.filter(|path| path.starts_with(folder.path())).count();
    assert!((1..=8).contains(&open), "{open} open");
}
