//! What a run would be: contacts, messages, requests, time and room, as far as that can be told beforehand.
//!
//! Of contacts that an earlier run in the same folder has read the length is known, of those of the sample it is found out,
//! and the others are taken to be like the sample.

use std::collections::HashMap;
use std::path::Path;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::ask::Asker;
use super::length;
use super::limit::{Counts, Limit};
use super::sample::{Sample, Sampled};
use crate::api::{Failure, Latency, Requests};
use crate::contacts::ContactList;
use crate::output::manifest::Manifest;
use crate::settings::Connection;
use crate::table::Table;
use crate::verify::lengths;

/// Histories whose length is found out at a time.
const AT_ONCE: usize = 4;
/// Contacts at the beginning of which a run proves the end, and of the others one in so many (see [`crate::fetch`]).
const PROVED: u64 = 20;
const PROVED_OF: u64 = 100;
/// Requests that prove an end: an empty page behind it, and one that shows the last message and nothing more.
const PROOF: u64 = 2;
/// Parts of the bytes of the answers that the spool takes, packed, and the tables as Parquet with zstd.
const SPOOLED_PERCENT: u64 = 25;
const STAGED_PERCENT: u64 = 30;
/// Requests for each page where pages end before the limit: the next ones were asked for ahead at other places, and no short
/// page is believed.
const FOR_A_CUT_PAGE: u64 = 2;

/// What a run would be. All but the contacts is an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Contacts to read.
    pub contacts: u64,
    /// Of these, those of which an earlier run tells how long their histories are.
    pub known_lengths: u64,
    /// Those asked for, by which the others are judged.
    pub sampled: u64,
    /// Messages of all.
    pub messages: u64,
    /// Requests for them.
    pub requests: u64,
    /// Seconds they take.
    pub seconds: u64,
    /// The time of one, in milliseconds, of half of those sent just now.
    pub latency_ms: u64,
    /// The most in flight.
    pub concurrency: u32,
    /// Bytes that the run needs until it is published.
    pub bytes: u64,
}

/// What a contact is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Measure {
    /// In what offsets count.
    length: u64,
    messages: u64,
}

/// Makes the plan.
///
/// # Errors
/// When the API ends it, or a contact of the sample cannot be asked for any more.
pub async fn make(
    asker: &Asker<'_>,
    contacts: &ContactList,
    sample: &Sample,
    limit: Limit,
    out: Option<&Path>,
    connection: &Connection,
) -> Result<Plan, Failure> {
    let ask = |sampled| async move { Ok((sampled, measure(asker, sampled, limit).await?)) };
    let measured: Vec<(&Sampled, Measure)> =
        Box::pin(stream::iter(&sample.read).map(ask).buffered(AT_ONCE).try_collect::<Vec<_>>()).await?;
    let earlier = out.and_then(lengths::newest);
    let known = match (&earlier, out) {
        (Some(earlier), Some(out)) => tokio::task::block_in_place(|| lengths::known(out, earlier, contacts)),
        _ => Vec::new(),
    };
    let found: HashMap<usize, Measure> =
        measured.iter().map(|(sampled, measure)| (sampled.place, *measure)).collect();
    // One that is not found is as one without messages.
    let answered = (measured.len() as u64 + sample.not_found).max(1);
    let (mut messages, mut requests, mut rest) = (0, 0, 0);
    for place in 0..contacts.len() {
        let earlier = known.get(place).map(|length| u64::from(*length)).filter(|length| *length > 0);
        let measure = match (found.get(&place), earlier) {
            (Some(found), _) => *found,
            (None, Some(length)) => Measure { length, messages: length },
            (None, None) => {
                rest += 1;
                continue;
            }
        };
        messages += measure.messages;
        requests += reads(measure.length, place as u64, limit);
    }
    // The others cost what the sample costs, and not what one contact of its mean length would.
    messages += rest * measured.iter().map(|(_, measure)| measure.messages).sum::<u64>() / answered;
    let of_sample: u64 = measured.iter().map(|(_, measure)| reads(measure.length, PROVED + 1, limit)).sum();
    requests += rest * (of_sample + sample.not_found) / answered;
    let latency_ms = latency(&asker.client.requests());
    let known_lengths = known.iter().filter(|length| **length > 0).count() as u64;
    Ok(Plan {
        contacts: contacts.len() as u64,
        known_lengths,
        sampled: sample.asked(),
        messages,
        requests,
        seconds: seconds(requests, latency_ms, connection),
        latency_ms,
        concurrency: connection.concurrency.get(),
        bytes: room(messages, sample, earlier.as_ref()),
    })
}

