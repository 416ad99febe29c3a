//! Decodes a `Content-Encoding` as a stream. Most bodies do not need it: see [`super::body`].
//!
//! The decoder of `reqwest` accepts names in lower case only, stops after the first member of a gzip stream,
//! and ignores unknown encodings.

use std::io;
use std::pin::Pin;

use crate::compression::Compression;
use crate::printable::first_chars;
use async_compression::tokio::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use async_compression::zstd::DParameter;
use futures::Stream;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};
use tokio_util::io::StreamReader;

/// Accepted encodings, the cheapest to decode first.
pub const ACCEPTED: &str = "zstd, gzip, br";
/// Maximum number of nested encodings. Two occur behind proxies; more would only cost memory.
const MAX_LAYERS: usize = 2;
/// Maximum window of zstd as a power of two: 8 MiB, the limit of RFC 9659 for `Content-Encoding`.
const ZSTD_WINDOW_LOG: u32 = 23;

/// A stream of bytes.
pub type Bytes = Pin<Box<dyn AsyncRead + Send>>;

/// An unsupported encoding, as named by the server.
#[derive(Debug)]
pub struct Unknown(pub String);

/// One layer of encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Deflate,
    Zstd,
    Brotli,
}

/// Returns the decoded body whose parts arrive from a stream.
///
/// # Errors
/// If the first bytes do not arrive.
pub async fn unpack(
    parts: impl Stream<Item = io::Result<bytes::Bytes>> + Send + 'static,
    layers: Layers,
) -> io::Result<Bytes> {
    let mut bytes: Bytes = Box::pin(StreamReader::new(parts));
    for layer in layers.0.into_iter().rev() {
        bytes = layer.undo(BufReader::new(bytes)).await?;
    }
    Ok(bytes)
}

/// The encodings of a body, in the order in which they were applied.
#[derive(Debug, PartialEq, Eq)]
pub struct Layers(Vec<Encoding>);

impl Layers {
    /// Reads the encodings from the headers.
    ///
    /// # Errors
    /// If one of them is unknown, or there are too many.
    pub fn of(headers: &HeaderMap) -> Result<Self, Unknown> {
        let values = headers.get_all(CONTENT_ENCODING).iter();
        let names: Vec<_> =
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase()).collect();
        let names = names.join(",");
        let unknown = || Unknown(first_chars(&names));
        let mut layers = Vec::new();
        for name in names.split(',').map(str::trim).filter(|name| !matches!(*name, "" | "identity")) {
            layers.push(Encoding::named(name).ok_or_else(unknown)?);
        }
        if layers.len() > MAX_LAYERS { Err(unknown()) } else { Ok(Self(layers)) }
    }

    /// True if the body is not encoded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The compression of the body, if it is the only encoding and bodies may be decompressed as a whole.
    pub fn compression(&self) -> Option<Compression> {
        match *self.0 {
            [Encoding::Gzip] => Some(Compression::Gzip),
            [Encoding::Zstd] => Some(Compression::Zstd),
            _ => None,
        }
    }
}

impl Encoding {
    fn named(name: &str) -> Option<Self> {
        match name {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "zstd" => Some(Self::Zstd),
            "br" => Some(Self::Brotli),
            _ => None,
        }
    }

    async fn undo(self, mut bytes: BufReader<Bytes>) -> io::Result<Bytes> {
        Ok(match self {
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(bytes);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
            Self::Zstd => {
                let mut decoder =
                    ZstdDecoder::with_params(bytes, &[DParameter::window_log_max(ZSTD_WINDOW_LOG)]);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
            Self::Brotli => Box::pin(BrotliDecoder::new(bytes)),
            Self::Deflate if is_zlib(&mut bytes).await? => Box::pin(ZlibDecoder::new(bytes)),
            Self::Deflate => Box::pin(DeflateDecoder::new(bytes)),
        })
    }
}

/// True if "deflate" has a zlib header, as its standard requires. Some servers send bare deflate data. The
/// first byte of zlib names method 8 and a window of at most 2^15, which no deflate encoder begins with.
async fn is_zlib(bytes: &mut (impl AsyncBufRead + Unpin)) -> io::Result<bool> {
    Ok(bytes.fill_buf().await?.first().is_none_or(|first| first & 0x8f == 0x08))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(values: &[&str]) -> Result<Vec<Encoding>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, value.parse().unwrap());
        }
        Layers::of(&headers).map(|layers| layers.0).map_err(|unknown| unknown.0)
    }

    #[test]
    fn names_are_read_in_any_case_and_number() {
        assert_eq!(layers(&[]), Ok(vec![]));
        assert_eq!(layers(&["", "Identity"]), Ok(vec![]));
        for gzip in ["gzip", "GZIP", "x-gzip", "X-GZip", " gzip , identity"] {
            assert_eq!(layers(&[gzip]), Ok(vec![Encoding::Gzip]), "{gzip}");
        }
        assert_eq!(layers(&["deflate, zstd"]), Ok(vec![Encoding::Deflate, Encoding::Zstd]));
        assert_eq!(layers(&["br", "gzip"]), Ok(vec![Encoding::Brotli, Encoding::Gzip]));
        assert_eq!(layers(&["Rot13"]), Err("rot13".to_owned()));
        assert_eq!(layers(&["gzip, gzip, gzip"]), Err("gzip, gzip, gzip".to_owned()));
    }
}
