//! The best of several settings, with a guarantee: fully sequential selection under common luck
//! (Kim and Nelson 2001), or a race with bounds that hold at all times, both under limits that a
//! setting must keep (after Andradóttir and Kim 2010).
//!
//! Nothing here knows what a setting is: a source of observations is asked for more of those that
//! are still in.

use std::ops::Range;

use super::anytime;
use super::paths::Paths;

/// A number that is small if the setting is good, and what each limit saw, in one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// What is minimised.
    pub objective: f64,
    /// One for each limit.
    pub limits: Vec<Seen>,
}

/// What a limit saw in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen {
    /// Counts of runs.
    Share {
        /// How many kept it.
        good: u32,
        /// To how many it applies.
        of: u32,
    },
    /// The mean over the step of what must be at most the limit.
    Mean(f64),
}

/// What a setting must keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// At least this share of runs.
    Share(f64),
    /// A mean of at most that.
    Mean(f64),
}

/// Where observations come from. Step `n` of all settings has the same luck.
pub trait Source {
    /// By setting, then by step.
    fn observe(&mut self, settings: &[usize], steps: Range<u32>) -> Vec<Vec<Observation>>;
}

/// By what settings are left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Kim and Nelson's triangle: least work near a tie; a difference below `within` counts as
    /// none.
    Triangle,
    /// Anytime-valid intervals of the differences: soon done where gaps are wide, and the choice
    /// is within `within` of the best wherever the others lie.
    Race,
}

/// How to select.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// By what settings are left behind.
    pub rule: Rule,
    /// Differences below this do not matter; positive.
    pub within: f64,
    /// The choice may be wrong with this probability.
    pub error: f64,
    /// Steps before anything is left behind.
    pub first: u32,
    /// No setting is given more steps.
    pub most: u32,
}

/// What became of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is the choice.
    Best,
    /// It is worse than that one, which keeps its limits.
    Behind(usize),
    /// It breaks that limit.
    Breaks(usize),
    /// It was not told apart from the choice.
    Close,
    /// It is not known to keep that limit, nor worse than one that does.
    Open(usize),
    /// In some step it had no objective at all.
    Void,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// One for each setting.
    pub places: Vec<Place>,
    /// Steps that each was given.
    pub steps: Vec<u32>,
    /// Whether the guarantee was reached: one choice, and nothing close or open.
    pub certain: bool,
}

impl Selection {
    /// The choice, if a setting is known to keep its limits.
    pub fn best(&self) -> Option<usize> {
        self.places.iter().position(|place| *place == Place::Best)
    }
}

/// Selects among `settings` settings. Limits take half of the error if there are any.
pub fn select(
    settings: usize,
    limits: &[Limit],
    plan: &Plan,
    source: &mut impl Source,
) -> Selection {
    let shared = if limits.is_empty() { plan.error } else { plan.error / 2.0 };
    let checks = (settings * limits.len()).max(1);
    let mut race = Race {
        plan: *plan,
        limits,
        paths: Paths::new(settings, limits.len()),
        known: vec![limits.is_empty(); settings],
        out: vec![None; settings],
        pair_error: shared / (settings.saturating_sub(1)).max(1) as f64,
        check_error: shared / checks as f64,
    };
    race.run(source);
    race.result()
}

struct Race<'a> {
    plan: Plan,
    limits: &'a [Limit],
    paths: Paths,
    /// Known to keep all limits.
    known: Vec<bool>,
    out: Vec<Option<Place>>,
    pair_error: f64,
    check_error: f64,
}

