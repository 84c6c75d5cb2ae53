//! Queues with several servers at rest: Erlang B and C, M/M/c, M/M/c/K.

use super::ctmc::BirthDeath;
use super::root;

/// Share of arrivals that a loss system of `servers` turns away at `offered` erlangs
/// (Erlang B, by its recursion in the number of servers).
pub fn erlang_b(offered: f64, servers: u32) -> f64 {
    (1..=servers).fold(1.0, |blocked, c| {
        let load = offered * blocked;
        load / (f64::from(c) + load)
    })
}

/// Share of arrivals that must wait at `offered` erlangs and `servers` with endless room
/// (Erlang C, from Erlang B). 1 where the load is too much.
pub fn erlang_c(offered: f64, servers: u32) -> f64 {
    let servers_f = f64::from(servers);
    if offered >= servers_f {
        return 1.0;
    }
    let blocked = erlang_b(offered, servers);
    servers_f * blocked / (servers_f - offered * (1.0 - blocked))
}

/// M/M/c: one queue with endless room before `servers`. Means are infinite where the load is
/// too much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mmc {
    /// Servers, at least 1.
    pub servers: u32,
    /// Arrivals per unit of time.
    pub arrival_rate: f64,
    /// Services per unit of time of one server.
    pub service_rate: f64,
}

impl Mmc {
    /// Share of the servers' time that is asked for.
    pub fn utilisation(&self) -> f64 {
        self.offered() / f64::from(self.servers)
    }

    /// Probability that an arrival waits.
    pub fn wait_probability(&self) -> f64 {
        erlang_c(self.offered(), self.servers)
    }

    /// Mean time from arrival to start of service: C / (cμ − λ).
    pub fn mean_wait(&self) -> f64 {
        let spare = self.spare_rate();
        if spare > 0.0 { self.wait_probability() / spare } else { f64::INFINITY }
    }

    /// Mean number of waiting and running jobs (Little's law).
    pub fn mean_in_system(&self) -> f64 {
        self.arrival_rate * self.mean_wait() + self.offered()
    }

    /// Mean number of waiting jobs.
    pub fn mean_queue(&self) -> f64 {
        self.arrival_rate * self.mean_wait()
    }

    /// P(sojourn > `t`), the sum of the wait and an independent service.
    pub fn sojourn_tail(&self, t: f64) -> f64 {
        let spare = self.spare_rate();
        if spare <= 0.0 {
            return 1.0;
        }
        // Exp(θ) + Exp(μ) has the tail e^{-μt} (1 + μ ∫₀ᵗ e^{-(θ-μ)s} ds); written with the
        // integral it is whole where θ and μ meet.
        let gap = spare - self.service_rate;
        let integral = if gap == 0.0 { t } else { -libm::expm1(-gap * t) / gap };
        let served = libm::exp(-self.service_rate * t);
        served + self.wait_probability() * served * self.service_rate * integral
    }

    /// The time that a share `p` (0 to 1, exclusive) of sojourns keeps.
    pub fn sojourn_quantile(&self, p: f64) -> f64 {
        if self.spare_rate() <= 0.0 {
            return f64::INFINITY;
        }
        root::of_falling(|t| self.sojourn_tail(t) - (1.0 - p), 1.0 / self.service_rate)
    }

    /// Offered load λ/μ, erlangs.
    fn offered(&self) -> f64 {
        self.arrival_rate / self.service_rate
    }

    /// cμ − λ.
    fn spare_rate(&self) -> f64 {
        f64::from(self.servers) * self.service_rate - self.arrival_rate
    }
}

/// M/M/c/K: arrivals that find `room` jobs are turned away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mmck {
    /// Servers, at least 1.
    pub servers: u32,
    /// Most jobs at once, waiting and running; at least 1.
    pub room: u32,
    /// Arrivals per unit of time.
    pub arrival_rate: f64,
    /// Services per unit of time of one server.
    pub service_rate: f64,
}

impl Mmck {
    /// Probability of 0, 1, … `room` jobs.
    pub fn distribution(&self) -> Vec<f64> {
        self.chain().stationary()
    }

    /// Share of arrivals turned away.
    pub fn blocking(&self) -> f64 {
        self.distribution()[self.room as usize]
    }

    /// Mean number of waiting jobs.
    pub fn mean_queue(&self) -> f64 {
        let servers = self.servers as usize;
        let waiting = |(jobs, p): (usize, f64)| jobs.saturating_sub(servers) as f64 * p;
        self.distribution().into_iter().enumerate().map(waiting).sum()
    }

    /// Mean wait of those let in (Little's law).
    pub fn mean_wait(&self) -> f64 {
        self.mean_queue() / (self.arrival_rate * (1.0 - self.blocking()))
    }

    /// The chain of the number of jobs.
    pub fn chain(&self) -> BirthDeath {
        let room = self.room as usize;
        BirthDeath::queue(self.arrival_rate, self.service_rate, self.servers, room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_system_is_a_queue_without_waiting_room() {
        let queue = Mmck { servers: 20, room: 20, arrival_rate: 14.0, service_rate: 1.0 };
        assert!((queue.blocking() - erlang_b(14.0, 20)).abs() < 1e-14);
    }

    #[test]
    fn much_room_is_endless_room() {
        let queue = Mmck { servers: 8, room: 400, arrival_rate: 6.0, service_rate: 1.0 };
        let endless = Mmc { servers: 8, arrival_rate: 6.0, service_rate: 1.0 };
        assert!((queue.mean_wait() / endless.mean_wait() - 1.0).abs() < 1e-12);
        assert!((queue.mean_queue() / endless.mean_queue() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_tail_is_whole_where_the_rates_meet() {
        let at = |arrival_rate| Mmc { servers: 3, arrival_rate, service_rate: 1.0 };
        let (below, meet) = (at(2.0 - 1e-9).sojourn_tail(3.0), at(2.0).sojourn_tail(3.0));
        assert!((below - meet).abs() < 1e-8);
    }

    #[test]
    fn too_much_load_waits_for_ever() {
        let queue = Mmc { servers: 2, arrival_rate: 2.0, service_rate: 1.0 };
        assert!(queue.mean_wait().is_infinite());
        assert!(queue.sojourn_quantile(0.5).is_infinite());
        assert_eq!(queue.wait_probability(), 1.0);
    }
}
