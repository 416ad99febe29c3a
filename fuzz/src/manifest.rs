//! The manifest and `latest.json`, which others may have written.

use std::path::Component;

use chatzy_export::internals::output::ExportPath;
use chatzy_export::internals::output::manifest::{Latest, Manifest};

/// What is read is written and read back as the same; no path of a file leaves the output folder; a run's ID is fit for
/// a file name.
pub fn check(input: &[u8]) {
    if let Ok(manifest) = Manifest::parse(input) {
        let text = manifest.to_json();
        let again = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(again, manifest);
        assert_eq!(again.to_json(), text);
        assert_fit_for_a_name(manifest.run_id.as_str());
        manifest.files.iter().for_each(|file| assert_inside(&file.path));
        if let Some(previous) = &manifest.previous {
            assert_fit_for_a_name(previous.run_id.as_str());
        }
    }
    if let Ok(latest) = Latest::parse(input) {
        assert_eq!(Latest::parse(latest.to_json().as_bytes()).unwrap(), latest);
        assert_fit_for_a_name(latest.run_id.as_str());
    }
    // Any text as a path: it is seldom that the fuzzer finds its way into a whole manifest.
    if let Ok(path) = std::str::from_utf8(input) {
        if let Ok(path) = path.parse::<ExportPath>() {
            assert_inside(&path);
        }
        if let Ok(run_id) = path.parse::<chatzy_export::internals::id::RunId>() {
            assert_fit_for_a_name(run_id.as_str());
        }
    }
}

fn assert_inside(file: &ExportPath) {
    let path = file.as_path();
    assert!(path.is_relative() && path.components().all(|part| matches!(part, Component::Normal(_))));
    let parts = path.components().map(|part| part.as_os_str().to_str().unwrap());
    assert_eq!(parts.collect::<Vec<_>>().join("/"), file.as_str(), "the path is spelled in one way only");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '=' | '%' | '/');
    assert!(file.chars().all(plain));
}

fn assert_fit_for_a_name(run_id: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    assert!((1..=64).contains(&run_id.len()) && run_id.chars().all(plain) && !run_id.starts_with('.'));
}
