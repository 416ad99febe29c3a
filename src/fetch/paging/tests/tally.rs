//! Totals of the cost and verdicts of schedules.

#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub schedules: u64,
    pub contacts: u64,
    pub unresolved: u64,
    /// Number of histories that end with a believed short page.
    pub believed: u64,
    /// Number of believed histories with a missing message, in runs where no page showed that short pages are
    /// unreliable.
    pub deceived: u64,
    pub requests: u64,
    pub max_requests: u64,
    pub fewest: u64,
    pub quiet: u64,
    pub quiet_requests: u64,
    pub quiet_fewest: u64,
    pub drifting: u64,
    pub drifting_unresolved: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.contacts += other.contacts;
        self.unresolved += other.unresolved;
        self.believed += other.believed;
        self.deceived += other.deceived;
        self.requests += other.requests;
        self.max_requests = self.max_requests.max(other.max_requests);
        self.fewest += other.fewest;
        self.quiet += other.quiet;
        self.quiet_requests += other.quiet_requests;
        self.quiet_fewest += other.quiet_fewest;
        self.drifting += other.drifting;
        self.drifting_unresolved += other.drifting_unresolved;
    }

    /// Prints the cost of the schedules.
    #[expect(clippy::print_stdout, reason = "figures that were asked for")]
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    pub fn print_costs(&self) {
        let of = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        println!("{} schedules, {} histories, {} requests", self.schedules, self.contacts, self.requests);
        println!(
            "requests per minimum: {:.2}, on unchanging chats {:.2}; maximum for one history {}",
            of(self.requests, self.fewest),
            of(self.quiet_requests, self.quiet_fewest),
            self.max_requests
        );
        println!(
            "unresolved: {:.2} % of all, {:.2} % of those that changed",
            100.0 * of(self.unresolved, self.contacts),
            100.0 * of(self.drifting_unresolved, self.drifting)
        );
        println!(
            "ended on belief: {}, of these falsely and without a sign: {}",
            self.believed, self.deceived
        );
    }
}
