//! A response before it becomes HTTP.

use bytes::Bytes;

/// Status, headers, body and its delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
    /// The Retry-After header.
    pub retry_after: Option<String>,
    /// Delivery of the body.
    pub delivery: Delivery,
}

/// Delivery of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The body arrives.
    Whole,
    /// The connection is closed in the middle.
    Cut,
    /// The body stops in the middle and the connection stays open.
    Stalled,
    /// The body arrives slowly, in small pieces.
    Slow,
}

impl Reply {
    /// A response with JSON.
    pub fn json(status: u16, text: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: "application/json",
            body: text.into(),
            retry_after: None,
            delivery: Delivery::Whole,
        }
    }

    /// An error message of the gateway.
    pub fn message(status: u16, message: &str) -> Self {
        Self::json(status, serde_json::json!({ "message": message }).to_string())
    }
}
