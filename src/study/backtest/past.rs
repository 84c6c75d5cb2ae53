//! Rollouts that were, as far as the lives of instances show them.

use crate::scenario::Scenario;
use crate::study::fit::{Quantity, Version, versions};
use crate::trace::recorded::life::{Life, Lives};

/// An old instance that was told to stop so many seconds before the first new one was created
/// belongs to the rollout: some orchestrators stop first.
const BEFORE: f64 = 10.0;

/// Seconds a value took, or had at least taken; whether it ended.
pub(super) type Seen = (f64, bool);

/// A rollout that was.
#[derive(Debug, Clone)]
pub(super) struct Past {
    pub(super) name: String,
    /// What was seen of it as a whole.
    pub(super) whole: Whole,
    /// Free to start → ready.
    pub(super) starts: Vec<Seen>,
    /// Told to stop → ended.
    pub(super) exits: Vec<Seen>,
    /// Resolution of the clock.
    pub(super) tick: f64,
    /// All but start and exit, where the recording says so itself.
    pub(super) scenario: Option<Scenario>,
    /// What tells that an instance is told to stop.
    pub(super) told: Told,
}

/// What tells that an instance is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The orchestrator's own word.
    Wish,
    /// The signal to its process, after whatever comes before that.
    Signal,
}

/// A rollout as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Whole {
    /// Instances that were there.
    pub(super) instances: u32,
    /// First change of an instance until as many new ones are ready and the last old one is told
    /// to stop, in seconds; `None` if that is not in the record.
    pub(super) duration: Option<f64>,
    /// Fewest ready at once from then to then.
    pub(super) available_min: u32,
}

impl Whole {
    /// Of the old instances (those that were there) and the new ones; the record, or the next
    /// rollout, is at `until`.
    pub(super) fn of(old: &[&Life], new: &[&Life], until: f64) -> Self {
        let leaves = |life: &Life| life.told.or(life.ended);
        let created = new.iter().map(|life| life.created);
        let changes = old.iter().filter_map(|life| leaves(life)).chain(created);
        let begun = changes.fold(f64::INFINITY, f64::min);
        let instances = old.iter().filter(|life| life.ready.is_some()).count();
        let clear = new.iter().filter(|life| !life.unclear);
        let mut ready: Vec<f64> = clear.filter_map(|life| life.ready).collect();
        ready.sort_by(f64::total_cmp);
        let enough = instances.checked_sub(1).and_then(|last| ready.get(last)).copied();
        let told: Option<Vec<f64>> = old.iter().map(|life| leaves(life)).collect();
        let last_told = told.map(|told| told.into_iter().fold(f64::MIN, f64::max));
        let ended = enough.zip(last_told).map(|(ready, told)| ready.max(told));
        let ended = ended.filter(|ended| *ended <= until);
        let all = || old.iter().chain(new);
        let serves = |life: &Life, at: f64| {
            life.ready.is_some_and(|since| since <= at) && leaves(life).is_none_or(|told| told > at)
        };
        let count = |at: f64| all().filter(|life| serves(life, at)).count();
        let moments = all().flat_map(|life| [life.ready, leaves(life)]).flatten();
        let within = |at: &f64| *at >= begun && *at <= ended.unwrap_or(until);
        let lowest = moments.filter(within).map(count).min().unwrap_or(instances);
        Self {
            instances: instances as u32,
            duration: ended.map(|ended| ended - begun),
            available_min: lowest.min(instances) as u32,
        }
    }
}

/// The rollouts of one workload, oldest first: every version but the first is one.
pub(super) fn of_lives(lives: &Lives, told: Told) -> Vec<Past> {
    let versions = versions(&lives.lives);
    let one = |index: usize| {
        let until = versions.get(index + 1).map_or(f64::INFINITY, |next| next.begun);
        of_version(lives, &versions, index, until.min(lives.latest), told)
    };
    (1..versions.len()).map(one).collect()
}

fn of_version(all: &Lives, versions: &[Version], index: usize, until: f64, told: Told) -> Past {
    let begun = versions[index].begun;
    let place = |life: &Life| versions.iter().position(|version| version.hash == life.version);
    let lives = || all.lives.iter();
    let left_before =
        |life: &&Life| life.told.or(life.ended).is_some_and(|told| told < begun - BEFORE);
    let old: Vec<&Life> = lives()
        .filter(|life| place(life).is_some_and(|p| p < index))
        .filter(|life| !left_before(life))
        .collect();
    let new: Vec<&Life> =
        lives().filter(|life| place(life) == Some(index) && life.created <= until).collect();
    let revision = versions[index].revision.map_or(String::new(), |r| format!("revision {r}, "));
    let known = |lives: &[&Life], quantity| values(lives, quantity, until);
    Past {
        name: format!("{revision}{}", versions[index].hash),
        whole: Whole::of(&old, &new, until),
        starts: known(&new, Quantity::Start),
        exits: known(&old, Quantity::Exit),
        tick: all.tick,
        scenario: None,
        told,
    }
}

/// What was known of a quantity at `until`. Of a stop all of it counts: the hooks, and the kill.
pub(super) fn values(lives: &[&Life], quantity: Quantity, until: f64) -> Vec<Seen> {
    let at = |life: &&Life| {
        let before = |time: Option<f64>| time.filter(|time| *time <= until);
        quantity.of(&Life {
            ready: before(life.ready),
            told: before(life.told),
            ended: before(life.ended),
            seen: life.seen.min(until),
            pre_stop: Some(0.0),
            killed: false,
            ..(*life).clone()
        })
    };
    lives.iter().filter_map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::{Life, Whole};

    #[test]
    fn a_rollout_by_hand() {
        let old = |told: Option<f64>| Life { ready: Some(0.0), told, ..Life::default() };
        let new = |created, ready| Life { created, ready, ..Life::default() };
        let (a, b) = (old(Some(99.0)), old(Some(112.0)));
        let (c, d) = (new(100.0, Some(110.0)), new(113.0, Some(120.0)));
        let whole = Whole::of(&[&a, &b], &[&c, &d], 1e9);
        assert_eq!(whole, Whole { instances: 2, duration: Some(21.0), available_min: 1 });
        assert_eq!(Whole::of(&[&a, &b], &[&c, &d], 119.0).duration, None, "cut off");
        assert_eq!(Whole::of(&[&a, &old(None)], &[&c, &d], 1e9).duration, None, "one is left");
        assert_eq!(Whole::of(&[&a, &b], &[&c], 1e9).duration, None, "one is missing");
    }
}
