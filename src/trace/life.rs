//! Whether a record could have happened: time never goes back, every instance moves only along
//! the table of legal phase moves.

use crate::trace::{Cause, Phase, Record, Sink, VersionId};
use crate::units::Time;

/// What no record may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A record is earlier than the one before it.
    #[error("time goes back from {} ns to {} ns", from.0, to.0)]
    Time {
        /// Time of the record before.
        from: Time,
        /// Time of this one.
        to: Time,
    },
    /// An instance moved where it cannot.
    #[error("instance {instance} went from {from:?} to {to:?} at {} ns", at.0)]
    Move {
        /// Which.
        instance: u32,
        /// From where.
        from: Phase,
        /// Where to.
        to: Phase,
        /// When.
        at: Time,
    },
    /// An instance appeared in the middle of its life.
    #[error("instance {instance} began as {to:?} because of {cause:?} at {} ns", at.0)]
    Birth {
        /// Which.
        instance: u32,
        /// Its first phase.
        to: Phase,
        /// Why.
        cause: Cause,
        /// When.
        at: Time,
    },
    /// An instance turned into another version.
    #[error("instance {instance} changed its version from {} to {} at {} ns", from.0, to.0, at.0)]
    Version {
        /// Which.
        instance: u32,
        /// What it ran.
        from: VersionId,
        /// What it is said to run.
        to: VersionId,
        /// When.
        at: Time,
    },
    /// An instance began to serve that has no running process.
    #[error("instance {instance} serves without running at {} ns", at.0)]
    Ghost {
        /// Which.
        instance: u32,
        /// When.
        at: Time,
    },
}

/// What is known of the instances so far.
#[derive(Debug, Clone, Default)]
pub struct Life {
    now: Time,
    instances: Vec<Option<(Phase, VersionId)>>,
}

impl Life {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.now = Time::ZERO;
        self.instances.clear();
    }

    /// Checks the next record.
    ///
    /// # Errors
    /// If it contradicts the ones before; it is then not taken into account.
    pub fn check(&mut self, at: Time, record: &Record) -> Result<(), Violation> {
        match *record {
            // Their times are not the times at which they are written.
            Record::Window { .. }
            | Record::Latency { .. }
            | Record::Calls { .. }
            | Record::Misses { .. }
            | Record::Totals { .. }
            | Record::Streams { .. }
            | Record::Messages(_)
            | Record::Scaled { .. }
            | Record::Release { .. }
            | Record::Judged { .. } => Ok(()),
            Record::Phase { instance, version, to, cause } => {
                self.advance(at)?;
                self.phase(at, instance, version, to, cause)
            }
            Record::Serving { instance, version, serving } => {
                self.advance(at)?;
                self.serving(at, instance, version, serving)
            }
            Record::Reloaded { instance, version } => {
                self.advance(at)?;
                if let Some(Some(entry)) = self.instances.get_mut(instance as usize) {
                    entry.1 = version;
                }
                Ok(())
            }
            Record::Desired { .. }
            | Record::Connections { .. }
            | Record::Said(_)
            | Record::Moment(_)
            | Record::Votes { .. }
            | Record::Placed { .. }
            | Record::Host { .. } => self.advance(at),
        }
    }

    fn advance(&mut self, at: Time) -> Result<(), Violation> {
        if at < self.now {
            return Err(Violation::Time { from: self.now, to: at });
        }
        self.now = at;
        Ok(())
    }

    fn phase(
        &mut self,
        at: Time,
        instance: u32,
        version: VersionId,
        to: Phase,
        cause: Cause,
    ) -> Result<(), Violation> {
        let index = instance as usize;
        if index >= self.instances.len() {
            self.instances.resize(index + 1, None);
        }
        match self.instances[index] {
            None => {
                let created = to == Phase::Pending && cause == Cause::Strategy;
                if !created && cause != Cause::Initial {
                    return Err(Violation::Birth { instance, to, cause, at });
                }
            }
            Some((from, _)) if !from.may_become(to) => {
                return Err(Violation::Move { instance, from, to, at });
            }
            Some((_, from)) if from != version => {
                return Err(Violation::Version { instance, from, to: version, at });
            }
            Some(_) => {}
        }
        self.instances[index] = Some((to, version));
        Ok(())
    }

    fn serving(
        &self,
        at: Time,
        instance: u32,
        version: VersionId,
        serving: bool,
    ) -> Result<(), Violation> {
        match self.instances.get(instance as usize).copied().flatten() {
            Some((_, from)) if from != version => {
                Err(Violation::Version { instance, from, to: version, at })
            }
            Some((phase, _)) if !serving || phase.is_ready() || phase == Phase::Draining => Ok(()),
            // In rotation while unready: the data plane may lag behind a failed probe.
            Some((Phase::Starting, _)) => Ok(()),
            Some(_) | None => Err(Violation::Ghost { instance, at }),
        }
    }
}

/// Passes records on and panics at the first that could not have happened: a world that writes
/// one is broken, and whatever is computed from its records would be wrong.
#[derive(Debug, Default)]
pub struct Checker<S> {
    life: Life,
    inner: S,
}

