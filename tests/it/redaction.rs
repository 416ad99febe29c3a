//! `evidence --redact`: planted personal data is in no file of a redacted package, in no spelling or encoding.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::support::export::{Export, json, tree};
use crate::support::service::Service;

const WITH_MESSAGES: [&str; 3] = ["messages-60-a", "messages-45-b", "messages-30-+4915155554444"];
const CONTACTS: [&str; 6] =
    [WITH_MESSAGES[0], WITH_MESSAGES[1], WITH_MESSAGES[2], "empty-dddd", "poison-3-e", "unknown-f"];

/// Everything that may be kept is kept, so that only the search for personal data protects the texts.
const KEEPING: &str = r#"
[columns]
default = "keep"
"*.contact_id" = "pseudonym"
"contacts.user_email_id" = "mask"
"contacts.first_name" = "pseudonym"
"contacts.last_name" = "drop"
"contacts.phone_number" = "last4"
"contacts.created_at" = "month"
"*.extra" = "detect"
"*.assigned_to" = "pseudonym"
"messages.content" = "detect"
"channel_records.sender_id" = "pseudonym"
"channel_records.recipient_id" = "pseudonym"
"channel_records.platform_message_id" = "detect"
"channel_records.related_message_id" = "detect"
"channel_records.text" = "detect"
"channel_records.media_url" = "detect"
"channel_records.error_details" = "detect"
"channel_records.raw" = "detect"
"coverage.error" = "detect"

[detect]
replace = "[{kind} {pseudonym}]"
"#;

/// An export of contacts with canaries, and what to look for.
struct Scene {
    export: Export,
    canaries: Vec<(String, String)>,
}

impl Scene {
    fn new(options: &str) -> Self {
        let service = Service::start("--canaries");
        let export = Export::run_of(service.url(), CONTACTS).args("--keep-raw --retries 0").args(options);
        export.expect(3);
        let mut canaries: Vec<_> =
            WITH_MESSAGES.iter().flat_map(|contact| service.canaries(contact)).collect();
        // The first letters of names have accents, which some spellings lack.
        for (_, value) in canaries.iter_mut().filter(|(kind, _)| kind == "name") {
            value.remove(0);
        }
        canaries.extend(CONTACTS[..5].iter().map(|contact| ("id".to_owned(), (*contact).to_owned())));
        canaries.push(("email".to_owned(), "owner@shop.example".to_owned()));
        assert!(canaries.len() > 40);
        Self { export, canaries }
    }

    /// Makes a package of this name, and returns the canaries that are in it.
    fn package(&self, name: &str, options: &str) -> Vec<String> {
        let out = self.export.path(name);
        let (from, to) = (self.export.out_path(), out.to_string_lossy());
        let command = Export::command("evidence --progress never --rsmf").arg(&from.to_string_lossy());
        command.args("--out").arg(&to).args(options).expect(3);
        let files = if out.is_dir() { files(&out) } else { unpacked(&std::fs::read(&out).unwrap()) };
        let mut readable: Vec<String> = files.keys().cloned().collect();
        for content in files.values() {
            readings(content, 0, &mut readable);
        }
        let mut digits = String::new();
        for text in &mut readable {
            *text = plain(text);
            digits.extend(text.chars().filter(char::is_ascii_digit));
            digits.push('\n');
        }
        let readable = readable.join("\n");
        let is_there = |value: &String| {
            let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
            if is_number { digits.contains(value) } else { readable.contains(&plain(value)) }
        };
        let found = self.canaries.iter().filter(|(_, value)| is_there(value));
        found.map(|(kind, value)| format!("{kind} {value}")).collect()
    }

    fn write(&self, name: &str, content: &str) -> String {
        self.export.write(name, content);
        let path = self.export.path(name);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.to_string_lossy().into_owned()
    }

    fn key(&self) -> String {
        self.write("key", "0123456789abcdef0123456789abcdef")
    }
}

/// The files of a package by their paths.
fn files(package: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |path: String| (path.clone(), std::fs::read(package.join(path)).unwrap());
    tree(package).into_iter().map(read).collect()
}

