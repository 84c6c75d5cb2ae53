//! Instances that a proxy leaves out because too many of its own requests failed there.

use crate::scenario::pieces::{Outlier, SuccessRate};
use crate::units::{Span, Time};

/// Who is ejected, as one node sees it.
#[derive(Debug, Clone, Default)]
pub struct Ejections {
    /// By instance.
    all: Vec<Entry>,
    out: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    /// Ejected until then.
    until: Option<Time>,
    /// How often, less the looks since at which it was in.
    times: u32,
}

impl Ejections {
    /// An instance has had its errors in a row; says whether that ejects it. `hosts`: how many
    /// instances the node knows.
    pub fn trip(&mut self, rules: &Outlier, instance: u32, hosts: u32, now: Time) -> bool {
        let index = instance as usize;
        if self.all.len() <= index {
            self.all.resize(index + 1, Entry::default());
        }
        let room = self.out == 0 || f64::from(self.out + 1) <= rules.share.0 * f64::from(hosts);
        let entry = &mut self.all[index];
        if entry.until.is_some() || !room {
            return false;
        }
        entry.times += 1;
        let length = rules.ejection.0.saturating_mul(entry.times.into());
        entry.until = Some(now + Span(length).min(rules.ejection_max));
        self.out += 1;
        true
    }

    /// A look at who may come back: those go to `back`. Who was in forgets one ejection.
    pub fn sweep(&mut self, now: Time, back: &mut Vec<u32>) {
        for (instance, entry) in self.all.iter_mut().enumerate() {
            match entry.until {
                None => entry.times = entry.times.saturating_sub(1),
                Some(until) if until <= now => {
                    entry.until = None;
                    self.out -= 1;
                    back.push(instance as u32);
                }
                Some(_) => {}
            }
        }
    }

    /// The node knows the instance no longer.
    pub fn forget(&mut self, instance: u32) {
        if let Some(entry) = self.all.get_mut(instance as usize) {
            self.out -= u32::from(entry.until.is_some());
            *entry = Entry::default();
        }
    }

    /// How many are out.
    pub fn out(&self) -> u32 {
        self.out
    }
}

/// What a node saw of an instance in an interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Volume {
    /// Its requests there.
    pub requests: u32,
    /// Those that failed.
    pub failed: u32,
}

/// Who of these instances answers so much worse than the others that it is left out.
pub fn stragglers(rule: &SuccessRate, seen: &[(u32, Volume)]) -> Vec<u32> {
    let enough = |(_, volume): &&(u32, Volume)| volume.requests >= rule.requests;
    let rate = |volume: &Volume| 1.0 - f64::from(volume.failed) / f64::from(volume.requests);
    let rates: Vec<(u32, f64)> = seen.iter().filter(enough).map(|(i, v)| (*i, rate(v))).collect();
    if rates.len() < rule.hosts as usize {
        return Vec::new();
    }
    let count = rates.len() as f64;
    let mean = rates.iter().map(|(_, rate)| rate).sum::<f64>() / count;
    let variance = rates.iter().map(|(_, rate)| (rate - mean) * (rate - mean)).sum::<f64>() / count;
    let least = mean - rule.deviations * variance.sqrt();
    rates.into_iter().filter(|(_, rate)| *rate < least).map(|(instance, _)| instance).collect()
}

#[cfg(test)]
mod tests {
    use super::{Ejections, Outlier, SuccessRate, Volume, stragglers};
    use crate::units::{Share, Span, Time};

    const RULES: Outlier = Outlier {
        consecutive: 5,
        interval: Span::from_secs(10),
        ejection: Span::from_secs(30),
        ejection_max: Span::from_secs(70),
        share: Share(0.1),
        success_rate: None,
    };

    /// A bad one among n good ones lies √n standard deviations below the mean, whatever it does:
    /// 1.9 are passed from five instances on.
    #[test]
    fn one_that_is_worse_than_four_is_left_out_and_one_of_two_is_not() {
        let rule = SuccessRate { deviations: 1.9, hosts: 5, requests: 100 };
        let seen = |bad: u32, good: u32, requests| -> Vec<(u32, Volume)> {
            (0..bad + good)
                .map(|i| (i, Volume { requests, failed: if i < bad { 20 } else { 1 } }))
                .collect()
        };
        assert_eq!(stragglers(&rule, &seen(1, 4, 100)), [0]);
        assert_eq!(stragglers(&rule, &seen(2, 18, 100)), [0, 1]);
        // √(3/2): as many standard deviations as two bad ones of five lie below.
        assert!(stragglers(&rule, &seen(2, 3, 100)).is_empty());
        assert!(stragglers(&rule, &seen(1, 4, 99)).is_empty(), "too few requests");
        assert!(stragglers(&rule, &seen(1, 3, 100)).is_empty(), "too few instances");
        assert!(stragglers(&rule, &seen(0, 9, 100)).is_empty(), "all are alike");
    }

    fn at(secs: u64) -> Time {
        Time::from_secs(secs)
    }

    #[test]
    fn one_may_always_be_out_and_then_a_tenth() {
        let mut few = Ejections::default();
        assert!(few.trip(&RULES, 3, 5, at(0)));
        assert!(!few.trip(&RULES, 3, 5, at(1)), "it is out already");
        assert!(!few.trip(&RULES, 4, 5, at(1)));
        let mut many = Ejections::default();
        let tripped = (0..10).filter(|i| many.trip(&RULES, *i, 35, at(0))).count();
        assert_eq!((tripped, many.out()), (3, 3));
        many.forget(0);
        assert!(many.trip(&RULES, 9, 35, at(0)), "a place has become free");
    }

    #[test]
    fn ejections_in_a_row_get_longer_up_to_the_limit() {
        let mut ejections = Ejections::default();
        let mut back = Vec::new();
        let mut now = 0;
        let mut lengths = Vec::new();
        for _ in 0..4 {
            assert!(ejections.trip(&RULES, 0, 10, at(now)));
            let begun = now;
            while back.is_empty() {
                now += 10;
                ejections.sweep(at(now), &mut back);
            }
            assert_eq!(std::mem::take(&mut back), [0]);
            lengths.push(now - begun);
        }
        // Looks come every 10 s: 70 s fits.
        assert_eq!(lengths, [30, 60, 70, 70]);
        // Two looks at which it was in: two ejections forgotten.
        ejections.sweep(at(now), &mut back);
        ejections.sweep(at(now), &mut back);
        assert!(ejections.trip(&RULES, 0, 10, at(now)));
        ejections.sweep(at(now + 60), &mut back);
        assert_eq!(back, [] as [u32; 0]);
        ejections.sweep(at(now + 70), &mut back);
        assert_eq!(back, [0]);
    }
}
