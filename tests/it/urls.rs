//! Object stores are not supported yet: a URL is refused wherever a path stands, and no folder called `s3:` appears.

use crate::support::export::Export;

#[test]
fn urls_are_refused_wherever_a_path_stands() {
    let commands = [
        "run --simulated --contacts list.csv --out URL",
        "run --simulated --contacts list.csv --out=URL",
        "run --simulated --contacts URL --out export",
        "run --simulated --contacts list.csv --out export --work-dir URL",
        "run --simulated --contacts list.csv --out export --metrics-file URL",
        "check --simulated --out URL",
        "contacts --simulated --out URL",
        "rebuild --from export --out URL",
        "rebuild --from URL --out export",
        "rebuild --from export --out again --work-dir URL",
        "verify URL",
        "report URL",
        "report export -o URL",
        "prune URL --keep-last 1",
        "schema --merge duckdb --from URL",
        "man --out URL",
    ];
    for url in ["s3://bucket/prefix", "gs://bucket", "az://container/prefix", "file:///tmp/x", "S3:/bucket"] {
        for command in commands {
            let export = Export::command(&command.replace("URL", url));
            export.write("list.csv", "messages-1-a\n");
            let outcome = export.expect(2);
            let told = outcome.last_line();
            assert!(told.contains(url) && told.contains("only local paths"), "{command}: {told}");
            for name in ["s3:", "S3:", "gs:", "az:", "file:"] {
                assert!(!export.path(name).exists(), "{command}: {name}");
            }
        }
    }
}

#[test]
fn a_url_in_the_settings_file_is_refused_with_its_line() {
    let export = Export::command("run --simulated --contacts list.csv");
    export.write("list.csv", "messages-1-a\n");
    export.write("chatzy-export.toml", "format = \"jsonl\"\nwork-dir = \"s3://bucket/prefix\"\n");
    let told = export.expect(2).last_line();
    assert!(told.contains("chatzy-export.toml, line 2") && told.contains("only local paths"), "{told}");
}

#[test]
fn a_path_that_only_resembles_a_url_is_a_path() {
    let export = Export::command("run --simulated --contacts list.csv --progress never").out("./a:b");
    export.write("list.csv", "messages-1-a\n");
    export.expect(0);
    assert!(export.path("a:b/_runs/latest.json").exists());
}
