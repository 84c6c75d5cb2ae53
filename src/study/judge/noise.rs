//! Judges of latency on hosts that differ for good and on series with memory, made up: how often
//! they stop a good release, and what they see of a slower one.
//!
//! None of these cases was looked at when the settings of the default judge were chosen; those had
//! 3, 10 or 27 hosts, 20 or 60 scrapes, and other seeds.

use rayon::prelude::*;

use super::Interval;
use crate::engine::math::{ln, sin_cos_turn};
use crate::engine::{Seeds, Stream};
use crate::judge::kayenta::Kayenta;
use crate::judge::robust::Robust;
use crate::judge::{Evidence, Reading, Side, Verdict};
use crate::scenario::pieces::Metric;
use crate::stats::interval;

/// The law of what is drawn; all have mean 0 and variance 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Normal.
    Normal,
    /// Student's with four degrees of freedom.
    Heavy,
}

/// A made-up canary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// Instances of the new version and of the old one.
    pub hosts: (u32, u32),
    /// Scrapes.
    pub scrapes: u32,
    /// Coefficient of variation between hosts, which no time averages out.
    pub between: f64,
    /// Correlation of a scrape with the next.
    pub memory: f64,
    /// Coefficient of variation of one host's scrapes.
    pub within: f64,
    /// Law of both.
    pub tail: Tail,
    /// The new version is so much slower.
    pub slower: f64,
}

/// What judges made of a case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The case.
    pub case: Case,
    /// Share that the default judge stops, asked at every scrape.
    pub robust: Interval,
    /// Share that it passes.
    pub passed: Interval,
    /// Share that Kayenta's rule stops, asked once, at the end.
    pub kayenta: Interval,
}

/// Good releases with host noise and memory, then slower ones without either. The mean over the
/// hosts of a side has a standard deviation of 5 % in the latter, so that Kayenta's rule sees the
/// same series whatever the number of hosts.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sides = [(3, 3), (3, 17), (8, 8), (30, 30), (5, 12), (4, 30)];
    let (between, memory) = ([0.02, 0.04, 0.075], [0.5, 0.7, 0.9]);
    for (i, hosts) in sides.into_iter().enumerate() {
        for (j, scrapes) in [24, 45, 120].into_iter().enumerate() {
            for (k, tail) in [Tail::Normal, Tail::Heavy].into_iter().enumerate() {
                let (between, memory) = (between[(i + j + k) % 3], memory[(i + 2 * j + k) % 3]);
                let within = if (i + j) % 2 == 0 { 0.06 } else { 0.025 };
                let slower = 0.0;
                cases.push(Case { hosts, scrapes, between, memory, within, tail, slower });
            }
        }
    }
    for hosts in [3, 4, 5, 8, 12, 30] {
        for slower in [0.0, 0.05] {
            cases.push(independent(hosts, slower));
        }
    }
    cases
}

/// Hosts that do not differ and scrapes without memory, 60 of them.
fn independent(hosts: u32, slower: f64) -> Case {
    let within = 0.05 * f64::from(hosts).sqrt();
    Case {
        hosts: (hosts, hosts),
        scrapes: 60,
        between: 0.0,
        memory: 0.0,
        within,
        tail: Tail::Normal,
        slower,
    }
}

/// Plays these cases `runs` times each.
pub fn rows(cases: &[Case], runs: u32) -> Vec<Row> {
    let row = |(index, case): (usize, &Case)| {
        let play = |run: u32| case.play(Seeds::new(20_811 + index as u64, run.into()));
        let seen: Vec<(Verdict, bool)> = (0..runs).into_par_iter().map(play).collect();
        let share = |test: &dyn Fn(&(Verdict, bool)) -> bool| {
            let count = seen.iter().filter(|seen| test(seen)).count() as f64;
            interval::wilson(count / f64::from(runs), f64::from(runs)).into()
        };
        Row {
            case: *case,
            robust: share(&|(verdict, _)| *verdict == Verdict::Fail),
            passed: share(&|(verdict, _)| *verdict == Verdict::Pass),
            kayenta: share(&|(_, stops)| *stops),
        }
    };
    cases.iter().enumerate().map(row).collect()
}

