//! Where the world tells the streams what happens, and asks what they are up to.

use crate::engine::Seeds;
use crate::sim::world::World;
use crate::trace::Sink;
use crate::units::Time;

impl World<'_> {
    pub(in crate::sim) fn reset_streams(&mut self, seeds: Seeds) {
        let nodes = self.scenario.clients.nodes;
        let begun = self.begun;
        if let Some(streams) = &mut self.streams {
            streams.reset(seeds, nodes, begun);
        }
    }

    /// All that runs from the beginning is there.
    pub(in crate::sim) fn begin_streams(&mut self) {
        let Some(streams) = &mut self.streams else { return };
        for instance in 0..self.scenario.service.instances {
            streams.set_accepts(instance, true);
        }
        streams.begin();
    }

    /// SIGTERM; returns when the streams that it waits for will have left.
    pub(in crate::sim) fn drain_streams(&mut self, instance: u32) -> Time {
        let now = self.now;
        let Some(streams) = &mut self.streams else { return now };
        // Who moves away at once must not come back.
        streams.set_accepts(instance, false);
        streams.drain(instance, now);
        streams.leave_by(instance, now)
    }

    /// When the streams of an instance that waits for rest will have ended.
    pub(in crate::sim) fn streams_rest_at(&mut self, instance: u32) -> Time {
        let now = self.now;
        self.streams.as_mut().map_or(now, |streams| streams.leave_by(instance, now))
    }

    /// The process, or the proxy before it, is gone.
    pub(in crate::sim) fn cut_streams(&mut self, instance: u32) {
        let now = self.now;
        if let Some(streams) = &mut self.streams {
            streams.set_accepts(instance, false);
            streams.cut(instance, now);
        }
    }

    pub(in crate::sim) fn flush_streams(&mut self, end: Time, sink: &mut impl Sink) {
        if let Some(streams) = &mut self.streams {
            streams.advance(end);
            let views = self.fleet.views().iter();
            let ready = views.filter(|view| view.phase.is_ready()).map(|view| view.id);
            sink.record(end, streams.record(ready));
        }
    }
}
