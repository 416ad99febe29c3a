//! Parquet files in readers that share no code with the writer.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::support::export::Export;
use crate::support::scripted::{Answer, Asked, Scripted};
use crate::support::tables::python;
use crate::system::skip;

/// Spark, which is too large for every test run. `make readers` installs it.
const SPARK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/readers/bin/python");

fn read_with(python: &str, reader: &str, out: &Path) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/other_reader.py");
    Command::new(python).arg(script).arg(out).arg(reader).output().expect("python starts")
}

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn fastparquet_reads_the_values_that_pyarrow_reads() {
    let export = Export::command("run --simulated --contacts ids.txt")
        .also("ids.txt", "messages-2000-a\nmessages-90-b\n");
    let outcome = export.expect(0);
    let compared = read_with(python(), "fastparquet", &outcome.out);
    assert!(compared.status.success(), "{}", text_of(&compared));
}

#[test]
fn spark_reads_times_before_1900() {
    if !Path::new(SPARK).exists() {
        return skip("spark_reads_times_before_1900", "needs Spark: run `make readers`");
    }
    let server = Scripted::api(|asked: &Asked| {
        let messages =
            json!([{"message_id": "m", "content": "old", "created_at": "1815-06-18T11:35:00.000001Z"}]);
        let messages = if asked.query["offset"] == "0" { messages } else { json!([]) };
        let conversations = json!([{"conversation_id": "v", "messages": messages}]);
        let contact = json!({"contact_id": asked.contact()});
        let page = json!({"data": {"data": {"contact": contact, "conversations": conversations}}});
        Answer::new(200, page.to_string())
    });
    let outcome = Export::run_of(server.url(), ["a"]).expect(0);
    let read = read_with(SPARK, "spark", &outcome.out);
    assert!(read.status.success(), "{}", text_of(&read));
    assert_eq!(String::from_utf8_lossy(&read.stdout).trim(), "-4876806299999999");
}
