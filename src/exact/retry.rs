//! Retries: what they add, when that feeds on itself, and when it does not end by itself.

/// Attempts of a request of which each fails with probability `p`, at most `tries`:
/// 1 + p + … + p^(tries − 1).
pub fn attempts(tries: u32, p: f64) -> f64 {
    (0..tries).rev().fold(0.0, |sum, _| 1.0 + p * sum)
}

/// Load at the lowest of `layers`, each of which makes up to `tries` attempts of which each fails
/// with probability `p`.
pub fn amplification(layers: u32, tries: u32, p: f64) -> f64 {
    (0..layers).fold(1.0, |load, _| load * attempts(tries, p))
}

/// The failure probability of attempts at which their load reaches the capacity of which the
/// requests alone use `rho`: ρ·(1 + p + … + p^(tries − 1)) = 1.
pub fn critical_failure(rho: f64, tries: u32) -> f64 {
    bisect(0.0, 1.0, |p| rho * attempts(tries, p) - 1.0)
}

/// M/M/1 servers under attempts that time out and are made again at once, at any server, while
/// the work goes on; in the mean field of many servers the attempts of one are a Poisson process.
///
/// An attempt fails with p(L) = e^(−(μ − L)τ) at attempt rate L, and requests at rate λ make
/// L = λ·(1 + p + …): the fixed points of that are the states of the system.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Storm {
    /// Service rate.
    pub mu: f64,
    /// Timeout of an attempt.
    pub tau: f64,
    /// Attempts in all.
    pub tries: u32,
}

impl Storm {
    /// Request rate that has this attempt rate as a state.
    fn requests(&self, attempt_rate: f64) -> f64 {
        let p = libm::exp(-(self.mu - attempt_rate).max(0.0) * self.tau);
        attempt_rate / attempts(self.tries, p)
    }

    /// The attempt rate at which most requests are carried, and that request rate: above it there
    /// is no state but the collapse.
    pub fn saddle(&self) -> (f64, f64) {
        // Golden section; the maximum is flat, so that its value is as exact as floats are.
        let ratio = (5.0f64.sqrt() - 1.0) / 2.0;
        let (mut low, mut high) = (0.0, self.mu);
        for _ in 0..200 {
            let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
            if self.requests(a) < self.requests(b) {
                low = a;
            } else {
                high = b;
            }
        }
        let at = f64::midpoint(low, high);
        (at, self.requests(at))
    }

    /// Request rate above which the collapse sustains itself: all attempts time out, each request
    /// makes all of its attempts, and that is more than can be served.
    pub fn sustained_above(&self) -> f64 {
        self.mu / f64::from(self.tries)
    }

    /// Attempt rate of the healthy state.
    pub fn healthy(&self, lambda: f64) -> f64 {
        bisect(0.0, self.saddle().0, |rate| self.requests(rate) - lambda)
    }

    /// Attempt rate from which there is no way back by itself.
    pub fn tipping(&self, lambda: f64) -> f64 {
        bisect(self.saddle().0, self.mu, |rate| lambda - self.requests(rate))
    }
}

/// Where a function that rises from below zero at `low` to above it at `high` crosses it.
fn bisect(mut low: f64, mut high: f64, rising: impl Fn(f64) -> f64) -> f64 {
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if rising(middle) < 0.0 { low = middle } else { high = middle }
    }
}

/// The same with at most `room` attempts at a server, where a request ends that finds it full.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundedStorm {
    /// Servers, timeouts and attempts.
    pub storm: Storm,
    /// In service and waiting.
    pub room: u32,
}

impl BoundedStorm {
    /// Request rate that has this attempt rate as a state: M/M/1/K, where the k-th in the queue
    /// times out if k services last longer than the timeout.
    fn requests(&self, attempt_rate: f64) -> f64 {
        let Storm { mu, tau, tries } = self.storm;
        let (mut term, mut tail) = (libm::exp(-mu * tau), 0.0);
        let (mut weight, mut all, mut late) = (1.0, 0.0, 0.0);
        for ahead in 0..=self.room {
            // P(sojourn > τ) behind so many: fewer than that plus one services within τ.
            tail += term;
            term *= mu * tau / f64::from(ahead + 1);
            all += weight;
            if ahead < self.room {
                late += weight * tail;
            }
            weight *= attempt_rate / mu;
        }
        attempt_rate / attempts(tries, late / all)
    }

    /// Request rates above which there is no healthy state, and above which the collapse sustains
    /// itself.
    pub fn borders(&self) -> (f64, f64) {
        let steps = 20_000;
        let rate = |step: u32| self.storm.mu * 4.0 * f64::from(step) / f64::from(steps);
        let requests: Vec<f64> = (1..=steps).map(|step| self.requests(rate(step))).collect();
        let turn = |from: usize, falls: bool| {
            let pairs = requests[from..].windows(2);
            let place = pairs.into_iter().position(|pair| (pair[1] < pair[0]) == falls);
            place.map(|place| from + place)
        };
        let Some(saddle) = turn(0, true) else { return (f64::INFINITY, f64::INFINITY) };
        let sustained = turn(saddle, false).map_or(f64::INFINITY, |place| requests[place]);
        (requests[saddle], sustained)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_room_is_no_bound() {
        let storm = Storm { mu: 1.0, tau: 10.0, tries: 3 };
        let (saddle, sustained) = BoundedStorm { storm, room: 2000 }.borders();
        assert!((saddle - storm.saddle().1).abs() < 1e-4, "{saddle}");
        assert!((sustained / storm.sustained_above() - 1.0).abs() < 0.01, "{sustained}");
        // A short queue answers some in time even when it is full: the collapse needs more.
        let (saddle, sustained) = BoundedStorm { storm, room: 51 }.borders();
        assert!((saddle - storm.saddle().1).abs() < 1e-3 && sustained > 0.35, "{sustained}");
        // In one that is shorter than the timeout nobody is ever late for long.
        assert_eq!(BoundedStorm { storm, room: 3 }.borders().1, f64::INFINITY);
    }

    #[test]
    fn a_state_carries_its_requests() {
        let storm = Storm { mu: 1.0, tau: 10.0, tries: 3 };
        for lambda in [0.35, 0.5, 0.69] {
            let (healthy, tipping) = (storm.healthy(lambda), storm.tipping(lambda));
            assert!(healthy < storm.saddle().0 && storm.saddle().0 < tipping);
            for rate in [healthy, tipping] {
                assert!((storm.requests(rate) - lambda).abs() < 1e-12);
            }
        }
        assert!(storm.saddle().1 > 0.694 && storm.saddle().1 < 0.695);
    }

    #[test]
    fn layers_multiply() {
        assert_eq!(amplification(3, 4, 1.0), 64.0);
        assert_eq!(amplification(2, 3, 0.0), 1.0);
        assert_eq!(attempts(3, 0.5), 1.75);
    }
}
