//! Histories so long that their rows are made before the end is read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;

use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::support::export::{Export, Outcome};
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::support::tables::{Reader, Rows, all};

const MESSAGES: u64 = 36_000;

/// A page of a history of two conversations. They alternate for a while in the middle, and only the last page
/// shows that the first one is closed.
fn page(asked: &Asked, is_newest_first: bool) -> Answer {
    let number = |name: &str| asked.query[name].parse::<u64>().expect("a number");
    let (from, limit) = (number("offset").min(MESSAGES), number("limit"));
    let to = MESSAGES.min(from + limit);
    let status = if to == MESSAGES { "closed" } else { "open" };
    let (mut first, mut second) = (String::new(), String::new());
    for place in from..to {
        let number = if is_newest_first { MESSAGES - 1 - place } else { place };
        let of = if is_in_second(number) { &mut second } else { &mut first };
        let comma = if of.is_empty() { "" } else { "," };
        let records = if number.is_multiple_of(2) {
            format!(r#"{{"status":"sent","n":{number}}}"#)
        } else {
            String::new()
        };
        let time = 1_700_000_000 + number;
        let fields = format!(r#""role":"user","odd":{number},"wa_messages":[{records}]"#);
        write!(of, r#"{comma}{{"message_id":"m{number}","created_at":{time},{fields}}}"#).expect("memory");
    }
    let first = format!(
        r#"{{"conversation_id":"c1","conversation_status":"{status}","messages":[{first}]}},
        {{"conversation_id":"c2","messages":[{second}]}}"#
    );
    Answer::new(200, format!(r#"{{"data":{{"data":{{"contact":{{}},"conversations":[{first}]}}}}}}"#))
}

fn is_in_second(number: u64) -> bool {
    (10_000..16_000).contains(&number) && number.is_multiple_of(3)
}

/// Number of rows of each row group, by table.
fn groups(outcome: &Outcome) -> BTreeMap<String, Vec<i64>> {
    let mut groups: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for file in outcome.manifest()["files"].as_array().expect("files") {
        let path = outcome.out.join(file["path"].as_str().expect("a path"));
        let reader = SerializedFileReader::new(File::open(path).expect("a file")).expect("Parquet");
        let rows = reader.metadata().row_groups().iter().map(RowGroupMetaData::num_rows);
        groups.entry(file["table"].as_str().expect("a table").to_owned()).or_default().extend(rows);
    }
    groups
}

#[test]
fn rows_made_while_a_history_is_read_are_those_that_would_be_made_at_its_end() {
    // With the newest message first, pieces are made early, and again if the last page changes them. With the
    // oldest first, all are made at the end.
    let exports = [true, false].map(|is_newest_first| {
        let server = Scripted::api(move |asked| page(asked, is_newest_first));
        let outcome = Export::run_of(server.url(), ["long", "longer"]).args("--concurrency 4").expect(0);
        let tables: BTreeMap<String, Rows> = all(&outcome.out, Reader::Pyarrow)
            .into_iter()
            .map(|(table, rows)| (table, rows.without_run()))
            .collect();
        let manifest = outcome.manifest();
        (groups(&outcome), ["unknown_fields", "known_fields"].map(|key| manifest[key].clone()), tables)
    });
    let [(groups, fields, tables), others] = &exports;
    assert!(others.0 == *groups && others.1 == *fields && others.2 == *tables, "whichever end comes first");

    let numbers = (0..MESSAGES).filter(|number| !is_in_second(*number));
    let numbers: Vec<_> = numbers.chain((0..MESSAGES).filter(|number| is_in_second(*number))).collect();
    let once: Vec<_> = numbers.iter().map(|number| format!("m{number}")).collect();
    assert!(tables["messages"].column("message_id") == [once.clone(), once].concat(), "all rows, in order");
    let statuses = tables["messages"].column("conversation_status");
    let closed = statuses.iter().filter(|status| *status == "closed").count() as u64;
    assert_eq!(closed, 2 * (MESSAGES - 2000), "the last word on the first conversation, in all its rows");
    assert_eq!(groups["messages"], [3232, 16384, 16384, 3232, 16384, 16384]);
    assert_eq!(groups["channel_records"].len(), 6);
    assert_eq!(fields[0]["messages"]["odd"], 2 * MESSAGES);
    assert_eq!(fields[1]["messages"]["columns"]["created_at"]["values"], 2 * MESSAGES);
}
