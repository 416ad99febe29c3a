//! A contact's pages through the spool and the build, to the lines of JSONL files.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use chatzy_export::internals::contact_read::{PageRequest, Purpose, ServerBehavior, Status};
use chatzy_export::internals::contacts::{ContactList, ContactsSource, Form, read};
use chatzy_export::internals::event::{Event, Observer, SharedObserver};
use chatzy_export::internals::output::OutputSpec;
use chatzy_export::internals::record::{read_json, read_page, text_of};
use chatzy_export::internals::settings::{
    Format, JsonlCodec, OutputSettings, RawAnswers, TableFormat, Window,
};
use chatzy_export::internals::spool::{Closing, Entry, Ledger, recover};
use chatzy_export::internals::state::Due;
use chatzy_export::internals::table::{Stamp, Table};
use chatzy_export::internals::transform::{TransformPlan, Transformed, transform};
use lenient_json::{Document, Kind, Value};

use super::segment::{self, BodyForm};
use super::spool::outcome;

/// What separates the pages of an input; it stands in no UTF-8 text.
const BETWEEN_PAGES: u8 = 0xff;
const MOST_PAGES: usize = 6;

struct Nobody;

impl Observer for Nobody {
    fn event(&self, _: Event) {}
}

/// Each message is a row once; the lines are JSON; reading the same pages twice changes nothing.
pub fn check(input: &[u8]) {
    let pages: Vec<&[u8]> = input
        .split(|byte| *byte == BETWEEN_PAGES)
        .take(MOST_PAGES)
        .filter(|page| read_json(text_of(page)).is_ok_and(|document| read_page(&document).is_ok()))
        .collect();
    if pages.is_empty() {
        return;
    }
    let once = export(&pages);
    check_rows(&once, &pages);
    let twice = export(&[&pages[..], &pages[..]].concat());
    assert_eq!(once.tables[..4], twice.tables[..4], "a page read again says nothing new");
}

/// What was built: the counts, and the text of each table.
struct Export {
    built: Transformed,
    tables: [String; 5],
}

fn export(pages: &[&[u8]]) -> Export {
    let folder = tempfile::tempdir().unwrap();
    let ledger = spool(folder.path(), pages);
    let stage = folder.path().join("stage");
    let settings = OutputSettings {
        format: Format::Jsonl(JsonlCodec::None),
        partition_by: Vec::new(),
        target_file_size: 1 << 30,
        table_format: TableFormat::None,
    };
    let run_id: chatzy_export::internals::id::RunId = "run-1".parse().unwrap();
    let plan = TransformPlan {
        contacts: Arc::new(contacts()),
        due: Arc::new(Due::all(1)),
        spool_folder: folder.path().to_owned(),
        stage: stage.clone(),
        stamp: Stamp { run_id: run_id.clone(), exported_at: 0 },
        output: OutputSpec {
            settings,
            run_id,
            export_date: "2026-11-20".parse().unwrap(),
            shard: None,
            uploads: None,
        },
        window: Window { since: None, until: None },
        raw: RawAnswers::Dropped,
        threads: NonZeroUsize::MIN,
    };
    let observer: SharedObserver = Arc::new(Nobody);
    let built = transform(&plan, &ledger, &observer).unwrap().expect("the ledger is complete");
    let mut tables = [const { String::new() }; 5];
    for file in &built.files {
        let text = std::fs::read(stage.join(&file.path)).unwrap();
        tables[file.table as usize].push_str(std::str::from_utf8(&text).unwrap());
    }
    Export { built, tables }
}

fn contacts() -> ContactList {
    read(ContactsSource::Stdin(Box::new(&b"c1\n"[..])), &Form::default(), None).unwrap()
}

