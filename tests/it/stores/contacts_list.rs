//! `contacts --out URL`: the list as an object.

use object_store::ObjectStoreExt as _;

use crate::support::export::{EMAIL, Export, PASSWORD, json};
use crate::support::service::{RUNTIME, Service};
use crate::support::stores::Remote;

#[test]
fn the_list_is_one_object() {
    let service = Service::start("--account-contacts 230");
    let list = |remote: Option<&Remote>, arguments: &str| {
        let export =
            Export::command("contacts").base_url(service.url()).args("--progress never").args(arguments);
        let export = export.env("CHATZY_EMAIL", EMAIL).env("CHATZY_PASSWORD", PASSWORD);
        let environment = remote.map(Remote::environment).unwrap_or_default();
        environment.into_iter().fold(export, |export, (name, value)| export.env(name, &value))
    };
    let [csv, jsonl] = ["csv", "jsonl"].map(|form| list(None, "--format").args(form).expect(0).stdout);
    for remote in Remote::all_with_conditions("the_list_is_one_object") {
        let content = |name: &str| {
            let client = remote.client(3);
            let got = RUNTIME.block_on(async { client.get(&remote.path(name)).await?.bytes().await });
            String::from_utf8(got.expect("an object").to_vec()).unwrap()
        };
        for (name, expected) in [("lists/a.csv", &csv), ("b.jsonl", &jsonl), ("b.jsonl", &jsonl)] {
            let url = format!("{}/{name}", remote.url());
            let outcome = list(Some(&remote), "--out").arg(&url).expect(0);
            assert_eq!(outcome.stdout, "");
            assert_eq!(outcome.last_line(), format!("230 contacts are listed in {url}"));
            assert_eq!(content(name), *expected, "{:?}", remote.kind);
        }
        let url = format!("{}/c.csv", remote.url());
        let command = list(Some(&remote), "--json --out").arg(&url).shell(r#"exec "$@" > summary"#);
        command.expect(0);
        let summary = json(&command.path("summary"));
        assert_eq!((&summary["path"], &summary["format"]), (&url.into(), &"csv".into()));

        let outcome =
            Export::command("run --simulated --contacts ids.txt").also("ids.txt", "messages-1-a\n").expect(0);
        remote.copy_from(&outcome.out);
        let inside = list(Some(&remote), "--out").arg(&format!("{}/x/list.csv", remote.url())).expect(2);
        assert!(
            inside.last_line().contains(&format!("is inside the export {}", remote.url())),
            "{}",
            inside.stderr
        );
        for wrong in ["s3://bucket", "gs://bucket/lists/"] {
            let refused = list(Some(&remote), "--out").arg(wrong).expect(2);
            assert!(refused.stderr.contains("the name of the object is missing"), "{}", refused.stderr);
        }
    }
}
