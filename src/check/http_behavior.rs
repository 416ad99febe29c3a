//! Checks the HTTP behavior of the API: version, compression, rate-limit headers and clock.

use std::time::Duration;

use bytesize::ByteSize;
use serde_json::{Map, Value};

use super::finding::{Finding, Findings};
use super::probe_page;
use super::sample::Sampled;
use crate::api::{Client, Clocks, HttpBehavior, ProbeError};

/// Maximum difference of the clocks without a warning. `Date` has whole seconds, and the request itself takes
/// time.
const MAX_SKEW: Duration = Duration::from_secs(30);

/// Requests the first page of a contact again, and adds findings about the response.
pub async fn probe(client: &Client, subject: &Sampled, findings: &mut Findings) {
    let query = probe_page::query(&subject.contact, 0, subject.first.limit);
    match Box::pin(client.probe_http(&query)).await {
        Ok(behavior) => add_findings(&behavior, subject.first.bytes, findings),
        Err(ProbeError::Fatal(stop)) => findings.stopped("http", stop),
        // Only a warning: this request has no retries, but those of a run have.
        Err(ProbeError::Nothing(why)) => {
            findings.add(Finding::warn("http", format!("could not be checked: {why}")));
        }
    }
}

fn add_findings(behavior: &HttpBehavior, unpacked: u64, findings: &mut Findings) {
    let millis = u64::try_from(behavior.round_trip.as_millis()).unwrap_or(u64::MAX);
    let http = format!("{}, response after {millis} ms including the connection", behavior.version);
    findings.add(Finding::ok("http", http).with("version", behavior.version).with("round_trip_ms", millis));
    findings.add(compression(behavior, unpacked));
    findings.add(rates(behavior));
    findings.add(match behavior.clocks {
        Some(clocks) => clock(clocks),
        None => Finding::skipped("clock", "the response has no Date header"),
    });
}

fn compression(behavior: &HttpBehavior, unpacked: u64) -> Finding {
    let wire = behavior.wire_bytes;
    let detail = match &behavior.encoding {
        Some(encoding) => {
            format!("{encoding}: {} on the wire for a page of {}", ByteSize(wire), ByteSize(unpacked))
        }
        None => format!("none: a page of {} is sent uncompressed", ByteSize(wire)),
    };
    let encoding = behavior.encoding.clone().map_or(Value::Null, Value::from);
    Finding::ok("compression", detail)
        .with("encoding", encoding)
        .with("wire_bytes", wire)
        .with("bytes", unpacked)
}

fn rates(behavior: &HttpBehavior) -> Finding {
    let headers: Map<String, Value> = behavior
        .rate_headers
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    let detail = if behavior.rate_headers.is_empty() {
        "no header states a limit; a run learns it".to_owned()
    } else {
        let headers = behavior.rate_headers.iter().map(|(name, value)| format!("{name}: {value}"));
        headers.collect::<Vec<_>>().join(", ")
    };
    Finding::ok("rate_limits", detail).with("headers", headers)
}

fn clock(Clocks { server, local }: Clocks) -> Finding {
    let (skew, is_ahead) = match local.duration_since(server) {
        Ok(ahead) => (ahead, true),
        Err(behind) => (behind.duration(), false),
    };
    let seconds = i64::try_from(skew.as_secs()).unwrap_or(i64::MAX);
    let finding = if skew <= MAX_SKEW {
        Finding::ok("clock", "within 30 s of the API's clock")
    } else {
        let direction = if is_ahead { "ahead of" } else { "behind" };
        let detail = format!(
            "this machine's clock is {} {direction} the API's: set it, since it determines exported_at, run IDs, the day of \
             a run and the renewal of tokens",
            humantime::format_duration(Duration::from_secs(skew.as_secs()))
        );
        Finding::warn("clock", detail)
    };
    finding.with("skew_seconds", if is_ahead { seconds } else { -seconds })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::finding::FindingStatus;
    use super::*;

    #[test]
    fn a_clock_may_differ_by_half_a_minute() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let status = |server, local| clock(Clocks { server: at(server), local: at(local) }).status;
        assert_eq!(status(1000, 1030), FindingStatus::Ok);
        assert_eq!(status(1000, 970), FindingStatus::Ok);
        assert_eq!(status(1000, 1031), FindingStatus::Warn);
        let behind = clock(Clocks { server: at(4700), local: at(1000) });
        assert_eq!(
            (behind.status, &behind.values["skew_seconds"]),
            (FindingStatus::Warn, &Value::from(-3700))
        );
        assert!(behind.detail.contains("1h 1m 40s behind"), "{}", behind.detail);
    }
}
