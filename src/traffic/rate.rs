//! A rate that varies: pieces of constant rate, one after the other.

use super::exponential;
use crate::engine::Stream;
use crate::scenario::Profile;
use crate::units::{Span, Time};

/// Smooth profiles are constant over steps of this length.
pub const STEP: Span = Span::from_millis(250);

/// The piece of constant rate that holds now, and how to find the next one.
#[derive(Debug, Clone)]
pub struct RateCurve {
    profile: Profile,
    scale: f64,
    origin: Time,
    bursts: Stream,
    in_burst: bool,
    settled: Time,
    until: u64,
    /// 1e9 / rate; infinite at rate zero.
    nanos_per_event: f64,
}

impl RateCurve {
    /// Begins at [`Time::ZERO`].
    pub fn new(profile: &Profile, scale: f64, origin: Time, bursts: Stream) -> Self {
        let mut curve = Self {
            profile: profile.clone(),
            scale,
            origin,
            bursts,
            in_burst: true,
            settled: settled_from(profile, origin),
            until: 0,
            nanos_per_event: f64::INFINITY,
        };
        if let Profile::Bursts { every, length, .. } = profile {
            // Stationary from the beginning: in a burst with the share of time bursts take.
            let share = length.as_secs_f64() / (length.as_secs_f64() + every.as_secs_f64());
            curve.in_burst = curve.bursts.uniform() >= share;
        }
        curve.enter(0);
        curve
    }

    /// What is left of the current piece at `now`, in nanoseconds; at most 2⁵¹ (26 days).
    #[inline]
    pub fn left(&self, now: u64) -> f64 {
        (self.until - now).min(1 << 51) as i64 as f64
    }

    /// Mean time between events in the current piece, in nanoseconds.
    pub fn nanos_per_event(&self) -> f64 {
        self.nanos_per_event
    }

    /// The instant at which `step` expected events have passed since `now`, when that lies
    /// beyond the current piece. `u64::MAX` if it never comes.
    pub fn cross(&mut self, now: u64, step: f64) -> u64 {
        let (mut now, mut step) = (now, step);
        loop {
            if self.until == u64::MAX {
                let nanos = step * self.nanos_per_event;
                return now.saturating_add(nanos as u64);
            }
            step -= (self.until - now) as f64 / self.nanos_per_event;
            now = self.until;
            self.enter(now);
            let within = step.max(0.0) * self.nanos_per_event;
            if within < (self.until - now) as f64 {
                return now + within as u64;
            }
        }
    }

    /// Makes the piece current that begins at `now`.
    fn enter(&mut self, now: u64) {
        if Time(now) >= self.settled {
            self.until = u64::MAX;
            self.nanos_per_event = nanos_per_event(self.rate_at(now) * self.scale);
            return;
        }
        let (rate, until) = match &self.profile {
            Profile::Constant(rate) => (rate.0, u64::MAX),
            Profile::Bursts { base, burst, every, length } => {
                self.in_burst = !self.in_burst;
                let (rate, mean) = if self.in_burst { (burst, length) } else { (base, every) };
                let stay = exponential(&mut self.bursts, *mean).0.max(1);
                (rate.0, now.saturating_add(stay))
            }
            Profile::Counts { interval, .. } => {
                let since = i128::from(now) - i128::from(self.origin.0);
                let length = i128::from(interval.0.max(1));
                let left = length - since.rem_euclid(length);
                (self.rate_at(now), now.saturating_add(left as u64))
            }
            Profile::Day { .. } | Profile::Table(_) | Profile::Flash { .. } => {
                (self.rate_at(now.saturating_add(STEP.0 / 2)), now.saturating_add(STEP.0))
            }
            Profile::Instants { .. } => unreachable!("recorded instants are replayed"),
        };
        self.nanos_per_event = nanos_per_event(rate * self.scale);
        self.until = until;
    }

    fn rate_at(&self, now: u64) -> f64 {
        mean_rate(&self.profile, Time(now), self.origin)
    }
}

fn nanos_per_event(rate: f64) -> f64 {
    if rate > 0.0 { 1e9 / rate } else { f64::INFINITY }
}

/// From when on the rate changes no more.
fn settled_from(profile: &Profile, origin: Time) -> Time {
    match profile {
        Profile::Table(points) => points.last().map_or(Time::ZERO, |(at, _)| origin + *at),
        // e⁻⁴⁰ of the peak is nothing.
        Profile::Flash { at, rise, decay, .. } => origin + *at + *rise + *decay * 40.0,
        Profile::Counts { interval, counts } => origin + *interval * counts.len() as f64,
        Profile::Constant(_)
        | Profile::Day { .. }
        | Profile::Bursts { .. }
        | Profile::Instants { .. } => Time::NEVER,
    }
}

/// The rate at `time`, before scaling; the long-run mean for bursts.
pub(super) fn mean_rate(profile: &Profile, time: Time, origin: Time) -> f64 {
    // Profiles are defined relative to the beginning of the rollout.
    let t = time.as_secs_f64() - origin.as_secs_f64();
    match profile {
        Profile::Constant(rate) => rate.0,
        Profile::Day { mean, peak, peak_at, start_at } => {
            let clock = start_at.as_secs_f64() + t - peak_at.as_secs_f64();
            let swing = libm::cos(clock / 86_400.0 * std::f64::consts::TAU);
            (mean.0 + (peak.0 - mean.0) * swing).max(0.0)
        }
        Profile::Table(points) => {
            let above = points.iter().position(|(at, _)| at.as_secs_f64() > t);
            match above {
                Some(0) => points[0].1.0,
                None => points.last().map_or(0.0, |(_, rate)| rate.0),
                Some(i) => {
                    let (t0, r0) = (points[i - 1].0.as_secs_f64(), points[i - 1].1.0);
                    let (t1, r1) = (points[i].0.as_secs_f64(), points[i].1.0);
                    r0 + (r1 - r0) * (t - t0) / (t1 - t0)
                }
            }
        }
        Profile::Bursts { base, burst, every, length } => {
            let (every, length) = (every.as_secs_f64(), length.as_secs_f64());
            (base.0 * every + burst.0 * length) / (every + length)
        }
        Profile::Flash { base, peak, at, rise, decay } => {
            let (since, rise) = (t - at.as_secs_f64(), rise.as_secs_f64());
            let extra = if since < 0.0 {
                0.0
            } else if since < rise {
                since / rise
            } else {
                libm::exp(-(since - rise) / decay.as_secs_f64().max(1e-9))
            };
            base.0 + (peak.0 - base.0) * extra
        }
        Profile::Counts { interval, counts } => {
            // Before the record its first count holds, after it its end: silence.
            let index = (t / interval.as_secs_f64()).floor();
            let count = if index < 0.0 { counts.first() } else { counts.get(index as usize) };
            count.copied().unwrap_or(0.0) / interval.as_secs_f64()
        }
        Profile::Instants { .. } => unreachable!("recorded instants are replayed"),
    }
}
