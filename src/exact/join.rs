//! Joining the shortest of some queues: the whole chain of a small fleet.

use std::collections::BTreeMap;

/// Servers with one queue each; an arrival looks at `choices` different ones at random and joins
/// the shortest. All `servers` is "join the shortest queue".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Join {
    /// Servers, at least 1. The chain has (servers + cap over servers) states: keep both small.
    pub servers: u32,
    /// Queues that an arrival looks at, 1 to `servers`.
    pub choices: u32,
    /// Most jobs at one server, the running one included; arrivals beyond are turned away.
    pub cap: u8,
    /// Requests per unit of time at the whole fleet.
    pub arrival_rate: f64,
    /// Services per unit of time of one server.
    pub service_rate: f64,
}

/// The fleet at rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JoinAtRest {
    /// Mean sojourn of those let in, time.
    pub mean_sojourn: f64,
    /// Probability that some server is at its cap: how much the truncation can matter.
    pub at_cap: f64,
    /// Share of arrivals turned away.
    pub blocking: f64,
}

/// Relative change of the law in one sweep below which it counts as found.
const FOUND: f64 = 1e-12;

impl Join {
    /// Solves the balance equations of the chain on sorted queue lengths.
    ///
    /// Gauss-Seidel sweeps, each followed by an exact solution for the total number of jobs (a
    /// birth-death chain given the rest), which is where plain sweeps are slow.
    pub fn solve(&self) -> JoinAtRest {
        let chain = Chain::new(self);
        let mut law = vec![1.0 / chain.total.len() as f64; chain.total.len()];
        chain.balance_totals(self, &mut law);
        loop {
            let before = law.clone();
            chain.sweep(&mut law);
            chain.balance_totals(self, &mut law);
            let change: f64 = law.iter().zip(&before).map(|(a, b)| (a - b).abs()).sum();
            if change < FOUND {
                return chain.measure(self, &law);
            }
        }
    }

    /// Probability that an arrival joins the queue of each rank, the shortest first.
    fn by_rank(&self) -> Vec<f64> {
        assert!(self.choices >= 1 && self.choices <= self.servers, "1 to all servers to look at");
        let (servers, choices) = (f64::from(self.servers), f64::from(self.choices));
        // Rank 0 is looked at with chance d/N; each later one is the best of those looked at if
        // all the d − 1 others lie behind it.
        let mut chance = choices / servers;
        let mut chances = Vec::new();
        for rank in 0..self.servers {
            chances.push(chance);
            let behind = servers - 1.0 - f64::from(rank);
            chance *= (behind - choices + 1.0).max(0.0) / behind.max(1.0);
        }
        chances
    }
}

struct Flow {
    from: usize,
    rate: f64,
}

/// States in order of their total number of jobs.
struct Chain {
    total: Vec<usize>,
    full: Vec<bool>,
    busy: Vec<u32>,
    leave: Vec<f64>,
    up: Vec<f64>,
    arrive: Vec<Vec<Flow>>,
}

impl Chain {
    fn new(join: &Join) -> Self {
        let mut states = Vec::new();
        list_states(&mut Vec::new(), join, &mut states);
        states.sort_by_key(|s| jobs(s));
        let index: BTreeMap<&[u8], usize> =
            states.iter().enumerate().map(|(i, s)| (s.as_slice(), i)).collect();
        let ranks = join.by_rank();
        let count = states.len();
        let mut chain = Self {
            total: states.iter().map(|s| jobs(s)).collect(),
            full: states.iter().map(|s| s.last() == Some(&join.cap)).collect(),
            busy: states.iter().map(|s| s.iter().filter(|q| **q > 0).count() as u32).collect(),
            leave: vec![0.0; count],
            up: vec![0.0; count],
            arrive: (0..count).map(|_| Vec::new()).collect(),
        };
        for (from, state) in states.iter().enumerate() {
            for (rank, chance) in ranks.iter().enumerate() {
                if state[rank] < join.cap && *chance > 0.0 {
                    let rate = join.arrival_rate * chance;
                    chain.link(from, index[changed(state, rank, 1).as_slice()], rate);
                    chain.up[from] += rate;
                }
                if state[rank] > 0 {
                    let to = index[changed(state, rank, -1).as_slice()];
                    chain.link(from, to, join.service_rate);
                }
            }
        }
        chain
    }

