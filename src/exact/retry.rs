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
        self.requests_beside(attempt_rate, 0.0)
    }

    /// The same where this share of the servers is so far behind that all attempts there time out.
    fn requests_beside(&self, attempt_rate: f64, stuck: f64) -> f64 {
        let p = libm::exp(-(self.mu - attempt_rate).max(0.0) * self.tau);
        attempt_rate / attempts(self.tries, stuck + (1.0 - stuck) * p)
    }

    /// The attempt rate at which most requests are carried, and that request rate: above it there
    /// is no state but the collapse.
    pub fn saddle(&self) -> (f64, f64) {
        self.saddle_beside(0.0)
    }

    /// The same beside a share of servers that are stuck with long queues: up to this request rate
    /// those that are not are healthy, and the others can catch up.
    pub fn saddle_beside(&self, stuck: f64) -> (f64, f64) {
        // Golden section; the maximum is flat, so that its value is as exact as floats are.
        let ratio = (5.0f64.sqrt() - 1.0) / 2.0;
        let (mut low, mut high) = (0.0, self.mu);
        for _ in 0..200 {
            let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
            if self.requests_beside(a, stuck) < self.requests_beside(b, stuck) {
                low = a;
            } else {
                high = b;
            }
        }
        let at = f64::midpoint(low, high);
        (at, self.requests_beside(at, stuck))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stuck_leaves_less_to_carry() {
        let storm = Storm { mu: 1.0, tau: 10.0, tries: 3 };
        let carried = [0.0, 0.5, 0.75, 1.0].map(|stuck| storm.saddle_beside(stuck).1);
        assert!(carried.is_sorted_by(|a, b| a > b), "{carried:?}");
        assert_eq!(carried[0], storm.saddle().1);
        assert!((carried[3] - storm.sustained_above()).abs() < 1e-9);
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
