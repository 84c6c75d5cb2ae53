//! A rolling update as a change of capacity over time: three queues of N like servers whose
//! batches are out for a fixed time, back to back, and then all serve again.

use super::ctmc::BirthDeath;
use super::stationary::{Mmc, Mmck, erlang_b};

/// The update. It begins at rest, and is watched until `settle` after the last batch is back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rolling {
    /// Servers, at least 1.
    pub servers: u32,
    /// Servers out at a time, 1 to `servers`; the last batch may be smaller.
    pub batch: u32,
    /// How long each batch is out.
    pub outage: f64,
    /// Requests per unit of time.
    pub arrival_rate: f64,
    /// Services per unit of time of one server.
    pub service_rate: f64,
    /// How long to watch after the last batch is back.
    pub settle: f64,
}

/// What waits when the queue has endless room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waiting {
    /// Expected integral of the queue's length above its level at rest, requests × time.
    pub excess_waiting: f64,
    /// Expected number of waiting requests when the last batch ends, still out.
    pub queue_at_last_end: f64,
    /// Excess waiting per request of the window, time.
    pub extra_mean_wait: f64,
    /// Servers × time out; the same for every batch size.
    pub capacity_lost: f64,
    /// Probability of the largest number of jobs counted, at the end of the last batch and of
    /// the window, whichever is larger: how much the truncation can matter.
    pub truncated: f64,
}

/// What is turned away when the queue has little room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lost {
    /// Expected requests turned away in the window.
    pub lost: f64,
    /// Those above what is turned away at rest in the same time.
    pub excess_lost: f64,
    /// Turned away as a share of all arrivals of the window.
    pub lost_share: f64,
}

/// What is killed and turned away where servers stop at once and nobody waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HardKill {
    /// Expected running requests killed.
    pub killed: f64,
    /// Expected requests turned away in the window.
    pub blocked: f64,
    /// Killed and turned away, above what is turned away at rest in the same time.
    pub excess_lost: f64,
}

impl Rolling {
    /// How long all batches take.
    pub fn length(&self) -> f64 {
        f64::from(self.servers.div_ceil(self.batch)) * self.outage
    }

    /// The update with the settling time.
    pub fn window(&self) -> f64 {
        self.length() + self.settle
    }

    /// One queue with endless room in order of arrival; jobs that run on a removed server go
    /// back to its head. `None` where even the whole fleet cannot carry the load.
    ///
    /// The room is cut where the tail is negligible ([`Waiting::truncated`]). Work grows with
    /// (λ + Nμ) × window × room.
    pub fn waiting(&self) -> Option<Waiting> {
        let Self { servers, arrival_rate, service_rate, .. } = *self;
        let rest = Mmc { servers, arrival_rate, service_rate };
        if rest.utilisation() >= 1.0 {
            return None;
        }
        let room = self.ample_room();
        let queue = |up: u32| -> Vec<f64> {
            (0..=room).map(|jobs| jobs.saturating_sub(up as usize) as f64).collect()
        };
        let played = self.play(room, queue);
        let last_up = servers - self.batches().last().copied().unwrap_or(0);
        let excess_waiting = played.reward - rest.mean_queue() * self.window();
        let mean = |law: &[f64], value: Vec<f64>| law.iter().zip(value).map(|(p, v)| p * v).sum();
        Some(Waiting {
            excess_waiting,
            queue_at_last_end: mean(&played.at_last_end, queue(last_up)),
            extra_mean_wait: excess_waiting / (arrival_rate * self.window()),
            capacity_lost: f64::from(servers) * self.outage,
            truncated: played.at_last_end[room].max(played.end[room]),
        })
    }

    /// One queue with room for `room` jobs, running ones included; arrivals that find it full
    /// are lost. `room` is at least the number of servers.
    pub fn losing(&self, room: u32) -> Lost {
        let Self { servers, arrival_rate, service_rate, .. } = *self;
        let full = |_| {
            let mut reward = vec![0.0; room as usize + 1];
            reward[room as usize] = arrival_rate;
            reward
        };
        let lost = self.play(room as usize, full).reward;
        let blocking = Mmck { servers, room, arrival_rate, service_rate }.blocking();
        let arrivals = arrival_rate * self.window();
        Lost { lost, excess_lost: lost - blocking * arrivals, lost_share: lost / arrivals }
    }

    /// No queue: an arrival takes a random idle server or is lost, and a server that goes out
    /// takes its request with it. The next batch goes out at the moment the last comes back.
    ///
    /// Takes the busy ones for evenly spread over the servers up, which a batch that came back
    /// idle breaks for a few service times: exact as long as the outage is long against them.
    pub fn hard_kill(&self) -> HardKill {
        let Self { servers, arrival_rate, service_rate, .. } = *self;
        let chain = |up: u32| BirthDeath::queue(arrival_rate, service_rate, up, up as usize);
        let mut law = chain(servers).stationary();
        let (mut killed, mut blocked, mut up) = (0.0, 0.0, servers);
        let mut advance = |law: &[f64], up: u32, duration: f64| {
            let mut reward = vec![0.0; up as usize + 1];
            reward[up as usize] = arrival_rate;
            let after = chain(up).advance(law, duration, &reward);
            blocked += after.reward;
            after.end
        };
        for out in self.batches() {
            let (left, lost) = remove(&law, up, out);
            killed += lost;
            up = servers - out;
            law = left;
            law.resize(up as usize + 1, 0.0);
            law = advance(&law, up, self.outage);
        }
        law.resize(servers as usize + 1, 0.0);
        advance(&law, servers, self.settle);
        let at_rest = erlang_b(arrival_rate / service_rate, servers) * arrival_rate * self.window();
        HardKill { killed, blocked, excess_lost: killed + blocked - at_rest }
    }

