//! Proxies beside instances: requests reach an instance only through its own.

use super::Step;
use crate::scenario::pieces::Sidecar;
use crate::sim::world::{Event, World};
use crate::trace::{Phase, Sink};
use crate::units::Time;

impl World<'_> {
    fn sidecar(&self) -> Option<&Sidecar> {
        self.plane.as_ref()?.settings.sidecar.as_ref()
    }

    /// An instance is booted now: returns when its process starts. The proxy starts with the
    /// instance and outlives crashes of its process.
    pub(in crate::sim) fn start_sidecar(&mut self, instance: u32) -> Time {
        let (now, entry) = (self.now, *self.fleet.get(instance));
        let Some(sidecar) = self.sidecar().filter(|_| entry.process == 0) else { return now };
        let up = now + self.chance.sidecar(entry.version, entry.ordinal);
        let begins = if sidecar.ordered { up } else { now };
        if let Some(plane) = &mut self.plane {
            plane.fact(instance).sidecar_up = up;
        }
        begins
    }

    /// From when on requests get through to an instance.
    pub(in crate::sim) fn sidecar_up_at(&mut self, instance: u32) -> Time {
        self.plane.as_mut().map_or(Time::ZERO, |plane| plane.fact(instance).sidecar_up)
    }

    /// An instance is told to stop, and so is its proxy, unless it waits for the process.
    pub(in crate::sim) fn stop_sidecar(&mut self, instance: u32) {
        if let Some(Sidecar { ordered: false, drain, .. }) = self.sidecar() {
            let at = self.now + *drain;
            self.plan(at, Event::Plane(Step::SidecarEnds { instance }));
        }
    }

    /// The proxy ends: what is in flight is cut, and nothing more gets through.
    pub(super) fn end_sidecar(&mut self, instance: u32, sink: &mut impl Sink) {
        if self.fleet.get(instance).phase != Phase::Draining {
            return;
        }
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.kill(instance, now);
        }
        self.fleet.set_able(now, instance, false, sink);
        self.answers_anew(instance);
        self.cut_streams(instance);
    }
}