/// The texts that a file can be read as: as it is, without escapes, and what is in it as base64 or ZIP.
fn readings(content: &[u8], depth: u32, texts: &mut Vec<String>) {
    let text = String::from_utf8_lossy(content).into_owned();
    if content.starts_with(b"PK\x03\x04") {
        for (name, inner) in unpacked(content) {
            texts.push(name);
            readings(&inner, depth, texts);
        }
    }
    if depth < 2 {
        // Lines of a mail are one text, and so are the words around other characters.
        for text in [text.replace("\r\n", ""), text.replace("\\/", "/")] {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "+/-_".contains(c);
            let is_encoded =
                |part: &&str| part.len() >= 8 && !part.bytes().all(|byte| byte.is_ascii_lowercase());
            for part in text.split(|c| !is_part(c)).filter(is_encoded) {
                decoded(part).for_each(|bytes| readings(&bytes, depth + 1, texts));
            }
        }
    }
    let unescaped =
        text.replace("&amp;", "&").replace("&quot;", "\"").replace("&#43;", "+").replace("&nbsp;", " ");
    texts.push(percent_decoded(&unescaped.replace("\\/", "/")));
    texts.push(text);
}

fn decoded(part: &str) -> impl Iterator<Item = Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&STANDARD, config);
    let standard = part.replace('-', "+").replace('_', "/");
    (0..4).filter_map(move |skipped| {
        let rest = standard.get(skipped..)?;
        engine.decode(rest.get(..rest.len() - usize::from(rest.len() % 4 == 1))?).ok()
    })
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| std::str::from_utf8(after.get(..2)?).ok()).flatten();
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Lower case, with ASCII digits.
fn plain(text: &str) -> String {
    let digit = |c: char| match c {
        '\u{660}'..='\u{669}' => char::from_digit(u32::from(c) - 0x660, 10),
        '\u{ff10}'..='\u{ff19}' => char::from_digit(u32::from(c) - 0xff10, 10),
        _ => None,
    };
    text.to_lowercase().chars().map(|c| digit(c).unwrap_or(c)).collect()
}

fn unpacked(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    // The start of an archive, as one line of a mail has it, is none.
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(archive)) else { return BTreeMap::new() };
    let files = (0..archive.len()).map(|index| {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        (file.name().unwrap().to_string(), content)
    });
    files.collect()
}

#[test]
fn no_planted_value_is_in_a_redacted_package() {
    let scene = Scene::new("--partition-by channel");
    let (policy, key) = (scene.write("policy.toml", KEEPING), scene.key());
    let redacted = format!("--redact {policy} --pseudonym-key-file {key}");
    // Without a policy everything is found, also what is encoded: the search can fail.
    let plain = scene.package("plain", "");
    assert_eq!(plain.len(), scene.canaries.len(), "{plain:?}");
    assert_eq!(scene.package("redacted", &redacted), Vec::<String>::new());
    assert_eq!(scene.package("redacted.zip", &format!("{redacted} --zip")), Vec::<String>::new());
}

#[test]
fn no_planted_value_is_in_a_package_by_the_template() {
    let scene = Scene::new("--partition-by month");
    let template = Export::command("evidence --redact-template").expect(0).stdout;
    let (policy, key) = (scene.write("policy.toml", &template), scene.key());
    let options = format!("--redact {policy} --pseudonym-key-file {key}");
    assert_eq!(scene.package("redacted", &options), Vec::<String>::new());
    // The selection and its contacts file are not named either, and unknown contacts are there by pseudonym.
    scene.export.write("messages-60-a-contacts.csv", "contact_id\nmessages-60-a\nnobody-7654321\n");
    let file = scene.export.path("messages-60-a-contacts.csv").to_string_lossy().into_owned();
    assert_eq!(scene.package("chosen", &format!("{options} --contacts {file}")), Vec::<String>::new());
    let custody = std::fs::read_to_string(scene.export.path("chosen/data/custody/custody.json")).unwrap();
    assert!(custody.contains("\"not_in_export\": [\n    \"p-") && !custody.contains("7654321"), "{custody}");
}