/// Spools the pages as the answers for one contact.
fn spool(folder: &Path, pages: &[&[u8]]) -> Ledger {
    let mut segment = segment::HEAD.to_vec();
    for page in pages {
        let ask = PageRequest { offset: 0, limit: 100, overlap: 0, purpose: Purpose::Start };
        segment.extend(segment::record(
            &Entry::Page { contact: 0, pass: None, ask, asked_at: None, at: 0 },
            page,
            BodyForm::Gzip,
        ));
    }
    let outcome = outcome(Status::Exported, pages.len() as u64);
    segment.extend(segment::record(
        &Entry::Done {
            contact: 0,
            outcome,
            learned: ServerBehavior::default(),
            first_page: None,
            messages: 0,
        },
        b"",
        BodyForm::Zstd,
    ));
    segment::write(folder, 0, &segment);
    let ledger = Ledger::new(1);
    recover(folder, |entry, place| ledger.enter(&entry, place)).unwrap();
    ledger.close(Closing::Complete);
    ledger
}

fn check_rows(export: &Export, pages: &[&[u8]]) {
    for table in Table::ALL {
        let lines: Vec<_> = export.tables[table as usize].lines().collect();
        assert_eq!(lines.len() as u64, export.built.rows(table), "{table:?}");
        for line in lines {
            check_line(table, line);
        }
    }
    let mut sent = HashSet::new();
    for page in pages {
        let document = read_json(text_of(page)).unwrap();
        let page = read_page(&document).unwrap();
        let messages = page.conversations.iter().flat_map(|conversation| &conversation.messages);
        sent.extend(messages.map(|message| message.id.clone().into_owned()));
    }
    let documents = rows(export, Table::Messages);
    let messages: Vec<_> = documents.iter().map(Document::root).collect();
    let ids: HashSet<_> = messages.iter().map(|row| text(*row, "message_id").unwrap()).collect();
    assert_eq!(ids.len(), messages.len(), "each message is a row once");
    assert_eq!(ids, sent);
    check_counts(export, &messages);
}

/// One line is one strict object with the table's columns in their order.
fn check_line(table: Table, line: &str) {
    serde_json::from_str::<serde::de::IgnoredAny>(line).unwrap();
    let document = Document::parse(line).unwrap();
    let row = document.root();
    assert!(row.is_strict(), "{line}");
    let names: Vec<_> = row.members().map(|(name, _)| name).collect();
    assert!(names.iter().eq(table.columns().iter().map(|column| column.name)), "{line}");
    if let Some(extra) = row.member("extra") {
        assert!(matches!(extra.kind(), Kind::Null | Kind::Object), "{line}");
    }
}

/// Messages add up in their conversations, the contact and the coverage, and come in order (`docs/tables.md#order-of-rows`).
fn check_counts(export: &Export, messages: &[Value<'_>]) {
    let mut in_conversation = BTreeMap::new();
    for message in messages {
        *in_conversation.entry(text(*message, "conversation_id")).or_insert(0) += 1;
    }
    let mut conversations = HashSet::new();
    for row in &rows(export, Table::Conversations) {
        let row = row.root();
        let id = text(row, "conversation_id");
        let counted = in_conversation.get(&id).copied().unwrap_or(0);
        assert_eq!(number(row, "message_count"), counted);
        assert!(conversations.insert(id), "each conversation is a row once");
    }
    assert!(in_conversation.keys().all(|id| id.is_none() || conversations.contains(id)));
    let counted = i64::try_from(messages.len()).unwrap();
    for (table, column) in [(Table::Contacts, "message_count"), (Table::Coverage, "messages")] {
        let [row] = &rows(export, table)[..] else { panic!("one row of {table:?}") };
        assert_eq!(number(row.root(), column), counted);
    }
    for pair in messages
        .windows(2)
        .filter(|pair| text(pair[0], "conversation_id") == text(pair[1], "conversation_id"))
    {
        let key = |row| (text(row, "created_at").is_none(), text(row, "created_at"));
        assert!(key(pair[0]) <= key(pair[1]), "messages stand in the order of their time");
    }
}

fn rows(export: &Export, table: Table) -> Vec<Document<'_>> {
    export.tables[table as usize].lines().map(|line| Document::parse(line).unwrap()).collect()
}

fn text(row: Value<'_>, column: &str) -> Option<String> {
    row.member(column).unwrap().text().map(std::borrow::Cow::into_owned)
}

fn number(row: Value<'_>, column: &str) -> i64 {
    row.member(column).unwrap().raw().parse().unwrap()
}
