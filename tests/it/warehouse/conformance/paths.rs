//! A path with wildcards or other special characters names exactly one export.

use std::process::Command;

use super::Case;
use super::nights::RUNS;
use crate::support::export::Export;
use crate::warehouse::state::State;

/// A folder, and one beside it that matches if the first is taken for a pattern.
pub const FOLDERS: [(&str, &str); 8] = [
    SOME_FOLDERS[0],
    ("a*", "ab"),
    ("?b.jsonl", "ab.jsonl"),
    SOME_FOLDERS[1],
    ("$HOME ${x} {a,b}", "$HOME ${x} a"),
    (r"b\ta\", "b a"),
    SOME_FOLDERS[2],
    ("messages/channel=website/x=y[1]", "messages/channel=website/x=y1"),
];

/// Those of the short form.
pub const SOME_FOLDERS: [(&str, &str); 3] =
    [("a[bc]", "ab"), ("it's %d {a,b} \"x\"; #", "it's %d a \"x\"; #"), ("-x", "a")];

/// The export in such a folder is loaded, or the path is refused.
pub fn a_path_is_no_pattern(case: &Case, folders: &[(&str, &str)]) {
    if case.database.store().is_some() {
        return; // It reads no folders.
    }
    let mut refused = 0;
    for (named, fitting) in folders {
        if named.contains('$') && case.database.dialect() == "snowflake" {
            continue; // fakesnow takes $HOME in a literal for a variable, which Snowflake does not.
        }
        let root = tempfile::tempdir().unwrap();
        for folder in [named, fitting] {
            let copy = root.path().join(folder);
            let parent = copy.parent().expect("a folder");
            let line = "mkdir -p \"$1\" && cp -a \"$2\" \"$3\"";
            let copied = Command::new("sh")
                .args(["-c", line, "sh"])
                .args([parent, case.nights.export.out_path(), &copy])
                .status();
            assert!(copied.is_ok_and(|status| status.success()));
        }
        // As typed, relative to its own folder.
        let script = |option: &str| {
            let command = Export::command("schema").args(option).arg(case.database.dialect());
            let there = format!("cd '{}'; exec \"$@\"", root.path().display());
            command.arg(&format!("--from={named}")).shell(&there).run()
        };
        let merge = script("--merge");
        if merge.stderr.contains("in paths literally") {
            refused += 1;
            continue;
        }
        let warehouse = case.warehouse();
        let loaded = warehouse.database.try_run(&merge.expect(0).stdout, root.path());
        loaded.unwrap_or_else(|error| panic!("{}", case.told(&format!("{named}: {error}"))));
        warehouse.assert_has(&RUNS, named);
        let database = case.database.another();
        let state = State::after(
            &database,
            "latest_",
            &script("--latest").expect(0).stdout,
            root.path(),
            &case.nights.kinds,
        );
        state.assert_is(&case.nights.latest(&RUNS), &case.told(&format!("views of {named}")));
    }
    assert!(refused < folders.len().min(7), "{}", case.told("few paths are refused"));
}
