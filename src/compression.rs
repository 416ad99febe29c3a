//! Bodies that are compressed as a whole: responses with a `Content-Encoding`, which stay as they are in the spool.
//!
//! A body is decompressed here only if it is one piece and states its size. `api` decodes all others as a stream.
//!
//! Layer 1.

use std::cell::RefCell;

use bytes::Bytes;
use memchr::memmem;
use zstd::zstd_safe::get_frame_content_size;

thread_local! {
    /// The decoders of a thread. Making one takes a tenth of the time of a page.
    static GZIP: RefCell<libdeflater::Decompressor> = RefCell::new(libdeflater::Decompressor::new());
    static ZSTD: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
        RefCell::new(zstd::bulk::Decompressor::new().ok());
}

/// A form of compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// A gzip stream of one member.
    Gzip,
    /// A zstd frame that states its size.
    Zstd,
}

/// A body as it arrived. [`Compression::decompress`] has accepted it.
#[derive(Clone, Debug)]
pub struct Compressed {
    pub compression: Compression,
    pub bytes: Bytes,
}

impl Compression {
    /// Decompresses a body. `None` if it is damaged, not in one piece, or does not state a size of at most `limit` bytes.
    pub fn decompress(self, body: &[u8], limit: usize) -> Option<Vec<u8>> {
        self.decompress_after(body, limit, |_| {})
    }

    /// Decompresses a body. `before` is called with its size before memory for it is taken.
    pub fn decompress_after(self, body: &[u8], limit: usize, before: impl FnOnce(usize)) -> Option<Vec<u8>> {
        let size = self.size(body).filter(|size| *size <= limit)?;
        before(size);
        match self {
            Self::Gzip => {
                let mut out = vec![0; size];
                let written = GZIP.with_borrow_mut(|decoder| decoder.gzip_decompress(body, &mut out)).ok()?;
                (written == size).then_some(out)
            }
            Self::Zstd => ZSTD
                .with_borrow_mut(|decoder| decoder.as_mut()?.decompress(body, size).ok())
                .filter(|out| out.len() == size),
        }
    }

    /// The size that the body states.
    fn size(self, body: &[u8]) -> Option<usize> {
        match self {
            Self::Gzip => {
                // The decoder ignores bytes after the first member. Every member starts with this mark.
                const MEMBER: [u8; 3] = [0x1f, 0x8b, 8];
                let (_, after) = body.split_first()?;
                let size = u32::from_le_bytes(*body.last_chunk()?);
                memmem::find(after, &MEMBER).is_none().then(|| usize::try_from(size).ok())?
            }
            Self::Zstd => usize::try_from(get_frame_content_size(body).ok().flatten()?).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::Compression::{self, Gzip, Zstd};

    const LIMIT: usize = 10_000;

    fn compressed(compression: Compression, text: &[u8]) -> Vec<u8> {
        match compression {
            Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Zstd => zstd::bulk::compress(text, 1).unwrap(),
        }
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..300)
    }

    proptest! {
        #[test]
        fn one_piece_comes_back_and_of_two_none_is_lost(text in text(), other in text()) {
            for compression in [Gzip, Zstd] {
                let one = compressed(compression, &text);
                let back = compression.decompress(&one, LIMIT);
                // The mark of a member may be part of its content. Then the body is decoded as a stream.
                prop_assert!(back.as_ref().is_none_or(|back| *back == text));
                prop_assert!(back.is_some() || compression == Gzip);
                let two = [one, compressed(compression, &other)].concat();
                let both = [&*text, &*other].concat();
                prop_assert!(compression.decompress(&two, LIMIT).is_none_or(|back| back == both));
            }
        }

        #[test]
        fn a_changed_or_cut_body_is_refused(
            text in text(),
            at in any::<prop::sample::Index>(),
            change in 1_u8..,
            cut in any::<prop::sample::Index>(),
        ) {
            let mut body = compressed(Gzip, &text);
            prop_assert_eq!(Gzip.decompress(&body[..cut.index(body.len())], LIMIT), None);
            // Flags, time and system in the header do not matter.
            let at = 10 + at.index(body.len() - 10);
            body[at] ^= change;
            prop_assert!(Gzip.decompress(&body, LIMIT).is_none_or(|back| back == text));
        }
    }

    #[test]
    fn a_body_over_the_limit_is_refused() {
        for compression in [Gzip, Zstd] {
            assert!(compression.decompress(&compressed(compression, &[b'x'; LIMIT]), LIMIT).is_some());
            assert_eq!(compression.decompress(&compressed(compression, &[b'x'; LIMIT + 1]), LIMIT), None);
        }
    }

    #[test]
    fn a_frame_without_its_size_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.write_all(b"text").unwrap();
        assert_eq!(Zstd.decompress(&encoder.finish().unwrap(), LIMIT), None);
    }
}
