//! An answer before it becomes HTTP.

use bytes::Bytes;

/// A status, a body and what else the client gets to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body's type.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
    /// The Retry-After header.
    pub retry_after: Option<String>,
    /// What happens to the body on its way.
    pub delivery: Delivery,
}

/// What happens to a body on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It arrives.
    Whole,
    /// The connection is closed in the middle.
    Cut,
    /// It stops in the middle, and the connection stays open.
    Stalled,
    /// It comes in drips.
    Slow,
}

impl Reply {
    /// JSON text.
    pub fn json(status: u16, text: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: "application/json",
            body: text.into(),
            retry_after: None,
            delivery: Delivery::Whole,
        }
    }

    /// What the gateway says when something is wrong.
    pub fn message(status: u16, message: &str) -> Self {
        Self::json(status, serde_json::json!({ "message": message }).to_string())
    }
}
