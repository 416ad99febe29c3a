//! The request in DER, and responses that are made by hand. `tests/it/timestamp.rs` has those of OpenSSL.

use proptest::prelude::*;

use super::der::{self, EXPLICIT_0, INTEGER, OCTETS, OID, SEQUENCE, SET, TIME};
use super::request::{Request, SHA256};
use super::response::{Rejected, Stamp, check};

const NONCE: [u8; 8] = [0x41, 2, 3, 4, 5, 6, 7, 8];
/// Object identifier of signed data.
const SIGNED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
/// Object identifier of the content of a time stamp.
const INFO: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04";

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der::element(SEQUENCE, &parts.concat())
}

/// The parts of a response that the tests change.
struct Made {
    status: Vec<u8>,
    algorithm: Vec<u8>,
    hash: Vec<u8>,
    time: &'static str,
    /// Elements between the time and the extensions.
    tail: Vec<Vec<u8>>,
}

impl Made {
    /// The response that grants a request.
    fn of(request: &Request) -> Self {
        let accuracy = sequence(&[der::element(INTEGER, &[1])]);
        let ordering = vec![1, 1, 0xff];
        let authority = der::element(EXPLICIT_0, &der::element(INTEGER, &[9]));
        let nonce = der::element(INTEGER, &request.nonce);
        Self {
            status: sequence(&[der::element(INTEGER, &[0])]),
            algorithm: SHA256.to_vec(),
            hash: request.hash.to_vec(),
            time: "20261130031500Z",
            tail: vec![accuracy, ordering, nonce, authority],
        }
    }

    fn der(&self) -> Vec<u8> {
        let algorithm = sequence(&[der::element(OID, &self.algorithm)]);
        let mut info = vec![
            der::element(INTEGER, &[1]),
            der::element(OID, &[0x2a, 3]),
            sequence(&[algorithm, der::element(OCTETS, &self.hash)]),
            der::element(INTEGER, &[0x77; 20]),
            der::element(TIME, self.time.as_bytes()),
        ];
        info.extend(self.tail.clone());
        let content = der::element(EXPLICIT_0, &der::element(OCTETS, &sequence(&info)));
        let signed = sequence(&[
            der::element(INTEGER, &[3]),
            der::element(SET, &[]),
            sequence(&[der::element(OID, INFO), content]),
            der::element(SET, &[0; 300]),
        ]);
        let token = sequence(&[der::element(OID, SIGNED), der::element(EXPLICIT_0, &signed)]);
        sequence(&[self.status.clone(), token])
    }
}

fn request() -> Request {
    Request::new(b"hello", NONCE)
}

fn checked(change: impl Fn(&mut Made)) -> Result<Stamp, Rejected> {
    let mut made = Made::of(&request());
    change(&mut made);
    check(&request(), &made.der())
}

#[test]
fn the_request_is_that_of_openssl() {
    // `openssl ts -query -sha256 -cert`, but for its nonce.
    let hex = crate::digest::hex(&request().der());
    insta::assert_snapshot!(hex, @"30430201013031300d0609608648016503040201050004202cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824020841020304050607080101ff");
    for first in [0, 0xff, 0x7f, 0x80] {
        let nonce = Request::new(b"", [first, 0, 0, 0, 0, 0, 0, 0]).nonce;
        assert!((0x40..0x80).contains(&nonce[0]), "a positive integer of eight bytes: {nonce:?}");
    }
    assert_ne!(Request::of(b"").unwrap().nonce, Request::of(b"").unwrap().nonce);
}

#[test]
fn the_requested_time_stamp_is_accepted() {
    let stamp = checked(|_| {}).unwrap();
    assert_eq!(stamp.time, "2026-11-30T03:15:00Z");
    assert_eq!(stamp.request, request().der());
    assert_eq!(stamp.response, Made::of(&request()).der());
    assert!(checked(|made| made.status = sequence(&[der::element(INTEGER, &[1])])).is_ok(), "with changes");
    assert_eq!(checked(|made| made.time = "20261130031500.250Z").unwrap().time, "2026-11-30T03:15:00.250Z");
}

#[test]
fn other_time_stamps_are_rejected() {
    assert_eq!(checked(|made| made.hash[5] ^= 1), Err(Rejected::OtherHash));
    assert_eq!(checked(|made| made.hash.truncate(20)), Err(Rejected::OtherHash));
    assert_eq!(checked(|made| made.algorithm[8] = 3), Err(Rejected::OtherHash), "SHA-512");
    assert_eq!(checked(|made| made.tail.clear()), Err(Rejected::OtherNonce));
    assert_eq!(checked(|made| made.tail[2][3] ^= 1), Err(Rejected::OtherNonce));
    for time in ["20261330031500Z", "20261130031500", "20261130031500+0100", "20261130031500.xZ", ""] {
        assert_eq!(checked(|made| made.time = time), Err(Rejected::NotATimestamp), "{time}");
    }
}

#[test]
fn a_refusal_gives_its_reasons() {
    let text = der::element(SEQUENCE, &der::element(0x0c, b"no such \x1bpolicy"));
    let bits = der::element(0x03, &[0, 0, 1]);
    let refusal = |parts: &[Vec<u8>]| {
        let status = sequence(parts);
        checked(|made| made.status.clone_from(&status)).unwrap_err().to_string()
    };
    let number = |number| der::element(INTEGER, &[number]);
    insta::assert_snapshot!(refusal(&[number(2), text, bits]), @r#"the authority refused the request: no such \u{1b}policy, unaccepted policy, status 2"#);
    insta::assert_snapshot!(refusal(&[number(3)]), @"the authority refused the request: status 3");
    assert_eq!(checked(|made| made.status = sequence(&[])), Err(Rejected::NotATimestamp));
}

#[test]
fn a_refusal_needs_no_time_stamp() {
    let refused = sequence(&[sequence(&[der::element(INTEGER, &[2])])]);
    assert!(matches!(check(&request(), &refused), Err(Rejected::Refused(_))));
    let granted = sequence(&[sequence(&[der::element(INTEGER, &[0])])]);
    assert_eq!(check(&request(), &granted), Err(Rejected::NotATimestamp));
}

#[test]
fn nothing_follows_the_response() {
    let mut response = Made::of(&request()).der();
    response.push(0);
    assert_eq!(check(&request(), &response), Err(Rejected::NotATimestamp));
}

proptest! {
    #[test]
    fn a_cut_response_is_rejected(cut in any::<proptest::sample::Index>()) {
        let response = Made::of(&request()).der();
        prop_assert_eq!(check(&request(), &response[..cut.index(response.len())]), Err(Rejected::NotATimestamp));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<proptest::sample::Index>(),
        byte: u8,
    ) {
        drop(check(&request(), &bytes));
        let mut response = Made::of(&request()).der();
        let at = at.index(response.len());
        response[at] = byte;
        if let Ok(stamp) = check(&request(), &response) {
            prop_assert_eq!(stamp.response, response);
        }
    }

    #[test]
    fn elements_of_every_length_are_read_again(content in proptest::collection::vec(any::<u8>(), 0..70_000)) {
        let element = der::element(OCTETS, &content);
        let mut reader = der::Reader(&element);
        prop_assert_eq!(reader.read(OCTETS), Some(content.as_slice()));
        prop_assert!(reader.is_at_end());
    }
}
