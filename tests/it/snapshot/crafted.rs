//! Exports of any size, written as JSONL by the test itself.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chatzy_export::internals::digest::sha256_of_file;
use serde_json::{Value, json};

use crate::support::export::write;

/// An export under construction.
pub struct Crafted {
    out: PathBuf,
    previous: Value,
}

/// A run under construction.
pub struct CraftedRun<'a> {
    export: &'a mut Crafted,
    id: String,
    files: Vec<CraftedFile>,
}

struct CraftedFile {
    table: &'static str,
    path: String,
    rows: u64,
    partition: Value,
    text: zstd::stream::write::AutoFinishEncoder<'static, BufWriter<File>>,
}

pub const TIME: &str = "2026-01-01T00:00:00.000000Z";

impl Crafted {
    pub fn new(out: &Path) -> Self {
        Self { out: out.to_owned(), previous: Value::Null }
    }

    pub fn run(&mut self, id: &str) -> CraftedRun<'_> {
        CraftedRun { export: self, id: id.to_owned(), files: Vec::new() }
    }
}

impl CraftedRun<'_> {
    /// Appends rows to the file of a table in this folder, such as `date=2026-01-01`, or none.
    pub fn row(&mut self, table: &'static str, folder: &str, row: &str) {
        let path = match folder {
            "" => format!("{table}/part-{}-00000.jsonl.zst", self.id),
            folder => format!("{table}/{folder}/part-{}-00000.jsonl.zst", self.id),
        };
        let known = self.files.iter().position(|file| file.path == path);
        let at = known.unwrap_or_else(|| {
            let file = self.export.out.join(&path);
            write(&file, "");
            let file = File::options().write(true).open(file).unwrap();
            let text = zstd::Encoder::new(BufWriter::new(file), 1).unwrap().auto_finish();
            let partition = folder.split_once('=').map_or(json!({}), |(key, value)| json!({ key: value }));
            self.files.push(CraftedFile { table, path, rows: 0, partition, text });
            self.files.len() - 1
        });
        let file = &mut self.files[at];
        file.rows += 1;
        file.text.write_all(row.as_bytes()).unwrap();
        file.text.write_all(b"\n").unwrap();
    }

    /// A contact with this number of messages, and the times of the first and the last.
    pub fn contact(&mut self, id: &str, status: &str, (messages, first, last): (u64, &str, &str)) {
        let quoted = |time: &str| if messages > 0 { format!("\"{time}\"") } else { "null".to_owned() };
        let (first, last) = (quoted(first), quoted(last));
        self.row("coverage", "", &format!(
            r#"{{"contact_id":"{id}","status":"{status}","messages":{messages},"pages":1,"requests":1,"retries":0,"rereads":0,"end":"proved","first_message_at":{first},"last_message_at":{last},"fetch_started_at":null,"fetch_finished_at":null,"error":null,"input_line":null,"exported_at":"{TIME}","run_id":"{}"}}"#,
            self.id
        ));
        if matches!(status, "exported" | "empty") {
            self.row("contacts", "", &format!(
                r#"{{"contact_id":"{id}","user_email_id":null,"first_name":"Ada","last_name":null,"phone_number":null,"created_at":null,"last_interacted_at":null,"contact_queries":null,"is_blacklisted":null,"is_frozen":null,"frozen_until":null,"conversation_count":0,"message_count":{messages},"first_message_at":{first},"last_message_at":{last},"extra":null,"exported_at":"{TIME}","run_id":"{}"}}"#,
                self.id
            ));
        }
    }

    pub fn message(&mut self, contact: &str, id: &str, folder: &str, created_at: &str, content: &str) {
        let run = self.id.clone();
        self.row("messages", folder, &format!(
            r#"{{"message_id":"{id}","conversation_id":null,"contact_id":"{contact}","message_order":null,"role":"user","content":"{content}","created_at":"{created_at}","channel":null,"conversation_type":null,"conversation_status":null,"assigned_to":null,"chatbot_id":null,"extra":null,"exported_at":"{TIME}","run_id":"{run}"}}"#
        ));
    }

    /// Writes the manifest.
    pub fn publish(self, partition_by: &[&str]) {
        let Self { export, id, files } = self;
        let schema: Value = serde_json::from_str(
            &crate::support::export::Export::command("schema --format arrow").expect(0).stdout,
        )
        .unwrap();
        let mut tables = serde_json::Map::new();
        for table in ["contacts", "conversations", "messages", "channel_records", "coverage"] {
            let rows: u64 = files.iter().filter(|file| file.table == table).map(|file| file.rows).sum();
            tables.insert(table.to_owned(), json!({"rows": rows, "columns": columns(&schema, table)}));
        }
        let of_file = |file: CraftedFile| {
            drop(file.text);
            let (sha256, bytes) = sha256_of_file(&export.out.join(&file.path)).unwrap();
            json!({
                "table": file.table, "path": file.path, "rows": file.rows, "bytes": bytes, "sha256": sha256,
                "partition": file.partition, "min_created_at": null, "max_created_at": null
            })
        };
        let files: Vec<Value> = files.into_iter().map(of_file).collect();
        let manifest = json!({
            "manifest_version": 1, "schema_version": 1, "run_id": id, "status": "complete",
            "tool": {"name": "chatzy-export", "version": "0.1.0"}, "started_at": TIME, "finished_at": TIME,
            "source": {"base_url": "simulated"},
            "options": {"format": "jsonl", "compression": "zstd:1", "partition_by": partition_by},
            "input": {"path": "-", "sha256": "", "lines": 0, "contacts": 0, "duplicates": 0},
            "contacts": {"requested": 0, "exported": 0, "empty": 0, "not_found": 0, "unresolved": 0, "failed": 0},
            "requests": {"sent": 0, "retries": 0, "by_status": {}}, "unknown_fields": {}, "tables": tables,
            "files": files, "previous": export.previous
        })
        .to_string();
        let path = format!("_runs/{id}/manifest.json");
        write(&export.out.join(&path), &manifest);
        let sha256 = chatzy_export::internals::digest::sha256(&manifest);
        let latest = json!({"run_id": id, "manifest": path, "sha256": sha256});
        write(&export.out.join("_runs/latest.json"), latest.to_string());
        export.previous = json!({"run_id": id, "sha256": sha256});
    }
}

/// The columns of a table, as a manifest names them.
fn columns(schema: &Value, table: &str) -> Vec<Value> {
    let tables = schema["tables"].as_array().unwrap();
    let found = tables.iter().find(|found| found["name"] == table).unwrap();
    let kind = |field: &Value| {
        let name = field["name"].as_str().unwrap();
        let kind = match field["type"]["name"].as_str().unwrap() {
            "utf8" if ["extra", "raw"].contains(&name) => "json",
            "utf8" => "str",
            "timestamp" => "ts",
            "int" => "int",
            _ => "bool",
        };
        json!({"name": name, "type": kind})
    };
    found["fields"].as_array().unwrap().iter().map(kind).collect()
}
