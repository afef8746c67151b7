//! The text forms: `debug=1` as `printCountProfile` writes it, and `debug=2` as `runtime/traceback.go` does.

use super::fleet::{Go, Group, Moment};
use super::profile::Of;
use super::stack::{Frame, Stack, printing, profiling};

/// Go's buffer of the text ends here, and so does the text.
const GO_LIMIT: usize = 64 << 20;
/// Where code lies, and what the writer of a response is of; made up.
const CODE: u64 = 0x40_1000;
const TYPE: u64 = 0xb9_e5b8;
/// Bytes of the heap from one goroutine's first argument to the next one's.
const APART: u64 = 0x70;

/// The goroutines one by one, `debug=2`. The text of a leak profile has all, and marks those that never wake.
pub fn goroutines(moment: &Moment<'_>, of: Of) -> Vec<u8> {
    let each = moment.each();
    let mut text = String::with_capacity(512 * (each.len() + 1));
    let latest = each.iter().map(|goroutine| goroutine.id).max();
    let pointer = |id: u64| moment.heap() | (id.wrapping_mul(APART) & 0xffff_ffff);
    let own = latest.unwrap_or(1) + 1;
    let arguments = format!("{{{TYPE:#x}, {:#x}}}", pointer(own));
    block(&printing(), own, "]", &arguments, &mut text);
    for goroutine in each {
        let Some(group) = moment.group(goroutine.group) else {
            continue;
        };
        let is_marked = of == Of::Leaks && group.course.is_leak();
        let mut behind = match goroutine.minutes {
            _ if is_marked => " (leaked)]".to_owned(),
            0 => "]".to_owned(),
            minutes => format!(", {minutes} minutes]"),
        };
        if moment.service.go == Go::V1_27 && !group.labels.is_empty() {
            let labels = labels(group, |key, value| {
                format!("{}: {}", bare(key), bare(value))
            });
            behind.push_str(&format!(" {labels}"));
        }
        text.push('\n');
        let argument = format!("{:#x}", pointer(goroutine.id));
        block(&group.stack, goroutine.id, &behind, &argument, &mut text);
        if text.len() > GO_LIMIT {
            break;
        }
    }
    let mut text = text.into_bytes();
    text.truncate(GO_LIMIT);
    text
}

/// One goroutine.
fn block(stack: &Stack, id: u64, behind: &str, arguments: &str, text: &mut String) {
    text.push_str("goroutine ");
    text.push_str(&id.to_string());
    text.push_str(" [");
    text.push_str(stack.state);
    text.push_str(behind);
    text.push_str(":\n");
    for frame in stack.frames.iter().filter(|frame| !frame.is_hidden()) {
        text.push_str(&frame.function);
        text.push('(');
        text.push_str(if frame.inlined { "..." } else { arguments });
        text.push_str(")\n");
        site(frame, text);
    }
    if let Some(creator) = &stack.creator {
        text.push_str("created by ");
        text.push_str(&creator.function);
        text.push_str(" in goroutine 1\n");
        site(creator, text);
    }
}

/// The line of a file.
fn site(frame: &Frame, text: &mut String) {
    text.push('\t');
    text.push_str(&frame.file);
    text.push(':');
    text.push_str(&frame.line.to_string());
    if !frame.inlined {
        text.push_str(&format!(" +{:#x}", frame.offset()));
    }
    text.push('\n');
}

/// The counts in text, `debug=1`.
pub fn counts(moment: &Moment<'_>, of: Of) -> Vec<u8> {
    let (name, own) = match of {
        Of::Goroutines => ("goroutine", Some(profiling())),
        Of::Leaks => ("goroutineleak", None),
    };
    let mut records = String::new();
    let mut total = 0;
    for (group, count) in moment.present() {
        let group = moment.group(group);
        let Some(group) = group.filter(|group| own.is_some() || group.course.is_leak()) else {
            continue;
        };
        total += count;
        let with_labels = (!group.labels.is_empty()).then(|| {
            let labels = labels(group, |key, value| format!("{key:?}:{value:?}"));
            format!("# labels: {labels}\n")
        });
        record(
            &group.stack,
            count,
            &with_labels.unwrap_or_default(),
            &mut records,
        );
    }
    if let Some(own) = &own {
        total += 1;
        record(own, 1, "", &mut records);
    }
    format!("{name} profile: total {total}\n{records}").into_bytes()
}

/// The goroutines of one stack and label set.
fn record(stack: &Stack, count: u32, labels: &str, text: &mut String) {
    let frames = &stack.frames;
    let addresses: Vec<String> = frames
        .iter()
        .map(|frame| format!("{:#x}", code(frame)))
        .collect();
    text.push_str(&format!("{count} @ {}\n{labels}", addresses.join(" ")));
    // The runtime's own frames are left out at the leaf, unless there are no others.
    let is_own = |frame: &&Frame| frame.function.starts_with("runtime.");
    let leaf = frames.iter().take_while(is_own).count();
    let shown = frames
        .get(leaf..)
        .filter(|shown| !shown.is_empty())
        .unwrap_or(frames);
    let name = |frame: &Frame| format!("{}+{:#x}", frame.function, frame.offset());
    let widest = shown
        .iter()
        .map(|frame| name(frame).len())
        .max()
        .unwrap_or(0);
    // Go's tabwriter: cells as wide as the widest, filled up with tabs of eight columns.
    let width = (widest + 1).next_multiple_of(8);
    for frame in shown {
        let name = name(frame);
        let tabs = "\t".repeat((width - name.len()).div_ceil(8));
        let (at, file, line) = (code(frame), &frame.file, frame.line);
        text.push_str(&format!("#\t{at:#x}\t{name}{tabs}{file}:{line}\n"));
    }
    text.push('\n');
}

/// Where the code of a frame lies: made up, and the same for the same line.
fn code(frame: &Frame) -> u64 {
    let name = xxhash_rust::xxh3::xxh3_64(frame.function.as_bytes());
    CODE + (name & 0x7f_ffff) + u64::from(frame.offset())
}

/// Labels in braces.
fn labels(group: &Group, pair: impl Fn(&str, &str) -> String) -> String {
    let pairs = group.labels.iter().map(|(key, value)| pair(key, value));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

/// A key or value as `debug=2` writes it: in quotes where it has to be.
fn bare(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'_');
    if text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("{text:?}")
    }
}
