//! The contacts file.

use std::io::{self, Read};

use chatzy_export::internals::contacts::{
    ColumnChoice, ContactList, ContactsError, ContactsSource, Delimiter, FAILED_HEADER, Form, read,
};

/// A stream that gives a byte at a time, as a slow pipe may.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}

/// The first byte chooses the column and the delimiter, the rest is the file.
pub fn check(input: &[u8]) {
    let Some((choice, file)) = input.split_first() else { return };
    let column =
        if choice % 2 == 0 { ColumnChoice::Default } else { ColumnChoice::Named("Kunde ".to_owned()) };
    let delimiter = match choice / 2 % 4 {
        0 => Delimiter::Detected,
        1 => Delimiter::None,
        2 => Delimiter::Char(b','),
        _ => Delimiter::Char(b';'),
    };
    let form = Form { column, delimiter };
    let from = |stream: Box<dyn Read + '_>| read(ContactsSource::Stdin(stream), &form, None);
    let told = |list: Result<ContactList, ContactsError>| list.map_err(|error| error.to_string());
    let list = told(from(Box::new(file)));
    assert_eq!(list, told(from(Box::new(Trickle(file)))), "the same however the bytes arrive");
    match list {
        Err(refusal) => assert!(refusal.starts_with("contacts file -"), "{refusal}"),
        Ok(list) => {
            check_list(&list, file);
            let ended = from(Box::new(file.chain(&b"\n"[..]))).unwrap();
            assert!(ended.iter().eq(list.iter()), "a line end more is no contact more");
            if !file.starts_with(b"\xef\xbb\xbf") {
                let marked = from(Box::new((&b"\xef\xbb\xbf"[..]).chain(file))).unwrap();
                assert!(marked.iter().eq(list.iter()), "a byte order mark says nothing");
            }
        }
    }
}

fn check_list(list: &ContactList, file: &[u8]) {
    assert!(!list.is_empty() && list.iter().len() == list.len());
    assert!(list.len() as u64 + list.duplicates <= list.lines);
    let ends = file.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
    assert!(list.lines <= ends + 1);
    let mut before = 0;
    for at in 0..list.len() {
        let id = list.get(at);
        assert_eq!(list.text_at(at), id.as_str());
        assert_eq!(id.as_str().trim(), id.as_str());
        assert!(before < list.line(at) && list.line(at) <= list.lines, "lines go up");
        before = list.line(at);
    }
    // Written as the file of failed contacts is, and read back: the same contacts, each once.
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(FAILED_HEADER.split(',')).unwrap();
    for id in list.iter() {
        writer.write_record([&*id, "500, \"Internal Server Error\""]).unwrap();
    }
    let text = writer.into_inner().unwrap();
    let again = read(ContactsSource::Stdin(Box::new(&text[..])), &Form::default(), None).unwrap();
    assert!(again.iter().eq(list.iter()) && again.duplicates == 0);
}
