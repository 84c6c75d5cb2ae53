//! A rolling update where a new server goes out whenever one comes back.

use super::ctmc::BirthDeath;
use super::makespan::exponential_mean_window;

/// The update: at most `at_once` servers out at a time, each for an exponential time. Requests
/// share one queue with little room; arrivals that find it full are lost. It begins at rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlidingWindow {
    /// Servers, at least 1.
    pub servers: u32,
    /// Servers out at a time, at least 1.
    pub at_once: u32,
    /// Mean time that a server is out.
    pub mean_outage: f64,
    /// Requests per unit of time.
    pub arrival_rate: f64,
    /// Services per unit of time of one server.
    pub service_rate: f64,
    /// Most jobs at once, waiting and running.
    pub room: u32,
}

/// What it takes and costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlidingLoss {
    /// Expected time until the last server is back.
    pub makespan: f64,
    /// Expected requests turned away until then.
    pub lost: f64,
}

impl SlidingWindow {
    /// Solves the joint chain of queue and progress, stage by stage: a stage of k servers out
    /// lasts Exp(k/τ) whatever the queue does, so the expected time in each queue state is
    /// x (νI − Q)⁻¹ with x the law at its beginning, and ν times that is the law at its end.
    pub fn solve(&self) -> SlidingLoss {
        let at_once = self.at_once.clamp(1, self.servers);
        let mut law = self.queue(self.servers).stationary();
        let mut lost = 0.0;
        for back in 0..self.servers {
            let out = at_once.min(self.servers - back);
            let leave = f64::from(out) / self.mean_outage;
            let times = occupancy(&self.queue(self.servers - out), &law, leave);
            lost += self.arrival_rate * times[self.room as usize];
            law = times.iter().map(|time| time * leave).collect();
        }
        let makespan = exponential_mean_window(self.servers, at_once, self.mean_outage);
        SlidingLoss { makespan, lost }
    }

    fn queue(&self, servers: u32) -> BirthDeath {
        BirthDeath::queue(self.arrival_rate, self.service_rate, servers, self.room as usize)
    }
}

/// Expected time in each state of a chain that starts by `law` and is left at rate `leave`:
/// solves y (νI − Q) = x, tridiagonal and dominated by its diagonal, by elimination.
fn occupancy(chain: &BirthDeath, law: &[f64], leave: f64) -> Vec<f64> {
    let (births, deaths) = (&chain.births, &chain.deaths);
    let last = law.len() - 1;
    let diagonal = |i: usize| leave + chain.exit_rate(i);
    let mut pivot = vec![diagonal(0); last + 1];
    let mut right = law.to_vec();
    for i in 1..=last {
        let factor = births[i - 1] / pivot[i - 1];
        pivot[i] = diagonal(i) - factor * deaths[i - 1];
        right[i] += factor * right[i - 1];
    }
    right[last] /= pivot[last];
    for i in (0..last).rev() {
        right[i] = (right[i] + deaths[i] * right[i + 1]) / pivot[i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(at_once: u32) -> SlidingWindow {
        SlidingWindow {
            servers: 20,
            at_once,
            mean_outage: 60.0,
            arrival_rate: 14.0,
            service_rate: 1.0,
            room: 40,
        }
    }

    #[test]
    fn time_adds_up() {
        let chain = window(4).queue(16);
        let law = chain.stationary();
        let times = occupancy(&chain, &law, 4.0 / 60.0);
        assert!((times.iter().sum::<f64>() - 15.0).abs() < 1e-9);
        // What is at rest stays at rest.
        for (time, p) in times.iter().zip(&law) {
            assert!((time / 15.0 - p).abs() < 1e-12);
        }
    }

    #[test]
    fn more_at_once_is_faster_and_loses_more() {
        let solved: Vec<SlidingLoss> = (1..=20).map(|b| window(b).solve()).collect();
        assert!(solved.windows(2).all(|p| p[1].makespan < p[0].makespan));
        assert!(solved[1..].windows(2).all(|p| p[1].lost > p[0].lost));
    }
}
