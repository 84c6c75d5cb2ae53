//! The sink that turns records into an outcome while they stream by.
//!
//! Records with the same time are one instant: what holds is the state after the last of them,
//! so that a replacement within an instant is no dip. The definitions are those of
//! [`OutcomeKey`](crate::scenario::OutcomeKey); where they leave a choice it is made here:
//!
//! - Counts of instances, `mixed` and the dark part of `outage` are followed until the record
//!   ends; `capacity_lost`, `surge_cost` and sums over requests until the last change of any
//!   instance.
//! - `duration` ends with the first terminal word of the orchestrator; a rollback afterwards, or
//!   going on after a pause, opens it again.
//! - Windows belong to the rollout by their begin.

use crate::outcome::fleet::Fleet;
use crate::outcome::requests::Requests;
use crate::outcome::state::State;
use crate::outcome::{Outcome, Point, Series, values};
use crate::scenario::Slo;
use crate::trace::{Histogram, MessageCounts, Period, Record, Sink, WindowCounts};
use crate::units::Time;

/// Computes the outcome of one rollout from its records, without keeping them.
#[derive(Debug)]
pub struct Collector {
    pub(super) slo: Slo,
    keep_series: bool,
    pub(super) state: State,
    pub(super) fleet: Fleet,
    pub(super) requests: Requests,
    /// Intervals in which nobody served, in order; the open one is `State::dark_since`.
    dark: Vec<(Time, Time)>,
    /// By period and version; empty until a `Latency` record comes.
    pub(super) latency: Vec<[Histogram; 2]>,
    /// Load of the busiest instance over the mean, after the rollout.
    pub(super) skew: f64,
    pub(super) attempts: Option<u64>,
    /// Streams cut, the most opened anew in a second, and the busiest instance's over the mean.
    pub(super) streams: Option<(u64, u64, f64)>,
    /// What became of messages, if there are any.
    pub(super) messages: Option<MessageCounts>,
    /// How often the autoscaler acted, and the most that it wanted, if there is one.
    pub(super) scaled: Option<(u32, u32)>,
    /// Missed lookups: all, and in the worst window.
    pub(super) misses: Option<(u64, u64)>,
    /// Connections and calls at their peak over the limit; not a number without a limit.
    pub(super) dependency_peak: f64,
    pub(super) dependency_load: f64,
    series: Series,
}

impl Sink for Collector {
    fn record(&mut self, at: Time, record: Record) {
        match record {
            Record::Phase { instance, version, to, cause: _ } => {
                self.advance(at);
                self.fleet.phase(instance, version, to);
                if self.state.begun.is_some() {
                    self.settle(at);
                }
            }
            Record::Serving { instance, version, serving } => {
                self.advance(at);
                self.fleet.serving(instance, version, serving);
            }
            Record::Placed { instance, host: _, zone } => {
                self.advance(at);
                self.fleet.placed(instance, zone);
            }
            Record::Host { host: _, zone, change } => {
                self.advance(at);
                self.fleet.knows_zone(zone);
                self.state.host(at, change);
            }
            Record::Misses { total, most } => self.misses = Some((total, most)),
            Record::Reloaded { instance, version } => {
                self.advance(at);
                self.fleet.turn(instance, version);
                if self.state.begun.is_some() {
                    self.settle(at);
                }
            }
            Record::Desired { instances } => {
                self.advance(at);
                self.fleet.desired = instances;
            }
            Record::Said(said) => {
                self.advance(at);
                self.state.said(at, said);
            }
            Record::Moment(moment) => {
                self.advance(at);
                self.state.moment(at, moment);
            }
            Record::Window { counts } => self.window(at, &counts),
            Record::Latency { period, version, histogram } => {
                self.latency.resize_with(3, Default::default);
                let versions = &mut self.latency[period as usize];
                versions[usize::from(version.0.min(1))].merge(&histogram);
            }
            Record::Connections { dependency: _, held: _, wanted, limit } => {
                self.advance(at);
                if let Some(limit) = limit {
                    let share = f64::from(wanted) / f64::from(limit.max(1));
                    self.dependency_peak = self.dependency_peak.max(share);
                }
            }
            Record::Calls { dependency: _, peak, limit } => {
                self.dependency_load = self.dependency_load.max(f64::from(peak) / limit);
            }
            Record::Totals { attempts, served_after } => {
                self.attempts = Some(attempts);
                self.skew = skew(&served_after);
            }
            Record::Streams { cut, reconnect_peak, held, .. } => {
                self.streams = Some((cut, reconnect_peak, skew(&held)));
            }
            Record::Votes { votes, need } => {
                self.advance(at);
                self.fleet.votes = Some((votes, need));
            }
            Record::Messages(counts) => self.messages = Some(counts),
            Record::Scaled { events, most } => self.scaled = Some((events, most)),
            Record::Release { bad, defects: _ } => self.state.bad = Some(bad),
            Record::Judged { .. } => self.advance(at),
        }
    }
}

impl Collector {
    /// A collector for rollouts that are judged by `slo`. With `keep_series` the counts over
    /// time can be had afterwards.
    pub fn new(slo: &Slo, keep_series: bool) -> Self {
        Self {
            slo: *slo,
            keep_series,
            state: State::NEW,
            fleet: Fleet::default(),
            requests: Requests::default(),
            dark: Vec::new(),
            latency: Vec::new(),
            skew: f64::NAN,
            attempts: None,
            streams: None,
            messages: None,
            scaled: None,
            misses: None,
            dependency_peak: f64::NAN,
            dependency_load: f64::NAN,
            series: Series::default(),
        }
    }

