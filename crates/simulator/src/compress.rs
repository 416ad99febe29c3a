//! Compression of response bodies for clients that accept it.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;

use super::options::Compress;

/// A content encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Zstandard
    Zstd,
    /// Gzip
    Gzip,
}

/// The best of the server's encodings that the client accepts.
pub fn accepted(compress: Compress, headers: &HeaderMap) -> Option<Encoding> {
    let accepted = headers.get(ACCEPT_ENCODING)?.to_str().ok()?;
    let names = || accepted.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
    let offered: &[Encoding] = match compress {
        Compress::Best => &[Encoding::Zstd, Encoding::Gzip],
        Compress::Gzip => &[Encoding::Gzip],
    };
    offered.iter().copied().find(|encoding| names().any(|name| name == encoding.name()))
}

impl Encoding {
    /// The name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The body compressed, unless it is empty.
    pub fn encode(self, body: &[u8]) -> Option<Bytes> {
        if body.is_empty() {
            return None;
        }
        let encoded = match self {
            Self::Zstd => zstd::encode_all(body, 1),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(body).and_then(|()| encoder.finish())
            }
        };
        Some(encoded.expect("memory takes all").into())
    }
}
