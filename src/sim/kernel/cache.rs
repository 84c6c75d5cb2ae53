//! The caches of instances: who misses needs longer, and asks a dependency.

use super::desk::{Desk, guard};
use crate::engine::{Sampler, Stream, math};
use crate::scenario::pieces::Cache;
use crate::sim::model;

/// Caches, and what missed them.
#[derive(Debug, Clone)]
pub(crate) struct Caches {
    hit: f64,
    /// Requests that fill 63 % of a cache.
    requests: f64,
    miss_time: Sampler,
    window: u64,
    begun: u64,
    /// In the current window, which begins there.
    current: (u64, u64),
    /// Misses since the rollout began: all, and in the window with most.
    pub(crate) total: u64,
    pub(crate) most: u64,
    luck: Stream,
}

impl Caches {
    pub(crate) fn new(cache: &Cache, window: u64, luck: Stream) -> Self {
        Self {
            hit: cache.hit.0,
            requests: cache.requests,
            miss_time: model::sampler(&cache.miss_time),
            window: window.max(1),
            begun: u64::MAX,
            current: (0, 0),
            total: 0,
            most: 0,
            luck,
        }
    }

    pub(crate) fn reset(&mut self, luck: Stream) {
        self.luck = luck;
        (self.begun, self.current, self.total, self.most) = (u64::MAX, (0, 0), 0, 0);
    }

    /// Misses count from now on.
    pub(crate) fn begin(&mut self, now: u64) {
        self.begun = now;
    }

    /// A lookup missed: somebody else is asked. Times never go back by more than a retry's.
    fn missed(&mut self, now: u64) {
        if now < self.begun {
            return;
        }
        self.total += 1;
        let begin = now - now % self.window;
        if begin != self.current.0 {
            self.current = (begin, 0);
        }
        self.current.1 += 1;
        self.most = self.most.max(self.current.1);
    }
}

impl Desk {
    /// What a lookup in the cache of a server adds to an attempt's service time, ns. Chance of
    /// a hit: `hit`·(1 − e^(−n/`requests`)) with n the attempts that this process took.
    #[cold]
    pub(crate) fn look_up(&mut self, server: usize, now: u64) -> f64 {
        let Some(caches) = &mut self.caches else { return 0.0 };
        let entry = &mut self.servers[server];
        let mut hit = caches.hit;
        if entry.guard & guard::FILLING != 0 {
            let x = (entry.served - self.taken_before[server]) as f64 / caches.requests;
            if x > 40.0 {
                entry.guard &= !guard::FILLING;
            }
            hit *= 1.0 - math::exp(-x);
        }
        if caches.luck.uniform() < hit {
            return 0.0;
        }
        caches.missed(now);
        caches.miss_time.at(caches.luck.bits())
    }
}
