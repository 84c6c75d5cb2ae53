//! What versions that do not fit do to calls, exactly, from the shares of new instances over time.

use crate::outcome::Series;
use crate::scenario::system::System;

/// Share of a service's serving instances that are new, as a step function of the seconds since
/// the first rollout of the system began.
#[derive(Debug, Clone)]
pub(super) struct Course {
    /// (from when, share), ascending; before the first it is 0.
    steps: Vec<(f64, f64)>,
    end: f64,
}

/// An error share over one run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sum {
    /// Seconds in which it was above zero.
    pub(super) seconds: f64,
    pub(super) peak: f64,
    /// Its integral.
    pub(super) lost: f64,
}

/// Error shares over one run, by service and by called pair.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lost {
    pub(super) services: Vec<Sum>,
    pub(super) pairs: Vec<Sum>,
}

impl Course {
    /// Of a rollout that begins at `begins`, or never. While nobody serves the share stays what it
    /// was: there is nobody to answer wrongly.
    pub(super) fn new(series: &Series, begins: Option<f64>) -> Self {
        let Some(begins) = begins else { return Self { steps: Vec::new(), end: 0.0 } };
        let seconds = |at: crate::units::Time| begins + at.since(series.begun).as_secs_f64();
        let mut steps: Vec<(f64, f64)> = Vec::new();
        for point in &series.points {
            if point.at < series.begun || point.serving() == 0 {
                continue;
            }
            let share = f64::from(point.serving_new) / f64::from(point.serving());
            if steps.last().map_or(0.0, |last| last.1) != share {
                steps.push((seconds(point.at), share));
            }
        }
        Self { steps, end: seconds(series.end) }
    }

    /// The end of the record.
    pub(super) fn end(&self) -> f64 {
        self.end
    }

    fn at(&self, t: f64) -> f64 {
        let place = self.steps.partition_point(|step| step.0 <= t);
        if place == 0 { 0.0 } else { self.steps[place - 1].1 }
    }
}

/// Who calls whom, in the order of the file.
pub(super) fn called(system: &System) -> Vec<(usize, usize)> {
    let calls = system.services.iter().enumerate();
    calls.flat_map(|(caller, s)| s.calls.iter().map(move |(callee, _)| (caller, *callee))).collect()
}

/// The share of requests that fail for versions, by service, and of calls, by called pair, while
/// these shares of instances are new and balancing sends calls to either version in proportion.
///
/// A request to version i of a service fails unless all its calls succeed:
/// 1 − Π (1 − Σⱼ fⱼ·(eᵢⱼ + (1 − eᵢⱼ)·Eⱼ))^calls over its callees, with fⱼ the share of the callee's
/// version j, eᵢⱼ the pair's errors and Eⱼ what fails behind that version. A fraction of a call is
/// that chance of one.
pub(super) fn failing(system: &System, order: &[usize], new: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut behind = vec![[0.0; 2]; new.len()];
    let mix = |service: usize| [1.0 - new[service], new[service]];
    for caller in order.iter().copied() {
        for version in 0..2 {
            let mut ok = 1.0;
            for (callee, calls) in &system.services[caller].calls {
                let errors = system.errors(caller, *callee)[version];
                let mut fails = 0.0;
                for (other, share) in mix(*callee).into_iter().enumerate() {
                    fails +=
                        share * (errors[other] + (1.0 - errors[other]) * behind[*callee][other]);
                }
                ok *= libm::pow(1.0 - fails, calls.trunc()) * (1.0 - calls.fract() * fails);
            }
            behind[caller][version] = 1.0 - ok;
        }
    }
    let weigh = |service: usize| {
        let [old, new] = mix(service);
        old * behind[service][0] + new * behind[service][1]
    };
    let pair = |(caller, callee): &(usize, usize)| {
        let errors = system.errors(*caller, *callee);
        let (a, b) = (mix(*caller), mix(*callee));
        (0..2)
            .flat_map(|i| (0..2).map(move |j| (i, j)))
            .map(|(i, j)| a[i] * b[j] * errors[i][j])
            .sum()
    };
    ((0..new.len()).map(weigh).collect(), called(system).iter().map(pair).collect())
}

