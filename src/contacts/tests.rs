//! The contract's words on the contacts file, one test each.

use std::fmt::Write;

use proptest::prelude::*;

use super::{ColumnChoice, ContactList, ContactsError, ContactsSource, read};

fn contacts(text: impl AsRef<[u8]>) -> Result<ContactList, ContactsError> {
    read(ContactsSource::Stdin(Box::new(text.as_ref())), &ColumnChoice::Default)
}

fn ids(text: impl AsRef<[u8]>) -> Vec<String> {
    contacts(text).unwrap().iter().map(str::to_owned).collect()
}

fn refusal(text: impl AsRef<[u8]>) -> String {
    contacts(text).unwrap_err().to_string()
}

#[test]
fn header_is_found_in_any_case_and_with_blanks() {
    assert_eq!(ids("name, Contact_ID ,x\nA, a1 ,\nB,b2,1\n"), ["a1", "b2"]);
    assert_eq!(ids("CONTACT_ID\na1"), ["a1"]);
    assert_eq!(ids("\u{feff}\"contact_id\"\r\n\"a1\"\r\n"), ["a1"]);
}

#[test]
fn a_file_without_header_is_all_ids() {
    assert_eq!(ids("a1\nb2\r\n\n  \n c3 \rd4"), ["a1", "b2", "c3", "d4"]);
}

#[test]
fn semicolons_and_tabs_are_known_by_the_column_name() {
    assert_eq!(ids("name;contact_id\nA;a1\n"), ["a1"]);
    assert_eq!(ids("\"contact_id\"\tname\na1\tx, y\n"), ["a1"]);
    assert_eq!(ids("a;1\nb;2\n"), ["a;1", "b;2"]);
}

#[test]
fn the_delimiter_is_found_however_few_bytes_a_pipe_gives() {
    struct Trickle<'a>(&'a [u8]);
    impl std::io::Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }
    for text in ["\u{feff}\r\nname;contact_id\nA;a1\n", "\u{feff}\n \n\tcontact_id\n\ta1"] {
        let list = read(ContactsSource::Stdin(Box::new(Trickle(text.as_bytes()))), &ColumnChoice::Default);
        assert_eq!(list.unwrap().iter().collect::<Vec<_>>(), ["a1"], "{text:?}");
    }
}

