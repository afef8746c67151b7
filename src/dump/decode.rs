//! What was done to the bytes as a whole: gzip, zstd, UTF-16.

use std::io::Write as _;

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE};
use flate2::write::MultiGzDecoder;
use zstd::stream::write::Decoder as ZstdDecoder;

use super::DumpError;

/// Compressed bytes undone at a time: at 1,000 to 1 (gzip) a bomb grows by 1 MiB before it is seen.
const GZIP_STEP: usize = 1 << 10;
/// Three bytes of zstd can stand for 128 KiB.
const ZSTD_STEP: usize = 1 << 7;

/// Window of a zstd frame, as a power of two: 128 MiB, what `zstd --long` writes.
const ZSTD_WINDOW: u32 = 27;

/// How the input is compressed.
pub(super) enum Zip {
    None,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Zstd(Box<ZstdDecoder<'static, Vec<u8>>>),
    /// zstd that could not even be begun.
    Broken,
}

impl std::fmt::Debug for Zip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Gzip(_) => "Gzip",
            Self::Zstd(_) => "Zstd",
            Self::Broken => "Broken",
        })
    }
}

impl Zip {
    /// Bytes that tell how the input is compressed.
    pub(super) const MAGIC: usize = 4;

    /// The compression of an input with these first bytes.
    pub(super) fn of(first: &[u8]) -> Self {
        if first.starts_with(&[0x1f, 0x8b]) {
            return Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new())));
        }
        if !first.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            return Self::None;
        }
        let decoder = ZstdDecoder::new(Vec::new()).and_then(|mut decoder| {
            decoder.window_log_max(ZSTD_WINDOW)?;
            Ok(decoder)
        });
        decoder.map_or(Self::Broken, |decoder| Self::Zstd(Box::new(decoder)))
    }

    /// Hands the plain bytes of `bytes` to `give`, in pieces.
    pub(super) fn undo(
        &mut self,
        bytes: &[u8],
        give: &mut dyn FnMut(&[u8]) -> Result<(), DumpError>,
    ) -> Result<(), DumpError> {
        let step = match self {
            Self::None => return give(bytes),
            Self::Broken => return Err(DumpError::BadZip("zstd")),
            Self::Gzip(_) => GZIP_STEP,
            Self::Zstd(_) => ZSTD_STEP,
        };
        for step in bytes.chunks(step) {
            let plain = match self {
                Self::Gzip(gzip) => {
                    gzip.write_all(step)
                        .map_err(|_| DumpError::BadZip("gzip"))?;
                    std::mem::take(gzip.get_mut())
                }
                Self::Zstd(zstd) => {
                    zstd.write_all(step)
                        .map_err(|_| DumpError::BadZip("zstd"))?;
                    std::mem::take(zstd.get_mut())
                }
                Self::None | Self::Broken => Vec::new(),
            };
            if !plain.is_empty() {
                give(&plain)?;
            }
        }
        Ok(())
    }

    /// Hands on the last plain bytes.
    pub(super) fn finish(
        &mut self,
        give: &mut dyn FnMut(&[u8]) -> Result<(), DumpError>,
    ) -> Result<(), DumpError> {
        let rest = match std::mem::replace(self, Self::None) {
            Self::Gzip(gzip) => gzip.finish().map_err(|_| DumpError::BadZip("gzip"))?,
            Self::Zstd(mut zstd) => {
                zstd.flush().map_err(|_| DumpError::BadZip("zstd"))?;
                zstd.into_inner()
            }
            Self::None | Self::Broken => Vec::new(),
        };
        if rest.is_empty() { Ok(()) } else { give(&rest) }
    }
}

/// Text of two bytes a character, as PowerShell writes it.
pub(super) struct Utf16 {
    decoder: Decoder,
    plain: String,
}

impl std::fmt::Debug for Utf16 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.decoder.encoding().name())
    }
}

impl Utf16 {
    /// The decoder of an input with these first bytes; `None` when it is not UTF-16. Without a byte
    /// order mark, text of Go has a zero in every other byte.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let zeros = |odd: usize| {
            let bytes = head.iter().take(64).skip(odd).step_by(2);
            head.len() >= 16 && bytes.clone().all(|byte| *byte == 0)
        };
        let encoding = if head.starts_with(b"\xff\xfe") || zeros(1) && !zeros(0) {
            UTF_16LE
        } else if head.starts_with(b"\xfe\xff") || zeros(0) && !zeros(1) {
            UTF_16BE
        } else {
            return None;
        };
        Some(Self {
            decoder: encoding.new_decoder_with_bom_removal(),
            plain: String::new(),
        })
    }

    /// The next bytes as UTF-8; what is not UTF-16 becomes U+FFFD.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> &[u8] {
        self.plain.clear();
        let room = self.decoder.max_utf8_buffer_length(bytes.len());
        self.plain.reserve(room.unwrap_or(bytes.len() * 3));
        let (result, read, _) = self.decoder.decode_to_string(bytes, &mut self.plain, false);
        debug_assert!(
            matches!(result, encoding_rs::CoderResult::InputEmpty) && read == bytes.len()
        );
        self.plain.as_bytes()
    }
}