/// Callees before their callers.
fn callees_first(system: &System) -> Vec<usize> {
    let callees = |service: usize| system.services[service].calls.iter().map(|c| c.0).collect();
    system.sorted(callees).unwrap_or_default()
}

/// Error shares over one run: all courses are steps, so that sums over them are exact.
pub(super) fn lost(system: &System, courses: &[Course]) -> Lost {
    let order = callees_first(system);
    let mut times: Vec<f64> = courses.iter().flat_map(|c| c.steps.iter().map(|s| s.0)).collect();
    times.push(courses.iter().map(Course::end).fold(0.0, f64::max));
    times.sort_by(f64::total_cmp);
    times.dedup();
    let pairs = called(system).len();
    let (services, pairs) = (vec![Sum::default(); courses.len()], vec![Sum::default(); pairs]);
    let mut lost = Lost { services, pairs };
    for span in times.windows(2) {
        let new: Vec<f64> = courses.iter().map(|course| course.at(span[0])).collect();
        let (services, pairs) = failing(system, &order, &new);
        let seconds = span[1] - span[0];
        for (sum, share) in lost.services.iter_mut().zip(services) {
            sum.add(share, seconds);
        }
        for (sum, share) in lost.pairs.iter_mut().zip(pairs) {
            sum.add(share, seconds);
        }
    }
    lost
}

impl Sum {
    fn add(&mut self, share: f64, seconds: f64) {
        if share > 0.0 {
            self.seconds += seconds;
            self.peak = self.peak.max(share);
            self.lost += share * seconds;
        }
    }
}

/// Mean over runs, at an instant: error shares and shares of new instances, by service.
pub(super) fn means_at(system: &System, runs: &[Vec<Course>], t: f64) -> (Vec<f64>, Vec<f64>) {
    let order = callees_first(system);
    let services = system.services.len();
    let (mut errors, mut shares) = (vec![0.0; services], vec![0.0; services]);
    for courses in runs {
        let new: Vec<f64> = courses.iter().map(|course| course.at(t)).collect();
        let (failing, _) = failing(system, &order, &new);
        for service in 0..services {
            errors[service] += failing[service] / runs.len() as f64;
            shares[service] += new[service] / runs.len() as f64;
        }
    }
    (errors, shares)
}

#[cfg(test)]
mod tests {
    use super::super::orders::tests::system;
    use super::{Course, failing, lost};

    #[test]
    fn fan_out_multiplies_and_errors_travel_up() {
        // 0 calls 1 three times and 2 once; 2 calls 1 one and a half times.
        let mut chain =
            system(3, &[(0, 1, [[0.0, 0.0], [1.0, 0.0]]), (2, 1, [[0.0, 0.4], [0.0, 0.0]])]);
        chain.services[0].calls = vec![(1, 3.0), (2, 1.0)];
        chain.services[2].calls = vec![(1, 1.5)];
        let (x, y) = (0.25, 0.6);
        let (services, pairs) = failing(&chain, &[1, 2, 0], &[x, y, 0.0]);
        // 2 is old: its calls fail if they meet a new 1.
        let two = 1.0 - (1.0 - 0.4 * y) * (1.0 - 0.5 * 0.4 * y);
        let zero = 1.0 - (1.0 - two) * (1.0 - x + x * y * y * y);
        assert!((services[2] - two).abs() < 1e-12 && (services[0] - zero).abs() < 1e-12);
        assert!((pairs[0] - x * (1.0 - y)).abs() < 1e-12 && (pairs[2] - 0.4 * y).abs() < 1e-12);
        assert_eq!((services[1], pairs[1]), (0.0, 0.0));
    }

    #[test]
    fn sums_over_steps_are_exact() {
        let pair = system(2, &[(0, 1, [[0.0, 0.0], [1.0, 0.0]])]);
        let caller = Course { steps: vec![(1.0, 0.5), (3.0, 1.0)], end: 10.0 };
        let callee = Course { steps: vec![(2.0, 0.5), (6.0, 1.0)], end: 12.0 };
        let sums = lost(&pair, &[caller, callee]).services[0];
        // 0.5 for a second, 0.25 for one, 0.5 for three.
        assert_eq!((sums.seconds, sums.peak, sums.lost), (5.0, 0.5, 2.25));
    }
}
