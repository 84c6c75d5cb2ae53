//! How busy each service gets, where some of its traffic is shifted to its peers for its rollout.

use super::Played;
use crate::scenario::system::System;
use crate::study::assemble::throughput;
use crate::traffic;
use crate::units::Time;

/// One service in one run, as a step function of the seconds since the first rollout began.
struct Serving {
    /// (from when, requests per second that it can answer), ascending; the first holds from the
    /// beginning on.
    steps: Vec<(f64, f64)>,
    /// When its rollout begins and ends.
    rolls: (f64, f64),
    /// Requests per second of its own; 0 without traffic.
    rate: f64,
    shift: f64,
    /// Services with the same scenario file are its peers.
    file: String,
}

impl Serving {
    fn new(system: &System, service: usize, played: &Played, begins: Option<f64>) -> Self {
        let member = &system.services[service];
        let scenario = &member.scenario;
        let rate = scenario.traffic.as_ref();
        let rate = rate.map_or(0.0, |t| traffic::rate_at(t, Time::ZERO, Time::ZERO));
        let (old, new) = (
            throughput(scenario, &scenario.versions.old),
            throughput(scenario, &scenario.versions.new),
        );
        let series = &played.series;
        let before = f64::from(scenario.service.instances) * old;
        let mut steps = vec![(0.0, before)];
        let begins = begins.unwrap_or(f64::INFINITY);
        let from = begins.is_finite();
        for point in series.points.iter().filter(|point| from && point.at >= series.begun) {
            let at = begins + point.at.since(series.begun).as_secs_f64();
            let serves = f64::from(point.serving_old) * old + f64::from(point.serving_new) * new;
            steps.push((at, serves));
        }
        let whole = series.end.since(series.begun).as_secs_f64();
        let ends = begins + played.duration.unwrap_or(whole);
        let (shift, file) = (member.shift.0, member.file.clone());
        Self { steps, rolls: (begins, ends), rate, shift, file }
    }

    fn capacity(&self, t: f64) -> f64 {
        self.steps[self.steps.partition_point(|step| step.0 <= t).max(1) - 1].1
    }

    fn is_rolling(&self, t: f64) -> bool {
        self.rolls.0 <= t && t < self.rolls.1
    }
}

/// Requests per second that each service gets at `t`: the share that is shifted away from a service
/// while its rollout is under way goes to its peers that have none, in proportion to their own.
fn rates(all: &[Serving], t: f64) -> Vec<f64> {
    let still = |file: &str| {
        all.iter().filter(|s| s.file == file && !s.is_rolling(t)).map(|s| s.rate).sum::<f64>()
    };
    let of = |service: &Serving| {
        let takers = still(&service.file);
        if service.is_rolling(t) {
            // With nobody to take it, nothing is shifted.
            return service.rate * if takers > 0.0 { 1.0 - service.shift } else { 1.0 };
        }
        let peers = all.iter().filter(|s| s.file == service.file && s.is_rolling(t));
        let shifted: f64 = peers.map(|peer| peer.rate * peer.shift).sum();
        service.rate + if takers > 0.0 { shifted * service.rate / takers } else { 0.0 }
    };
    all.iter().map(of).collect()
}

/// By service: the highest traffic over capacity in one run; not a number without traffic.
pub(super) fn peaks(system: &System, played: &[&Played], begins: &[Option<f64>]) -> Vec<f64> {
    let all: Vec<Serving> = played
        .iter()
        .enumerate()
        .map(|(service, played)| Serving::new(system, service, played, begins[service]))
        .collect();
    let steps = all.iter().flat_map(|s| s.steps.iter().map(|step| step.0));
    let rolls = all.iter().flat_map(|s| [s.rolls.0, s.rolls.1]);
    let mut times: Vec<f64> = steps.chain(rolls).filter(|t| t.is_finite()).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let mut peaks = vec![f64::NAN; all.len()];
    for t in times {
        for (place, (service, rate)) in all.iter().zip(rates(&all, t)).enumerate() {
            if service.rate > 0.0 {
                peaks[place] = peaks[place].max(rate / service.capacity(t));
            }
        }
    }
    peaks
}

#[cfg(test)]
mod tests {
    use super::{Serving, rates};

    fn serving(rate: f64, shift: f64, rolls: (f64, f64), file: &str) -> Serving {
        Serving { steps: vec![(0.0, 1.0)], rolls, rate, shift, file: file.to_owned() }
    }

    #[test]
    fn peers_take_what_is_shifted_in_proportion() {
        let never = (f64::INFINITY, f64::INFINITY);
        let mut all = vec![
            serving(600.0, 0.5, (10.0, 20.0), "shop"),
            serving(300.0, 1.0, never, "shop"),
            serving(100.0, 1.0, never, "shop"),
            serving(100.0, 1.0, never, "other"),
        ];
        assert_eq!(rates(&all, 9.0), [600.0, 300.0, 100.0, 100.0]);
        assert_eq!(rates(&all, 10.0), [300.0, 525.0, 175.0, 100.0]);
        assert_eq!(rates(&all, 20.0), [600.0, 300.0, 100.0, 100.0]);
        // All of them at once: nobody takes anything.
        all[1].rolls = (0.0, 30.0);
        all[2].rolls = (0.0, 30.0);
        assert_eq!(rates(&all, 15.0), [600.0, 300.0, 100.0, 100.0]);
    }
}
