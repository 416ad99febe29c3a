//! `LibreOffice` opens the CSV: every cell is there, and none is a formula. Part of `make evidence`.

use std::path::Path;
use std::process::Command;

use super::pages::{Chat, serve};
use super::{evidence_of, made};
use crate::support::export::Export;
use crate::support::tables::python;
use crate::system::skip;

/// Compares the cells of a CSV file with those of the XLSX file that `LibreOffice` made of it.
const COMPARE: &str = include_str!("compare_cells.py");

#[test]
#[ignore = "needs LibreOffice: make evidence"]
fn libreoffice_opens_the_tables_and_computes_nothing() {
    if Command::new("soffice").arg("--version").output().is_err() {
        return skip(
            "libreoffice_opens_the_tables_and_computes_nothing",
            "needs LibreOffice (make evidence)",
        );
    }
    let server = serve(vec![Chat::wild()]);
    let export = Export::run_of(server.url(), ["wild"]);
    export.expect(0);
    let package = made(&evidence_of(&export, ""), 0);
    let folder = tempfile::tempdir().unwrap();
    for table in ["contacts", "conversations", "messages", "coverage", "documents"] {
        let csv = package.join(format!("data/csv/{table}.csv"));
        convert(&csv, folder.path());
        let xlsx = folder.path().join(format!("{table}.xlsx"));
        let output =
            Command::new(python()).args(["-c", COMPARE]).arg(&csv).arg(&xlsx).output().expect("python");
        assert!(output.status.success(), "{table}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn convert(csv: &Path, to: &Path) {
    let profile = format!("-env:UserInstallation=file://{}/profile", to.display());
    // Separator, quote, UTF-8, first line, no formats of columns, language, quoted cells are text.
    let filter = "--infilter=Text - txt - csv (StarCalc):44,34,76,1,,0,true,false,false";
    let output = Command::new("soffice")
        .args([&profile, "--headless", filter, "--convert-to", "xlsx", "--outdir"])
        .arg(to)
        .arg(csv)
        .output()
        .expect("LibreOffice");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
