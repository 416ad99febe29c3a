//! URLs in the place of paths. Unknown object stores are refused, and so is any URL where only a local path works. No
//! folder named `s3:` appears.

use crate::support::export::Export;

/// The command ends with exit code 2, names the URL, and leaves no folder.
fn is_refused(command: &str, url: &str, reason: &str) {
    let export = Export::command(&command.replace("URL", url));
    export.write("list.csv", "messages-1-a\n");
    let told = export.expect(2).last_line();
    assert!(told.contains(url) && told.contains(reason), "{command}: {told}");
    for name in ["s3:", "S3:", "gs:", "az:", "file:", "abfs:"] {
        assert!(!export.path(name).exists(), "{command}: {name}");
    }
}

#[test]
fn a_url_is_refused_where_only_a_local_path_works() {
    for command in [
        "run --simulated --contacts list.csv --out export --work-dir URL",
        "run --simulated --contacts list.csv --out export --metrics-file URL",
        "rebuild --from export --out again --work-dir URL",
        "report export -o URL",
        "man --out URL",
    ] {
        for url in
            ["s3://bucket/prefix", "gs://bucket", "az://container/prefix", "file:///tmp/x", "S3:/bucket"]
        {
            is_refused(command, url, "it must be a local path");
        }
    }
}

#[test]
fn unknown_object_stores_are_refused() {
    for command in [
        "run --simulated --contacts list.csv --out URL --work-dir work",
        "run --simulated --contacts list.csv --out=URL --work-dir work",
        "run --simulated --contacts URL --out export",
        "check --simulated --out URL --work-dir work",
        "contacts --simulated --out URL",
        "rebuild --from export --out URL --work-dir work",
        "rebuild --from URL --out export",
        "snapshot URL --out export",
        "verify URL",
        "runs URL",
        "cat URL messages",
        "report URL",
        "prune URL --keep-last 1",
        "hold URL --list",
        "erase URL --finish",
        "schema --merge duckdb --from URL",
    ] {
        is_refused(command, "file:///tmp/x", "unknown object store file://");
        is_refused(command, "abfs://container/x", "unknown object store abfs://");
        is_refused(command, "S3:/bucket/x", "two slashes are missing");
        is_refused(command, "s3:///x", "the bucket is missing");
    }
}

#[test]
fn credentials_in_a_url_are_not_repeated() {
    for (url, reason) in [
        ("s3://key:geheim@bucket/prefix", "credentials in the URL are not accepted"),
        ("az://container/prefix?sv=2026&sig=geheim", "the URL has a query"),
    ] {
        let outcome = Export::command(&format!("verify {url}")).expect(2);
        assert!(outcome.last_line().contains(reason), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("geheim"), "{}", outcome.stderr);
    }
}

#[test]
fn a_url_in_the_settings_file_is_refused_with_its_line() {
    let export = Export::command("run --simulated --contacts list.csv");
    export.write("list.csv", "messages-1-a\n");
    export.write("chatzy-export.toml", "format = \"jsonl\"\nwork-dir = \"s3://bucket/prefix\"\n");
    let told = export.expect(2).last_line();
    assert!(
        told.contains("chatzy-export.toml, line 2") && told.contains("it must be a local path"),
        "{told}"
    );
}

#[test]
fn a_path_that_only_resembles_a_url_is_a_path() {
    let export = Export::command("run --simulated --contacts list.csv --progress never").out("./a:b");
    export.write("list.csv", "messages-1-a\n");
    export.expect(0);
    assert!(export.path("a:b/_runs/latest.json").exists());
}
