//! Estimates a run: contacts, messages, requests, time and disk space.
//!
//! The lengths of histories come from an earlier run in the same folder, if there is one, and from the
//! sample. Other contacts are assumed to be like the sample.

use std::collections::HashMap;
use std::path::Path;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::length;
use super::limit::{Limit, LimitMeaning};
use super::probe_page::PageReader;
use super::sample::{Sample, Sampled};
use crate::api::{Failure, Latency, Requests};
use crate::contacts::ContactList;
use crate::output::manifest::Manifest;
use crate::settings::Connection;
use crate::table::Table;
use crate::verify::lengths;

/// Number of histories measured concurrently.
const CONCURRENCY: usize = 4;
/// Number of contacts at the start of a run whose end is proved (see [`crate::fetch`]).
const PROVED: u64 = 20;
/// Interval of the later contacts whose end is proved.
const PROVED_OF: u64 = 100;
/// Requests for the proof of an end: an empty page after it, and a page with only the last message.
const PROOF: u64 = 2;
/// Size of the compressed spool, in percent of the responses.
const SPOOLED_PERCENT: u64 = 25;
/// Size of the tables as Parquet with zstd, in percent of the responses.
const STAGED_PERCENT: u64 = 30;
/// Requests per page if pages are shorter than the limit. Prefetched pages then have the wrong offsets, and
/// every short page must be confirmed.
const REQUESTS_PER_CUT_PAGE: u64 = 2;

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
}

/// Estimated size of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Measure {
    /// Length in the unit of `offset`.
    length: u64,
    messages: u64,
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
    out: Option<&Path>,
    connection: &Connection,
) -> Result<Plan, Failure> {
    let measure_one = |sampled| async move { Ok((sampled, measure(reader, sampled, limit).await?)) };
    let measured: Vec<(&Sampled, Measure)> =
        Box::pin(stream::iter(&sample.read).map(measure_one).buffered(CONCURRENCY).try_collect::<Vec<_>>())
            .await?;
    let earlier = out.and_then(lengths::newest);
    let known = match (&earlier, out) {
        (Some(earlier), Some(out)) => tokio::task::block_in_place(|| lengths::known(out, earlier, contacts)),
        _ => Vec::new(),
    };
    let found: HashMap<usize, Measure> =
        measured.iter().map(|(sampled, measure)| (sampled.index, *measure)).collect();
    // A contact that does not exist counts as an empty one.
    let answered = (measured.len() as u64 + sample.not_found).max(1);
    let (mut messages, mut requests, mut rest) = (0, 0, 0);
    for index in 0..contacts.len() {
        let earlier = known.get(index).map(|length| u64::from(*length)).filter(|length| *length > 0);
        let measure = match (found.get(&index), earlier) {
            (Some(found), _) => *found,
            (None, Some(length)) => Measure { length, messages: length },
            (None, None) => {
                rest += 1;
                continue;
            }
        };
        messages += measure.messages;
        requests += requests_for(measure.length, index as u64, limit);
    }
    // Not the cost of a contact of mean length: the mean cost of the sample is more accurate.
    messages += rest * measured.iter().map(|(_, measure)| measure.messages).sum::<u64>() / answered;
    let of_sample: u64 =
        measured.iter().map(|(_, measure)| requests_for(measure.length, PROVED + 1, limit)).sum();
    requests += rest * (of_sample + sample.not_found) / answered;
    let latency_ms = latency(&reader.client.requests());
    let known_lengths = known.iter().filter(|length| **length > 0).count() as u64;
    Ok(Plan {
        contacts: contacts.len() as u64,
        known_lengths,
        sampled: sample.len(),
        messages,
        requests,
        seconds: seconds(requests, latency_ms, connection),
        latency_ms,
        concurrency: connection.concurrency.get(),
        bytes: disk_space(messages, sample, earlier.as_ref()),
    })
}

async fn measure(reader: &PageReader<'_>, sampled: &Sampled, limit: Limit) -> Result<Measure, Failure> {
    let first = &sampled.first;
    let shown = match limit.counts {
        LimitMeaning::PerConversation => first.largest(),
        LimitMeaning::Messages | LimitMeaning::Ignored | LimitMeaning::Unknown => first.len(),
    };
    if shown < limit.page.min(u64::from(first.limit)) {
        return Ok(Measure { length: shown, messages: first.len() });
    }
    let length = Box::pin(length::estimate(reader, &sampled.contact, shown)).await?;
    // If `limit` counts per conversation, only the longest one is measured. The others are assumed to grow
    // with it.
    Ok(Measure { length, messages: first.len() * length / shown.max(1) })
}

/// Estimates the requests for a history of this length, at this index of the list.
///
/// Each page after the first repeats a message as overlap, and the last page is short. A history of less than
/// a page needs no further request, unless its end is proved. Prefetched pages after the end are ignored:
/// only short runs have many.
fn requests_for(length: u64, index: u64, limit: Limit) -> u64 {
    let page = limit.page.max(1);
    let further = if length < page { 0 } else { (length - page) / (page - 1).max(1) + 1 };
    let is_cut = limit.is_cut || limit.counts == LimitMeaning::Ignored;
    let is_proved = is_cut || index < PROVED || index.is_multiple_of(PROVED_OF);
    let each = if is_cut { REQUESTS_PER_CUT_PAGE } else { 1 };
    1 + further * each + if is_proved && length > 0 { PROOF } else { 0 }
}

/// Returns the median time of the requests so far, in milliseconds.
fn latency(requests: &Requests) -> u64 {
    let mut all = Latency::default();
    for bucket in &requests.timeline.buckets {
        all.merge(&bucket.latency);
    }
    all.percentile(50).unwrap_or(0).div_ceil(1000)
}

/// Estimates the time from the median latency, the concurrency and the rate limit.
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
fn disk_space(messages: u64, sample: &Sample, earlier: Option<&Manifest>) -> u64 {
    let bytes: u64 = sample.read.iter().map(|sampled| sampled.first.bytes).sum();
    let shown: u64 = sample.read.iter().map(|sampled| sampled.first.len()).sum();
    let answers = messages * bytes / shown.max(1);
    let staged = earlier.and_then(|manifest| {
        let rows = manifest.tables.get(Table::Messages.name())?.rows;
        let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
        (rows > 0).then(|| messages * bytes / rows)
    });
    answers * SPOOLED_PERCENT / 100 + staged.unwrap_or(answers * STAGED_PERCENT / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(page: u64, is_cut: bool) -> Limit {
        Limit { counts: LimitMeaning::Messages, page, is_cut }
    }

    #[test]
    fn requests_follow_from_the_length() {
        let late = |length| requests_for(length, 50, limit(100, false));
        assert_eq!([late(0), late(1), late(99)], [1, 1, 1], "a short page is believed");
        assert_eq!([late(100), late(198), late(199)], [2, 2, 3], "each further page repeats one message");
        assert_eq!(requests_for(99, 3, limit(100, false)), 3, "among the first the end is proved");
        assert_eq!(requests_for(99, 200, limit(100, false)), 3);
        assert_eq!(requests_for(39, 50, limit(40, true)), 3, "and where short pages are not the end");
        assert_eq!(requests_for(100, 50, limit(40, true)), 7, "a cut page takes about two requests");
        assert_eq!(requests_for(7, 50, limit(1, false)), 8);
    }
}
