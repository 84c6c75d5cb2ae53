//! Birth-death chains: stationary and transient laws with time integrals of rewards.

/// A birth-death chain on the states 0..n. Rates are per unit of time.
#[derive(Debug, Clone, PartialEq)]
pub struct BirthDeath {
    /// `births[i]` is the rate from state i to i + 1.
    pub births: Vec<f64>,
    /// `deaths[i]` is the rate from state i + 1 to i. As long as `births`.
    pub deaths: Vec<f64>,
}

/// Where a chain is after a while, and what it gathered on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Transient {
    /// Probability of each state at the end.
    pub end: Vec<f64>,
    /// Expected integral of the reward over the time, reward times time unit.
    pub reward: f64,
}

/// Poisson terms below this share of the largest are dropped; all of them together weigh less
/// than the last digit of an f64.
const NEGLIGIBLE: f64 = 1e-20;
/// The chain counts as at rest once all steps to come move less probability than this.
const AT_REST: f64 = 1e-12;
/// The steps between two looks whether the chain is at rest.
const LOOK_EVERY: usize = 32;

impl BirthDeath {
    /// Jobs in an M/M/c/K queue: `servers` may be 0, `room` counts waiting and running jobs.
    pub fn queue(arrival_rate: f64, service_rate: f64, servers: u32, room: usize) -> Self {
        let busy = |jobs: usize| f64::from(servers).min(jobs as f64);
        Self {
            births: vec![arrival_rate; room],
            deaths: (1..=room).map(|jobs| busy(jobs) * service_rate).collect(),
        }
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.births.len() + 1
    }

    /// The stationary law, by detailed balance. Every death rate must be positive.
    pub fn stationary(&self) -> Vec<f64> {
        // In logarithms, because the ratio of two states may exceed the range of an f64.
        let mut logs = vec![0.0; self.states()];
        for i in 0..self.births.len() {
            logs[i + 1] = logs[i] + libm::log(self.births[i] / self.deaths[i]);
        }
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut law: Vec<f64> = logs.iter().map(|l| libm::exp(l - top)).collect();
        let total: f64 = law.iter().sum();
        for p in &mut law {
            *p /= total;
        }
        law
    }

    /// Plays the chain for `duration` from the law `start`; `reward` is earned per unit of time
    /// in each state.
    ///
    /// Uniformisation: with q the largest exit rate and `v_k` the law after k steps of the
    /// chain I + Q/q, the law at t is the Poisson(qt) mixture of the `v_k`, and the expected
    /// integral is the sum of P(Poisson(qt) > k) `v_k`·r / q.
    pub fn advance(&self, start: &[f64], duration: f64, reward: &[f64]) -> Transient {
        assert_eq!(start.len(), self.states(), "one probability a state");
        assert_eq!(reward.len(), self.states(), "one reward a state");
        let rate = (0..self.states()).map(|i| self.exit_rate(i)).fold(0.0, f64::max);
        if rate * duration <= 0.0 {
            return Transient { end: start.to_vec(), reward: dot(start, reward) * duration };
        }
        let poisson = Poisson::new(rate * duration);
        let mut law = start.to_vec();
        let mut end = vec![0.0; law.len()];
        let mut gathered = 0.0;
        for k in 0..poisson.last() {
            gathered += poisson.beyond(k) / rate * dot(&law, reward);
            add_scaled(&mut end, &law, poisson.weight(k));
            let moved = self.step(&mut law, rate);
            // A step moves no more than the one before it, so this bounds all that is to come.
            let to_come = (poisson.last() - k) as f64;
            if k % LOOK_EVERY == 0 && moved * to_come <= AT_REST {
                let rest: f64 = (k + 1..=poisson.last()).map(|j| poisson.beyond(j)).sum();
                gathered += rest / rate * dot(&law, reward);
                add_scaled(&mut end, &law, poisson.beyond(k));
                return Transient { end, reward: gathered };
            }
        }
        add_scaled(&mut end, &law, poisson.weight(poisson.last()));
        Transient { end, reward: gathered }
    }

    /// The rate at which a state is left.
    pub fn exit_rate(&self, state: usize) -> f64 {
        let up = self.births.get(state).copied().unwrap_or(0.0);
        let down = if state == 0 { 0.0 } else { self.deaths[state - 1] };
        up + down
    }

