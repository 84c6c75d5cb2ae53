//! A task as its environment and its health check say.

use super::fates::span;
use super::measured::{
    AROUND, ATTACH, FAILED, GONE, GOSSIP, HEALTHY, KILLED, LAUNCH, Measured, PREPARE, PROBE,
    REJECTED, TERM, WAITED,
};
use crate::engine::{Seeds, math};
use crate::sim::script::{Ends, Fate};
use crate::trace::recorded::swarm::{Env, Healthcheck, Recording};

/// Reports of one task come in batches of their own: no state is shorter, to the manager.
pub(super) const SHORTEST: f64 = 0.11;

/// Purpose of the draws.
const LUCK: u32 = 60;

/// Chance of one play: how loaded the machine is, and what befalls each task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Luck {
    seeds: Seeds,
    load: f64,
}

impl Luck {
    pub(super) fn new(seed: u64, run: u32) -> Self {
        let seeds = Seeds::new(seed, u64::from(run));
        Self { seeds, load: math::open_unit(seeds.bits(LUCK, u64::MAX)) }
    }

    /// Task created → prepared.
    pub(super) fn prepare(self) -> f64 {
        PREPARE.at(self.load)
    }

    /// Of one task.
    pub(super) fn of(self, version: usize, task: usize) -> Draw {
        let index = (version as u64) << 48 | (task as u64) << 16;
        Draw { luck: self, index }
    }
}

/// The luck of one task, drawn one after the other.
#[derive(Debug)]
pub(super) struct Draw {
    luck: Luck,
    index: u64,
}

impl Draw {
    fn unit(&mut self) -> f64 {
        self.index += 1;
        math::open_unit(self.luck.seeds.bits(LUCK, self.index))
    }

    /// A value of its own.
    fn own(&mut self, measured: Measured) -> f64 {
        measured.at(self.unit())
    }

    /// A value around the recording's median, which the load decides.
    fn loaded(&mut self, measured: Measured) -> f64 {
        let load = self.luck.load;
        let around = 1.0 + (self.own(AROUND) - 1.0) * (0.5 + load);
        measured.at(load) * around
    }
}

/// How a version's process behaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process<'a> {
    pub(super) recording: &'a Recording,
    pub(super) env: &'a Env,
    /// Its image cannot be had, or no node takes it.
    pub(super) unplaceable: bool,
    pub(super) rejected: bool,
}

impl Process<'_> {
    /// The fate of one task.
    pub(super) fn fate(&self, draw: &mut Draw) -> Fate {
        let stop = self.told_to_stop(draw);
        let never = Fate { ready: None, stop: span(stop), ends: None, rejected: None };
        if self.rejected {
            return Fate { rejected: Some(span(draw.own(REJECTED))), ..never };
        }
        if self.unplaceable {
            return Fate { stop: span(SHORTEST), ..never };
        }
        let attach = if self.recording.is_on_overlay() { ATTACH } else { 0.0 };
        let launch = draw.loaded(LAUNCH) + attach;
        let armed = self.env.number("FAULT_PROB").is_none_or(|p| draw.unit() < p);
        let crash = self.crash(armed).map(|after| launch + after + draw.own(FAILED));
        let ready = match self.recording.params.healthcheck {
            None => Ok(launch),
            Some(check) => self.checked(check, draw).map(|after| launch + after),
        };
        let ready = match ready {
            Ok(ready) if crash.is_none_or(|_| self.outlives(ready - launch)) => ready,
            Ok(_) => return Fate { ends: ends(crash, 0.0, false), ..never },
            Err(unfit) => {
                let unfit = launch + unfit;
                let end = crash.filter(|crash| *crash < unfit).unwrap_or(unfit);
                return Fate { ends: ends(Some(end), 0.0, false), ..never };
            }
        };
        let unhealthy = armed.then(|| self.unhealthy(launch, ready, draw)).flatten();
        let end = [crash, unhealthy].into_iter().flatten().min_by(f64::total_cmp);
        Fate { ready: Some(span(ready)), ends: ends(end, ready, true), ..never }
    }

    /// Told to stop → terminal.
    pub(super) fn told_to_stop(&self, draw: &mut Draw) -> f64 {
        let gossip = if self.recording.is_on_overlay() { GOSSIP } else { 0.0 };
        TERM.at(draw.luck.load) * draw.own(WAITED) + gossip + self.termed(draw)
    }

    /// SIGTERM → terminal.
    fn termed(&self, draw: &mut Draw) -> f64 {
        let grace = self.recording.params.stop_grace_s;
        match self.env.seconds("DRAIN_MS").unwrap_or(0.0) {
            drain if (0.0..grace).contains(&drain) => drain + draw.loaded(GONE),
            _ => grace + draw.loaded(KILLED),
        }
    }

    /// Process started → it ends by itself.
    fn crash(&self, armed: bool) -> Option<f64> {
        if !armed {
            return None;
        }
        if self.env.has("EXIT_AT_START") {
            return Some(0.0);
        }
        self.env.seconds("CRASH_AFTER_MS").filter(|after| *after >= 0.0)
    }

    /// Whether it does not end before it is ready.
    fn outlives(&self, ready: f64) -> bool {
        let checked = self.recording.params.healthcheck.is_some();
        !checked || self.crash(true).is_none_or(|after| after > ready)
    }

    /// Process started → running, or → ended because it was unfit.
    fn checked(&self, check: Healthcheck, draw: &mut Draw) -> Result<f64, f64> {
        let seconds = |name| self.env.seconds(name).unwrap_or(0.0);
        let (delay, healthy) = (seconds("START_DELAY_MS"), seconds("HEALTHY_AFTER_MS"));
        let (mut at, mut failures) = (0.0, 0);
        loop {
            at += check.interval_s + draw.own(PROBE);
            if healthy >= 0.0 && at >= healthy.max(delay) {
                return Ok(at + draw.own(HEALTHY));
            }
            failures += u32::from(at > check.start_period_s);
            if failures >= check.retries.max(1) {
                return Err(at + self.termed(draw));
            }
        }
    }

    /// When a process that turns unhealthy has ended, after its launch began.
    fn unhealthy(&self, launch: f64, ready: f64, draw: &mut Draw) -> Option<f64> {
        let check = self.recording.params.healthcheck?;
        let turns = self.env.seconds("UNHEALTHY_AFTER_MS").filter(|after| *after >= 0.0)?;
        let (mut at, mut failures) = (ready, 0);
        while failures < check.retries.max(1) {
            at += check.interval_s + draw.own(PROBE);
            failures += u32::from(at - launch >= turns);
        }
        Some(at + self.termed(draw))
    }
}

/// An end so long after the launch began; `ready`: when it was ready, if it counts from there.
fn ends(at: Option<f64>, ready: f64, from_ready: bool) -> Option<Ends> {
    let after = at? - ready;
    let after = if from_ready { after.max(SHORTEST) } else { after };
    Some(Ends { after: span(after), from_ready, back: None })
}

/// A process that ends by itself ends with exit code 0: at once, or on SIGTERM when unhealthy.
pub(super) fn ends_clean(recording: &Recording) -> bool {
    let env = &recording.new_env;
    let code = env.number("EXIT_AT_START");
    let crashes = env.has("CRASH_AFTER_MS") || code.is_some_and(|code| code != 0.0);
    let drains = env.seconds("DRAIN_MS").is_some_and(|drain| drain >= 0.0);
    !crashes && (code.is_some() || (recording.params.healthcheck.is_some() && drains))
}
