//! One question to the messages endpoint, and why it is asked.

/// A page to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ask {
    /// Messages to skip.
    pub offset: u64,
    /// Most messages to return, 1..=100.
    pub limit: u32,
    /// Known messages expected at the start of the page; 0 where the page cannot be anchored.
    pub overlap: u64,
    /// Why it is asked.
    pub purpose: Purpose,
}

/// Why a page is asked for, which decides what its answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The first page of a history.
    Start,
    /// The next page.
    Onward,
    /// An earlier place, in search of a known message.
    StepBack,
    /// Just past everything known: an empty page proves the end.
    Proof,
    /// The closing sweep of `strict`.
    Sweep,
    /// Far beyond the end, to see whether the server looks at the offset.
    Doubt,
}
