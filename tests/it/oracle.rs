//! Every value of every row of wild data sets, compared with an independent implementation of
//! `docs/tables.md` (see tests/oracle).

use std::process::Command;

use crate::support::tables::python;

#[test]
fn wild_records_come_out_as_the_contract_says() {
    let root = env!("CARGO_MANIFEST_DIR");
    let ended = Command::new(python())
        .arg(format!("{root}/tests/oracle/check.py"))
        .args(["--binary", env!("CARGO_BIN_EXE_chatzy-export"), "--seeds", "0..6"])
        .output()
        .expect("the oracle starts");
    let told =
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{told}");
}
