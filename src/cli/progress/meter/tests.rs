use super::*;

/// A meter with a clock of its own.
struct Run {
    meter: Meter,
    now: Instant,
}

impl Run {
    fn start(contacts: u64, already_read: u64) -> Self {
        let mut run = Self { meter: Meter::default(), now: Instant::now() };
        let already_read_messages = already_read * 10;
        run.event(&Event::Started { run_id: "r".to_owned(), contacts, already_read, already_read_messages });
        run
    }

    fn event(&mut self, event: &Event) {
        self.meter.event(event, self.now);
    }

    /// Reads a contact with this number of messages, in a time and with one request.
    fn read(&mut self, messages: u64, time: Duration) {
        self.now += time;
        self.meter.request_sent();
        let contact = "c".to_owned();
        self.event(&Event::PageRead { contact: contact.clone(), offset: 0, messages, bytes: 1 });
        self.event(&Event::ContactDone { contact, status: "exported", messages, error: None });
    }

    /// Lets time pass, with a report each second.
    fn wait(&mut self, time: Duration) -> Progress {
        for _ in 0..time.as_secs() {
            self.now += SECOND;
            self.progress();
        }
        self.progress()
    }

    fn progress(&mut self) -> Progress {
        self.meter.progress(self.now, Duration::from_secs(10)).expect("a phase")
    }

    fn eta(&mut self) -> Option<u64> {
        self.progress().eta_seconds
    }
}

const SECOND: Duration = Duration::from_secs(1);
const TENTH: Duration = Duration::from_millis(100);

#[test]
fn without_a_phase_there_is_no_progress() {
    let mut meter = Meter::default();
    meter.request_sent();
    assert_eq!(meter.progress(Instant::now(), SECOND), None);
}

#[test]
fn a_resumed_run_starts_at_its_count_and_its_rates_at_zero() {
    let mut run = Run::start(1000, 400);
    let progress = run.wait(SECOND * 5);
    assert_eq!((progress.contacts_done, progress.contacts), (400, Some(1000)));
    assert_eq!((progress.messages, progress.requests), (4000, 0));
    assert_eq!((progress.messages_per_second, progress.requests_per_second), (0.0, 0.0));
    assert_eq!(progress.eta_seconds, None, "nothing was read yet");
    for _ in 0..100 {
        run.read(20, TENTH);
    }
    let progress = run.progress();
    assert_eq!((progress.contacts_done, progress.messages, progress.requests), (500, 6000, 100));
    // 100 contacts with 2,000 messages in 15 seconds.
    assert_eq!((progress.messages_per_second, progress.requests_per_second), (133.3, 6.7));
    assert_eq!(progress.eta_seconds, Some(75));
}

#[test]
fn few_contacts_or_a_moment_are_no_basis_of_an_estimate() {
    let mut run = Run::start(10_000, 0);
    for _ in 0..15 {
        run.read(1, TENTH);
    }
    assert_eq!(run.eta(), None, "one and a half second");
    let mut run = Run::start(10_000, 0);
    for _ in 0..7 {
        run.read(1, SECOND);
    }
    assert_eq!(run.eta(), None, "seven contacts");
    run.read(1, SECOND);
    assert_eq!(run.eta(), Some(9_992));
}

#[test]
fn the_estimate_follows_the_rate_of_the_last_minutes() {
    let mut run = Run::start(100_000, 0);
    for _ in 0..1000 {
        run.read(1, SECOND);
    }
    assert_eq!(run.eta(), Some(99_000));
    for _ in 0..3_100 {
        run.read(1, TENTH);
    }
    let eta = run.eta().unwrap();
    assert!((9_500..10_000).contains(&eta), "{eta} s for 95,900 contacts at 10 per second");
}

#[test]
fn one_long_history_does_not_end_at_once() {
    let mut run = Run::start(100, 0);
    for _ in 0..99 {
        run.read(1, TENTH);
    }
    // The last contact has read for 200 s already, so as much again is likely.
    assert_eq!(run.wait(SECOND * 200).eta_seconds, Some(200));
    assert_eq!(run.wait(SECOND * 200).eta_seconds, None, "nothing ended in five minutes");
}