impl<S: Sink> Checker<S> {
    /// Checks what goes to `inner`.
    pub fn new(inner: S) -> Self {
        Self { life: Life::default(), inner }
    }

    /// Forgets the rollout, keeps the memory; `inner` is left as it is.
    pub fn reset(&mut self) {
        self.life.clear();
    }

    /// The sink behind it.
    pub fn inner(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Gives the sink back.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Sink> Sink for Checker<S> {
    fn record(&mut self, at: Time, record: Record) {
        if let Err(violation) = self.life.check(at, &record) {
            panic!("a world wrote what cannot be: {violation}");
        }
        self.inner.record(at, record);
    }
}

#[cfg(test)]
mod tests {
    use super::{Checker, Life, Violation};
    use crate::trace::{Cause, Phase, Record, Said, Sink, VersionId, WindowCounts};
    use crate::units::Time;

    const PHASES: [Phase; 8] = [
        Phase::Pending,
        Phase::Starting,
        Phase::Ready,
        Phase::Available,
        Phase::Draining,
        Phase::Stopped,
        Phase::Failed,
        Phase::Lost,
    ];

    fn phase(instance: u32, to: Phase, cause: Cause) -> Record {
        Record::Phase { instance, version: VersionId::NEW, to, cause }
    }

    fn serving(instance: u32, serving: bool) -> Record {
        Record::Serving { instance, version: VersionId::NEW, serving }
    }

    #[test]
    fn moves_follow_the_table() {
        for from in PHASES {
            for to in PHASES {
                let mut life = Life::default();
                life.check(Time(0), &phase(2, from, Cause::Initial)).unwrap();
                let result = life.check(Time(1), &phase(2, to, Cause::Probe));
                if from.may_become(to) {
                    assert_eq!(result, Ok(()));
                    continue;
                }
                let violation = Violation::Move { instance: 2, from, to, at: Time(1) };
                assert_eq!(result, Err(violation));
                // What could not be did not happen: the instance is where it was.
                if from == Phase::Ready {
                    life.check(Time(1), &phase(2, Phase::Available, Cause::MinReady)).unwrap();
                }
            }
        }
    }

    #[test]
    fn instances_begin_pending_unless_they_ran_before() {
        let mut life = Life::default();
        life.check(Time(0), &phase(0, Phase::Available, Cause::Initial)).unwrap();
        life.check(Time(0), &phase(1, Phase::Pending, Cause::Strategy)).unwrap();
        assert!(life.check(Time(0), &phase(2, Phase::Starting, Cause::Strategy)).is_err());
        assert!(life.check(Time(0), &phase(2, Phase::Pending, Cause::Placed)).is_err());
        life.clear();
        let again = phase(0, Phase::Ready, Cause::Probe);
        assert!(matches!(life.check(Time(0), &again), Err(Violation::Birth { instance: 0, .. })));
    }

    #[test]
    fn time_goes_forward_except_for_windows() {
        let mut life = Life::default();
        life.check(Time(9), &Record::Said(Said::Progressing)).unwrap();
        life.check(Time(5), &Record::Window { counts: [WindowCounts::default(); 3] }).unwrap();
        let back = life.check(Time(8), &Record::Desired { instances: 1 });
        assert_eq!(back, Err(Violation::Time { from: Time(9), to: Time(8) }));
        life.check(Time(9), &Record::Desired { instances: 1 }).unwrap();
    }

    #[test]
    fn only_running_processes_of_their_own_version_serve() {
        let mut life = Life::default();
        assert!(life.check(Time(0), &serving(0, true)).is_err());
        life.check(Time(0), &phase(0, Phase::Pending, Cause::Strategy)).unwrap();
        let ghost = Violation::Ghost { instance: 0, at: Time(0) };
        assert_eq!(life.check(Time(0), &serving(0, true)), Err(ghost));
        for to in [Phase::Starting, Phase::Ready, Phase::Draining] {
            life.check(Time(1), &phase(0, to, Cause::Probe)).unwrap();
            life.check(Time(1), &serving(0, true)).unwrap();
        }
        let version = VersionId::OLD;
        let other = Record::Serving { instance: 0, version, serving: false };
        assert!(matches!(life.check(Time(2), &other), Err(Violation::Version { .. })));
        life.check(Time(2), &phase(0, Phase::Stopped, Cause::Exited)).unwrap();
        life.check(Time(2), &serving(0, false)).unwrap();
        assert!(life.check(Time(2), &serving(0, true)).is_err());
    }

    #[test]
    fn the_checker_passes_on_what_can_be() {
        let mut checker = Checker::new(Vec::new());
        checker.record(Time(3), Record::Desired { instances: 1 });
        assert_eq!(checker.into_inner(), [(Time(3), Record::Desired { instances: 1 })]);
    }

    #[test]
    #[should_panic(expected = "time goes back from 3 ns to 2 ns")]
    fn the_checker_stops_at_what_cannot_be() {
        let mut checker = Checker::new(Vec::new());
        checker.record(Time(3), Record::Desired { instances: 1 });
        checker.record(Time(2), Record::Desired { instances: 2 });
    }
}
