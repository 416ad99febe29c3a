//! The same spool gives the same files and facts on any number of threads, and every end of the threads is clean.

mod account;

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use proptest::prelude::*;

use super::turns::Limits;
use super::{TransformError, TransformPlan, Transformed, transform_within};
use crate::event::{Event, Observer, SharedObserver};
use crate::id::ContactId;
use crate::output::OutputSpec;
use crate::settings::{
    Format, JsonlCodec, OutputSettings, ParquetCodec, PartitionKey, RawAnswers, TableFormat, Window,
};
use crate::spool::{Closing, Entry, Ledger};
use crate::state::Due;
use crate::table::Stamp;
use account::{Contact, Page, Spool};

const THREADS: [usize; 4] = [1, 2, 4, 8];

/// Remembers the reports of progress.
#[derive(Default)]
struct Reports(Mutex<Vec<String>>);

impl Observer for Reports {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

/// The layout of the files.
#[derive(Clone, Debug)]
struct Form {
    format: Format,
    partition_by: Vec<PartitionKey>,
    target_file_size: u64,
    raw: RawAnswers,
}

const PLAIN: Form = Form {
    format: Format::Parquet(ParquetCodec::Zstd(1)),
    partition_by: Vec::new(),
    target_file_size: 1 << 20,
    raw: RawAnswers::Dropped,
};

fn plan(spool: &Spool, form: &Form, due: Due, threads: usize) -> TransformPlan {
    let run_id: crate::id::RunId = "20261120T020000Z-abc123".parse().unwrap();
    let settings = OutputSettings {
        format: form.format,
        partition_by: form.partition_by.clone(),
        target_file_size: form.target_file_size,
        table_format: TableFormat::None,
    };
    TransformPlan {
        contacts: Arc::new(spool.list()),
        due: Arc::new(due),
        spool_folder: spool.folder().to_owned(),
        stage: spool.folder().join(format!("stage-{threads}")),
        stamp: Stamp { run_id: run_id.clone(), exported_at: 0 },
        output: OutputSpec {
            settings,
            run_id,
            shard: None,
            export_date: "2026-11-20".parse().unwrap(),
            uploads: None,
        },
        window: Window::default(),
        raw: form.raw,
        threads: NonZeroUsize::new(threads).unwrap(),
    }
}

/// Everything that a transform returns or reports, as text. It has the SHA-256 of each file.
fn description(built: &Transformed, reports: &Reports) -> String {
    format!("{built:#?}\n{:#?}", reports.0.lock().unwrap())
}

/// Transforms while the records arrive.
fn build(spool: &Spool, form: &Form, due: &Due, threads: usize, limits: &Limits) -> String {
    let plan = plan(spool, form, due.clone(), threads);
    let ledger = Ledger::new(spool.contacts());
    let reports = Arc::new(Reports::default());
    let observer: SharedObserver = Arc::clone(&reports) as SharedObserver;
    let built = thread::scope(|scope| {
        scope.spawn(|| spool.enter_all(&ledger));
        transform_within(&plan, &ledger, &observer, limits).unwrap().expect("the ledger is complete")
    });
    description(&built, &reports)
}

fn form() -> impl Strategy<Value = Form> {
    let formats = [
        Format::Parquet(ParquetCodec::Zstd(1)),
        Format::Parquet(ParquetCodec::None),
        Format::Jsonl(JsonlCodec::None),
        Format::Jsonl(JsonlCodec::Zstd(1)),
    ];
    let keys = [PartitionKey::Month, PartitionKey::Channel, PartitionKey::Date, PartitionKey::Run];
    (
        prop::sample::select(formats.to_vec()),
        prop::sample::subsequence(keys.to_vec(), 0..=2),
        prop::sample::select(vec![1, 2_000, 40_000, 1 << 28]),
        prop_oneof![Just(RawAnswers::Kept), Just(RawAnswers::Dropped)],
    )
        .prop_map(|(format, partition_by, target_file_size, raw)| Form {
            format,
            partition_by,
            target_file_size,
            raw,
        })
}

fn limits() -> impl Strategy<Value = Limits> {
    let bytes = |bytes: Vec<usize>| prop::sample::select(bytes);
    (bytes(vec![0, 5_000, 1 << 20]), bytes(vec![0, 3_000]), bytes(vec![1, 4_000, 1 << 20]), 1..6_usize)
        .prop_map(|(ahead_bytes, free_bytes, batch, chunk_contacts)| Limits {
            ahead_bytes,
            free_bytes,
            chunk_bytes: batch..batch,
            chunk_contacts,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn files_do_not_depend_on_threads_or_limits(
        contacts in prop::collection::vec(account::contact(), 1..40),
        form in form(),
        limits in limits(),
        others in prop::option::of(any::<u64>()),
        threads in prop::sample::select(THREADS.to_vec()),
    ) {
        // Some contacts may not be due.
        let is_due = |at: usize| others.is_none_or(|seed| seed >> (at % 64) & 1 == 1);
        let due: Vec<bool> = (0..contacts.len()).map(is_due).collect();
        let due = Due::of(due);
        let spool = Spool::new(&contacts, |contact| due.holds(contact));
        let one = build(&spool, &form, &due, 1, &Limits::default());
        let several = build(&spool, &form, &due, threads, &limits);
        prop_assert_eq!(&several, &one, "{} threads, {:?}", threads, &limits);
    }
}

#[test]
fn long_histories_between_short_ones_make_the_same_files() {
    let short = || (0..6).map(|at| Contact::of_messages(3 + at % 4));
    let long = || Some(Contact::of_messages(32_768 + 700));
    let contacts: Vec<_> = short().chain(long()).chain(short()).chain(long()).chain(short()).collect();
    let spool = Spool::new(&contacts, |_| true);
    let due = Due::all(contacts.len());
    let [one, others @ ..] = THREADS.map(|threads| build(&spool, &PLAIN, &due, threads, &Limits::default()));
    for (threads, several) in THREADS[1..].iter().zip(others) {
        assert!(several == one, "{threads} threads");
    }
}

/// A file may end where a contact ends, once enough rows are behind it, however large the contacts are.
#[test]
fn files_of_about_the_target_size_are_closed() {
    let contacts: Vec<_> = (0..60).map(|_| Contact::of_large_messages(150)).collect();
    let spool = Spool::new(&contacts, |_| true);
    let plan = TransformPlan {
        output: OutputSpec {
            settings: OutputSettings {
                format: Format::Jsonl(JsonlCodec::None),
                partition_by: Vec::new(),
                target_file_size: 8 << 20,
                table_format: TableFormat::None,
            },
            ..plan(&spool, &PLAIN, Due::all(60), 2).output
        },
        ..plan(&spool, &PLAIN, Due::all(60), 2)
    };
    let ledger = Ledger::new(60);
    spool.enter_all(&ledger);
    let observer: SharedObserver = Arc::new(Reports::default());
    // Batches are smaller than a contact, so they end inside of it.
    let limits = Limits { chunk_bytes: 100_000..100_000, ..Limits::default() };
    let built = transform_within(&plan, &ledger, &observer, &limits).unwrap().unwrap();
    let sizes: Vec<u64> = built
        .files
        .iter()
        .filter(|file| file.path.to_string().starts_with("messages/"))
        .map(|file| file.bytes)
        .collect();
    assert!(sizes.len() > 2, "{sizes:?}");
    for size in &sizes[..sizes.len() - 1] {
        assert!((8 << 20..12 << 20).contains(size), "{sizes:?}");
    }
}

/// Small chunks that many threads work on at once.
const SMALL: Limits = Limits { ahead_bytes: 1 << 20, free_bytes: 0, chunk_bytes: 1..1, chunk_contacts: 1 };

/// An account of contacts with one message.
fn account(contacts: usize) -> Spool {
    Spool::new(&vec![Contact::of_messages(1); contacts], |_| true)
}

#[test]
fn a_damaged_record_ends_all_threads_with_its_error() {
    let spool = account(100);
    for threads in THREADS {
        let ledger = Ledger::new(100);
        // The last contact never arrives: some threads wait for it.
        spool.enter(&ledger, 0..99);
        let damaged = spool.damaged_copy(61);
        let plan = TransformPlan {
            spool_folder: damaged.path().to_owned(),
            ..plan(&spool, &PLAIN, Due::all(100), threads)
        };
        let observer: SharedObserver = Arc::new(Reports::default());
        let error = transform_within(&plan, &ledger, &observer, &SMALL).unwrap_err();
        assert!(matches!(error, TransformError::Spool(_)), "{error:?}");
    }
}

#[test]
fn a_stop_of_the_run_ends_all_threads() {
    let spool = account(100);
    for threads in THREADS {
        let ledger = Ledger::new(100);
        spool.enter(&ledger, 1..50);
        let (plan, observer) =
            (plan(&spool, &PLAIN, Due::all(100), threads), Arc::new(Reports::default()) as SharedObserver);
        let ended = thread::scope(|scope| {
            let transform = scope.spawn(|| transform_within(&plan, &ledger, &observer, &SMALL));
            ledger.close(Closing::Stopped);
            transform.join().unwrap()
        });
        assert!(ended.unwrap().is_none());
    }
}

/// Panics at the first report of progress.
struct Broken;

impl Observer for Broken {
    fn event(&self, event: Event) {
        assert!(!matches!(event, Event::Built { .. }), "the observer is broken");
    }
}

#[test]
fn a_panic_of_one_thread_ends_all_and_is_resumed() {
    let spool = account(100);
    for threads in THREADS {
        let ledger = Ledger::new(100);
        spool.enter(&ledger, 0..99);
        let plan = plan(&spool, &PLAIN, Due::all(100), threads);
        let observer: SharedObserver = Arc::new(Broken);
        let ended =
            catch_unwind(AssertUnwindSafe(|| transform_within(&plan, &ledger, &observer, &SMALL).is_ok()));
        assert!(ended.is_err(), "{threads} threads");
    }
}

/// Sends a message at each report of progress.
struct Signals(Mutex<mpsc::Sender<()>>);

impl Observer for Signals {
    fn event(&self, event: Event) {
        if matches!(event, Event::Built { .. }) {
            let _is_last = self.0.lock().unwrap().send(());
        }
    }
}

#[test]
fn a_contact_that_is_read_again_after_its_rows_are_written_is_written_anew() {
    let (spool, due) = (account(100), Due::all(100));
    let whole = |threads: usize, reopened: Option<u32>| {
        let ledger = Ledger::new(100);
        let (sender, built) = mpsc::channel();
        let observer: SharedObserver = Arc::new(Signals(Mutex::new(sender)));
        let plan = plan(&spool, &PLAIN, due.clone(), threads);
        let transformed = thread::scope(|scope| {
            let (spool, ledger) = (&spool, &ledger);
            scope.spawn(move || {
                spool.enter(ledger, 0..50);
                built.recv().unwrap();
                if let Some(contact) = reopened {
                    ledger.enter(&Entry::Reopened { contact }, spool.place(0));
                    spool.enter(ledger, contact as usize..contact as usize + 1);
                }
                spool.enter(ledger, 50..100);
                ledger.close(Closing::Complete);
            });
            transform_within(&plan, ledger, &observer, &SMALL).unwrap().unwrap()
        });
        format!("{:#?}", transformed.files)
    };
    let expected = whole(1, None);
    for threads in THREADS {
        // A contact whose rows are written, and one that a thread may have taken ahead of its turn.
        for contact in [3, 45] {
            assert_eq!(whole(threads, Some(contact)), expected, "{threads} threads, contact {contact}");
        }
    }
}

#[test]
fn pages_that_are_not_json_are_counted_on_any_thread() {
    let mut contacts = vec![Contact::of_messages(2); 40];
    for at in [3, 17, 39] {
        contacts[at].pages.push(Page::Invalid);
    }
    let spool = Spool::new(&contacts, |_| true);
    for threads in THREADS {
        let described = build(&spool, &PLAIN, &Due::all(40), threads, &SMALL);
        assert!(described.contains("3 contacts have invalid responses"), "{described}");
    }
}

/// IDs of the contacts.
fn contact_id(at: usize) -> ContactId {
    format!("c{at}").parse().unwrap()
}
