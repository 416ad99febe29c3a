//! The rules of the contacts file, one test each.

use std::fmt::Write;

use proptest::prelude::*;

use super::{ColumnChoice, ContactList, ContactsError, ContactsSource, Delimiter, Form, read};

fn contacts(text: impl AsRef<[u8]>) -> Result<ContactList, ContactsError> {
    read(ContactsSource::Stdin(Box::new(text.as_ref())), &Form::default(), None)
}

fn named(text: &str, column: &str) -> Result<ContactList, ContactsError> {
    let form = Form { column: ColumnChoice::Named(column.into()), ..Form::default() };
    read(ContactsSource::Stdin(Box::new(text.as_bytes())), &form, None)
}

fn delimited(text: &str, delimiter: &str) -> Result<Vec<String>, String> {
    let form = Form { delimiter: delimiter.parse().unwrap(), ..Form::default() };
    let list = read(ContactsSource::Stdin(Box::new(text.as_bytes())), &form, None);
    list.map(|list| list.iter().map(|id| id.to_owned()).collect()).map_err(|error| error.to_string())
}

fn ids(text: impl AsRef<[u8]>) -> Vec<String> {
    contacts(text).unwrap().iter().map(|id| id.to_owned()).collect()
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
fn a_delimiter_is_known_by_the_column_name() {
    assert_eq!(ids("name;contact_id\nA;a1\n"), ["a1"]);
    assert_eq!(ids("\"contact_id\"\tname\na1\tx, y\n"), ["a1"]);
    assert_eq!(ids("\tcontact_id\n\ta1\n"), ["a1"]);
    assert_eq!(ids("name|contact_id\nA|a1\n"), ["a1"]);
    assert_eq!(ids("name, first;contact_id\nA, B;a1\n"), ["a1"]);
    let list = named("Contact ID;Name\na1;Anna\nb2;Bob\n", "Contact ID").unwrap();
    assert_eq!(list.iter().collect::<Vec<_>>(), ["a1", "b2"]);
}

#[test]
fn a_delimiter_that_is_given_is_used() {
    assert_eq!(delimited("name:contact_id\nA:a1\n", ":").unwrap(), ["a1"]);
    assert_eq!(delimited("name;contact_id\nA;a1\n", ";").unwrap(), ["a1"]);
    assert_eq!(delimited("a;1\nb;2\n", ",").unwrap(), ["a;1", "b;2"]);
    assert_eq!(delimited("auth0|1\nauth0|2\n", ",").unwrap(), ["auth0|1", "auth0|2"]);
    let odd = [
        "=\"a1\"",
        "\"a,1\"",
        "{\"a\":1}",
        "'a'",
        "- a",
        "a;b|c\u{200b}",
        "Contact ID",
        "sep=;",
        "<a>",
        "4.9E+11",
    ];
    assert_eq!(delimited(&odd.join("\n"), "none").unwrap(), odd);
    assert_eq!(delimited("contact_id\na,1\n", "none").unwrap(), ["a,1"]);
    insta::assert_snapshot!(delimited("a;1\nb;2\n", ";").unwrap_err(), @r#"contacts file -, line 1: missing column "contact_id"; the columns are "a", "1"; choose a column with --contacts-column"#);
    insta::assert_snapshot!(delimited("sep=;\ncontact_id;name\na;1\n", ";").unwrap_err(), @r#"contacts file -, line 1: "sep=" is a line for Excel, not a contact ID; remove it, and set the delimiter with --delimiter; if the whole line is an ID, use a list with one ID per line and --delimiter none"#);
}

/// Files whose lines are no IDs.
const NO_IDS: &[&str] = &[
    "Contact ID;Name\na1;Anna\n",
    "a1;Anna\nb2;Bob\n",
    "a1|Anna\nb2|Bob\n",
    "a1\tAnna\nb2\tBob\n",
    "\na1;\nb2;\n",
    "a1|\nb2|\n",
    "a1,\nb2,\n",
    "contact_id\na1;\nb2;\n",
    "contact_id\na1;Anna\nb2;Bob\n",
    "sep=;\r\ncontact_id;name\r\na1;Anna\r\n",
    "\u{feff}\"sep=,\"\ncontact_id,name\na1,Anna\n",
    "SEP=\t\na1\n",
    "{\"contact_id\":\"a1\"}\n{\"contact_id\":\"b2\"}\n",
    "{ \"contact_id\": \"a1\", \"name\": \"Anna\" }\n",
    "[\"a1\",\"b2\"]\n",
    "[\"a1\"]\n[\"b2\"]\n",
    "[\n  \"a1\",\n  \"b2\"\n]\n",
    "[{\"contact_id\":\"a1\"}]",
    "[1]\n[2]\n",
    "a1\n{\"contact_id\":\"b2\"}\n",
    "=\"a1\"\n=\"b2\"\n",
    "contact_id,name\n=\"a1\",Anna\n",
    "contact_id,name\n\"=\"\"a1\"\"\",Anna\n",
    "'a1'\n'b2'\n",
    "“a1”\n",
    "- a1\n- b2\n",
    "* a1\n",
    "1. a1\n2. b2\n",
    "# contacts to export\na1\n",
    "a1\n\u{200b}b2\n",
    "a1\nb2\u{200d}\n",
    "a1\nb\u{2060}2\n",
    "contact_id\na1\n\u{feff}b2\n",
    "a1\n\u{feff}contact_id\nb2\n",
    "contact_id,name\na1,Anna\ncontact_id,name\nb2,Bob\n",
    "contact_id,name\na1,Anna\nname,Contact_ID\nBob,b2\n",
    "Contact ID\na1\n",
    "contact-id\na1\n",
    "ContactId\na1\n",
    "contactid\na1\n",
    "id\na1\n",
    "\"ID\"\na1\n",
    "customer_id\na1\n",
    "Kontakt-ID\na1\n",
    "Contact ID,Name\na1,Anna\n",
    "contact_id name\na1 Anna\n",
    "contact_id: a1\n",
    "<!DOCTYPE html>\n<html>\n",
    "<table><tr><td>a1</td></tr></table>\n",
    "contact_id\n----------\na1\n(1 row)\n",
    "contact_id\na1\n(1 row)\n",
    "+------------+\n| contact_id |\n+------------+\n",
    "| contact_id | name |\n|---|---|\n| a1 | Anna |\n",
    "contact_id\n4.91512E+11\n",
    "contact_id\n4,9E+11\n",
    "contact_id\n#N/A\n",
    "PK\u{3}\u{4}…",
    "%PDF-1.7\n",
    "PAR1\u{15}",
    "{\\rtf1 a1}",
];

#[test]
#[expect(clippy::too_many_lines, reason = "a table of refusals")]
fn lines_that_are_no_ids_are_refused() {
    let told = |text: &str| {
        let error = contacts(text).map(|list| list.iter().map(|id| id.to_owned()).collect::<Vec<_>>());
        let error = error.map_or_else(|error| error.to_string(), |ids| format!("taken for IDs: {ids:?}"));
        let error = error.replace("contacts file -, ", "");
        error.replace(
            "; if the whole line is an ID, use a list with one ID per line and --delimiter none",
            " …",
        )
    };
    let all: Vec<String> = NO_IDS.iter().map(|file| format!("{file:?}\n    {}", told(file))).collect();
    let all = all.join("\n");
    insta::assert_snapshot!(all, @r##"
    "Contact ID;Name\na1;Anna\n"
        line 1: the line looks like 2 columns separated by ';', and none has the name "contact_id"; choose one with --contacts-column, or add a header line …
    "a1;Anna\nb2;Bob\n"
        line 1: the line looks like 2 columns separated by ';', and none has the name "contact_id"; choose one with --contacts-column, or add a header line …
    "a1|Anna\nb2|Bob\n"
        line 1: the line looks like 2 columns separated by '|', and none has the name "contact_id"; choose one with --contacts-column, or add a header line …
    "a1\tAnna\nb2\tBob\n"
        line 1: the line looks like 2 columns separated by a tab, and none has the name "contact_id"; choose one with --contacts-column, or add a header line …
    "\na1;\nb2;\n"
        line 2: the line ends with ';', which is not part of a contact ID; remove it from every line …
    "a1|\nb2|\n"
        line 1: the line ends with '|', which is not part of a contact ID; remove it from every line …
    "a1,\nb2,\n"
        line 1: the line ends with a comma, which is not part of a contact ID; remove it from every line …
    "contact_id\na1;\nb2;\n"
        line 2: the line ends with ';', which is not part of a contact ID; remove it from every line …
    "contact_id\na1;Anna\nb2;Bob\n"
        line 2: the line looks like 2 columns separated by ';', and none has the name "contact_id"; choose one with --contacts-column, or add a header line …
    "sep=;\r\ncontact_id;name\r\na1;Anna\r\n"
        line 1: "sep=" is a line for Excel, not a contact ID; remove it, and set the delimiter with --delimiter …
    "\u{feff}\"sep=,\"\ncontact_id,name\na1,Anna\n"
        line 1: "sep=" is a line for Excel, not a contact ID; remove it, and set the delimiter with --delimiter …
    "SEP=\t\na1\n"
        line 1: "sep=" is a line for Excel, not a contact ID; remove it, and set the delimiter with --delimiter …
    "{\"contact_id\":\"a1\"}\n{\"contact_id\":\"b2\"}\n"
        line 1: the line looks like JSON; convert the file to CSV or to one ID per line, for example with `jq -r .contact_id` …
    "{ \"contact_id\": \"a1\", \"name\": \"Anna\" }\n"
        line 1: the line looks like JSON; convert the file to CSV or to one ID per line, for example with `jq -r .contact_id` …
    "[\"a1\",\"b2\"]\n"
        line 1: the line looks like JSON; convert the file to CSV or to one ID per line, for example with `jq -r .contact_id` …
    "[\"a1\"]\n[\"b2\"]\n"
        line 1: the line looks like JSON; convert the file to CSV or to one ID per line, for example with `jq -r .contact_id` …
    "[\n  \"a1\",\n  \"b2\"\n]\n"
        line 1: the line looks like JSON; convert the file to CSV or to one ID per line, for example with `jq -r .contact_id` …
    "[{\"contact_id\":\"a1\"}]"
        line 1: the line looks like JSON; convert the file to CSV or to one ID per line, for example with `jq -r .contact_id` …
    "[1]\n[2]\n"
        line 1: the line looks like JSON; convert the file to CSV or to one ID per line, for example with `jq -r .contact_id` …
    "a1\n{\"contact_id\":\"b2\"}\n"
        line 2: the line looks like JSON; convert the file to CSV or to one ID per line, for example with `jq -r .contact_id` …
    "=\"a1\"\n=\"b2\"\n"
        line 1: the contact ID looks like a spreadsheet formula (="…"); export the plain values …
    "contact_id,name\n=\"a1\",Anna\n"
        line 2: the contact ID looks like a spreadsheet formula (="…"); export the plain values …
    "contact_id,name\n\"=\"\"a1\"\"\",Anna\n"
        line 2: the contact ID looks like a spreadsheet formula (="…"); export the plain values …
    "'a1'\n'b2'\n"
        line 1: the contact ID is quoted with '…', which are not CSV quotes; remove them, or use double quotes …
    "“a1”\n"
        line 1: the contact ID is quoted with “…”, which are not CSV quotes; remove them, or use double quotes …
    "- a1\n- b2\n"
        line 1: the line looks like a list item ("- " before the ID); remove the mark from every line …
    "* a1\n"
        line 1: the line looks like a list item ("* " before the ID); remove the mark from every line …
    "1. a1\n2. b2\n"
        line 1: the line looks like a list item ("1. " before the ID); remove the mark from every line …
    "# contacts to export\na1\n"
        line 1: the line looks like a comment; remove it …
    "a1\n\u{200b}b2\n"
        line 2: the contact ID contains the invisible character U+200B; remove it …
    "a1\nb2\u{200d}\n"
        line 2: the contact ID contains the invisible character U+200D; remove it …
    "a1\nb\u{2060}2\n"
        line 2: the contact ID contains the invisible character U+2060; remove it …
    "contact_id\na1\n\u{feff}b2\n"
        line 3: the contact ID contains the invisible character U+FEFF; remove it …
    "a1\n\u{feff}contact_id\nb2\n"
        line 2: the line contains the column name "contact_id" again, as in concatenated files; remove the line …
    "contact_id,name\na1,Anna\ncontact_id,name\nb2,Bob\n"
        line 3: the line contains the column name "contact_id" again, as in concatenated files; remove the line …
    "contact_id,name\na1,Anna\nname,Contact_ID\nBob,b2\n"
        line 3: the line contains the column name "contact_id" again, as in concatenated files; remove the line …
    "Contact ID\na1\n"
        line 1: "Contact ID" looks like a header, but the expected column is "contact_id"; use --contacts-column 'Contact ID' …
    "contact-id\na1\n"
        line 1: "contact-id" looks like a header, but the expected column is "contact_id"; use --contacts-column contact-id …
    "ContactId\na1\n"
        line 1: "ContactId" looks like a header, but the expected column is "contact_id"; use --contacts-column ContactId …
    "contactid\na1\n"
        line 1: "contactid" looks like a header, but the expected column is "contact_id"; use --contacts-column contactid …
    "id\na1\n"
        line 1: "id" looks like a header, but the expected column is "contact_id"; use --contacts-column id …
    "\"ID\"\na1\n"
        line 1: "ID" looks like a header, but the expected column is "contact_id"; use --contacts-column ID …
    "customer_id\na1\n"
        line 1: "customer_id" looks like a header, but the expected column is "contact_id"; use --contacts-column customer_id …
    "Kontakt-ID\na1\n"
        line 1: "Kontakt-ID" looks like a header, but the expected column is "contact_id"; use --contacts-column Kontakt-ID …
    "Contact ID,Name\na1,Anna\n"
        line 1: missing column "contact_id"; the columns are "Contact ID", "Name"; choose a column with --contacts-column
    "contact_id name\na1 Anna\n"
        line 1: the line contains the column name "contact_id" and other text; separate columns with a comma, or set the delimiter with --delimiter …
    "contact_id: a1\n"
        line 1: the line contains the column name "contact_id" and other text; separate columns with a comma, or set the delimiter with --delimiter …
    "<!DOCTYPE html>\n<html>\n"
        line 1: the line looks like HTML or XML; use a contacts file …
    "<table><tr><td>a1</td></tr></table>\n"
        line 1: the line looks like HTML or XML; use a contacts file …
    "contact_id\n----------\na1\n(1 row)\n"
        line 2: the line looks like part of a table drawn with characters; export the query result as CSV …
    "contact_id\na1\n(1 row)\n"
        line 3: the line looks like part of a table drawn with characters; export the query result as CSV …
    "+------------+\n| contact_id |\n+------------+\n"
        line 1: the line looks like part of a table drawn with characters; export the query result as CSV …
    "| contact_id | name |\n|---|---|\n| a1 | Anna |\n"
        line 2: the line looks like part of a table drawn with characters; export the query result as CSV …
    "contact_id\n4.91512E+11\n"
        line 2: the contact ID looks like a number that a spreadsheet has rounded; format the column as text and export it again …
    "contact_id\n4,9E+11\n"
        line 2: the line has 2 cells instead of 1; put quotes around a cell that contains the delimiter
    "contact_id\n#N/A\n"
        line 2: the contact ID is an error value of a spreadsheet; correct the sheet and export it again …
    "PK\u{3}\u{4}…"
        contacts file -: this is a spreadsheet (XLSX or ODS) or a ZIP archive; use a CSV file with a column of IDs, or a list with one ID per line
    "%PDF-1.7\n"
        contacts file -: this is a PDF file; use a CSV file with a column of IDs, or a list with one ID per line
    "PAR1\u{15}"
        contacts file -: this is a Parquet file; use a CSV file with a column of IDs, or a list with one ID per line
    "{\\rtf1 a1}"
        contacts file -: this is an RTF document; use a CSV file with a column of IDs, or a list with one ID per line
    "##);
    assert_eq!(
        refusal(b"\x1f\x8b\x08"),
        "contacts file -: this is a gzip file; use a CSV file with a column of IDs, or a list with one ID per line"
    );
}

#[test]
fn unusual_ids_are_no_mistakes() {
    for text in [
        "+49 1512 3456789\n(555) 123-4567\n0049/1512",
        "a1\nb;2\nc|3\n",
        "contact_id\na;1\nb2\n",
        "contact_id\nauth0|1\nauth0|2\n",
        "wa:491512\nme@example.com\n@handle\n#7\n",
        "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}\n",
        "3F2504E0-4F89-11D3-9A0C-0305E82C3301\n1e5\n12\n1.5\n",
        "Müller\n李雷\n👩\u{200d}👧\n-\n--\n*\na id\n",
        "O'Brien\n'tis\n\"quoted\"\n",
        "customer_1_id\nid-7\n",
    ] {
        let lines = text.lines().filter(|line| *line != "contact_id").count();
        assert_eq!(ids(text).len(), lines, "{text:?}");
    }
}

#[test]
fn files_of_ours_hold_any_ids() {
    for (header, rest) in
        [(super::FAILED_HEADER, ",500"), (super::NOT_FOUND_HEADER, ",7"), (super::LISTED_HEADER, ",,,,,,,,")]
    {
        let text = format!("{header}\n\"=\"\"a1\"\"\"{rest}\nb\u{200b}{rest}\n'c'{rest}\nid{rest}\n");
        assert_eq!(ids(&text), ["=\"a1\"", "b\u{200b}", "'c'", "id"]);
    }
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
        let list = read(ContactsSource::Stdin(Box::new(Trickle(text.as_bytes()))), &Form::default(), None);
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
    let lines: Vec<_> =
        (0..list.len()).map(|index| (list.get(index).to_string(), list.line(index))).collect();
    assert_eq!(lines, [("x", 4), ("y", 8), ("w", 9)].map(|(id, line)| (id.to_owned(), line)));
    assert_eq!(list.lines, 9);
}

#[test]
fn quoting_is_undone() {
    assert_eq!(ids("contact_id,n\n \"a,\"\"1\"\"\" ,x\nb\"2,y\n"), ["a,\"1\"", "b\"2"]);
}

#[test]
fn a_named_column_must_be_there() {
    let named = |text: &'static str| named(text, "Kunde");
    assert_eq!(named("id,KUNDE\n1,k1\n").unwrap().text_at(0), "k1");
    insta::assert_snapshot!(named("a1\na2\n").unwrap_err(), @r#"contacts file -, line 1: missing column "Kunde"; the columns are "a1"; choose a column with --contacts-column"#);
}

#[test]
fn bad_files_are_refused_with_line_and_reason() {
    insta::assert_snapshot!(refusal("id,name\n1,x\n"), @r#"contacts file -, line 1: missing column "contact_id"; the columns are "id", "name"; choose a column with --contacts-column"#);
    insta::assert_snapshot!(refusal("contact_id\na\nb\u{7}c\n"), @"contacts file -, line 3: the contact ID holds the control character U+0007 (IDs are 1 to 200 bytes without control characters)");
    insta::assert_snapshot!(refusal(format!("a\n{}\n", "é".repeat(101))), @"contacts file -, line 2: the contact ID has 202 bytes, more than 200 (IDs are 1 to 200 bytes without control characters)");
    insta::assert_snapshot!(refusal("name,contact_id\nx,a\ny,\n"), @"contacts file -, line 3: the contact ID is empty (IDs are 1 to 200 bytes without control characters)");
    insta::assert_snapshot!(refusal("name,contact_id\nx,a\ny\n"), @"contacts file -, line 3: the line has 1 cells, and the contact ID should be in cell 2");
    insta::assert_snapshot!(refusal("contact_id\na,b\n"), @"contacts file -, line 2: the line has 2 cells instead of 1; put quotes around a cell that contains the delimiter");
    insta::assert_snapshot!(refusal("contact_id\n\n\"a\nb\n"), @"contacts file -, line 3: a quote opened on this line is never closed");
    insta::assert_snapshot!(refusal("contact_id\n\"a\"b\n"), @"contacts file -, line 2: there is text after a closing quote; double the quotes inside a quoted cell");
    insta::assert_snapshot!(refusal(b"contact_id\nok\nM\xfcller\n"), @"contacts file -, line 3: the text is not valid UTF-8; save the file as UTF-8");
    insta::assert_snapshot!(refusal("Contact_ID,contact_id\n1,2\n"), @r#"contacts file -, line 1: duplicate column "contact_id"; remove one of them"#);
}

#[test]
fn utf_16_is_named() {
    for big_endian in [true, false] {
        for mark in ["\u{feff}", ""] {
            let unit = |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
            let bytes: Vec<u8> =
                format!("{mark}contact_id\r\na1\r\n").encode_utf16().flat_map(unit).collect();
            insta::allow_duplicates! {
                insta::assert_snapshot!(refusal(bytes), @"contacts file -, line 1: the text is UTF-16 (or contains NUL bytes); save the file as UTF-8");
            }
        }
    }
}

#[test]
fn a_file_without_ids_is_refused() {
    for text in ["", "\n\n", "contact_id\n", "\u{feff}", "contact_id,name\n,\n"] {
        assert_eq!(refusal(text), "contacts file -: the file contains no contact ID");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = read(ContactsSource::File("no/such.csv".into()), &Form::default(), None).unwrap_err();
    assert!(error.to_string().starts_with("contacts file no/such.csv: cannot be read: "), "{error}");
}

#[test]
fn the_hash_is_of_the_bytes_of_the_file() {
    let list = contacts("\u{feff}a\r\n").unwrap();
    assert_eq!(list.sha256, crate::digest::hex(&<sha2::Sha256 as sha2::Digest>::digest("\u{feff}a\r\n")));
}

fn looks_like_a_mistake(list: &Result<ContactList, ContactsError>) -> bool {
    matches!(list, Err(ContactsError { problem: super::Problem::Looks { .. }, .. }))
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
            if !id.is_empty() && !expected.contains(&id) && id.to_lowercase() != "contact_id" {
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
        // With the delimiter given, unquoted IDs are lines as they stand, and nothing is guessed.
        let form = Form { delimiter: if quoted { Delimiter::Char(b',') } else { Delimiter::None }, ..Form::default() };
        let list = read(ContactsSource::Stdin(Box::new(text.as_bytes())), &form, None);
        prop_assume!(list.is_ok() || !quoted || !looks_like_a_mistake(&list));
        let list = list.unwrap();
        prop_assert_eq!(list.iter().collect::<Vec<_>>(), expected.iter().map(String::as_str).collect::<Vec<_>>());
        let first = 1 + u64::from(header);
        prop_assert!((0..list.len()).all(|index| list.line(index) == first + index as u64));
    }
}
