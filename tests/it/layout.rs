//! The file of each row, and its place in the file.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::files::{CONTACTS, assert_consistent, export, paths};
use crate::support::export::{Export, read};
use crate::support::service::Service;
use crate::support::tables::Rows;

#[test]
fn partitions_hold_what_their_folders_say() {
    let service = Service::start("");
    let keys = ["export_date", "run", "channel", "year", "month", "date"];
    let base = export(&service).args("--format jsonl");
    let plain = base.clone().out("plain").expect(0).rows("messages");
    for keys in
        keys.map(str::to_owned).into_iter().chain(["year,channel".to_owned(), "channel,date".to_owned()])
    {
        let outcome =
            base.clone().out(&keys.replace(',', "-")).args(&format!("--partition-by {keys}")).expect(0);
        assert_consistent(&outcome);
        let manifest = outcome.manifest();
        let run_id = manifest["run_id"].as_str().unwrap();
        for path in paths(&manifest, "messages") {
            let folders: BTreeMap<&str, &str> =
                path.split('/').filter_map(|folder| folder.split_once('=')).collect();
            let order: Vec<&str> = path.split('/').filter_map(|part| Some(part.split_once('=')?.0)).collect();
            assert_eq!(order.join(","), keys, "{path}");
            for line in read(&outcome.out.join(&path)).lines() {
                let row: Value = serde_json::from_str(line).unwrap();
                let created_at = row["created_at"].as_str().unwrap();
                for (key, value) in &folders {
                    let expected = match *key {
                        "run" => run_id,
                        "export_date" => row["exported_at"].as_str().unwrap().split('T').next().unwrap(),
                        "year" => created_at.split('-').next().unwrap(),
                        "month" => created_at.rsplit_once('-').unwrap().0,
                        "date" => created_at.split('T').next().unwrap(),
                        _ => {
                            assert!(row.get("channel").is_none(), "readers take it from the path");
                            continue;
                        }
                    };
                    assert_eq!(*value, expected, "{path}");
                }
            }
        }
        let ids = |rows: &Rows| rows.column("message_id").into_iter().collect::<BTreeSet<_>>();
        assert_eq!(ids(&outcome.rows("messages")), ids(&plain), "{keys}");
        let contacts_are_apart = keys == "run" || keys == "export_date";
        assert_eq!(paths(&manifest, "contacts")[0].contains('='), contacts_are_apart, "{keys}");
    }
}

#[test]
fn a_channel_partition_is_a_channel() {
    let service = Service::start("");
    let base = export(&service).args("--format jsonl");
    let plain = base.clone().out("plain").expect(0).rows("messages");
    let channel_of: BTreeMap<String, String> =
        plain.column("message_id").into_iter().zip(plain.column("channel")).collect();
    let outcome = base.args("--partition-by channel").expect(0);
    for path in paths(&outcome.manifest(), "messages") {
        let folder = path.split('/').nth(1).unwrap().strip_prefix("channel=").unwrap();
        for line in read(&outcome.out.join(&path)).lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let channel = &channel_of[row["message_id"].as_str().unwrap()];
            let channel = if channel.is_empty() { "__HIVE_DEFAULT_PARTITION__" } else { channel };
            assert_eq!(folder, channel);
        }
    }
}

#[test]
fn small_files_are_cut_between_contacts() {
    let service = Service::start("");
    let contacts: Vec<String> = (0..6).map(|at| format!("messages-{}-{at}", 40 + at)).collect();
    let base = Export::run_of(service.url(), &contacts).args("--format jsonl");
    let whole = base.clone().out("whole").expect(0);
    let outcome = base.args("--target-file-size 1KB").expect(0);
    assert_consistent(&outcome);
    let files = paths(&outcome.manifest(), "messages");
    assert_eq!(files.len(), contacts.len(), "one for each contact, since each is more than 1 kB");
    for (file, contact) in files.iter().zip(&contacts) {
        let text = read(&outcome.out.join(file));
        let mut rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        assert!(rows.all(|row| row["contact_id"] == contact.as_str()), "{file}");
    }
    assert_eq!(outcome.rows("messages").without_run(), whole.rows("messages").without_run());
}

#[test]
fn rows_are_in_the_order_of_the_contract() {
    let service = Service::start("");
    let outcome = export(&service).args("--format jsonl").expect(0);
    assert_eq!(outcome.rows("coverage").column("contact_id"), CONTACTS);
    assert_eq!(
        outcome.rows("contacts").column("contact_id"),
        ["messages-250-a", "messages-7-b", "empty-c", "messages-120-e"]
    );
    let conversations = outcome.rows("conversations");
    let begins: BTreeMap<String, String> = conversations
        .column("conversation_id")
        .into_iter()
        .zip(conversations.column("first_message_at"))
        .collect();
    let key = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let contact = CONTACTS.iter().position(|contact| row["contact_id"] == *contact);
        let conversation = text("conversation_id");
        let (order, id) = (row["message_order"].as_i64().unwrap(), text("message_id"));
        (contact, begins[&conversation].clone(), conversation, text("created_at"), order, id)
    };
    let messages = outcome.rows("messages");
    assert!(messages.0.is_sorted_by_key(key), "messages");
}
