//! A rollout stepped through without chance: every start and every stop takes the same time,
//! nothing else takes any, nothing fails. What the strategy does, and when.

use std::collections::BTreeMap;

use super::{Action, Command, Controller, Decision, Draws, InstanceView, State, Strategy, View};
use crate::trace::{Phase, Said, VersionId};
use crate::units::{Span, Time};

/// Looks after which a walk is given up: no rollout of a fleet that is worth stepping through
/// needs so many.
const LOOKS: u32 = 200_000;

/// So long after the last step of an ended rollout something may still follow: old sets that stay
/// for a while.
const REST: Span = Span::from_secs(3600);

/// How long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Asked for, or released, until ready.
    pub start: Span,
    /// Told to stop until gone.
    pub stop: Span,
}

/// One look that changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Time,
    /// Instances asked for: old, new (any other version counts as new).
    pub started: [u32; 2],
    /// Instances told to stop: old, new.
    pub stopped: [u32; 2],
    /// The share of the requests for the new version, if it changed; millionths.
    pub routed: Option<u32>,
    /// What the orchestrator said.
    pub said: Option<Said>,
    /// Instances asked for and not told to stop, after this look: old, new.
    pub kept: [u32; 2],
    /// Of those the ready ones.
    pub ready: u32,
}

/// A rollout from its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// In order.
    pub steps: Vec<Step>,
    /// Whether a last word was said and everything settled before the time was over.
    pub ended: bool,
}

/// Steps through a rollout of `instances` until it has ended and everything has settled, but not
/// beyond `end`.
pub fn walk(strategy: &Strategy, instances: u32, pace: Pace, end: Time) -> Walk {
    let mut walker = Walker::new(strategy, instances, pace);
    strategy.command(&mut walker.state, Command::Begin, Time::ZERO);
    walker.schedule(Time::ZERO, Event::Look(0));
    let ended = walker.run(end);
    Walk { steps: walker.steps, ended }
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Look(Controller),
    Create { version: VersionId, slot: u32, held: bool },
    Ready(u32),
    Halt(u32),
    Gone(u32),
}

struct Walker<'a> {
    strategy: &'a Strategy,
    state: State,
    pace: Pace,
    now: Time,
    instances: Vec<InstanceView>,
    told: Vec<u32>,
    asked: [u32; 2],
    due: Vec<bool>,
    queue: BTreeMap<(Time, u64), Event>,
    sequence: u64,
    next_id: u32,
    said: Option<Said>,
    steps: Vec<Step>,
}

impl<'a> Walker<'a> {
    fn new(strategy: &'a Strategy, instances: u32, pace: Pace) -> Self {
        let initial = |id| InstanceView {
            id,
            version: VersionId::OLD,
            phase: Phase::Available,
            created: Time::ZERO,
            ready_since: Time::ZERO,
            host: id,
            restarts: 0,
            slot: id,
        };
        Self {
            strategy,
            state: strategy.initial(),
            pace,
            now: Time::ZERO,
            instances: (0..instances).map(initial).collect(),
            told: Vec::new(),
            asked: [0; 2],
            due: vec![false; strategy.controllers().len()],
            queue: BTreeMap::new(),
            sequence: 0,
            next_id: instances,
            said: None,
            steps: Vec::new(),
        }
    }

