//! `make bench-against` names what became slower, and what the other program lacks.

use std::path::Path;
use std::process::Command;

use crate::promises::root;
use crate::support::export::{PROGRAM, write_program};
use crate::support::tables::python;

/// The program behind a script that comes first.
fn program_behind(script: &str, path: &Path) {
    write_program(path, &format!("{script}\nexec '{PROGRAM}' \"$@\""));
}

#[test]
fn names_what_became_slower_and_what_the_other_program_lacks() {
    let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [older, slower] = ["older", "slower"].map(|name| folder.path().join(name));
    let lacks = r#"case " $* " in *" --threads "*) echo "error: unexpected argument '--threads' found" >&2; exit 2;; esac"#;
    program_behind(lacks, &older);
    let works = r#"if [ "$1" = report ]; then i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; fi"#;
    program_behind(works, &slower);
    let ended = Command::new(python())
        .arg(root().join("benches/against/against.py"))
        .args([Path::new("--binary"), &slower, Path::new("--other"), &older])
        .args("--rounds 1 --batch 1 --messages 500 --contacts 3 --limit 4".split(' '))
        .env("TMPDIR", temporary.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let (table, error) = (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
    assert_eq!(ended.status.code(), Some(1), "{table}{error}");
    assert_eq!(error.trim(), "above 4.0 times the CPU of the other binary, or gone: `report`, 500 messages");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), 9, "{table}");
    let lacking: Vec<&str> = rows.into_iter().filter(|row| row.contains("| not there |")).collect();
    assert!(matches!(lacking[..], [row] if row.starts_with("| `run --threads 1`")), "{table}");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "temporary files are removed");
}
