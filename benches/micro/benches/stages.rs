//! The stages a message goes through, each alone: decode, flatten, encode, spool.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use chatzy_export::internals::contact_read::{PageRequest, Purpose};
use chatzy_export::internals::event::{Event, Observer};
use chatzy_export::internals::id::ContactId;
use chatzy_export::internals::output::{OutputSpec, TableWriter};
use chatzy_export::internals::record::{read_json, read_page};
use chatzy_export::internals::settings::{Format, OutputSettings, ParquetCodec, TableFormat};
use chatzy_export::internals::spool::{Entry, Reader, RecordLocation, SpoolBody, Writer};
use chatzy_export::internals::table::{Builders, ConversationColumns, Rows, Stamp, Table};
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use lenient_json::Document;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const PAGES: usize = 40;
const MESSAGES: usize = PAGES * 100;

static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| chatzy_export_benches::pages(PAGES));
static DOCUMENTS: LazyLock<Vec<Document<'static>>> =
    LazyLock::new(|| TEXTS.iter().map(|text| read_json(text.as_str()).expect("JSON")).collect());

fn main() {
    divan::main();
}

fn builders() -> Builders {
    Builders::new(&Stamp { run_id: "run-1".parse().expect("a run id"), exported_at: 0 })
}

/// All pages into the builders.
fn flatten(builders: &mut Builders) {
    let contact: ContactId = "c1".parse().expect("a contact ID");
    for document in &*DOCUMENTS {
        let page = read_page(document).expect("a page");
        for conversation in &page.conversations {
            let columns = ConversationColumns::read(conversation);
            for message in &conversation.messages {
                let Ok(()) = builders.message(&contact, &columns, None, message, |_| Ok::<_, Infallible>(()));
            }
        }
    }
}

#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let bytes: usize = TEXTS.iter().map(String::len).sum();
    bencher
        .counter(ItemsCount::new(MESSAGES))
        .counter(BytesCount::new(bytes))
        .bench(|| TEXTS.iter().map(|text| read_json(text.as_str()).expect("JSON").memory()).sum::<usize>());
}

#[divan::bench]
fn flatten_into_builders(bencher: Bencher<'_, '_>) {
    let mut builders = builders();
    LazyLock::force(&DOCUMENTS);
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        flatten(&mut builders);
        black_box(Table::ALL.map(|table| builders.take(table)))
    });
}

/// The two tables that matter, to Parquet files with zstd 1, synced.
#[divan::bench(args = [Table::Messages, Table::ChannelRecords])]
fn encode(bencher: Bencher<'_, '_>, table: Table) {
    let mut builders = builders();
    flatten(&mut builders);
    let rows: Rows = builders.take(table).expect("rows");
    let spec = OutputSpec {
        settings: OutputSettings {
            format: Format::Parquet(ParquetCodec::Zstd(1)),
            partition_by: Vec::new(),
            target_file_size: 256 << 20,
            table_format: TableFormat::None,
        },
        run_id: "run-1".parse().expect("a run id"),
        export_date: "2026-11-20".parse().expect("a date"),
        shard: None,
        uploads: None,
    };
    bencher
        .counter(ItemsCount::new(rows.batch.num_rows()))
        .with_inputs(|| tempfile::tempdir().expect("a folder"))
        .bench_local_values(|folder| {
            let mut writer = TableWriter::new(&spec, table, folder.path());
            writer.write(&rows).expect("written");
            writer.end_contact().expect("written");
            writer.finish().expect("synced")
        });
}

struct Nobody;

impl Observer for Nobody {
    fn event(&self, _: Event) {}
}

fn entry(at: usize) -> Entry {
    let contact = u32::try_from(at).unwrap_or_default();
    let ask = PageRequest { offset: 0, limit: 100, overlap: 0, purpose: Purpose::Start };
    Entry::Page { contact, pass: None, ask, asked_at: None, at: 0 }
}

/// All pages into a segment, synced at the end.
fn spool(folder: &std::path::Path) -> Vec<RecordLocation> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (writer, appender) = Writer::start(folder, 1, Arc::new(Nobody)).expect("a segment");
    let places = runtime.block_on(async {
        let mut places = Vec::new();
        for (at, text) in TEXTS.iter().enumerate() {
            let body = SpoolBody::Plain(Bytes::from_static(text.as_bytes()));
            places.push(appender.append(&entry(at), body).await.expect("appended"));
        }
        places
    });
    drop(appender);
    writer.finish().expect("synced");
    places
}

#[divan::bench]
fn spool_append(bencher: Bencher<'_, '_>) {
    LazyLock::force(&TEXTS);
    bencher
        .counter(ItemsCount::new(MESSAGES))
        .with_inputs(|| tempfile::tempdir().expect("a folder"))
        .bench_local_values(|folder| spool(folder.path()));
}

#[divan::bench]
fn spool_read_back(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let places = spool(folder.path());
    let mut reader = Reader::new(folder.path().to_owned());
    bencher
        .counter(ItemsCount::new(MESSAGES))
        .bench_local(|| places.iter().map(|place| reader.body(*place).expect("read").len()).sum::<usize>());
}
