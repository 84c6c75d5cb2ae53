//! Instances that a proxy leaves out because too many of its own requests failed there.

use crate::scenario::pieces::Outlier;
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

#[cfg(test)]
mod tests {
    use super::{Ejections, Outlier};
    use crate::units::{Share, Span, Time};

    const RULES: Outlier = Outlier {
        consecutive: 5,
        interval: Span::from_secs(10),
        ejection: Span::from_secs(30),
        ejection_max: Span::from_secs(70),
        share: Share(0.1),
    };

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