impl Race<'_> {
    fn run(&mut self, source: &mut impl Source) {
        let mut done = 0;
        let mut next = self.plan.first.max(2).min(self.plan.most.max(2));
        loop {
            let active = self.active();
            let seen = source.observe(&active, done..next);
            for (setting, steps) in active.iter().zip(&seen) {
                self.paths.add(*setting, steps);
            }
            if done == 0 {
                self.paths.fix_spreads();
            }
            done = next;
            for setting in active.into_iter().filter(|setting| self.paths.is_void(*setting)) {
                self.out[setting] = Some(Place::Void);
            }
            self.check_limits();
            self.leave_behind();
            if self.finished() || done >= self.plan.most {
                return;
            }
            // One look at a time near the beginning, then a tenth more: looks cost time too.
            next = (done + (done / 10).max(1)).min(self.plan.most);
        }
    }

    fn active(&self) -> Vec<usize> {
        (0..self.out.len()).filter(|setting| self.out[*setting].is_none()).collect()
    }

    fn check_limits(&mut self) {
        for setting in self.active() {
            let verdicts: Vec<Option<bool>> =
                (0..self.limits.len()).map(|limit| self.keeps(setting, limit)).collect();
            if let Some(broken) = verdicts.iter().position(|keeps| *keeps == Some(false)) {
                self.out[setting] = Some(Place::Breaks(broken));
            }
            // What was shown once stays shown: the intervals hold at all times.
            self.known[setting] |= verdicts.iter().all(|keeps| *keeps == Some(true));
        }
    }

    /// Whether a setting keeps a limit, once that is known.
    fn keeps(&self, setting: usize, limit: usize) -> Option<bool> {
        let tally = self.paths.tally(setting, limit);
        let (interval, border, low_is_good) = match self.limits[limit] {
            Limit::Share(share) => {
                (anytime::share(tally.sum, tally.count, self.check_error), share, false)
            }
            Limit::Mean(most) => {
                let (mean, sd) = tally.moments();
                (anytime::mean(mean, sd, tally.count, self.check_error), most, true)
            }
        };
        let (above, below) = (interval.low >= border, interval.high <= border);
        match (low_is_good, above, below) {
            (true, _, true) | (false, true, _) => Some(true),
            (true, true, false) | (false, false, true) => Some(false),
            (_, false, false) => None,
        }
    }

    fn leave_behind(&mut self) {
        let active = self.active();
        let judges: Vec<usize> = match self.plan.rule {
            Rule::Triangle => active.iter().copied().filter(|s| self.known[*s]).collect(),
            Rule::Race => self.leader().into_iter().collect(),
        };
        for setting in active {
            let worse = |judge: &&usize| **judge != setting && self.is_behind(setting, **judge);
            if let Some(judge) = judges.iter().find(worse) {
                self.out[setting] = Some(Place::Behind(*judge));
            }
        }
    }

    fn is_behind(&self, setting: usize, judge: usize) -> bool {
        match self.plan.rule {
            Rule::Triangle => {
                let steps = f64::from(self.paths.steps(setting));
                let room = self.triangle(setting, judge, steps);
                let gap = self.paths.mean(setting) - self.paths.mean(judge);
                // Exactly alike and beyond the triangle: the later one goes.
                gap > room || (room == 0.0 && gap == 0.0 && setting > judge)
            }
            Rule::Race => self.gap(setting, judge).0 > 0.0,
        }
    }

    /// By how much a setting may lie behind after so many steps.
    fn triangle(&self, one: usize, other: usize, steps: f64) -> f64 {
        let freedom = f64::from(self.paths.first() - 1);
        let eta = 0.5 * (libm::pow(2.0 * self.pair_error, -2.0 / freedom) - 1.0);
        let square = 2.0 * eta * freedom * self.paths.spread(one, other);
        let within = self.plan.within;
        (within / (2.0 * steps) * (square / (within * within) - steps)).max(0.0)
    }

    /// The interval of how far a setting lies behind another.
    fn gap(&self, setting: usize, judge: usize) -> (f64, f64) {
        let (mean, sd, steps) = self.paths.difference(setting, judge);
        let interval = anytime::mean(mean, sd, steps, self.pair_error);
        (interval.low, interval.high)
    }

    /// The best so far of those that are known to keep their limits.
    fn leader(&self) -> Option<usize> {
        let known = self.active().into_iter().filter(|setting| self.known[*setting]);
        known.min_by(|a, b| self.paths.mean(*a).total_cmp(&self.paths.mean(*b)))
    }

    fn finished(&self) -> bool {
        let active = self.active();
        let Some(leader) = self.leader() else { return active.is_empty() };
        let near = |other: &usize| *other == leader || self.is_near(leader, *other);
        active.len() == 1 || active.iter().all(near)
    }

    /// Whether the leader is known to be at most `within` worse than another.
    fn is_near(&self, leader: usize, other: usize) -> bool {
        self.plan.rule == Rule::Race && self.gap(leader, other).1 <= self.plan.within
    }

    fn result(self) -> Selection {
        let leader = self.leader();
        let mut places = Vec::with_capacity(self.out.len());
        for (setting, out) in self.out.iter().enumerate() {
            let open = || {
                let open = (0..self.limits.len()).find(|l| self.keeps(setting, *l) != Some(true));
                open.filter(|_| !self.known[setting])
            };
            places.push(match out {
                Some(place) => *place,
                None if leader == Some(setting) => Place::Best,
                None => open().map_or(Place::Close, Place::Open),
            });
        }
        let told = |setting: usize| match places[setting] {
            Place::Close | Place::Open(_) => {
                leader.is_some_and(|leader| self.is_near(leader, setting))
            }
            Place::Best | Place::Behind(_) | Place::Breaks(_) | Place::Void => true,
        };
        let certain = (0..places.len()).all(told);
        let steps = (0..places.len()).map(|setting| self.paths.steps(setting)).collect();
        Selection { places, steps, certain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::draws::{normal, uniform};

    /// Normal objectives with a shared part, and one limit that is kept with a probability.
    struct Draws {
        seed: u64,
        means: Vec<f64>,
        keeps: Vec<f64>,
    }

    impl Source for Draws {
        fn observe(&mut self, settings: &[usize], steps: Range<u32>) -> Vec<Vec<Observation>> {
            let one = |setting: usize, step: u32| {
                let (own, step) = (setting as u64 + 10, u64::from(step));
                let kept = |run: u64| uniform(self.seed, own + 1_000, 10 * step + run);
                let good = (0..10).map(|run| u32::from(kept(run) < self.keeps[setting])).sum();
                let luck = normal(self.seed, 1, step) + 0.5 * normal(self.seed, own, step);
                Observation {
                    objective: self.means[setting] + luck,
                    limits: vec![Seen::Share { good, of: 10 }],
                }
            };
            let each = |setting: &usize| steps.clone().map(|step| one(*setting, step)).collect();
            settings.iter().map(each).collect()
        }
    }

    fn plan(rule: Rule) -> Plan {
        Plan { rule, within: 0.3, error: 0.05, first: 10, most: 100_000 }
    }

    fn right(rule: Rule, means: &[f64], keeps: &[f64], seeds: u64, best: usize) -> (u32, u64) {
        let (mut right, mut steps) = (0, 0);
        for seed in 0..seeds {
            let mut draws = Draws { seed, means: means.to_vec(), keeps: keeps.to_vec() };
            let found = select(means.len(), &[Limit::Share(0.9)], &plan(rule), &mut draws);
            right += u32::from(found.best() == Some(best) && found.certain);
            steps += found.steps.iter().map(|n| u64::from(*n)).sum::<u64>();
        }
        (right, steps)
    }

    #[test]
    fn the_best_that_keeps_its_limit_is_chosen() {
        // The first is the fastest and breaks its limit; the others are just as far away as
        // matters.
        let means = [0.0, 1.0, 1.3, 1.3, 1.3];
        let keeps = [0.7, 0.99, 0.99, 0.99, 0.99];
        for rule in [Rule::Triangle, Rule::Race] {
            let (right, _) = right(rule, &means, &keeps, 60, 1);
            assert!(right >= 55, "{rule:?}: {right} of 60");
        }
    }

    #[test]
    fn wide_gaps_cost_little() {
        let means: Vec<f64> = (0..20).map(f64::from).collect();
        for rule in [Rule::Triangle, Rule::Race] {
            let (right, steps) = right(rule, &means, &[0.99; 20], 5, 0);
            assert_eq!(right, 5, "{rule:?}");
            assert!(steps < 5 * 20 * 40, "{rule:?}: {steps}");
        }
    }

    #[test]
    fn what_stays_open_is_said() {
        // Exactly at the border: no number of runs tells.
        let mut draws = Draws { seed: 1, means: vec![0.0, 5.0], keeps: vec![0.9, 1.0] };
        let plan = Plan { most: 200, ..plan(Rule::Triangle) };
        let found = select(2, &[Limit::Share(0.9)], &plan, &mut draws);
        assert_eq!(found.places, [Place::Open(0), Place::Best]);
        assert!(!found.certain);
        let mut none = Draws { seed: 1, means: vec![0.0, f64::NAN], keeps: vec![0.1, 1.0] };
        let found = select(2, &[Limit::Share(0.9)], &plan, &mut none);
        assert_eq!(found.places, [Place::Breaks(0), Place::Void]);
        assert!(found.certain && found.best().is_none());
    }

    #[test]
    fn twins_are_no_reason_to_go_on() {
        let mut draws = Draws { seed: 3, means: vec![0.0, 0.0], keeps: vec![1.0; 2] };
        for rule in [Rule::Triangle, Rule::Race] {
            let found = select(2, &[Limit::Share(0.9)], &plan(rule), &mut draws);
            assert!(found.certain && found.steps[0] < 2_000, "{rule:?}: {found:?}");
        }
    }
}
