//! Whether a fitted law can be what the values follow.

use super::{Fitted, Law, Sample, climb};

/// How far a sample is from the law fitted to it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Goodness {
    /// Kolmogorov and Smirnov's distance: the largest between the distribution function of the
    /// values as the clock shows them (Kaplan–Meier's where some are censored) and the law's.
    pub distance: f64,
    /// Share of samples drawn from the fitted law, rounded and censored alike and fitted anew,
    /// that are at least as far from their own fit (parametric bootstrap; the tables of the test
    /// do not hold for a law fitted to the same values).
    pub p_value: f64,
    /// So many samples were drawn.
    pub resamples: u32,
}

/// Uniform draws: `SplitMix64` (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform in (0, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64 + f64::EPSILON / 4.0
    }
}

impl Fitted {
    /// How well the law fits the sample it was fitted to. `seed` chooses the resamples.
    pub fn goodness(&self, sample: &Sample, resamples: u32, seed: u64) -> Goodness {
        let distance = distance(&self.law, sample);
        let mut chance = Chance::new(seed);
        let inverse = Inverse::of(&self.law);
        let patience = patience(sample);
        let mut further = 0u32;
        for _ in 0..resamples {
            let again = resample(&inverse, sample, &patience, &mut chance);
            let law = if again.refused().is_some() {
                self.law
            } else {
                // From where it must be near; a rank needs no more digits.
                self.law.family().law(&climb(self.law.family(), &again, &self.at, 1e-4))
            };
            further += u32::from(self::distance(&law, &again) >= distance);
        }
        let p_value = f64::from(1 + further) / f64::from(1 + resamples);
        Goodness { distance, p_value, resamples }
    }
}

impl Sample {
    /// The value below which a share `p` lies (Kaplan and Meier); the largest value where too many
    /// had not ended to tell.
    pub fn quantile(&self, p: f64) -> f64 {
        let steps = survivors(&self.values, &self.beyond);
        let reached = steps.iter().find(|(_, longer)| 1.0 - longer >= p);
        reached.or(steps.last()).map_or(0.0, |(value, _)| *value)
    }
}

/// The law's distribution function of what the clock shows.
fn shown(law: &Law, tick: f64, value: f64) -> f64 {
    if tick == 0.0 { law.cdf(value) } else { (law.area(value + tick) - law.area(value)) / tick }
}

fn distance(law: &Law, sample: &Sample) -> f64 {
    let steps = survivors(&sample.values, &sample.beyond);
    let (mut before, mut most) = (1.0, 0.0f64);
    for (value, after) in steps {
        let below = shown(law, sample.tick, value - sample.tick);
        let here = shown(law, sample.tick, value);
        most = most.max((1.0 - before - below).abs()).max((1.0 - after - here).abs());
        before = after;
    }
    most
}

/// Kaplan and Meier's estimate: after each value, the share that lasts longer.
fn survivors(ended: &[(f64, f64)], censored: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let count = |all: &[(f64, f64)], from: f64| {
        all.iter().filter(|(v, _)| *v >= from).map(|(_, n)| n).sum::<f64>()
    };
    let mut share = 1.0;
    let mut steps = Vec::with_capacity(ended.len());
    for (value, number) in ended {
        let at_risk = count(ended, *value) + count(censored, *value);
        share *= 1.0 - number / at_risk;
        steps.push((*value, share));
    }
    steps
}

/// How long it was watched, as the censored tell (Kaplan and Meier's estimate with the roles
/// exchanged): until this, with probability of longer.
fn patience(sample: &Sample) -> Vec<(f64, f64)> {
    survivors(&sample.beyond, &sample.values)
}

fn resample(
    inverse: &Inverse,
    sample: &Sample,
    patience: &[(f64, f64)],
    chance: &mut Chance,
) -> Sample {
    let tick = sample.tick;
    let (mut values, mut beyond) = (Vec::new(), Vec::new());
    for _ in 0..sample.ended() + sample.censored() {
        let x = inverse.at(chance.uniform());
        let begin = chance.uniform();
        let u = chance.uniform();
        let until = patience.iter().find(|(_, longer)| u > *longer).map(|(until, _)| *until);
        match until {
            Some(until) if x > until => beyond.push(until),
            _ if tick > 0.0 => values.push((begin + x / tick).floor() * tick),
            _ => values.push(x),
        }
    }
    Sample::new(tick, &values, &beyond)
}

/// Quantiles of a law, tabulated: bisection for every draw would take most of the time.
struct Inverse(Vec<f64>);

impl Inverse {
    const STEPS: usize = 400;

    fn of(law: &Law) -> Self {
        let p = |i: usize| (i as f64 / Self::STEPS as f64).clamp(1e-5, 1.0 - 1e-5);
        Self((0..=Self::STEPS).map(|i| law.quantile(p(i))).collect())
    }

    fn at(&self, p: f64) -> f64 {
        let place = p * Self::STEPS as f64;
        let index = (place as usize).min(Self::STEPS - 1);
        let (low, high) = (self.0[index], self.0[index + 1]);
        low + (high - low) * (place - index as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Family, Sample, fit};
    use super::{Chance, Law, survivors};

    #[test]
    fn kaplan_and_meier_by_hand() {
        // 6 at risk, 1 ends; 4 at risk (one given up), 2 end; 1 at risk.
        let ended = [(1.0, 1.0), (3.0, 2.0), (5.0, 1.0)];
        let steps = survivors(&ended, &[(2.0, 1.0), (3.0, 1.0)]);
        let expected = [(1.0, 5.0 / 6.0), (3.0, 5.0 / 6.0 * 0.5), (5.0, 0.0)];
        for (step, expected) in steps.iter().zip(expected) {
            assert!((step.1 - expected.1).abs() < 1e-12 && step.0 == expected.0, "{steps:?}");
        }
    }

    fn draws(law: Law, n: usize, seed: u64) -> Sample {
        let mut chance = Chance::new(seed);
        let mut one = || (law.quantile(chance.uniform()) + chance.uniform()).floor();
        let values: Vec<f64> = (0..n).map(|_| one()).collect();
        Sample::new(1.0, &values, &[])
    }

    #[test]
    fn a_true_law_is_rarely_refused_and_a_wrong_one_mostly() {
        let law = Law::LogNormal { mu: 2.0, sigma: 0.8 };
        let refused = |family: Family| {
            let p = |seed| {
                let sample = draws(law, 150, seed);
                fit(family, &sample).unwrap().goodness(&sample, 99, 1).p_value
            };
            (0..20).filter(|seed| p(*seed) <= 0.1).count()
        };
        // Of 20 at level 10 % more than 6 are refused with probability 0.2 %.
        assert!(refused(Family::LogNormal) <= 6, "{}", refused(Family::LogNormal));
        assert!(refused(Family::Exponential) >= 18, "{}", refused(Family::Exponential));
    }
}
