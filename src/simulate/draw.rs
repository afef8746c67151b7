//! Chance that can be had again: a number drawn from numbers.

/// A number that looks like chance and is the same for the same numbers, in the same order.
pub(super) fn draw(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |state, part| {
        // The finish of SplitMix64.
        let mixed = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// What was drawn, as a share in [0, 1).
pub(super) fn share(drawn: u64) -> f64 {
    // 32 bits are exact in an f64.
    f64::from(u32::try_from(drawn >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
}

/// What was drawn, as a number of about mean 0 and deviation 1: the sum of four shares of 16 bits.
pub(super) fn normal(drawn: u64) -> f64 {
    let parts = [0, 16, 32, 48].map(|shift| u16::try_from((drawn >> shift) & 0xffff).unwrap_or(0));
    let sum: f64 = parts
        .into_iter()
        .map(|part| f64::from(part) / 65_536.0)
        .sum();
    (sum - 2.0) * 3.0_f64.sqrt()
}

/// A count that is not negative and not beyond what a process can have.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what a u32 holds"
)]
pub(super) fn whole(value: f64) -> u32 {
    value.clamp(0.0, 1e9) as u32
}
