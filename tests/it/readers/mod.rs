//! Parquet files in readers that share no code with the writer.

mod folders;

use std::process::Command;

use crate::promises::root;
use crate::support::export::Export;
use crate::support::tables::python;

#[test]
fn fastparquet_reads_the_values_that_pyarrow_reads() {
    let export = Export::command("run --simulated --contacts ids.txt")
        .also("ids.txt", "messages-2000-a\nmessages-90-b\n");
    let outcome = export.expect(0);
    let script = root().join("tests/it/readers/fastparquet_values.py");
    let compared = Command::new(python()).arg(script).arg(&outcome.out).output().expect("Python");
    let [stdout, stderr] = [compared.stdout, compared.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(compared.status.success(), "{stdout}{stderr}");
}
