//! The manner in which the API answers: rates, compression, the version of HTTP, its clock.

use std::time::Duration;

use bytesize::ByteSize;
use serde_json::{Map, Value};

use super::ask;
use super::finding::{Finding, Findings};
use super::sample::Sampled;
use crate::api::{Client, Clocks, Look, LookError};

/// A clock that differs by more is told: the header counts whole seconds, and requests take some.
const MOST_SKEW: Duration = Duration::from_secs(30);

/// Asks for the first page of a contact once more, and tells how it was answered.
pub async fn find_out(client: &Client, subject: &Sampled, found: &mut Findings) {
    let query = ask::query(&subject.contact, 0, subject.first.limit);
    match Box::pin(client.look(&query)).await {
        Ok(look) => tell(&look, subject.first.bytes, found),
        Err(LookError::Stop(stop)) => found.stopped("http", stop),
        // A run does not need it: it has repeats of its own.
        Err(LookError::Nothing(why)) => {
            found.put(Finding::warn("http", format!("how the API answers could not be looked at: {why}")));
        }
    }
}

fn tell(look: &Look, unpacked: u64, found: &mut Findings) {
    let millis = u64::try_from(look.round_trip.as_millis()).unwrap_or(u64::MAX);
    let http = format!("{}, answered after {millis} ms with the time to connect", look.version);
    found.put(Finding::ok("http", http).with("version", look.version).with("round_trip_ms", millis));
    found.put(compression(look, unpacked));
    found.put(rates(look));
    found.put(match look.clocks {
        Some(clocks) => clock(clocks),
        None => Finding::skipped("clock", "the answer has no Date"),
    });
}

fn compression(look: &Look, unpacked: u64) -> Finding {
    let wire = look.wire_bytes;
    let detail = match &look.encoding {
        Some(encoding) => {
            format!("{encoding}: {} on the wire for a page of {}", ByteSize(wire), ByteSize(unpacked))
        }
        None => format!("none: a page of {} comes as it is", ByteSize(wire)),
    };
    let encoding = look.encoding.clone().map_or(Value::Null, Value::from);
    Finding::ok("compression", detail)
        .with("encoding", encoding)
        .with("wire_bytes", wire)
        .with("bytes", unpacked)
}

fn rates(look: &Look) -> Finding {
    let headers: Map<String, Value> =
        look.rate_headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let detail = if look.rate_headers.is_empty() {
        "no header tells; a run finds the limit by itself".to_owned()
    } else {
        let told: Vec<_> = look.rate_headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        told.join(", ")
    };
    Finding::ok("rate_limits", detail).with("headers", headers)
}

fn clock(Clocks { server, local }: Clocks) -> Finding {
    let (skew, is_ahead) = match local.duration_since(server) {
        Ok(ahead) => (ahead, true),
        Err(behind) => (behind.duration(), false),
    };
    let seconds = i64::try_from(skew.as_secs()).unwrap_or(i64::MAX);
    let finding = if skew <= MOST_SKEW {
        Finding::ok("clock", "as the API's, within half a minute")
    } else {
        let way = if is_ahead { "ahead of" } else { "behind" };
        let detail = format!(
            "this machine's clock is {} {way} the API's: exported_at, run IDs and the day of a run follow it, as does when \
             a token is renewed",
            humantime::format_duration(Duration::from_secs(skew.as_secs()))
        );
        Finding::warn("clock", detail)
    };
    finding.with("skew_seconds", if is_ahead { seconds } else { -seconds })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::finding::Status;
    use super::*;

    #[test]
    fn a_clock_may_differ_by_half_a_minute() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let status = |server, local| clock(Clocks { server: at(server), local: at(local) }).status;
        assert_eq!(status(1000, 1030), Status::Ok);
        assert_eq!(status(1000, 970), Status::Ok);
        assert_eq!(status(1000, 1031), Status::Warn);
        let behind = clock(Clocks { server: at(4700), local: at(1000) });
        assert_eq!((behind.status, &behind.values["skew_seconds"]), (Status::Warn, &Value::from(-3700)));
        assert!(behind.detail.contains("1h 1m 40s behind"), "{}", behind.detail);
    }
}