async fn measure(asker: &Asker<'_>, sampled: &Sampled, limit: Limit) -> Result<Measure, Failure> {
    let first = &sampled.first;
    let shown = match limit.counts {
        Counts::PerConversation => first.largest(),
        Counts::Messages | Counts::Ignored | Counts::Unknown => first.len(),
    };
    if shown < limit.page.min(u64::from(first.limit)) {
        return Ok(Measure { length: shown, messages: first.len() });
    }
    let length = Box::pin(length::about(asker, &sampled.contact, shown)).await?;
    // Where each conversation counts for itself the longest is known, and the others are taken to grow with it.
    Ok(Measure { length, messages: first.len() * length / shown.max(1) })
}

/// Requests for the history at this place of the list.
///
/// The first page brings a page; each further one repeats a message, by which it joins what is known, and the last of them
/// is short. A history of less than a page is known to end there, unless its end is proved. Pages that are asked for ahead of
/// their turn and turn out to lie behind the end are left out: there are few but in short runs with many idle slots.
fn reads(length: u64, place: u64, limit: Limit) -> u64 {
    let page = limit.page.max(1);
    let further = if length < page { 0 } else { (length - page) / (page - 1).max(1) + 1 };
    let is_cut = limit.is_cut || limit.counts == Counts::Ignored;
    let is_proved = is_cut || place < PROVED || place.is_multiple_of(PROVED_OF);
    let each = if is_cut { FOR_A_CUT_PAGE } else { 1 };
    1 + further * each + if is_proved && length > 0 { PROOF } else { 0 }
}

/// The time of half of the requests sent so far, in milliseconds.
fn latency(requests: &Requests) -> u64 {
    let mut all = Latency::default();
    for bucket in &requests.timeline.buckets {
        all.merge(&bucket.latency);
    }
    all.percentile(50).unwrap_or(0).div_ceil(1000)
}

/// As many at a time as allowed, each taking as long as now, and no more a second than allowed. That pages of one history
/// follow each other is left out: they are asked for ahead when there is room.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, of counts far below 2^52; what is too large for the time of a run is cut"
)]
fn seconds(requests: u64, latency_ms: u64, connection: &Connection) -> u64 {
    let by_latency = requests as f64 * latency_ms as f64 / 1000.0 / f64::from(connection.concurrency.get());
    let by_rate = connection.rate_limit.map_or(0.0, |rate| requests as f64 / rate);
    by_latency.max(by_rate).ceil() as u64
}

/// Bytes until the run is published: the spool and the finished files lie beside each other.
fn room(messages: u64, sample: &Sample, earlier: Option<&Manifest>) -> u64 {
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
        Limit { counts: Counts::Messages, page, is_cut }
    }

    #[test]
    fn what_a_history_costs() {
        let late = |length| reads(length, 50, limit(100, false));
        assert_eq!([late(0), late(1), late(99)], [1, 1, 1], "a short page is believed");
        assert_eq!([late(100), late(198), late(199)], [2, 2, 3], "each further page repeats one message");
        assert_eq!(reads(99, 3, limit(100, false)), 3, "among the first the end is proved");
        assert_eq!(reads(99, 200, limit(100, false)), 3);
        assert_eq!(reads(39, 50, limit(40, true)), 3, "and where short pages are not the end");
        assert_eq!(reads(100, 50, limit(40, true)), 7, "a cut page is asked for about twice");
        assert_eq!(reads(7, 50, limit(1, false)), 8);
    }
}
