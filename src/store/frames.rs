//! The frames of a stack as the column `stack.frames` holds them: `[[function, file, line], …]`.

use crate::model::Frame;

/// Writes frames, leaf first.
pub(super) fn pack(frames: &[Frame]) -> String {
    let frames: Vec<(&str, &str, u32)> = frames
        .iter()
        .map(|frame| (&*frame.function, &*frame.file, frame.line))
        .collect();
    serde_json::to_string(&frames).unwrap_or_default()
}

/// Reads them back; `None` when the column is damaged.
pub(super) fn unpack(column: &str) -> Option<Vec<Frame>> {
    let frames: Vec<(Box<str>, Box<str>, u32)> = serde_json::from_str(column).ok()?;
    let frame = |(function, file, line)| Frame {
        function,
        file,
        line,
    };
    Some(frames.into_iter().map(frame).collect())
}
