//! Exports in an object store are registered by their URLs.

use std::path::PathBuf;

use super::engine::{Engine, Format};
use crate::support::export::Export;
use crate::support::service::Service;
use crate::support::stores::Remote;

/// Exports one contact to a store, and returns its URL as the path of an export.
fn export_to(remote: &Remote) -> PathBuf {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args("--work-dir work --run-id night1");
    let out = PathBuf::from(remote.url());
    remote.reach(export).out_at(&out).expect(0);
    out
}

#[test]
fn an_export_in_a_store_is_registered() {
    let test = "an_export_in_a_store_is_registered";
    let Some(remote) = Remote::seaweedfs(test) else { return };
    let out = export_to(&remote);
    for format in Format::installed(test) {
        let mut engine = Engine::start_with(format, Some(&remote));
        let script = remote.reach(format.command(&out)).expect(0).stdout;
        engine.run(&script);
        let files = engine.files();
        assert!(files[0][0].as_str().unwrap().starts_with(&remote.url()), "{files:?}");
        engine.run(&script);
        assert_eq!(engine.files(), files, "{format:?}");
        let lake = if format == Format::DuckLake { "lake." } else { "" };
        assert_eq!(engine.query(&format!("SELECT count(content) FROM {lake}messages")), ["3"], "{format:?}");
    }
}

#[test]
fn iceberg_has_no_urls_of_azure() {
    let Some(remote) = Remote::azurite("iceberg_has_no_urls_of_azure") else { return };
    let outcome = remote.reach(Format::Iceberg.command(&export_to(&remote))).expect(2);
    let line = outcome.last_line().replace(&remote.url(), "URL");
    insta::assert_snapshot!(line, @"error: Iceberg has no names for files in URL: copy the export to s3:// or gs://, or to a folder, and give its new path");
}
