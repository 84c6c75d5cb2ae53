//! When how many targets have the new version.

use crate::scenario::settings::{AppConfig, Growth};
use crate::units::{CountOrPercent, Rounding, Span};

/// The steps: how long after the beginning, and how many of `targets` are changed from then on.
///
/// Linear steps reach k·G, exponential ones G·2^N (both from the user guide), a canary's G and all.
pub(super) fn steps(settings: &AppConfig, targets: u32) -> Vec<(Span, u32)> {
    // Whole and half percents stay exact this way.
    let percent = (settings.growth_factor.0 * 1e12).round() / 1e10;
    let mut shares = Vec::new();
    while shares.last().is_none_or(|share| *share < 100.0) {
        let reached: f64 = match settings.growth {
            Growth::Linear => percent * (shares.len() + 1) as f64,
            Growth::Exponential => percent * libm::exp2(shares.len() as f64),
            Growth::Canary if shares.is_empty() => percent,
            Growth::Canary => 100.0,
        };
        shares.push(reached.min(100.0));
    }
    let intervals = (shares.len() - usize::from(settings.first_at_once)).max(1);
    let at = |step: usize| {
        let passed = step + usize::from(!settings.first_at_once);
        let whole = u128::from(settings.deployment_duration.0) * passed as u128;
        Span((whole / intervals as u128) as u64)
    };
    let count = |share: f64| CountOrPercent::Percent(share).of(targets, Rounding::Up);
    shares.iter().enumerate().map(|(step, share)| (at(step), count(*share))).collect()
}
