//! Processes that end by themselves, and what follows: started again, or failed.

use super::world::{Event, World};
use crate::scenario::{Boots, Restart};
use crate::sim::script::{Ends, Fate};
use crate::trace::{Cause, Phase, Sink, VersionId};
use crate::units::{Span, Time};

/// From the second restart on a supervisor needs at least this long, whatever the settings:
/// otherwise a process that ends as it starts would be started for ever in one instant.
const SHORTEST_DELAY: Span = Span::from_millis(100);

impl World<'_> {
    /// What befalls an instance, if that is told.
    pub(super) fn fate(&self, instance: u32) -> Option<Fate> {
        let entry = self.fleet.get(instance);
        self.script().fate(entry.version, entry.ordinal, entry.slot)
    }

    /// The `process`-th process of an instance will end by itself. Nothing waits for that: a
    /// fleet at rest is one whose processes will end some day.
    pub(super) fn plan_crash(&mut self, at: Time, instance: u32, process: u32) {
        if at < Time::NEVER {
            self.restless += 1;
            self.queue.push(at, Event::Crash { instance, process });
        }
    }

    /// The same as it is told; `ready`: it has just become ready, otherwise just started.
    pub(super) fn plan_told_end(&mut self, instance: u32, ready: bool) {
        let Some(Ends { after, from_ready, back }) = self.fate(instance).and_then(|f| f.ends)
        else {
            return;
        };
        let process = self.fleet.get(instance).process;
        let again = back.is_none_or(|(_, times)| process < times);
        if from_ready == ready && again {
            self.plan_crash(self.now + after, instance, process);
        }
    }

    /// The process ends; says whether it was still there.
    pub(super) fn crash(&mut self, instance: u32, process: u32, sink: &mut impl Sink) -> bool {
        let entry = *self.fleet.get(instance);
        let there = entry.phase == Phase::Starting || entry.phase.is_ready();
        if entry.process != process || !there || entry.gone {
            return false;
        }
        let delay = match self.fate(instance) {
            Some(fate) => fate.ends.and_then(|ends| ends.back).map(|(span, _)| span),
            None => back_off(self.scenario.restart, self.strikes(instance)),
        };
        let Some(delay) = delay else {
            self.fail(instance, sink);
            self.noticed(sink);
            return true;
        };
        self.end_process(instance, sink);
        if entry.phase.is_ready() {
            self.fleet.move_to(self.now, instance, Phase::Starting, Cause::Crashed, sink);
        }
        self.fleet.restarted(instance);
        self.boot_old(instance, sink);
        self.noticed(sink);
        if delay == Span::ZERO {
            self.boot(instance, sink);
        } else {
            self.fleet.get_mut(instance).halted = true;
            self.restless += 1;
            let process = self.fleet.get(instance).process;
            self.queue.push(self.now + delay, Event::Restart { instance, process });
        }
        self.changed();
        true
    }

    /// How often in a row the process of an instance that has just ended was started again.
    fn strikes(&mut self, instance: u32) -> u32 {
        let (now, reset) = (self.now, self.scenario.restart.reset);
        let entry = self.fleet.get_mut(instance);
        if now.since(entry.started) >= reset {
            entry.strikes = 0;
        }
        entry.strikes
    }

    /// What is started again runs the old version, if that is what its image has.
    fn boot_old(&mut self, instance: u32, sink: &mut impl Sink) {
        let version = self.fleet.get(instance).version;
        if self.scenario.restart.image == Boots::Same || version == VersionId::OLD {
            return;
        }
        let now = self.now;
        self.fleet.turn(now, instance, VersionId::OLD, sink);
        if let Some(kernel) = self.kernel() {
            kernel.turn(instance, VersionId::OLD.0, now);
        }
    }

    /// The process is started again; says whether the instance is still there.
    pub(super) fn restart(&mut self, instance: u32, process: u32, sink: &mut impl Sink) -> bool {
        let entry = self.fleet.get_mut(instance);
        if entry.process != process || entry.phase != Phase::Starting {
            return false;
        }
        entry.halted = false;
        self.boot(instance, sink);
        true
    }

    /// The prober gives the instance up before it was ready: its process gets SIGTERM and, after
    /// the grace period, SIGKILL. What follows is as after a crash. Says whether it was there.
    pub(super) fn unfit(&mut self, instance: u32, process: u32) -> bool {
        let entry = *self.fleet.get(instance);
        // What it was given up for has not come true if it answers by now.
        let answers = entry.able_at <= self.now;
        if entry.process != process || entry.phase != Phase::Starting || answers {
            return false;
        }
        if self.starts.is_done(self.now, instance) {
            // It may answer at this very instant, which comes to light first.
            self.restless += 1;
            self.queue.push(self.now, Event::Unfit { instance, process });
            return false;
        }
        self.end_unfit(instance);
        true
    }

    /// SIGTERM and, after the grace period, SIGKILL for the process of an instance that stays.
    pub(super) fn end_unfit(&mut self, instance: u32) {
        let entry = *self.fleet.get(instance);
        let exit = self.chance.exit(entry.version, entry.ordinal);
        let at = self.now + exit.min(self.scenario.shutdown.grace);
        // It dies of this and of nothing else.
        let process = self.fleet.next_process(instance);
        self.plan_crash(at, instance, process);
    }

    /// The instance has failed for good: it stays in view until it is told to stop.
    pub(super) fn fail(&mut self, instance: u32, sink: &mut impl Sink) {
        self.pulls.cancel(self.now, instance);
        if self.pulls.next_end() != Time::NEVER {
            self.plan_pull();
        }
        self.end_process(instance, sink);
        self.fleet.move_to(self.now, instance, Phase::Failed, Cause::Crashed, sink);
        self.changed();
    }

    /// There is no process any more; what it worked on is cut.
    fn end_process(&mut self, instance: u32, sink: &mut impl Sink) {
        self.lose_process(instance, sink);
        self.withdraw(instance);
    }

    /// The same, and nobody learns of it.
    pub(super) fn lose_process(&mut self, instance: u32, sink: &mut impl Sink) {
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.kill(instance, now);
        }
        self.drop_messages(instance);
        self.fleet.set_able(now, instance, false, sink);
        self.answers_anew(instance);
        self.cut_streams(instance);
        self.stop_start(instance);
        self.fleet.next_process(instance);
        self.disconnect(instance, sink);
    }
}

