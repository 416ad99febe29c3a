//! Which folder a row belongs to (`docs/tables.md#partitions`).

use std::collections::HashMap;
use std::fmt::Write;

use arrow::array::{Array, AsArray, StringArray};
use chrono::{Datelike, NaiveDate};

use super::OutputSpec;
use crate::settings::PartitionKey;
use crate::table::{Rows, Table};

/// What stands for null in a folder's name.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// 1970-01-01 as chrono counts days.
const EPOCH_DAY: i32 = 719_163;

/// Keys with the values of one folder.
pub(super) type Values = Vec<(String, Option<String>)>;

/// Assigns the rows of one table to partitions, numbered from 0 in the order of their first rows.
pub(super) struct Partitioner {
    keys: Vec<Key>,
    grain: Option<Grain>,
    by_channel: bool,
    known: HashMap<RowKey, usize>,
    values: Vec<Values>,
}

enum Key {
    Fixed(&'static str, String),
    Year,
    Month,
    Date,
    Channel,
}

/// The finest time key: what distinguishes two times.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grain {
    Year,
    Month,
    Date,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct RowKey {
    /// The first day of the year, month or day.
    day: Option<NaiveDate>,
    channel: Option<Box<str>>,
}

impl Partitioner {
    /// The keys that apply to the table, in the order given.
    pub(super) fn new(spec: &OutputSpec, table: Table) -> Self {
        let per_message = table.is_per_message();
        let mut keys = Vec::new();
        for key in &spec.settings.partition_by {
            match key {
                PartitionKey::ExportDate => {
                    keys.push(Key::Fixed("export_date", spec.export_date.format("%Y-%m-%d").to_string()));
                }
                PartitionKey::Run => keys.push(Key::Fixed("run", spec.run_id.to_string())),
                PartitionKey::Year if per_message => keys.push(Key::Year),
                PartitionKey::Month if per_message => keys.push(Key::Month),
                PartitionKey::Date if per_message => keys.push(Key::Date),
                PartitionKey::Channel if per_message => keys.push(Key::Channel),
                PartitionKey::Year | PartitionKey::Month | PartitionKey::Date | PartitionKey::Channel => {}
            }
        }
        let grain = keys.iter().filter_map(Key::grain).max();
        let by_channel = keys.iter().any(|key| matches!(key, Key::Channel));
        Self { keys, grain, by_channel, known: HashMap::new(), values: Vec::new() }
    }

    /// Whether the column `channel` is in the folders' names and not in the files.
    pub(super) fn takes_channel(&self) -> bool {
        self.by_channel
    }

    /// Whether rows differ in their partition at all.
    pub(super) fn is_by_row(&self) -> bool {
        self.by_channel || self.grain.is_some()
    }

    /// The keys and values of a partition.
    pub(super) fn values(&self, partition: usize) -> &Values {
        &self.values[partition]
    }

    /// The partition of all rows, when they do not differ in it.
    pub(super) fn whole(&mut self) -> usize {
        self.number(&RowKey { day: None, channel: None })
    }

    /// The partition of each row.
    pub(super) fn assign(&mut self, rows: &Rows) -> Vec<usize> {
        let channels: Option<&StringArray> = self
            .by_channel
            .then(|| rows.batch.column_by_name("channel").and_then(|column| column.as_string_opt()))
            .flatten();
        let mut last: Option<(RowKey, usize)> = None;
        let mut assigned = Vec::with_capacity(rows.batch.num_rows());
        for row in 0..rows.batch.num_rows() {
            let day = self.grain.and_then(|grain| day_of(rows, row, grain));
            let channel = channels
                .filter(|array| array.is_valid(row))
                .map(|array| array.value(row))
                .filter(|channel| !channel.is_empty()); // an empty folder value means null to Hive
            let partition = match &last {
                Some((key, partition)) if key.day == day && key.channel.as_deref() == channel => *partition,
                _ => {
                    let key = RowKey { day, channel: channel.map(Into::into) };
                    let partition = self.number(&key);
                    last = Some((key, partition));
                    partition
                }
            };
            assigned.push(partition);
        }
        assigned
    }

    fn number(&mut self, key: &RowKey) -> usize {
        if let Some(known) = self.known.get(key) {
            return *known;
        }
        let number = self.values.len();
        self.values.push(self.keys.iter().map(|name| name.value(key)).collect());
        self.known.insert(key.clone(), number);
        number
    }
}

impl Key {
    fn grain(&self) -> Option<Grain> {
        match self {
            Self::Year => Some(Grain::Year),
            Self::Month => Some(Grain::Month),
            Self::Date => Some(Grain::Date),
            Self::Fixed(..) | Self::Channel => None,
        }
    }

    fn value(&self, row: &RowKey) -> (String, Option<String>) {
        let (name, value) = match self {
            Self::Fixed(name, value) => (*name, Some(value.clone())),
            Self::Year => ("year", row.day.map(|day| format!("{:04}", day.year()))),
            Self::Month => ("month", row.day.map(|day| format!("{:04}-{:02}", day.year(), day.month()))),
            Self::Date => {
                let date = |day: NaiveDate| format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day());
                ("date", row.day.map(date))
            }
            Self::Channel => ("channel", row.channel.as_deref().map(str::to_owned)),
        };
        (name.to_owned(), value)
    }
}

fn day_of(rows: &Rows, row: usize, grain: Grain) -> Option<NaiveDate> {
    let times = rows.message_time.as_ref()?;
    if times.is_null(row) {
        return None;
    }
    let days = i32::try_from(times.value(row).div_euclid(MICROS_PER_DAY)).ok()?;
    let day = NaiveDate::from_num_days_from_ce_opt(days.checked_add(EPOCH_DAY)?)?;
    match grain {
        Grain::Date => Some(day),
        Grain::Month => day.with_day(1),
        Grain::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
    }
}

/// The folder of a partition relative to the output folder, such as `messages/month=2026-11`.
pub fn folder(table: &str, values: &[(String, Option<String>)]) -> String {
    values.iter().fold(table.to_owned(), |mut folder, (key, value)| {
        folder.push('/');
        folder.push_str(key);
        folder.push('=');
        match value {
            None => folder.push_str(NULL_PARTITION),
            Some(value) => percent_encode(value, &mut folder),
        }
        folder
    })
}

fn percent_encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-') {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