#[test]
fn duplicates_are_kept_once_and_counted() {
    let list = contacts("contact_id\na\nb\n a\n\"b\"\nc\n").unwrap();
    assert_eq!(list.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!((list.duplicates, list.lines, list.len()), (2, 6, 3));
    assert_eq!((list.line(0), list.line(2)), (2, 6));
    assert_eq!(list.get(1).as_str(), "b");
}

#[test]
fn lines_are_counted_through_quoted_breaks_and_blank_lines() {
    let list = contacts("\n\nnote,contact_id\r\n\"a\r\nb\nc\",x\r\n\r\n\"\"\"q\"\"\",\"y\"\r\nz,w").unwrap();
    let lines: Vec<_> = (0..list.len()).map(|index| (list.text_at(index), list.line(index))).collect();
    assert_eq!(lines, [("x", 4), ("y", 8), ("w", 9)]);
    assert_eq!(list.lines, 9);
}

#[test]
fn quoting_is_undone() {
    assert_eq!(ids("contact_id,n\n \"a,\"\"1\"\"\" ,x\nb\"2,y\n"), ["a,\"1\"", "b\"2"]);
}

#[test]
fn a_named_column_must_be_there() {
    let named = |text: &'static str| {
        read(ContactsSource::Stdin(Box::new(text.as_bytes())), &ColumnChoice::Named("Kunde".into()))
    };
    assert_eq!(named("id,KUNDE\n1,k1\n").unwrap().text_at(0), "k1");
    insta::assert_snapshot!(named("a1\na2\n").unwrap_err(), @r#"contacts file -, line 1: there is no column "Kunde"; the columns are "a1"; choose one with --contacts-column"#);
}

#[test]
fn bad_files_are_refused_with_line_and_reason() {
    insta::assert_snapshot!(refusal("id,name\n1,x\n"), @r#"contacts file -, line 1: there is no column "contact_id"; the columns are "id", "name"; choose one with --contacts-column"#);
    insta::assert_snapshot!(refusal("contact_id\na\nb\u{7}c\n"), @"contacts file -, line 3: the contact ID holds the control character U+0007 (IDs are 1 to 200 bytes without control characters)");
    insta::assert_snapshot!(refusal(format!("a\n{}\n", "é".repeat(101))), @"contacts file -, line 2: the contact ID has 202 bytes, more than 200 (IDs are 1 to 200 bytes without control characters)");
    insta::assert_snapshot!(refusal("name,contact_id\nx,a\ny,\n"), @"contacts file -, line 3: the contact ID is empty (IDs are 1 to 200 bytes without control characters)");
    insta::assert_snapshot!(refusal("name,contact_id\nx,a\ny\n"), @"contacts file -, line 3: the line has 1 cells, and the contact ID should be in cell 2");
    insta::assert_snapshot!(refusal("contact_id\na,b\n"), @"contacts file -, line 2: the line has 2 cells where 1 are expected; put quotes around a cell that holds the delimiter");
    insta::assert_snapshot!(refusal("contact_id\n\n\"a\nb\n"), @"contacts file -, line 3: a quote opened on this line is never closed");
    insta::assert_snapshot!(refusal("contact_id\n\"a\"b\n"), @"contacts file -, line 2: there is text after a closing quote; double the quotes inside a quoted cell");
    insta::assert_snapshot!(refusal(b"contact_id\nok\nM\xfcller\n"), @"contacts file -, line 3: the text is not valid UTF-8; save the file as UTF-8");
    insta::assert_snapshot!(refusal("Contact_ID,contact_id\n1,2\n"), @r#"contacts file -, line 1: the column "contact_id" is there twice"#);
}

#[test]
fn utf_16_is_named() {
    for big_endian in [true, false] {
        for mark in ["\u{feff}", ""] {
            let unit = |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
            let bytes: Vec<u8> =
                format!("{mark}contact_id\r\na1\r\n").encode_utf16().flat_map(unit).collect();
            insta::allow_duplicates! {
                insta::assert_snapshot!(refusal(bytes), @"contacts file -, line 1: the text is UTF-16 (or holds NUL bytes); save it as UTF-8");
            }
        }
    }
}

#[test]
fn a_file_without_ids_is_refused() {
    for text in ["", "\n\n", "contact_id\n", "\u{feff}", "contact_id,name\n,\n"] {
        assert_eq!(refusal(text), "contacts file -: there is no contact ID in it");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = read(ContactsSource::File("no/such.csv".into()), &ColumnChoice::Default).unwrap_err();
    assert!(error.to_string().starts_with("contacts file no/such.csv: cannot be read: "), "{error}");
}

#[test]
fn the_hash_is_of_the_bytes_of_the_file() {
    let list = contacts("\u{feff}a\r\n").unwrap();
    assert_eq!(list.sha256, crate::digest::hex(&<sha2::Sha256 as sha2::Digest>::digest("\u{feff}a\r\n")));
}

proptest! {
    #[test]
    fn any_ids_read_back(
        ids in proptest::collection::hash_set("[^\\p{Cc}\u{feff}]{1,40}", 1..20),
        quoted in any::<bool>(), mark in any::<bool>(), header in any::<bool>(), crlf in any::<bool>(),
    ) {
        let mut expected: Vec<String> = Vec::new();
        for id in ids {
            let id = id.trim().to_owned();
            let plain = !id.contains([',', '"', ';']) && id.to_lowercase() != "contact_id";
            if !id.is_empty() && (quoted || plain) && !expected.contains(&id) && id.to_lowercase() != "contact_id" {
                expected.push(id);
            }
        }
        prop_assume!(!expected.is_empty());
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text = String::from(if mark { "\u{feff}" } else { "" });
        if header {
            write!(text, "contact_id{end}").unwrap();
        }
        for id in &expected {
            if quoted {
                write!(text, "\"{}\"{end}", id.replace('"', "\"\"")).unwrap();
            } else {
                write!(text, "{id}{end}").unwrap();
            }
        }
        let list = contacts(&text).unwrap();
        prop_assert_eq!(list.iter().collect::<Vec<_>>(), expected.iter().map(String::as_str).collect::<Vec<_>>());
        let first = 1 + u64::from(header);
        prop_assert!((0..list.len()).all(|index| list.line(index) == first + index as u64));
    }
}