#[test]
fn an_outage_is_shown_and_does_not_spoil_the_estimate() {
    let mut run = Run::start(1000, 0);
    for _ in 0..100 {
        run.read(1, SECOND);
    }
    let before = run.progress();
    assert!(!before.outage);
    run.event(&Event::OutageBegan { reason: "500".to_owned(), suppressed: 0, repeated: false });
    let during = run.wait(SECOND * 600);
    assert_eq!((during.outage, during.outage_seconds, during.eta_seconds), (true, Some(600), None));
    assert_eq!((during.messages_per_second, during.requests_per_second), (0.0, 0.0));
    run.event(&Event::OutageEnded { seconds: 600, repeated: false });
    let after = run.progress();
    assert_eq!((after.outage, after.outage_seconds), (false, None));
    assert_eq!(after.eta_seconds, before.eta_seconds);
}

#[test]
fn throttling_is_shown_until_the_next_report() {
    let mut run = Run::start(10, 0);
    run.event(&Event::Throttled { delay_ms: 5_000 });
    assert!(run.wait(SECOND * 4).throttled);
    assert!(run.wait(SECOND * 10).throttled, "it ended nine seconds ago");
    assert!(!run.wait(SECOND * 2).throttled);
}

#[test]
fn each_phase_counts_its_own_contacts() {
    let mut run = Run::start(4, 0);
    for _ in 0..4 {
        run.read(10, SECOND);
    }
    run.event(&Event::ContactReopened { contact: "c".to_owned(), messages: 10 });
    assert_eq!(run.progress().contacts_done, 3, "a contact is read again");
    run.read(10, SECOND);
    run.event(&Event::Built { contacts: 1, of: 4, messages: 10 });
    assert_eq!(run.progress().contacts_done, 4);
    run.event(&Event::Fetched);
    let building = run.progress();
    assert_eq!((building.phase, building.contacts_done, building.messages), (Phase::Building, 1, 10));
    run.event(&Event::Built { contacts: 4, of: 4, messages: 40 });
    assert_eq!(run.progress().contacts_done, 4);
    run.event(&Event::Publishing { files: 3 });
    assert_eq!(run.progress().phase, Phase::Publishing);
}

#[test]
fn a_list_has_no_known_end() {
    let mut run = Run { meter: Meter::default(), now: Instant::now() };
    run.event(&Event::ListingBegan);
    run.event(&Event::ListingRead { offset: 0, contacts: 100, so_far: 0 });
    let listing = run.wait(SECOND);
    assert_eq!((listing.phase, listing.contacts_done, listing.contacts), (Phase::Listing, 100, None));
    run.event(&Event::ListingEnded { contacts: 100 });
    assert_eq!(run.meter.progress(run.now, SECOND), None);
}

#[test]
fn messages_are_counted_once_although_pages_overlap() {
    let mut run = Run::start(3, 0);
    let page = |contact: &str, messages| {
        let contact = contact.to_owned();
        Event::PageRead { contact, offset: 0, messages, bytes: 1 }
    };
    let done = |contact: &str, messages| {
        let contact = contact.to_owned();
        Event::ContactDone { contact, status: "exported", messages, error: None }
    };
    run.event(&page("a", 100));
    run.event(&page("a", 60));
    run.event(&page("b", 7));
    assert_eq!(run.progress().messages, 167);
    run.event(&done("a", 159));
    assert_eq!(run.progress().messages, 166);
    // The first page of this one is from an earlier attempt.
    run.event(&page("c", 20));
    run.event(&done("c", 119));
    assert_eq!(run.progress().messages, 285);
    run.event(&Event::ContactReopened { contact: "c".to_owned(), messages: 119 });
    run.event(&page("c", 100));
    run.event(&page("c", 50));
    run.event(&done("c", 149));
    assert_eq!(run.progress().messages, 315);
}