    /// How many servers each batch takes.
    fn batches(&self) -> Vec<u32> {
        assert!(self.batch >= 1 && self.batch <= self.servers, "a batch is 1 to all servers");
        let firsts = (0..self.servers).step_by(self.batch as usize);
        firsts.map(|first| self.batch.min(self.servers - first)).collect()
    }

    /// Plays the batches and the settling on one queue; `reward` is earned per unit of time and
    /// depends on the servers up.
    fn play(&self, room: usize, reward: impl Fn(u32) -> Vec<f64>) -> Played {
        let chain = |up: u32| BirthDeath::queue(self.arrival_rate, self.service_rate, up, room);
        let mut law = chain(self.servers).stationary();
        let mut total = 0.0;
        for out in self.batches() {
            let up = self.servers - out;
            let after = chain(up).advance(&law, self.outage, &reward(up));
            total += after.reward;
            law = after.end;
        }
        let settled = chain(self.servers).advance(&law, self.settle, &reward(self.servers));
        Played { reward: total + settled.reward, at_last_end: law, end: settled.end }
    }

    /// A number of jobs that is as good as never passed.
    fn ample_room(&self) -> usize {
        let load = self.arrival_rate / self.service_rate;
        let up = f64::from(self.servers - self.batch);
        let events =
            (self.arrival_rate + f64::from(self.servers) * self.service_rate) * self.length();
        // A random walk of that many steps does not get 12 standard deviations beyond its drift.
        let drift = (self.arrival_rate - up * self.service_rate).max(0.0) * self.length();
        let reach = drift + 12.0 * events.sqrt() + 40.0;
        // e^-40 is what is left of a geometric tail of a queue that could rest.
        let tail = |servers: f64| 40.0 / libm::log(servers / load).max(0.0);
        let rest = tail(f64::from(self.servers));
        let rolling = if up > 0.0 { tail(up) } else { f64::INFINITY };
        (f64::from(self.servers) + rest + rolling.min(reach)).ceil() as usize
    }
}

struct Played {
    reward: f64,
    at_last_end: Vec<f64>,
    end: Vec<f64>,
}

/// Takes `victims` of `up` servers at random; returns the law of the busy ones that are left and
/// the expected number of killed requests (hypergeometric).
fn remove(law: &[f64], up: u32, victims: u32) -> (Vec<f64>, f64) {
    let mut left = vec![0.0; (up - victims) as usize + 1];
    let mut killed = 0.0;
    for (busy, p) in law.iter().enumerate() {
        let busy = busy as u32;
        let least = (busy + victims).saturating_sub(up);
        for hit in least..=busy.min(victims) {
            let chance = p * libm::exp(
                ln_choose(busy, hit) + ln_choose(up - busy, victims - hit) - ln_choose(up, victims),
            );
            left[(busy - hit) as usize] += chance;
            killed += chance * f64::from(hit);
        }
    }
    (left, killed)
}

/// ln of n over k.
fn ln_choose(n: u32, k: u32) -> f64 {
    let ln_factorial = |m: u32| libm::lgamma(f64::from(m) + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn update(batch: u32) -> Rolling {
        Rolling {
            servers: 20,
            batch,
            outage: 60.0,
            arrival_rate: 14.0,
            service_rate: 1.0,
            settle: 300.0,
        }
    }

    #[test]
    fn the_room_is_ample_for_every_batch() {
        for batch in 1..=20 {
            let waiting = update(batch).waiting().unwrap();
            assert!(waiting.truncated < 1e-15, "batch {batch}: {waiting:?}");
            assert!(waiting.excess_waiting > 0.0);
        }
    }

    #[test]
    fn an_overload_has_no_rest_to_begin_from() {
        assert!(Rolling { arrival_rate: 20.0, ..update(2) }.waiting().is_none());
    }

    #[test]
    fn much_room_loses_nothing() {
        assert!(update(2).losing(400).lost < 1e-9);
    }

    #[test]
    fn a_smaller_last_batch_counts_once() {
        let odd = update(8);
        assert_eq!(odd.batches(), [8, 8, 4]);
        assert_eq!(odd.length(), 180.0);
    }

    #[test]
    fn all_at_once_kills_all_that_run() {
        let busy = 14.0 * (1.0 - erlang_b(14.0, 20));
        assert!((update(20).hard_kill().killed - busy).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn victims_take_their_share_of_the_busy(
            up in 1u32..40, share in 0.0..=1.0f64, busy in 0.0..=1.0f64,
        ) {
            let victims = (f64::from(up) * share) as u32;
            let busy = (f64::from(up) * busy) as usize;
            let mut law = vec![0.0; up as usize + 1];
            law[busy] = 1.0;
            let (left, killed) = remove(&law, up, victims);
            let wanted = busy as f64 * f64::from(victims) / f64::from(up);
            prop_assert!((left.iter().sum::<f64>() - 1.0).abs() < 1e-11);
            prop_assert!((killed - wanted).abs() < 1e-10);
        }
    }
}