    fn link(&mut self, from: usize, to: usize, rate: f64) {
        self.leave[from] += rate;
        self.arrive[to].push(Flow { from, rate });
    }

    /// Solves each state's balance in turn.
    fn sweep(&self, law: &mut [f64]) {
        for state in (0..law.len()).rev() {
            let gain: f64 = self.arrive[state].iter().map(|f| f.rate * law[f.from]).sum();
            law[state] = gain / self.leave[state];
        }
    }

    /// Scales the states of each total so that the flows up and down between totals balance.
    fn balance_totals(&self, join: &Join, law: &mut [f64]) {
        let totals = self.total.last().map_or(1, |t| t + 1);
        let (mut mass, mut up, mut down) =
            (vec![0.0; totals], vec![0.0; totals], vec![0.0; totals]);
        for (state, p) in law.iter().enumerate() {
            let total = self.total[state];
            mass[total] += p;
            up[total] += p * self.up[state];
            down[total] += p * f64::from(self.busy[state]) * join.service_rate;
        }
        // Factors by which each total's states grow, relative to the empty fleet.
        let mut factors = vec![1.0; totals];
        for total in 1..totals {
            factors[total] = factors[total - 1] * up[total - 1] / down[total];
        }
        let sum: f64 = factors.iter().zip(&mass).map(|(f, m)| f * m).sum();
        for (state, p) in law.iter_mut().enumerate() {
            *p *= factors[self.total[state]] / sum;
        }
    }

    fn measure(&self, join: &Join, law: &[f64]) -> JoinAtRest {
        let (mut mean, mut admitted, mut at_cap) = (0.0, 0.0, 0.0);
        for (state, p) in law.iter().enumerate() {
            mean += p * self.total[state] as f64;
            admitted += p * self.up[state];
            at_cap += if self.full[state] { *p } else { 0.0 };
        }
        let blocking = 1.0 - admitted / join.arrival_rate;
        JoinAtRest { mean_sojourn: mean / admitted, at_cap, blocking }
    }
}

fn jobs(state: &[u8]) -> usize {
    state.iter().map(|q| usize::from(*q)).sum()
}

/// All rising sequences of queue lengths.
fn list_states(prefix: &mut Vec<u8>, join: &Join, states: &mut Vec<Vec<u8>>) {
    if prefix.len() == join.servers as usize {
        states.push(prefix.clone());
        return;
    }
    for length in prefix.last().copied().unwrap_or(0)..=join.cap {
        prefix.push(length);
        list_states(prefix, join, states);
        prefix.pop();
    }
}

/// The state with one queue changed by one job, sorted again.
fn changed(state: &[u8], rank: usize, by: i8) -> Vec<u8> {
    let mut next = state.to_vec();
    next[rank] = next[rank].wrapping_add_signed(by);
    next.sort_unstable();
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::single::mm1_mean_sojourn;
    use crate::exact::stationary::Mmck;

    #[test]
    fn one_server_is_mm1_with_little_room() {
        let join = Join { servers: 1, choices: 1, cap: 12, arrival_rate: 0.8, service_rate: 1.0 };
        let queue = Mmck { servers: 1, room: 12, arrival_rate: 0.8, service_rate: 1.0 };
        let solved = join.solve();
        assert!((solved.mean_sojourn - queue.mean_wait() - 1.0).abs() < 1e-9);
        assert!((solved.blocking - queue.blocking()).abs() < 1e-9);
    }

    #[test]
    fn a_look_at_one_is_a_random_split() {
        let join = Join { servers: 3, choices: 1, cap: 40, arrival_rate: 1.5, service_rate: 1.0 };
        let solved = join.solve();
        assert!((solved.mean_sojourn / mm1_mean_sojourn(0.5, 1.0) - 1.0).abs() < 1e-8);
    }

    #[test]
    fn ranks_share_all_arrivals() {
        for choices in 1..=5 {
            let join = Join { servers: 5, choices, cap: 1, arrival_rate: 1.0, service_rate: 1.0 };
            let ranks = join.by_rank();
            assert!((ranks.iter().sum::<f64>() - 1.0).abs() < 1e-14);
            assert!(ranks.windows(2).all(|pair| pair[0] >= pair[1]));
        }
    }
}
