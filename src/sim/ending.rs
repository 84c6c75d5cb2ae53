//! How a record ends.

use super::world::{Depth, Event, World};
use crate::trace::{Moment, Record, Sink};
use crate::units::{Span, Time};

impl World<'_> {
    /// Once everything has come to rest the record goes on for the margin, then ends.
    pub(super) fn plan_end(&mut self, sink: &mut impl Sink) {
        // Any event may have begun something: what was planned before no longer holds.
        self.end_stamp += 1;
        let pending_operation = self.strategy.next_operation(&self.state).is_some();
        let waiting = self.is_awaited() || self.is_recovering();
        let told = self.script().end.is_some();
        if self.moving > 0 || pending_operation || waiting || !self.said.is_terminal() {
            if let Some(kernel) = self.kernel() {
                kernel.desk.tally.settle(Time::NEVER);
            }
            if self.moving == 0 && !pending_operation && !waiting && !told && self.is_dead() {
                self.give_up(sink);
            }
            return;
        }
        let now = self.now;
        if let Some(kernel) = self.kernel() {
            kernel.desk.tally.settle(now);
        }
        if told {
            return;
        }
        let margin = self.scenario.margin.max(self.scenario.slo.window).max(self.bake());
        let at = Time::ZERO + on_grid(Span((now + margin).0), self.scenario.slo.window);
        self.queue.push(at, Event::End { stamp: self.end_stamp });
    }

    /// No controller will look again, nobody will tell one to, and nothing else is under way.
    fn is_dead(&self) -> bool {
        self.now >= self.begun
            && self.restless == 0
            && self.scaler.is_none()
            && !self.is_in_court()
            && self.looks.iter().all(|look| *look == Time::NEVER)
    }

    pub(super) fn give_up(&mut self, sink: &mut impl Sink) {
        sink.record(self.now, Record::Moment(Moment::GaveUp));
        self.ended = true;
    }

    /// Writes what is known only at the end; returns when the record ends.
    pub(super) fn finish(&mut self, sink: &mut impl Sink) -> Time {
        let end = match self.script().ends_at(self.begun) {
            Some(end) => end,
            None => Time::ZERO + on_grid(Span(self.now.0), self.scenario.slo.window),
        };
        let told = self.script().end.is_some();
        if !told && !self.said.is_terminal() && self.now >= self.begun + self.scenario.horizon {
            sink.record(self.now, Record::Moment(Moment::GaveUp));
        }
        self.now = end;
        let before = std::mem::take(&mut self.served);
        if self.depth == Depth::Requests
            && let Some(kernel) = &mut self.kernel
        {
            kernel.advance(end);
            kernel.flush(end, sink);
            let served = |instance: u32| {
                let earlier = before.get(instance as usize).copied().unwrap_or(0);
                let now = kernel.desk.servers[instance as usize].served;
                (instance, now - earlier)
            };
            let views = self.fleet.views().iter();
            let served_after = views.filter(|view| view.phase.is_ready()).map(|v| served(v.id));
            let served_after = served_after.collect();
            let attempts = kernel.desk.tally.arrived() + kernel.desk.tally.retried;
            sink.record(end, Record::Totals { attempts, served_after });
            if let Some(caches) = &kernel.desk.caches {
                let (total, most) = (caches.total, caches.most);
                sink.record(end, Record::Misses { total, most });
            }
        }
        self.finish_pieces(end, sink);
        self.served = before;
        self.flush_streams(end, sink);
        end
    }
}

/// The next multiple of `window`.
pub(super) fn on_grid(span: Span, window: Span) -> Span {
    Span(span.0.div_ceil(window.0.max(1)) * window.0.max(1))
}