#[test]
fn a_redacted_package_has_no_original_and_says_what_was_done() {
    let scene = Scene::new("");
    let (policy, key) = (scene.write("policy.toml", KEEPING), scene.key());
    scene.package("redacted", &format!("--redact {policy} --pseudonym-key-file {key}"));
    let package = scene.export.path("redacted");
    let files = files(&package);
    for absent in
        ["data/run", "data/raw", "data/custody/manifests", "data/custody/answers", "data/custody/files"]
    {
        assert!(!files.keys().any(|path| path.starts_with(absent)), "{absent}");
    }
    let record: Value = serde_json::from_slice(&files["data/custody/redaction.json"]).unwrap();
    let latest = json(&scene.export.out_path().join("_runs/latest.json"));
    assert_eq!(record["runs"][0]["manifest_sha256"], latest["sha256"]);
    assert_eq!(record["redaction"]["key_id"], "39ed5252");
    let policy_sha256 = chatzy_export::internals::digest::sha256(KEEPING);
    assert_eq!(record["redaction"]["policy_sha256"], policy_sha256.as_str());
    let counts = record["redaction"]["columns"].as_array().unwrap();
    for kind in ["name", "id", "phone", "email", "card", "iban", "ip", "url_query"] {
        assert!(counts.iter().any(|count| count["kind"] == kind), "{kind}: {counts:#?}");
    }
    for text in ["README.txt", "data/index.html", "data/custody/custody.html"] {
        assert!(String::from_utf8_lossy(&files[text]).to_lowercase().contains("redacted"), "{text}");
    }
    // Rows can be joined by their pseudonyms, and texts without personal data stay.
    let lines = |name: &str| -> Vec<Value> {
        let text = String::from_utf8_lossy(&files[name]).into_owned();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (contacts, messages) = (lines("data/json/contacts.jsonl"), lines("data/json/messages.jsonl"));
    assert_eq!(messages.len(), 135);
    for message in &messages {
        assert!(contacts.iter().any(|contact| contact["contact_id"] == message["contact_id"]));
    }
    assert!(messages.iter().any(|message| message["content"] == "Delivery & shipping"));
    // The same command makes the same bytes.
    scene.package("again", &format!("--redact {policy} --pseudonym-key-file {key}"));
    assert_eq!(self::files(&scene.export.path("again")), files);
}

#[test]
fn mistakes_end_before_anything_is_written() {
    let scene = Scene::new("");
    let from = scene.export.out_path().to_string_lossy().into_owned();
    let fails = |options: &str, folder: &str| -> String {
        let out = scene.export.path(folder);
        let command = Export::command("evidence --progress never").arg(&from).args("--out");
        let outcome = command.arg(&out.to_string_lossy()).args(options).expect(2);
        assert!(!out.exists());
        let folder = scene.export.path("").to_string_lossy().into_owned();
        outcome.stderr.replace(&folder, "").trim().to_owned()
    };
    let policy = scene.write("policy.toml", "[columns]\n\"*.contact_id\" = \"pseudonym\"\n");
    let wrong = scene.write("wrong.toml", "[columns]\n\"messages.body\" = \"keep\"\n");
    let key = scene.key();
    insta::assert_snapshot!(fails(&format!("--redact {policy}"), "a"), @"error: the policy has a pseudonym for contacts.contact_id; give a key with --pseudonym-key-file");
    insta::assert_snapshot!(fails(&format!("--redact {wrong}"), "a"), @"error: wrong.toml, line 2: messages.body: unknown column of the table messages");
    insta::assert_snapshot!(fails(&format!("--redact {policy}.x"), "a"), @"error: cannot read policy.toml.x: No such file or directory (os error 2)");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!(fails(&format!("--redact {policy} --pseudonym-key-file {key}"), "a"), @"error: other users can access the pseudonym key file key (mode 0644); run: chmod 600 key");
    // Without a key, the ID of the package says nothing of the selection: it is not taken for another one.
    let policy = scene.write("keyless.toml", "[columns]\n\"messages.content\" = \"detect\"\n");
    let out = scene.export.path("b").to_string_lossy().into_owned();
    let command = Export::command("evidence --progress never").arg(&from).args("--out").arg(&out);
    let command = command.args(&format!("--redact {policy} --contact messages-60-a"));
    command.expect(0);
    assert!(command.run().expect(9).stderr.contains("exists and is not this package"));
}