    /// Ready for the next rollout; keeps the memory.
    pub fn reset(&mut self) {
        self.state = State::NEW;
        self.fleet.clear();
        self.requests = Requests::default();
        self.dark.clear();
        self.latency.clear();
        self.skew = f64::NAN;
        self.attempts = None;
        self.streams = None;
        (self.messages, self.scaled) = (None, None);
        self.misses = None;
        self.dependency_peak = f64::NAN;
        self.dependency_load = f64::NAN;
        self.series.points.clear();
        self.series.begun = Time::ZERO;
        self.series.end = Time::ZERO;
    }

    /// The outcome of the rollout whose record ends at `end`. Call [`Collector::reset`] before
    /// the next one.
    pub fn finish(&mut self, end: Time) -> Outcome {
        self.advance(end);
        self.close();
        self.series.begun = self.state.begun.unwrap_or_default();
        self.series.end = self.state.now;
        let latency = std::mem::take(&mut self.latency);
        values::outcome(self, latency)
    }

    /// Counts over time, as far as they were recorded; without points unless asked for in
    /// [`Collector::new`].
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// Moves on to `at`: what held at the end of the last instant held until then.
    #[inline]
    fn advance(&mut self, at: Time) {
        if at > self.state.now {
            self.close();
            self.integrate(at);
            self.state.now = at;
        }
        self.state.open = true;
    }

    /// The instant is over: takes its final state into account.
    fn close(&mut self) {
        let (state, fleet) = (&mut self.state, &self.fleet);
        if !std::mem::take(&mut state.open) {
            return;
        }
        if self.keep_series {
            push(&mut self.series.points, fleet.point(state.now));
        }
        if state.begun.is_none() {
            return;
        }
        state.serving_min = state.serving_min.min(fleet.serving_all());
        state.available_min = state.available_min.min(fleet.available);
        state.active_max = state.active_max.max(fleet.active);
        state.exist_max = state.exist_max.max(fleet.exist);
        if let Some((least, most)) = fleet.zones() {
            state.zone_serving_min = state.zone_serving_min.min(least);
            state.zone_margin = state.zone_margin.min(fleet.serving_all() - most);
        }
        let behaves = state.behaves.is_some();
        let good = if behaves { fleet.serving_all() } else { fleet.serving_good() };
        let whole_again = state.decided.is_some() && good >= fleet.desired;
        if whole_again && state.restored.is_none() {
            state.restored = Some(state.now);
        }
        if let Some((votes, _)) = fleet.votes {
            state.votes_min = Some(state.votes_min.map_or(votes, |least| least.min(votes)));
        }
        if fleet.is_out() {
            state.full_outage = true;
            state.dark_since.get_or_insert(state.now);
        } else if let Some(since) = state.dark_since.take() {
            self.dark.push((since, state.now));
        }
    }

    /// Adds what holds from now until `at`.
    fn integrate(&mut self, at: Time) {
        let (state, fleet) = (&mut self.state, &self.fleet);
        if state.begun.is_none() {
            return;
        }
        let span = at.since(state.now).0;
        let area = |count: u32| u128::from(count) * u128::from(span);
        state.lost[0] += area(fleet.desired.saturating_sub(fleet.serving_all()));
        state.surge[0] += area(fleet.exist.saturating_sub(fleet.desired));
        state.pending += area(fleet.pending);
        if fleet.serving[0] > 0 && fleet.serving_new() > 0 {
            state.mixed += span;
        }
        if fleet.is_out() {
            state.dark += span;
        }
        if fleet.has_lost_quorum() {
            state.quorum_lost += span;
        }
    }

    /// An instance changed after the begin.
    fn settle(&mut self, at: Time) {
        let state = &mut self.state;
        state.settled = Some(at);
        state.lost[1] = state.lost[0];
        state.surge[1] = state.surge[0];
        self.requests.settle();
    }

    fn window(&mut self, at: Time, counts: &[WindowCounts; 3]) {
        let until = at + self.slo.window;
        // A window is written when it is over, and so is any earlier instant then.
        if until > self.state.now {
            self.close();
        }
        let state = &self.state;
        let still_dark = state.dark_since.is_some_and(|since| since <= at);
        let dark = still_dark
            || self.dark.iter().rev().take_while(|d| d.1 >= until).any(|&(since, _)| since <= at);
        let settled = state.settled.or(state.begun).unwrap_or_default();
        if state.behaves.is_none_or(|behaves| at < behaves) {
            self.requests.expose(&counts[1]);
        }
        self.requests.window(at, counts, &self.slo, dark, state.begun, settled);
    }

    /// Latency during the rollout, over versions.
    pub(super) fn latency_during(latency: &[[Histogram; 2]]) -> Option<Histogram> {
        let [old, new] = latency.get(Period::During as usize)?;
        let mut both = old.clone();
        both.merge(new);
        Some(both)
    }
}

/// Appends a point unless nothing changed.
fn push(points: &mut Vec<Point>, point: Point) {
    if points.last().is_none_or(|last| Point { at: point.at, ..*last } != point) {
        points.push(point);
    }
}

/// Load of the busiest / mean load; not a number if nobody served.
fn skew(served: &[(u32, u64)]) -> f64 {
    let total: u64 = served.iter().map(|s| s.1).sum();
    let busiest = served.iter().map(|s| s.1).max().unwrap_or(0);
    if total == 0 { f64::NAN } else { busiest as f64 * served.len() as f64 / total as f64 }
}
