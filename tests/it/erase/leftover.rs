//! Searches every file of an export for what identifies a contact: in the bytes, in decompressed text, and in the
//! values, statistics and bloom filters of Parquet files.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use chatzy_export::internals::state;
use chatzy_export::internals::store::Store;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;

use super::lines;
use crate::support::export::{Export, tree};

/// The members of a row that identify a contact.
#[derive(serde::Deserialize)]
struct Row {
    contact_id: String,
    phone_number: Option<String>,
    message_id: Option<String>,
    conversation_id: Option<String>,
}

/// Texts that identify contacts.
pub struct Leftover {
    ids: BTreeSet<String>,
    texts: BTreeSet<String>,
}

impl Leftover {
    /// The IDs of the contacts, their telephone numbers, and the IDs of their messages and conversations.
    pub fn of(export: &Export, runs: &[&str], contacts: &[&str]) -> Self {
        let mut texts: BTreeSet<String> = contacts.iter().map(|id| (*id).to_owned()).collect();
        for run in runs {
            for table in ["contacts", "messages", "conversations"] {
                let rows = lines(export, table, run);
                let rows = rows.iter().map(|line| serde_json::from_str::<Row>(line).unwrap());
                for row in rows.filter(|row| contacts.contains(&row.contact_id.as_str())) {
                    let values =
                        [row.phone_number, row.message_id, row.conversation_id].into_iter().flatten();
                    // Short IDs occur in other texts.
                    texts.extend(values.filter(|value| value.len() >= 8));
                }
            }
        }
        Self { ids: contacts.iter().map(|id| (*id).to_owned()).collect(), texts }
    }

    /// The number of places with one of the texts.
    pub fn count(&self, out: &Path) -> usize {
        self.found(out).len()
    }

    /// The files with one of the texts, and the text.
    pub fn found(&self, out: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for path in tree(out) {
            let bytes = std::fs::read(out.join(&path)).unwrap();
            let mut content = bytes.clone();
            if path.ends_with(".parquet") {
                if self.is_in_filters(&bytes) {
                    found.push(format!("{path}: a bloom filter"));
                }
                if path.starts_with("_runs/") {
                    for row in state::read(&Store::local(out), path.as_ref()).unwrap() {
                        content.extend(row.unwrap().contact_id.bytes());
                        content.push(b'\n');
                    }
                } else {
                    content.extend(values(&out.join(&path)));
                }
            } else if path.ends_with(".jsonl.gz") {
                flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut content).unwrap();
            } else if path.ends_with(".jsonl.zst") {
                content.extend(zstd::decode_all(bytes.as_slice()).unwrap());
            }
            let text = String::from_utf8_lossy(&content);
            found.extend(
                self.texts.iter().filter(|found| text.contains(*found)).map(|text| format!("{path}: {text}")),
            );
        }
        found
    }

    fn is_in_filters(&self, bytes: &[u8]) -> bool {
        let file = bytes::Bytes::copy_from_slice(bytes);
        let properties =
            parquet::file::properties::ReaderProperties::builder().set_read_bloom_filter(true).build();
        let options = ReadOptionsBuilder::new().with_reader_properties(properties).build();
        let reader = SerializedFileReader::new_with_options(file, options).unwrap();
        let mut hits = 0;
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).unwrap();
            let columns = group.metadata().columns();
            for (at, _) in
                columns.iter().enumerate().filter(|(_, column)| column.column_path().string() == "contact_id")
            {
                let filter = group.get_column_bloom_filter(at);
                hits += filter
                    .map_or(0, |filter| self.ids.iter().filter(|id| filter.check(&id.as_str())).count());
            }
        }
        hits > 0
    }
}

/// All values of a Parquet file as text.
fn values(path: &Path) -> Vec<u8> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.flat_map(|row| row.unwrap().to_string().into_bytes()).collect()
}
