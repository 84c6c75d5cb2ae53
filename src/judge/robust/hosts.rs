//! How much slower the new version is, measured by how much hosts differ.

use crate::engine::special::student_t_upper;
use crate::judge::evidence::{Evidence, Series, Side};

/// A shift of mean logarithms with its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// New minus old; 0.05 is about 5 % slower.
    pub estimate: f64,
    /// Standard error.
    pub error: f64,
    /// Degrees of freedom of that error.
    pub freedom: f64,
}

impl Shift {
    /// Exceeded with probability 1 − `tail` at least.
    pub fn low(&self, tail: f64) -> f64 {
        self.estimate - student_t_upper(tail, self.freedom) * self.error
    }

    /// Exceeded with probability `tail` at most.
    pub fn high(&self, tail: f64) -> f64 {
        self.estimate + student_t_upper(tail, self.freedom) * self.error
    }
}

/// An instance that was seen for long enough: its deviations from the old version's mean at the
/// same scrapes.
#[derive(Debug)]
struct Host {
    side: Side,
    /// (scrape, deviation).
    values: Vec<(u32, f64)>,
    mean: f64,
}

/// The shift; `None` if a side has no instance to compare.
///
/// Its error comes from how the means of instances of one version differ among each other: that
/// holds what hosts differ by for good and what time has not averaged out, whatever its memory. It
/// is not less than the error of the moment, from the difference of the versions scrape by scrape,
/// whose autocorrelation says how many of the scrapes count. Where each side has one instance hosts
/// cannot be told from versions, and `host_noise` stands for what is not seen.
pub fn shift(evidence: &Evidence, host_noise: f64) -> Option<Shift> {
    let hosts = hosts(evidence);
    let of = |side: Side| hosts.iter().filter(move |host| host.side == side);
    let means = |side: Side| of(side).map(|host| host.mean).collect::<Vec<_>>();
    let (new, old) = (means(Side::Canary), means(Side::Baseline));
    if new.is_empty() || old.is_empty() {
        return None;
    }
    let estimate = mean(&new) - mean(&old);
    let moment = of_the_moment(evidence)?;
    let split = 1.0 / new.len() as f64 + 1.0 / old.len() as f64;
    let freedom = (new.len() + old.len() - 2) as f64;
    if freedom < 1.0 {
        let error = (host_noise * host_noise * split + moment.variance).sqrt();
        return Some(Shift { estimate, error, freedom: moment.freedom.min(30.0) });
    }
    let between = (squares(&new) + squares(&old)) / freedom;
    // Who is asked less is measured less sharply: what that adds to the new version's means is
    // not seen among those of the old one.
    let noise = |side| of_means(&of(side).collect::<Vec<_>>());
    let less_sharp = (noise(Side::Canary) - noise(Side::Baseline)).max(0.0) / new.len() as f64;
    let square = (between * split).max(moment.variance);
    let less_sharp = if new.len() < old.len() { less_sharp } else { 0.0 };
    Some(Shift { estimate, error: (square + less_sharp).sqrt(), freedom })
}

/// Instances seen in at least a quarter of the scrapes of the one seen longest.
fn hosts(evidence: &Evidence) -> Vec<Host> {
    let scrapes = evidence.canary_scrapes();
    let level: Vec<Option<f64>> =
        scrapes.clone().map(|scrape| side_mean(evidence, Side::Baseline, scrape)).collect();
    let mut hosts: Vec<Host> = Vec::new();
    for series in evidence.series() {
        let value = |scrape: u32| {
            let level = level[(scrape - scrapes.start) as usize]?;
            Some((scrape, logarithm(series, scrape)? - level))
        };
        let values: Vec<(u32, f64)> = scrapes.clone().filter_map(value).collect();
        let all: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        let mean = mean(&all);
        hosts.push(Host { side: series.side, values, mean });
    }
    let longest = hosts.iter().map(|host| host.values.len()).max().unwrap_or(0);
    hosts.retain(|host| !host.values.is_empty() && host.values.len() * 4 >= longest);
    hosts
}

/// Logarithm of what an instance took for an answer.
pub(super) fn logarithm(series: &Series, scrape: u32) -> Option<f64> {
    series.at(scrape).map(|reading| reading.latency).filter(|l| *l > 0.0).map(libm::log)
}

/// Mean over the instances of a side in one scrape.
fn side_mean(evidence: &Evidence, side: Side, scrape: u32) -> Option<f64> {
    let of_side = evidence.series().iter().filter(|series| series.side == side);
    let (mut sum, mut count) = (0.0, 0);
    for value in of_side.filter_map(|series| logarithm(series, scrape)) {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

/// The error of a mean over time.
#[derive(Debug, Clone, Copy)]
struct OverTime {
    variance: f64,
    freedom: f64,
}

/// Of the mean difference of the sides, scrape by scrape.
fn of_the_moment(evidence: &Evidence) -> Option<OverTime> {
    let difference = |scrape| {
        let new = side_mean(evidence, Side::Canary, scrape)?;
        Some(new - side_mean(evidence, Side::Baseline, scrape)?)
    };
    let differences: Vec<f64> = evidence.canary_scrapes().filter_map(difference).collect();
    let count = differences.len() as f64;
    if count < 2.0 {
        return None;
    }
    let centre = mean(&differences);
    let centred: Vec<f64> = differences.iter().map(|value| value - centre).collect();
    let square: f64 = centred.iter().map(|value| value * value).sum();
    let product: f64 = centred.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let rho = memory(product, square, count);
    let independent = (count * (1.0 - rho) / (1.0 + rho)).max(1.5);
    Some(OverTime { variance: square / (count - 1.0) / independent, freedom: independent - 1.0 })
}

/// How much of a deviation remains a scrape later, from sums over `count` scrapes; corrected for
/// the bias that comes of measuring from the series' own mean (Marriott and Pope, 1954).
pub(super) fn memory(product: f64, square: f64, count: f64) -> f64 {
    if square <= 0.0 {
        return 0.0;
    }
    let seen = product / square;
    ((seen * count + 1.0) / (count - 3.0).max(1.0)).clamp(0.0, 0.98)
}

/// The part of the moment in the variance of the means of these hosts.
fn of_means(hosts: &[&Host]) -> f64 {
    let longest = hosts.iter().map(|host| host.values.len()).max().unwrap_or(0) as f64;
    let (mut square, mut product, mut freedom, mut inverse) = (0.0, 0.0, 0.0, 0.0);
    for host in hosts {
        let centred = host.values.iter().map(|(scrape, value)| (*scrape, value - host.mean));
        let mut last: Option<(u32, f64)> = None;
        for (scrape, value) in centred {
            square += value * value;
            if let Some((_, before)) = last.filter(|(before, _)| before + 1 == scrape) {
                product += value * before;
            }
            last = Some((scrape, value));
        }
        freedom += host.values.len() as f64 - 1.0;
        inverse += 1.0 / host.values.len() as f64;
    }
    if freedom <= 0.0 {
        return 0.0;
    }
    let rho = memory(product, square, longest);
    square / freedom * (1.0 + rho) / (1.0 - rho) * inverse / hosts.len() as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / (values.len() as f64).max(1.0)
}

/// Sum of squared deviations from the mean.
fn squares(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|value| (value - centre) * (value - centre)).sum()
}
