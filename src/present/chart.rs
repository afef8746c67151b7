//! Counts over time as characters.

/// Eighths of a cell, and what a terminal without them shows.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 8] = ['_', '.', '-', '~', '=', '+', '*', '#'];

/// One line, a character a point; `·` where nothing was known. Points beyond `width` are drawn together.
pub(super) fn spark(trend: &[Option<u64>], width: usize, ascii: bool) -> String {
    let points = drawn_together(trend, width);
    let symbols = if ascii { ASCII } else { BLOCKS };
    let unknown = if ascii { ' ' } else { '·' };
    let levels = levels(&points, 8);
    let symbol = |level: &Option<usize>| {
        level.map_or(unknown, |level| symbols.get(level).copied().unwrap_or('#'))
    };
    levels.iter().map(symbol).collect()
}

/// Some lines, the highest first; a point is as wide as there is room for, at most four characters.
pub(super) fn chart(
    trend: &[Option<u64>],
    (width, height): (usize, usize),
    ascii: bool,
) -> Vec<String> {
    let points = drawn_together(trend, width);
    let wide = (width / points.len().max(1)).clamp(1, 4);
    // From zero: half of it gone must look like half of it gone.
    let highest = points.iter().flatten().copied().max().unwrap_or(0);
    let eighths: Vec<Option<u64>> = points
        .iter()
        .map(|point| {
            let steps = (height * 8) as u64;
            point.map(|count| count.saturating_mul(steps).div_ceil(highest.max(1)))
        })
        .collect();
    let cell = |eighths: &Option<u64>, below: u64| match eighths {
        None if below == 0 => {
            if ascii {
                '?'
            } else {
                '·'
            }
        }
        None => ' ',
        Some(eighths) => match eighths.saturating_sub(below) {
            0 => ' ',
            _ if ascii => '#',
            some => usize::try_from(some - 1)
                .ok()
                .and_then(|at| BLOCKS.get(at))
                .copied()
                .unwrap_or('█'),
        },
    };
    let line = |row: usize| {
        let below = (row * 8) as u64;
        let cells = eighths
            .iter()
            .flat_map(|point| std::iter::repeat_n(cell(point, below), wide));
        cells.collect::<String>().trim_end().to_owned()
    };
    (0..height).rev().map(line).collect()
}

/// At most `width` points: the last known one of each slice.
fn drawn_together(trend: &[Option<u64>], width: usize) -> Vec<Option<u64>> {
    let slices = trend.chunks(trend.len().div_ceil(width.max(1)).max(1));
    slices
        .map(|slice| slice.iter().rev().copied().flatten().next())
        .collect()
}

/// Each point between the lowest and the highest, in `steps` steps.
fn levels(points: &[Option<u64>], steps: u64) -> Vec<Option<usize>> {
    let known = || points.iter().flatten().copied();
    let (low, high) = (known().min().unwrap_or(0), known().max().unwrap_or(0));
    let level = |count: u64| {
        let scaled = (count - low)
            .saturating_mul(steps - 1)
            .checked_div(high - low);
        usize::try_from(scaled.unwrap_or(0)).unwrap_or(0)
    };
    points.iter().map(|point| point.map(level)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_drawn_with_their_gaps() {
        let trend: Vec<Option<u64>> = vec![Some(0), Some(4), None, Some(7)];
        assert_eq!(spark(&trend, 8, false), "▁▅·█");
        assert_eq!(spark(&trend, 8, true), "_= #");
        assert_eq!(spark(&trend, 2, false), "▁█");
        assert_eq!(
            chart(&trend, (8, 2), false),
            ["  ▂▂  ██", "  ██··██"].map(str::to_owned)
        );
        assert_eq!(chart(&[], (8, 1), false), [""]);
    }
}