/// How long a supervisor waits before it starts a process again that it has started again
/// `restarts` times: the first time not at all, then a delay that doubles; `None`: it gives up.
fn back_off(restart: Restart, restarts: u32) -> Option<Span> {
    if restarts >= restart.attempts {
        return None;
    }
    let Some(doublings) = restarts.checked_sub(1) else { return Some(Span::ZERO) };
    let doubled = restart.delay.0.saturating_mul(1 << doublings.min(40));
    Some(Span(doubled).min(restart.delay_max).max(SHORTEST_DELAY))
}

#[cfg(test)]
mod tests {
    use super::{Boots, Restart, Span, back_off};

    #[test]
    fn the_first_restart_is_immediate_then_delays_double() {
        let (delay, delay_max) = (Span::from_secs(10), Span::from_secs(60));
        let restart =
            Restart { attempts: 6, delay, delay_max, reset: Span::MAX, image: Boots::Same };
        let delays: Vec<_> = (0..7).map(|done| back_off(restart, done)).collect();
        let seconds = |s| Some(Span::from_secs(s));
        let expected = [0, 10, 20, 40, 60, 60].map(seconds);
        assert_eq!(delays[..6], expected);
        assert_eq!(delays[6], None);
        let never = Restart { attempts: 0, ..restart };
        assert_eq!(back_off(never, 0), None);
        let forever = Restart { attempts: u32::MAX, ..restart };
        assert_eq!(back_off(forever, 4_000_000), Some(delay_max));
    }
}
