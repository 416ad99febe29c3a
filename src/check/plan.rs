//! Estimates a run: contacts, messages, requests, time and disk space.
//!
//! The lengths of histories come from an earlier run in the same folder, if there is one, and from the
//! sample. Other contacts are assumed to be like the sample: the more its contacts differ, the wider is the
//! range of each figure.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::histories::{Lengths, Measure, measure};
use super::limit::Limit;
use super::probe_page::PageReader;
use super::range::Amount;
use super::sample::{Sample, Sampled};
use crate::api::{Failure, Latency, Requests};
use crate::contacts::ContactList;
use crate::output::manifest::Manifest;
use crate::settings::Connection;
use crate::store::Store;
use crate::table::Table;
use crate::verify::lengths;

/// Number of histories measured concurrently.
const CONCURRENCY: usize = 4;
/// Size of the compressed spool, in percent of the responses.
const SPOOLED_PERCENT: Amount = Amount { low: 15, likely: 25, high: 35 };
/// Size of the tables as Parquet with zstd, in percent of the responses.
const STAGED_PERCENT: Amount = Amount { low: 20, likely: 30, high: 45 };
/// Upper end of the requests, in percent of those that are needed: a run also repeats requests, and asks for
/// pages ahead of their turn.
const MAX_REQUESTS_PERCENT: u64 = 130;
/// Percentiles of the times of requests, for the range of the time of a run.
const PERCENTILES: Amount = Amount { low: 25, likely: 50, high: 90 };
/// Estimate of a run. Only the number of contacts is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub contacts: u64,
    /// Number of contacts whose length is known from an earlier run.
    pub known_lengths: u64,
    /// Number of sampled contacts.
    pub sampled: u64,
    pub messages: u64,
    pub requests: u64,
    pub seconds: u64,
    /// Median time of a request, in milliseconds.
    pub latency_ms: u64,
    /// Maximum number of requests in flight.
    pub concurrency: u32,
    /// Disk space in bytes that the run needs until publication.
    pub bytes: u64,
    /// Lower ends of the ranges.
    pub low: PlanEnd,
    /// Upper ends of the ranges.
    pub high: PlanEnd,
}

/// One end of the ranges in which the figures of a run probably are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PlanEnd {
    pub messages: u64,
    pub requests: u64,
    pub seconds: u64,
    pub latency_ms: u64,
    pub bytes: u64,
}

/// Estimates a run of these contacts.
///
/// # Errors
/// If a page of a sampled contact cannot be read.
pub async fn estimate(
    reader: &PageReader<'_>,
    contacts: &ContactList,
    sample: &Sample,
    limit: Limit,
    out: Option<&Store>,
    connection: &Connection,
) -> Result<Plan, Failure> {
    let measure_one = |sampled| async move { Ok((sampled, measure(reader, sampled, limit).await?)) };
    let measured: Vec<(&Sampled, Measure)> =
        Box::pin(stream::iter(&sample.read).map(measure_one).buffered(CONCURRENCY).try_collect::<Vec<_>>())
            .await?;
    let found: HashMap<usize, Measure> =
        measured.iter().map(|(sampled, measure)| (sampled.index, *measure)).collect();
    let earlier = out.and_then(lengths::newest);
    let known = match (&earlier, out) {
        (Some(earlier), Some(out)) => tokio::task::block_in_place(|| lengths::known(out, earlier, contacts)),
        _ => Vec::new(),
    };
    let lengths = Lengths { found, known, limit };
    let (messages, requests) = lengths.sum(contacts.len(), sample.not_found);
    let requests =
        Amount { high: requests.high.saturating_mul(MAX_REQUESTS_PERCENT).div_ceil(100), ..requests };
    let latency_ms = latency(&reader.client.requests());
    let seconds = Amount {
        low: seconds(requests.low, latency_ms.low, connection),
        likely: seconds(requests.likely, latency_ms.likely, connection),
        high: seconds(requests.high, latency_ms.high, connection),
    };
    let bytes = disk_space(messages, sample, earlier.as_ref());
    let end = |of: fn(Amount) -> u64| PlanEnd {
        messages: of(messages),
        requests: of(requests),
        seconds: of(seconds),
        latency_ms: of(latency_ms),
        bytes: of(bytes),
    };
    Ok(Plan {
        contacts: contacts.len() as u64,
        known_lengths: lengths.known.iter().filter(|length| **length > 0).count() as u64,
        sampled: sample.len(),
        messages: messages.likely,
        requests: requests.likely,
        seconds: seconds.likely,
        latency_ms: latency_ms.likely,
        concurrency: connection.concurrency.get(),
        bytes: bytes.likely,
        low: end(|amount| amount.low),
        high: end(|amount| amount.high),
    })
}

/// Returns the times of the requests so far, in milliseconds: the median, and a range.
fn latency(requests: &Requests) -> Amount {
    let mut all = Latency::default();
    for bucket in &requests.timeline.buckets {
        all.merge(&bucket.latency);
    }
    PERCENTILES.map(|percent| all.percentile(percent).unwrap_or(0).div_ceil(1000))
}

/// Estimates the time from the latency, the concurrency and the rate limit.
///
/// It ignores that the pages of a history depend on each other, because a run prefetches them.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, of counts far below 2^52; a too large result saturates"
)]
fn seconds(requests: u64, latency_ms: u64, connection: &Connection) -> u64 {
    let by_latency = requests as f64 * latency_ms as f64 / 1000.0 / f64::from(connection.concurrency.get());
    let by_rate = connection.rate_limit.map_or(0.0, |rate| requests as f64 / rate);
    by_latency.max(by_rate).ceil() as u64
}

/// Estimates the disk space until publication, when both the spool and the staged files exist.
fn disk_space(messages: Amount, sample: &Sample, earlier: Option<&Manifest>) -> Amount {
    let bytes: u64 = sample.read.iter().map(|sampled| sampled.first.bytes).sum();
    let shown: u64 = sample.read.iter().map(|sampled| sampled.first.len()).sum();
    let answers = messages.map(|messages| messages.saturating_mul(bytes) / shown.max(1));
    let mut space = percent_of(answers, SPOOLED_PERCENT);
    let staged = earlier.and_then(|manifest| {
        let rows = manifest.tables.get(Table::Messages.name())?.rows;
        let bytes = manifest.files.iter().fold(0_u64, |bytes, file| bytes.saturating_add(file.bytes));
        (rows > 0).then(|| messages.map(|messages| messages.saturating_mul(bytes) / rows))
    });
    space.add(staged.unwrap_or_else(|| percent_of(answers, STAGED_PERCENT)));
    space
}

fn percent_of(amount: Amount, percent: Amount) -> Amount {
    let of = |amount: u64, percent: u64| amount.saturating_mul(percent) / 100;
    Amount {
        low: of(amount.low, percent.low),
        likely: of(amount.likely, percent.likely),
        high: of(amount.high, percent.high),
    }
}
