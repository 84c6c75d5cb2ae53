//! Arrival processes: models and recorded traffic, as blocks of instants.
//!
//! An arrival process is a unit-rate process run through the cumulated rate: exponential steps
//! give a Poisson process, steps of one give an even one. The rate is piecewise constant;
//! smooth profiles are cut into [`STEP`]s.

mod rate;
mod replay;

use crate::engine::{BLOCK, Law, Seeds, Stream, VariateBlock, math};
use crate::scenario::{Arrivals, Profile, Traffic};
use crate::units::{Span, Time};

pub use rate::{RateCurve, STEP};
use replay::Replay;

/// Purposes of the random streams of this room.
mod purpose {
    pub(super) const ARRIVALS: u32 = 100;
    pub(super) const BURSTS: u32 = 101;
}

/// Instants of arrival, in order, in blocks.
#[derive(Debug, Clone)]
pub struct Source {
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Modelled(Box<Modelled>),
    Replayed(Replay),
}

#[derive(Debug, Clone)]
struct Modelled {
    curve: RateCurve,
    steps: VariateBlock,
    next_step: usize,
    now: u64,
}

impl Source {
    /// Arrivals from [`Time::ZERO`] on; the profile's time 0 is at `origin`.
    pub fn new(traffic: &Traffic, origin: Time, seeds: Seeds) -> Self {
        let kind = match &traffic.profile {
            Profile::Instants { at, period } => Kind::Replayed(Replay::new(at, *period, origin)),
            profile => {
                let bursts = seeds.stream(purpose::BURSTS, 0);
                let law = match traffic.arrivals {
                    Arrivals::Poisson => Law::Exponential(1.0),
                    Arrivals::Deterministic => Law::Fixed(1.0),
                };
                Kind::Modelled(Box::new(Modelled {
                    curve: RateCurve::new(profile, traffic.scale, origin, bursts),
                    steps: VariateBlock::new(law, seeds.stream(purpose::ARRIVALS, 0)),
                    next_step: BLOCK,
                    now: 0,
                }))
            }
        };
        Self { kind }
    }

    /// The next instants, in nanoseconds; `u64::MAX` where there are no more.
    pub fn fill(&mut self, out: &mut [u64; BLOCK]) {
        match &mut self.kind {
            Kind::Modelled(modelled) => modelled.fill(out),
            Kind::Replayed(replay) => replay.fill(out),
        }
    }
}

impl Modelled {
    fn fill(&mut self, out: &mut [u64; BLOCK]) {
        self.steps.refill();
        self.next_step = 0;
        let (mut now, mut pace) = (self.now, self.curve.nanos_per_event());
        let mut left = self.curve.left(now);
        for (slot, step) in out.iter_mut().zip(&self.steps.values) {
            let within = step * pace;
            if within < left {
                now += math::to_u64(within);
            } else {
                now = self.curve.cross(now, *step);
                pace = self.curve.nanos_per_event();
            }
            left = self.curve.left(now);
            *slot = now;
        }
        self.now = now;
    }
}

/// Mean number of arrivals per second at `time` (for charts and lints): recorded instants are
/// counted over one [`STEP`].
pub fn rate_at(traffic: &Traffic, time: Time, origin: Time) -> f64 {
    match &traffic.profile {
        Profile::Instants { at, period } => replay::rate_at(at, *period, time, origin),
        profile => rate::mean_rate(profile, time, origin) * traffic.scale,
    }
}

/// Draws an exponential time with this mean.
fn exponential(stream: &mut Stream, mean: Span) -> Span {
    mean * -math::ln(stream.uniform())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Rate;

    fn count(traffic: &Traffic, from: f64, to: f64, seed: u64) -> f64 {
        let mut source = Source::new(traffic, Time::ZERO, Seeds::new(seed, 0));
        let mut block = [0; BLOCK];
        let mut counted = 0;
        loop {
            source.fill(&mut block);
            assert!(block.is_sorted());
            counted += block.iter().filter(|t| (from..to).contains(&(**t as f64 / 1e9))).count();
            if block[BLOCK - 1] as f64 / 1e9 > to {
                return counted as f64;
            }
        }
    }

    fn traffic(profile: Profile, arrivals: Arrivals) -> Traffic {
        Traffic { profile, arrivals, scale: 1.0 }
    }

    /// The count of a Poisson process is within 5 standard deviations of its mean.
    fn check(profile: Profile, from: f64, to: f64, mean: f64) {
        let counted = count(&traffic(profile.clone(), Arrivals::Poisson), from, to, 1);
        assert!((counted - mean).abs() < 5.0 * mean.sqrt() + 1.0, "{profile:?}: {counted} {mean}");
        let even = count(&traffic(profile, Arrivals::Deterministic), from, to, 1);
        assert!((even - mean).abs() < 2.0 + mean * 1e-3, "{even} {mean}");
    }

    #[test]
    fn counts_follow_the_profile() {
        let second = Span::from_secs;
        check(Profile::Constant(Rate(1000.0)), 0.0, 50.0, 50_000.0);
        let table = vec![(second(10), Rate(100.0)), (second(20), Rate(300.0))];
        check(Profile::Table(table.clone()), 0.0, 10.0, 1000.0);
        check(Profile::Table(table.clone()), 10.0, 20.0, 2000.0);
        check(Profile::Table(table), 20.0, 30.0, 3000.0);
        let flash = Profile::Flash {
            base: Rate(100.0),
            peak: Rate(1100.0),
            at: second(10),
            rise: second(10),
            decay: second(10),
        };
        check(flash.clone(), 10.0, 20.0, 6000.0);
        check(flash, 20.0, 30.0, 1000.0 + 10_000.0 * (1.0 - (-1.0f64).exp()));
        let counts = Profile::Counts { interval: second(5), counts: vec![500.0, 0.0, 250.0] };
        check(counts.clone(), 0.0, 5.0, 500.0);
        check(counts, 10.0, 15.0, 250.0);
        let day = Profile::Day {
            mean: Rate(100.0),
            peak: Rate(150.0),
            peak_at: second(18 * 3600),
            start_at: second(18 * 3600),
        };
        check(day.clone(), 0.0, 60.0, 9000.0);
        check(
            Profile::Day {
                mean: Rate(100.0),
                peak: Rate(150.0),
                peak_at: second(18 * 3600),
                start_at: second(6 * 3600),
            },
            0.0,
            60.0,
            3000.0,
        );
    }

    #[test]
    fn bursts_have_their_mean_rate() {
        let bursts = Profile::Bursts {
            base: Rate(100.0),
            burst: Rate(1000.0),
            every: Span::from_secs(9),
            length: Span::from_secs(1),
        };
        let counted = count(&traffic(bursts, Arrivals::Poisson), 0.0, 20_000.0, 3);
        let mean = 20_000.0 * (100.0 * 0.9 + 1000.0 * 0.1);
        assert!((counted / mean - 1.0).abs() < 0.05, "{counted} {mean}");
    }

    #[test]
    fn recorded_instants_are_played_as_they_are_and_again() {
        let recorded = Profile::Instants { at: vec![0, 1_000, 5_000], period: Span(10_000) };
        let traffic = traffic(recorded, Arrivals::Poisson);
        let mut source = Source::new(&traffic, Time(20_000), Seeds::new(1, 0));
        let mut block = [0; BLOCK];
        source.fill(&mut block);
        assert_eq!(&block[..7], &[0, 1_000, 5_000, 10_000, 11_000, 15_000, 20_000]);
    }
}
