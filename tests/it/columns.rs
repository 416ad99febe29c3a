//! The explanation of the columns: `schema` for people, compared with an existing export.

use std::path::Path;

use serde_json::Value;

use crate::support::export::{Export, Outcome, read};
use crate::support::service::Service;
use crate::warehouse::databases::Database;

/// The five tables.
const TABLES: [&str; 5] = ["contacts", "conversations", "messages", "channel_records", "coverage"];

/// Columns whose values differ from run to run.
const OF_THE_RUN: [&str; 6] =
    ["exported_at", "run_id", "fetch_started_at", "fetch_finished_at", "pages", "requests"];

fn schema(arguments: &str) -> String {
    Export::command("schema").args(arguments).expect(0).stdout
}

/// Every column of a table with its example.
fn examples(table: &str) -> Vec<(String, Value)> {
    let document: Value = serde_json::from_str(&schema("--format json-schema")).unwrap();
    let properties = document["$defs"][table]["properties"].as_object().unwrap();
    let example = |(name, property): (&String, &Value)| (name.clone(), property["examples"][0].clone());
    properties.iter().map(example).collect()
}

/// The rows of a table, without those with numbers that fit no type.
fn rows(run: &Outcome, table: &str) -> Vec<Value> {
    let manifest = run.manifest();
    let files = manifest["files"].as_array().unwrap().iter().filter(|file| file["table"] == table);
    let texts = files.map(|file| read(&run.out.join(file["path"].as_str().unwrap())));
    texts
        .flat_map(|text| text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_example_is_a_value_of_a_simulated_account() {
    let account = Export::command("run --simulated --all-contacts --format jsonl --progress never");
    let account = account.expect(0);
    // Values without a column, and a contact that cannot be read, are rare.
    let service = Service::start("--wild 0.5 --wild-kind valid");
    let contacts = (0..40).map(|at| format!("messages-20-{at}")).chain(["poison-30-x".to_owned()]);
    let odd = Export::run_of(service.url(), contacts).args("--format jsonl --retries 0").expect(3);
    for table in TABLES {
        let mut examples = examples(table);
        examples.retain(|(name, _)| !OF_THE_RUN.contains(&name.as_str()));
        assert!(examples.len() > 8, "{table}: {examples:?}");
        for (name, example) in examples {
            let is_rare = name == "extra" || name == "error";
            let rows = rows(if is_rare { &odd } else { &account }, table);
            let is_there = rows.iter().any(|row| row[&name] == example);
            assert!(is_there, "{table}.{name}: no row has the value {example}");
        }
    }
}

/// The queries of the data dictionary.
fn sample_joins() -> Vec<String> {
    let markdown = schema("--format markdown");
    let blocks = markdown.split("```sql\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().trim().to_owned()).collect()
}

#[test]
fn the_sample_joins_return_each_row_once() {
    let service = Service::start("");
    let contacts = ["messages-30-a", "messages-5-b", "empty-c", "unknown-d"];
    let export = Export::run_of(service.url(), contacts);
    for (at, layout) in ["", "--partition-by run,channel,month"].into_iter().enumerate() {
        let run = export.clone().args(layout).out(&format!("{at}/export"));
        let folder = export.path(&at.to_string());
        let rows: Vec<_> = (0..2).map(|_| run.expect(0).manifest()["tables"].clone()).collect();
        // Every row has one row in the other table, that of its own run.
        let of = |table: &str| rows.iter().map(|run| run[table]["rows"].as_u64().unwrap()).sum::<u64>();
        let queries = sample_joins();
        let expected = [of("messages"), of("channel_records"), of("coverage")];
        assert_eq!(queries.len(), expected.len(), "{queries:?}");
        for (query, expected) in queries.iter().zip(expected) {
            let count = format!("SELECT count(*) FROM ({});", query.trim_end_matches(';'));
            let counted = Database::duckdb().run(&count, &folder);
            assert!(
                expected >= 8 && counted == [expected.to_string()],
                "{expected} rows: {counted:?} {query}"
            );
        }
        let names = format!("SELECT count(first_name) FROM ({});", queries[2].trim_end_matches(';'));
        assert_eq!(
            Database::duckdb().run(&names, &folder),
            ["6"],
            "a contact that does not exist has no name"
        );
    }
}

#[test]
fn comments_explain_the_tables_in_a_database() {
    let mut databases = vec![Database::duckdb()];
    databases.extend(Database::postgres("comments_explain_the_tables_in_a_database"));
    for database in databases {
        let dialect = database.dialect();
        let tables = schema(&format!("--format {dialect}"));
        // The second load replaces them.
        database.run(&format!("{tables}\n{tables}"), Path::new("/"));
        let (table, column) = match dialect {
            "duckdb" => (
                "SELECT comment FROM duckdb_tables() WHERE table_name = 'coverage';".to_owned(),
                "SELECT count(*), count(comment), max(CASE column_name WHEN 'user_email_id' THEN comment END) \
                 FROM duckdb_columns() WHERE table_name IN "
                    .to_owned(),
            ),
            _ => (
                "SELECT obj_description('coverage'::regclass, 'pg_class');".to_owned(),
                "SELECT count(*), count(col_description(table_name::regclass, ordinal_position)), \
                 max(CASE column_name WHEN 'user_email_id' THEN col_description(table_name::regclass, ordinal_position) END) \
                 FROM information_schema.columns WHERE table_name IN "
                    .to_owned(),
            ),
        };
        let names = format!("({})", TABLES.map(|name| format!("'{name}'")).join(", "));
        insta::allow_duplicates! {
            insta::assert_snapshot!(database.run(&table, Path::new("/")).join("\n"), @"One row per requested contact: the proof of completeness.");
            let columns = database.run(&format!("{column}{names};"), Path::new("/"));
            insta::assert_snapshot!(columns.join("\n"), @"89|89|E-mail address of the account's owner, not of the contact; the same in all rows.");
        }
    }
}

#[test]
fn without_options_schema_is_for_people() {
    let text = schema("");
    let from = |start: &str, lines: usize| -> String {
        text.lines().skip_while(|line| !line.starts_with(start)).take(lines).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(from("Tables", 8), @r"
    Tables of an export, schema version 1, with their keys. A row belongs to a row of the table above:

    coverage (run_id, contact_id)                                  one row per requested contact
    └─ contacts (run_id, contact_id)                               one row, or none
       └─ conversations (run_id, contact_id, conversation_id)      any number of rows
          └─ messages (run_id, contact_id, message_id)             any number of rows
             └─ channel_records (run_id, contact_id, record_id)    any number of rows
    ");
    insta::assert_snapshot!(from("TABLE contacts", 12), @r"
    TABLE contacts: One row per contact with the status exported, empty or unresolved.
    Key: run_id, contact_id
    Joins: coverage on run_id, contact_id

    column              type     null?  meaning                                         example
    contact_id          text     no     ID of the contact, as requested.                0e56f030-2a0f-41a6-bbff-856264595233
    user_email_id       text     yes    E-mail address of the account's owner, not of   owner@shop.example
                                        the contact; the same in all rows.
    first_name          text     yes    First name of the contact.                      Noël
    last_name           text     yes    Last name of the contact.                       Müller
    phone_number        text     yes    Phone number of the contact.                    +33209249744
    created_at          time     yes    Creation of the contact.                        2024-01-09T10:26:30.776000Z
    ");
    insta::assert_snapshot!(from("NOTES", 20), @r"
    NOTES

    - Within one run, or within the latest_… views, you can leave out run_id.
    - Always join on contact_id, too: the API does not promise that message and conversation IDs are unique over all
      contacts.
    - messages.conversation_id is null for messages without a conversation.
    - contacts.user_email_id is the e-mail address of the account's owner, and the same for all contacts. It is neither an
      address of the contact nor a key.

    SAMPLE JOINS for DuckDB, over an export in ./export

    -- Messages with their contact
    SELECT contact.first_name, contact.last_name, message.created_at, message.role, message.content
    FROM './export/messages/**/*.parquet' AS message
    JOIN './export/contacts/**/*.parquet' AS contact USING (run_id, contact_id);

    -- Channel records with their message
    SELECT message.created_at, message.role, message.content, record.event_type, record.status, record.event_at
    FROM './export/channel_records/**/*.parquet' AS record
    JOIN './export/messages/**/*.parquet' AS message USING (run_id, contact_id, message_id);
    ");
    assert_eq!(text, schema("--format text"));
    // Programs that read the default of earlier versions name it.
    let fields: Value = serde_json::from_str(&schema("--format arrow")).unwrap();
    assert_eq!(fields["tables"][0]["fields"][0]["name"], "contact_id");
}
