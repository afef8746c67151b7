//! What was done to the bytes as a whole: gzip, zstd, UTF-16.

use std::io::Write as _;

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE};
use flate2::write::MultiGzDecoder;
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, InBuffer, Operation as _, OutBuffer};

use super::DumpError;

/// Compressed bytes undone at a time: at 1,000 to 1 (gzip) a bomb grows by 1 MiB before it is seen.
/// Steps are the same however the bytes arrive, so that broken data breaks at the same place.
const STEP: usize = 1 << 10;
/// Plain bytes that zstd gives at a time.
const ZSTD_OUT: usize = 128 << 10;

/// Window of a zstd frame, as a power of two: 128 MiB, what `zstd --long` writes.
const ZSTD_WINDOW: u32 = 27;

/// How the input is compressed.
pub(super) enum Zip {
    None,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>, Vec<u8>),
    Zstd(Box<Zstd>, Vec<u8>),
    /// zstd that could not even be begun.
    Broken,
}

/// zstd, which does not say by itself that its last frame was whole.
pub(super) struct Zstd {
    decoder: ZstdDecoder<'static>,
    plain: Vec<u8>,
    /// No frame is open.
    whole: bool,
}

impl Zstd {
    fn new() -> std::io::Result<Self> {
        let mut decoder = ZstdDecoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW))?;
        Ok(Self {
            decoder,
            plain: Vec::with_capacity(ZSTD_OUT),
            whole: true,
        })
    }

    /// Takes compressed bytes, and hands on the plain ones piece by piece.
    fn undo(
        &mut self,
        bytes: &[u8],
        give: &mut dyn FnMut(&[u8]) -> Result<(), DumpError>,
    ) -> Result<(), DumpError> {
        let mut input = InBuffer::around(bytes);
        loop {
            self.plain.clear();
            let mut output = OutBuffer::around(&mut self.plain);
            let ran = self.decoder.run(&mut input, &mut output);
            let hint = ran.map_err(|_| DumpError::BadZip("zstd"))?;
            let full = output.pos() == output.capacity();
            self.whole = hint == 0;
            if !self.plain.is_empty() {
                give(&self.plain)?;
            }
            if input.pos() == bytes.len() && !full {
                return Ok(());
            }
        }
    }
}

impl std::fmt::Debug for Zip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Gzip(..) => "Gzip",
            Self::Zstd(..) => "Zstd",
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
            return Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new())), Vec::new());
        }
        // A frame, or one that is to be skipped, as pzstd writes them first.
        if !matches!(
            first,
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18]
        ) {
            return Self::None;
        }
        Zstd::new().map_or(Self::Broken, |zstd| Self::Zstd(Box::new(zstd), Vec::new()))
    }

    /// Hands the plain bytes of `bytes` to `give`, in pieces.
    pub(super) fn undo(
        &mut self,
        bytes: &[u8],
        give: &mut dyn FnMut(&[u8]) -> Result<(), DumpError>,
    ) -> Result<(), DumpError> {
        match self {
            Self::None => give(bytes),
            Self::Broken => Err(DumpError::BadZip("zstd")),
            Self::Gzip(gzip, held) => in_steps(held, bytes, |step| undo_gzip(gzip, step, give)),
            Self::Zstd(zstd, held) => in_steps(held, bytes, |step| zstd.undo(step, give)),
        }
    }

    /// Hands on the last plain bytes.
    pub(super) fn finish(
        &mut self,
        give: &mut dyn FnMut(&[u8]) -> Result<(), DumpError>,
    ) -> Result<(), DumpError> {
        match std::mem::replace(self, Self::None) {
            Self::Gzip(mut gzip, held) => {
                undo_gzip(&mut gzip, &held, give)?;
                let rest = gzip.finish().map_err(|_| DumpError::BadZip("gzip"))?;
                if rest.is_empty() { Ok(()) } else { give(&rest) }
            }
            Self::Zstd(mut zstd, held) => {
                zstd.undo(&held, give)?;
                zstd.whole.then_some(()).ok_or(DumpError::BadZip("zstd"))
            }
            Self::None | Self::Broken => Ok(()),
        }
    }
}

/// Undoes whole steps of what is held and of `bytes`, and holds the rest.
fn in_steps(
    held: &mut Vec<u8>,
    bytes: &[u8],
    mut undo: impl FnMut(&[u8]) -> Result<(), DumpError>,
) -> Result<(), DumpError> {
    let mut rest = bytes;
    if !held.is_empty() {
        let (first, behind) = rest.split_at(rest.len().min(STEP - held.len()));
        held.extend_from_slice(first);
        if held.len() < STEP {
            return Ok(());
        }
        undo(held)?;
        held.clear();
        rest = behind;
    }
    let mut steps = rest.chunks_exact(STEP);
    for step in steps.by_ref() {
        undo(step)?;
    }
    held.extend_from_slice(steps.remainder());
    Ok(())
}

fn undo_gzip(
    gzip: &mut MultiGzDecoder<Vec<u8>>,
    step: &[u8],
    give: &mut dyn FnMut(&[u8]) -> Result<(), DumpError>,
) -> Result<(), DumpError> {
    let written = gzip.write_all(step);
    let plain = std::mem::take(gzip.get_mut());
    if !plain.is_empty() {
        give(&plain)?;
    }
    written.map_err(|_| DumpError::BadZip("gzip"))
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