impl Case {
    /// What the default judge says in the end, and whether Kayenta's rule stops it.
    fn play(&self, seeds: Seeds) -> (Verdict, bool) {
        let mut luck = seeds.stream(1, 0);
        let (new, old) = self.hosts;
        let count = (new + old) as usize;
        let base: Vec<f64> = (0..count)
            .map(|i| {
                let slower = if i < new as usize { self.slower } else { 0.0 };
                1.0 + slower + self.between * self.tail.draw(&mut luck)
            })
            .collect();
        let mut state: Vec<f64> = (0..count).map(|_| self.tail.draw(&mut luck)).collect();
        let fresh = (1.0 - self.memory * self.memory).sqrt();
        let judge = Robust { samples: self.scrapes, ..Robust::default() };
        let mut evidence = Evidence::default();
        let mut verdict = Verdict::Inconclusive;
        let mut means = (Vec::new(), Vec::new());
        for scrape in 0..self.scrapes {
            if scrape > 0 {
                for value in &mut state {
                    *value = self.memory * *value + fresh * self.tail.draw(&mut luck);
                }
            }
            let latency = |i: usize| (base[i] + self.within * state[i]).max(0.01);
            let mean = |hosts: std::ops::Range<usize>| {
                let count = hosts.len() as f64;
                hosts.map(latency).sum::<f64>() / count
            };
            means.0.push(mean(0..new as usize));
            means.1.push(mean(new as usize..count));
            evidence.scrape((0..count).map(|i| {
                let side = if i < new as usize { Side::Canary } else { Side::Baseline };
                (i as u32, side, Reading { requests: 1000, errors: 0, latency: latency(i) })
            }));
            if verdict == Verdict::Inconclusive {
                verdict = judge.judge(&evidence, Metric::Latency);
            }
        }
        (verdict, Kayenta::default().classify(&means.0, &means.1) == Verdict::Fail)
    }
}

impl Tail {
    fn draw(self, luck: &mut Stream) -> f64 {
        let normal = (-2.0 * ln(luck.uniform())).sqrt() * sin_cos_turn(luck.uniform()).1;
        match self {
            Self::Normal => normal,
            Self::Heavy => {
                // χ² of four degrees over four; the law's variance is 2.
                let square = -ln(luck.uniform() * luck.uniform()) / 2.0;
                normal / (2.0 * square).sqrt()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At most 2 % of good releases, whatever hosts and series are like; three standard errors.
    #[test]
    fn good_releases_on_noisy_hosts_are_left_alone() {
        let cases: Vec<Case> = cases().into_iter().filter(|case| case.between > 0.0).collect();
        let picked: Vec<Case> = cases.into_iter().step_by(5).collect();
        assert!(picked.len() >= 7);
        let rows = rows(&picked, 300);
        for row in &rows {
            assert!(row.robust.value <= 0.02 + 3.0 * (0.02 * 0.98 / 300.0f64).sqrt(), "{row:?}");
        }
        let mean = |of: fn(&Row) -> f64| rows.iter().map(of).sum::<f64>() / rows.len() as f64;
        assert!(mean(|row| row.robust.value) <= 0.02);
        assert!(mean(|row| row.kayenta.value) > 0.1, "Kayenta's rule stops them");
    }

    /// A slow-down of 5 % on hosts alike: Kayenta's rule sees .984 of them.
    #[test]
    fn where_hosts_are_alike_a_small_slow_down_is_seen() {
        let rows = rows(&[independent(5, 0.05), independent(12, 0.05)], 400);
        for row in &rows {
            assert!(row.robust.value >= 0.984 - 3.0 * (0.984 * 0.016 / 400.0f64).sqrt(), "{row:?}");
        }
    }
}