    fn schedule(&mut self, at: Time, event: Event) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), event);
    }

    /// A controller looks once for all that has happened by then.
    fn call(&mut self, controller: Controller) {
        if !std::mem::replace(&mut self.due[controller], true) {
            self.schedule(self.now, Event::Look(controller));
        }
    }

    fn run(&mut self, end: Time) -> bool {
        let mut looks = 0;
        while let Some(((at, _), event)) = self.queue.pop_first() {
            let last = self.steps.last().map_or(Time::ZERO, |step| step.at);
            if at > end || looks == LOOKS || (self.is_over() && at > last + REST) {
                break;
            }
            self.now = at;
            if let Event::Look(controller) = event {
                looks += 1;
                self.look(controller);
            } else {
                self.happen(event);
                self.call(self.due.len() - 1);
            }
        }
        self.is_over()
    }

    /// A last word was said, nobody starts and nobody stops.
    fn is_over(&self) -> bool {
        self.said.is_some_and(Said::is_terminal) && self.is_settled()
    }

    fn is_settled(&self) -> bool {
        self.asked == [0; 2] && self.instances.iter().all(|i| i.phase.is_ready())
    }

    fn find(&mut self, id: u32) -> Option<&mut InstanceView> {
        self.instances.iter_mut().find(|i| i.id == id)
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Look(_) => {}
            Event::Create { version, slot, held } => {
                let id = self.next_id;
                self.next_id += 1;
                self.asked[side(version)] -= 1;
                self.instances.push(InstanceView {
                    id,
                    version,
                    phase: Phase::Starting,
                    created: now,
                    ready_since: Time::NEVER,
                    host: id,
                    restarts: 0,
                    slot,
                });
                if !held {
                    self.schedule(now + self.pace.start, Event::Ready(id));
                }
            }
            Event::Ready(id) => {
                if let Some(i) = self.find(id).filter(|i| i.phase == Phase::Starting) {
                    i.phase = Phase::Ready;
                    i.ready_since = now;
                }
            }
            Event::Halt(id) => {
                if let Some(i) = self.find(id) {
                    i.phase = Phase::Draining;
                    self.schedule(now + self.pace.stop, Event::Gone(id));
                }
            }
            Event::Gone(id) => self.instances.retain(|i| i.id != id),
        }
    }

    fn look(&mut self, controller: Controller) {
        self.due[controller] = false;
        let mut decision = Decision::default();
        let view = View { instances: &self.instances, errors: [0.0; 2], wall_phase: Span::ZERO };
        let (strategy, now) = (self.strategy, self.now);
        let draws = Draws::new(1);
        strategy.reconcile(&mut self.state, controller, now, &view, draws, &mut decision);
        let mut step = Step {
            at: now,
            started: [0; 2],
            stopped: [0; 2],
            routed: None,
            said: decision.said.filter(|said| self.said != Some(*said)),
            kept: [0; 2],
            ready: 0,
        };
        for action in &decision.actions {
            self.act(*action, &mut step);
        }
        for other in (0..self.due.len()).filter(|c| decision.notify >> c & 1 == 1) {
            self.call(other);
        }
        if let Some(at) = decision.wake_at.filter(|at| *at > now) {
            self.schedule(at, Event::Look(controller));
        }
        self.said = step.said.or(self.said);
        let changed = step.started != [0; 2] || step.stopped != [0; 2];
        if changed || step.routed.is_some() || step.said.is_some() {
            self.count(&mut step);
            self.steps.push(step);
        }
    }

    fn act(&mut self, action: Action, step: &mut Step) {
        match action {
            Action::Start { version, slot, held } => {
                step.started[side(version)] += 1;
                self.asked[side(version)] += 1;
                self.schedule(self.now, Event::Create { version, slot, held });
            }
            Action::Release { instance } => {
                self.schedule(self.now + self.pace.start, Event::Ready(instance));
            }
            Action::Stop { instance } => {
                let Some(i) = self.instances.iter().find(|i| i.id == instance) else { return };
                step.stopped[side(i.version)] += 1;
                self.told.push(instance);
                self.schedule(self.now, Event::Halt(instance));
            }
            Action::MarkAvailable { instance } => {
                if let Some(i) = self.find(instance).filter(|i| i.phase == Phase::Ready) {
                    i.phase = Phase::Available;
                }
            }
            Action::Route { new } => step.routed = Some(new),
        }
    }

    fn count(&self, step: &mut Step) {
        step.kept = self.asked;
        for i in self.instances.iter().filter(|i| !self.told.contains(&i.id)) {
            step.kept[side(i.version)] += 1;
            step.ready += u32::from(i.phase.is_ready());
        }
    }
}

fn side(version: VersionId) -> usize {
    usize::from(version != VersionId::OLD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::settings::Orchestrator;
    use crate::scenario::{self, Scenario};
    use std::path::Path;

    fn scenario(lines: &str) -> Scenario {
        let text = format!("rollcast = 1\nversions.old.start = \"1s\"\n{lines}");
        scenario::load(&text, "x.toml", Path::new("."), &[]).expect("sound").scenario
    }

    fn walked(lines: &str) -> Walk {
        let scenario = scenario(lines);
        let instances = scenario.service.instances;
        let strategy = Strategy::new(&scenario.strategy, instances);
        let pace = Pace { start: Span::from_secs(1), stop: Span::ZERO };
        walk(&strategy, instances, pace, Time::from_secs(7 * 24 * 3600))
    }

    #[test]
    fn ten_pods_take_two_starts() {
        let walk = walked("service.instances = 10\nstrategy.kubernetes = {}");
        assert!(walk.ended);
        let all = |of: fn(&Step) -> [u32; 2]| {
            walk.steps.iter().map(of).fold([0, 0], |a, b| [a[0] + b[0], a[1] + b[1]])
        };
        assert_eq!(all(|step| step.started), [0, 10]);
        assert_eq!(all(|step| step.stopped), [10, 0]);
        // 3 up, 2 down and 2 up at once; the rest when those are ready.
        let at_once: u32 =
            walk.steps.iter().filter(|s| s.at == Time::ZERO).map(|s| s.started[1]).sum();
        assert_eq!(at_once, 5);
        let last_stop = walk.steps.iter().rfind(|s| s.stopped[0] > 0).unwrap();
        assert_eq!(last_stop.at, Time::from_secs(2));
        assert_eq!(walk.steps.last().unwrap().kept, [0, 10]);
    }

    #[test]
    fn every_strategy_can_be_walked() {
        for of in Orchestrator::ALL {
            let walk = walked(&format!("service.instances = 4\nstrategy.{} = {{}}", of.name()));
            let last = walk.steps.last().expect("something happens");
            assert_eq!(last.kept, [0, 4], "{}", of.name());
            let said = walk.steps.iter().rev().find_map(|step| step.said);
            assert!(walk.ended && said.is_some_and(Said::is_terminal), "{}", of.name());
        }
    }
}
