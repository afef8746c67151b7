//! Unpacking of what lies in the file under zstd.

use std::cell::RefCell;

use zstd::bulk::Decompressor;

/// Nothing unpacks to more than this.
pub(super) const MAX_PLAIN: usize = 256 << 20;

thread_local! {
    /// A context takes longer to make than to unpack a summary with.
    static CONTEXT: RefCell<Option<Decompressor<'static>>> = RefCell::new(Decompressor::new().ok());
}

/// The bytes that were compressed; `None` when they are damaged.
pub(super) fn unzip(data: &[u8]) -> Option<Vec<u8>> {
    let len = zstd::zstd_safe::get_frame_content_size(data).ok()??;
    let len = usize::try_from(len).ok().filter(|len| *len <= MAX_PLAIN)?;
    CONTEXT.with_borrow_mut(|context| context.as_mut()?.decompress(data, len).ok())
}
