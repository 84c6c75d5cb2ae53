//! Whether the new version's latency varies more than the old one's: a middle that stayed where it
//! was does not make a good release.

use super::hosts::{logarithm, memory};
use crate::engine::special::fisher_beyond;
use crate::judge::evidence::{Evidence, Side};

/// The chance of calling equal spreads different.
const LEVEL: f64 = 0.01;

/// Variance within instances over time, and how many independent values it rests on.
#[derive(Debug, Clone, Copy)]
struct Spread {
    variance: f64,
    freedom: f64,
}

/// Whether the variance within instances of the new version is surely above that of the old one.
pub fn has_grown(evidence: &Evidence) -> bool {
    let (Some(new), Some(old)) = (of(evidence, Side::Canary), of(evidence, Side::Baseline)) else {
        return false;
    };
    if old.variance <= 0.0 {
        return new.variance > 0.0;
    }
    let ratio = new.variance / old.variance;
    ratio > 1.0 && fisher_beyond(ratio, (new.freedom, old.freedom)) < LEVEL
}

fn of(evidence: &Evidence, side: Side) -> Option<Spread> {
    let (mut square, mut product, mut freedom, mut longest) = (0.0, 0.0, 0.0, 0.0f64);
    for series in evidence.series().iter().filter(|series| series.side == side) {
        let values: Vec<f64> =
            evidence.canary_scrapes().filter_map(|scrape| logarithm(series, scrape)).collect();
        let count = values.len() as f64;
        if count < 2.0 {
            continue;
        }
        let mean = values.iter().sum::<f64>() / count;
        square += values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
        product += values.windows(2).map(|p| (p[0] - mean) * (p[1] - mean)).sum::<f64>();
        freedom += count - 1.0;
        longest = longest.max(count);
    }
    if freedom <= 0.0 {
        return None;
    }
    // Squares of a series with memory ρ have the memory ρ².
    let rho = memory(product, square, longest);
    let independent = (1.0 - rho * rho) / (1.0 + rho * rho);
    Some(Spread { variance: square / freedom, freedom: (freedom * independent).max(1.0) })
}
