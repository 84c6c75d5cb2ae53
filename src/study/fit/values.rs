//! Which times of instances' lives are measured.

use super::Recorder;
use crate::stats::fit::Sample;
use crate::trace::recorded::life::Life;

/// A time in the life of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Free to start (scheduled; leave to run) → ready.
    Start,
    /// Created → scheduled.
    Schedule,
    /// Pulling → pulled.
    Pull,
    /// Its image there (or free to start, where no pull was seen) → all containers started.
    Launch,
    /// All containers started → ready.
    Boot,
    /// Told to stop (and its `preStop` sleep over) → all containers ended.
    Exit,
}

impl Quantity {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 6] =
        [Self::Start, Self::Schedule, Self::Pull, Self::Launch, Self::Boot, Self::Exit];

    /// As tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Schedule => "schedule",
            Self::Pull => "pull",
            Self::Launch => "launch",
            Self::Boot => "boot",
            Self::Exit => "exit",
        }
    }

    /// In words; those of whoever recorded it.
    pub fn describe(self, recorder: Option<Recorder>) -> &'static str {
        let docker = recorder == Some(Recorder::Docker);
        match self {
            Self::Start if docker => "free to start (the task before it ended) to ready",
            Self::Start => "scheduled to ready",
            Self::Schedule if docker => "task created to container created",
            Self::Schedule => "created to scheduled",
            Self::Pull => "pulling to pulled",
            Self::Launch if docker => "free to start (the task before it ended) to started",
            Self::Launch => "scheduled (or its image pulled) to containers started",
            Self::Boot if docker => "container started to healthy",
            Self::Boot => "containers started to ready",
            Self::Exit if docker => "told to stop (its stop signal) to ended",
            Self::Exit => "told to stop to containers ended, without the preStop sleep",
        }
    }

    /// Its value for an instance; `(seconds, false)` if it had lasted so long and not ended.
    pub fn of(self, life: &Life) -> Option<(f64, bool)> {
        let span = |from: Option<f64>, to: Option<f64>| {
            let spent = to.zip(from).map(|(to, from)| (to - from, true))?;
            Some(spent).filter(|(spent, _)| *spent >= 0.0)
        };
        // It could have become ready until it was told to stop.
        let waited = |from: Option<f64>| {
            let until = life.told.unwrap_or(life.seen);
            from.filter(|from| until > *from).map(|from| (until - from, false))
        };
        let until_ready = |from: Option<f64>| match life.ready {
            _ if life.unclear => None,
            Some(_) => span(from, life.ready),
            None => waited(from),
        };
        match self {
            Self::Start => until_ready(life.free),
            Self::Schedule => span(Some(life.created), life.scheduled),
            Self::Pull => span(life.pulling, life.pulled),
            Self::Launch => span(life.pulled.or(life.free), life.started),
            Self::Boot => until_ready(life.started.filter(|_| life.probed)),
            Self::Exit => {
                let slept = life.pre_stop.unwrap_or(0.0);
                let (spent, ended) = match life.ended {
                    // A process that is killed would have gone on.
                    Some(_) => (span(life.told, life.ended)?.0, !life.killed),
                    None => (life.seen - life.told?, false),
                };
                if ended {
                    Some(((spent - slept).max(0.0), true))
                } else {
                    Some((spent - slept, false)).filter(|(spent, _)| *spent > 0.0)
                }
            }
        }
    }
}

/// The values of a quantity over instances, by a clock of this resolution.
pub fn sample<'a>(quantity: Quantity, lives: impl Iterator<Item = &'a Life>, tick: f64) -> Sample {
    let (mut ended, mut censored) = (Vec::new(), Vec::new());
    for (seconds, over) in lives.filter_map(|life| quantity.of(life)) {
        // Where the clock shows fractions, nothing takes no time.
        if over && (tick > 0.0 || seconds > 0.0) {
            ended.push(seconds);
        } else if !over {
            censored.push(seconds);
        }
    }
    Sample::new(tick, &ended, &censored)
}

#[cfg(test)]
mod tests {
    use super::{Life, Quantity};

    #[test]
    fn what_has_not_ended_or_was_killed_is_censored() {
        let life = Life {
            free: Some(10.0),
            started: Some(12.0),
            ready: Some(20.0),
            probed: true,
            told: Some(100.0),
            ended: Some(109.0),
            seen: 200.0,
            pre_stop: Some(5.0),
            ..Life::default()
        };
        let of = |quantity: Quantity, life: &Life| quantity.of(life);
        assert_eq!(of(Quantity::Start, &life), Some((10.0, true)));
        assert_eq!(of(Quantity::Boot, &life), Some((8.0, true)));
        assert_eq!(of(Quantity::Exit, &life), Some((4.0, true)));
        assert_eq!(of(Quantity::Exit, &Life { killed: true, ..life.clone() }), Some((4.0, false)));
        let leaving = Life { ended: None, ..life.clone() };
        assert_eq!(of(Quantity::Exit, &leaving), Some((95.0, false)));
        assert_eq!(of(Quantity::Exit, &Life { seen: 100.0, ..leaving }), None);
        let never = Life { ready: None, ..life };
        assert_eq!(of(Quantity::Start, &never), Some((90.0, false)));
        let still = Life { told: None, ended: None, ..never.clone() };
        assert_eq!(of(Quantity::Start, &still), Some((190.0, false)));
        assert_eq!(of(Quantity::Start, &Life { unclear: true, ..never }), None);
    }
}
