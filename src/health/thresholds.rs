//! Runs of probe results, turned into up and down.

use crate::scenario::Probes;

/// How many equal results in a row it takes. Zero counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Successes in a row that bring up what is down.
    pub rise: u32,
    /// Failures in a row that take down what is up.
    pub fall: u32,
}

impl From<&Probes> for Thresholds {
    fn from(probes: &Probes) -> Self {
        Self { rise: probes.success_threshold, fall: probes.failure_threshold }
    }
}

/// What a result changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Up from now on.
    Up,
    /// Down from now on.
    Down,
}

/// Up or down, and how far the results speak against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    up: bool,
    /// Results in a row that contradict `up`.
    against: u32,
}

impl Health {
    /// Not up yet: the state of a fresh instance.
    pub fn down() -> Self {
        Self { up: false, against: 0 }
    }

    /// Up: the state of what a prober trusts at first sight.
    pub fn up() -> Self {
        Self { up: true, against: 0 }
    }

    /// Whether it is up.
    pub fn is_up(self) -> bool {
        self.up
    }

    /// Takes the result of one probe.
    pub fn observe(&mut self, success: bool, thresholds: Thresholds) -> Option<Change> {
        if success == self.up {
            self.against = 0;
            return None;
        }
        self.against += 1;
        let needed = if self.up { thresholds.fall } else { thresholds.rise };
        if self.against < needed {
            return None;
        }
        *self = Self { up: success, against: 0 };
        Some(if success { Change::Up } else { Change::Down })
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Health, Thresholds};

    const THRESHOLDS: Thresholds = Thresholds { rise: 2, fall: 3 };

    fn run(mut health: Health, results: &str) -> Vec<(usize, Change)> {
        let results = results.chars().map(|c| c == '+').enumerate();
        results.filter_map(|(i, ok)| health.observe(ok, THRESHOLDS).map(|c| (i, c))).collect()
    }

    #[test]
    fn only_results_in_a_row_count() {
        assert_eq!(run(Health::down(), "+-+-++"), [(5, Change::Up)]);
        assert_eq!(run(Health::up(), "--+--+---"), [(8, Change::Down)]);
    }

    #[test]
    fn each_change_begins_a_new_run() {
        // Failures that took it down do not count again after it came up.
        let changes = [(2, Change::Down), (4, Change::Up), (7, Change::Down)];
        assert_eq!(run(Health::up(), "---++---"), changes);
        // Down stays down.
        assert_eq!(run(Health::down(), "-----"), []);
    }

    #[test]
    fn zero_counts_as_one() {
        let mut health = Health::down();
        let at_once = Thresholds { rise: 0, fall: 0 };
        assert_eq!(health.observe(true, at_once), Some(Change::Up));
        assert!(health.is_up());
        assert_eq!(health.observe(false, at_once), Some(Change::Down));
        assert!(!health.is_up());
    }
}