    /// One step of the uniformised chain, in place; returns how much probability it moved.
    fn step(&self, law: &mut [f64], rate: f64) -> f64 {
        let mut moved = 0.0;
        // The flow over the edge i -> i + 1 needs both ends as they were before the step.
        let mut before = law[0];
        for i in 0..self.births.len() {
            let above = law[i + 1];
            let flow = (before * self.births[i] - above * self.deaths[i]) / rate;
            law[i] -= flow;
            law[i + 1] += flow;
            moved += 2.0 * flow.abs();
            before = above;
        }
        moved
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn add_scaled(sum: &mut [f64], law: &[f64], weight: f64) {
    if weight > 0.0 {
        sum.iter_mut().zip(law).for_each(|(s, p)| *s += weight * p);
    }
}

/// The Poisson law between its negligible tails. Built from the mode outwards and normalised by
/// its sum, so that neither a large mean nor an error of the gamma function can harm it.
struct Poisson {
    first: usize,
    weights: Vec<f64>,
    beyond: Vec<f64>,
}

impl Poisson {
    fn new(mean: f64) -> Self {
        let mode = mean.floor() as usize;
        let mut below = Vec::new();
        let mut weight = 1.0;
        for k in (1..=mode).rev() {
            weight *= k as f64 / mean;
            if weight < NEGLIGIBLE {
                break;
            }
            below.push(weight);
        }
        let first = mode - below.len();
        let mut weights: Vec<f64> = below.into_iter().rev().collect();
        weight = 1.0;
        let mut k = mode;
        while weight >= NEGLIGIBLE {
            weights.push(weight);
            k += 1;
            weight *= mean / k as f64;
        }
        let mut beyond = vec![0.0; weights.len()];
        for i in (1..weights.len()).rev() {
            beyond[i - 1] = beyond[i] + weights[i];
        }
        let total = beyond[0] + weights[0];
        for w in weights.iter_mut().chain(&mut beyond) {
            *w /= total;
        }
        Self { first, weights, beyond }
    }

    /// The last number of steps that is not negligible.
    fn last(&self) -> usize {
        self.first + self.weights.len() - 1
    }

    /// P(steps = k).
    fn weight(&self, k: usize) -> f64 {
        if k < self.first { 0.0 } else { self.weights[k - self.first] }
    }

    /// P(steps > k).
    fn beyond(&self, k: usize) -> f64 {
        if k < self.first { 1.0 } else { self.beyond[k - self.first] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_states_follow_their_closed_form() {
        let (up, down) = (0.3, 0.8);
        let chain = BirthDeath { births: vec![up], deaths: vec![down] };
        for t in [0.0, 0.01, 1.0, 40.0, 5_000.0] {
            let after = chain.advance(&[1.0, 0.0], t, &[0.0, 1.0]);
            let rest = up / (up + down);
            let decay = (-(up + down) * t).exp();
            assert!((after.end[1] - rest * (1.0 - decay)).abs() < 1e-12, "t = {t}");
            let integral = rest * (t - (1.0 - decay) / (up + down));
            assert!((after.reward - integral).abs() <= 1e-9 * t, "t = {t}");
        }
    }

    #[test]
    fn pure_births_count_like_poisson() {
        let chain = BirthDeath::queue(2.0, 1.0, 0, 200);
        let mut start = vec![0.0; chain.states()];
        start[0] = 1.0;
        let jobs: Vec<f64> = (0..chain.states()).map(|n| n as f64).collect();
        let after = chain.advance(&start, 10.0, &jobs);
        assert!((dot(&after.end, &jobs) - 20.0).abs() < 1e-10);
        assert!((after.reward - 100.0).abs() < 1e-9);
        assert!((after.end[0] - (-20f64).exp()).abs() < 1e-20);
    }

    #[test]
    fn a_long_time_ends_in_the_stationary_law() {
        let chain = BirthDeath::queue(7.0, 1.0, 10, 60);
        let mut start = vec![0.0; chain.states()];
        start[60] = 1.0;
        let after = chain.advance(&start, 500.0, &vec![0.0; chain.states()]);
        for (found, wanted) in after.end.iter().zip(chain.stationary()) {
            assert!((found - wanted).abs() < 1e-13);
        }
    }

    proptest! {
        #[test]
        fn probability_is_kept_and_time_adds_up(
            births in prop::collection::vec(0.0..5.0f64, 8),
            deaths in prop::collection::vec(0.0..5.0f64, 8),
            (first, second) in (0.0..30.0f64, 0.0..30.0f64),
        ) {
            let chain = BirthDeath { births, deaths };
            let mut start = vec![0.0; 9];
            start[4] = 1.0;
            let reward: Vec<f64> = (0..9).map(f64::from).collect();
            let once = chain.advance(&start, first + second, &reward);
            let half = chain.advance(&start, first, &reward);
            let twice = chain.advance(&half.end, second, &reward);
            prop_assert!((once.end.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            for (a, b) in once.end.iter().zip(&twice.end) {
                prop_assert!((a - b).abs() < 1e-11);
            }
            prop_assert!((once.reward - half.reward - twice.reward).abs() < 1e-8);
        }
    }
}
