//! Judges in the world: instances' counters are scraped, judges see that after a delay, and what
//! they say has consequences.

use std::collections::VecDeque;

use super::kernel::Answers;
use super::pipeline::Urge;
use super::world::{Depth, Event, World};
use crate::judge::{Evidence, Reading, Rule, Side, Verdict};
use crate::scenario::Scenario;
use crate::scenario::pieces::{Judge, OnFail};
use crate::trace::{Phase, Record, Ruling, Said, Sink, VersionId};
use crate::units::{Span, Time};

/// What happens in court.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hearing {
    /// Counters are read.
    Scrape,
    /// A judge sees what was read a while ago.
    Sees(u8),
}

/// The judges of a run.
#[derive(Debug)]
pub(super) struct Court<'a> {
    seats: Vec<Seat<'a>>,
    /// Between two scrapes: what all intervals are multiples of.
    width: Span,
    scrapes: u64,
    answers: Vec<Answers>,
    /// Share of errors of the old and the new version, as last seen.
    errors: [f64; 2],
    /// The release is on its way back: what is seen from now on says nothing of it.
    is_closed: bool,
}

/// One judge.
#[derive(Debug)]
struct Seat<'a> {
    rule: Rule,
    judge: &'a Judge,
    /// Every so many of the court's scrapes.
    every: u64,
    /// By instance: what it answered since the judge's last scrape.
    since: Vec<Answers>,
    /// Scraped, and not seen yet.
    under_way: VecDeque<Vec<(u32, Side, Reading)>>,
    evidence: Evidence,
    said: Option<Ruling>,
    has_ended: bool,
}

impl<'a> Court<'a> {
    /// The scenario's; `None` if nobody judges.
    pub(super) fn new(scenario: &'a Scenario) -> Option<Self> {
        let judges = &scenario.pieces.judges;
        let width = judges.iter().map(|named| named.piece.interval.0).reduce(divisor)?;
        let seat = |judge: &'a Judge| Seat {
            rule: Rule::new(judge),
            judge,
            every: judge.interval.0 / width,
            since: Vec::new(),
            under_way: VecDeque::new(),
            evidence: Evidence::default(),
            said: None,
            has_ended: false,
        };
        Some(Self {
            seats: judges.iter().map(|named| seat(&named.piece)).collect(),
            width: Span(width),
            scrapes: 0,
            answers: Vec::new(),
            errors: [0.0; 2],
            is_closed: false,
        })
    }

    fn reset(&mut self) {
        self.scrapes = 0;
        (self.errors, self.is_closed) = ([0.0; 2], false);
        for seat in &mut self.seats {
            seat.since.clear();
            seat.under_way.clear();
            seat.evidence.clear();
            (seat.said, seat.has_ended) = (None, false);
        }
    }
}

impl Seat<'_> {
    /// Adds what was read to what it has not taken yet.
    fn gather(&mut self, answers: &[Answers]) {
        if self.since.len() < answers.len() {
            self.since.resize(answers.len(), Answers::default());
        }
        for (sum, new) in self.since.iter_mut().zip(answers) {
            sum.requests += new.requests;
            sum.errors += new.errors;
            sum.latency += new.latency;
        }
    }
}

/// The greatest common divisor.
fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

impl World<'_> {
    /// Counters are scraped from the beginning of the record on, at a time of their own.
    pub(super) fn open_court(&mut self) {
        let Some(court) = &mut self.court else { return };
        court.reset();
        if self.depth != Depth::Requests {
            return;
        }
        let width = court.width;
        let first = Time::ZERO + width * self.chance.scrape_phase();
        self.queue.push(first, Event::Judge(Hearing::Scrape));
        if let Some(kernel) = self.kernel() {
            kernel.desk.watch.begin(first.0, width.0);
        }
    }

    /// Something happens in court; whether that changed anything outside.
    pub(super) fn hold_court(&mut self, hearing: Hearing, sink: &mut impl Sink) -> bool {
        let Some(mut court) = self.court.take() else { return false };
        let acts = match hearing {
            Hearing::Scrape => {
                self.scrape_for(&mut court);
                None
            }
            Hearing::Sees(seat) => self.see(&mut court, usize::from(seat), sink),
        };
        self.court = Some(court);
        if let Some(on_fail) = acts {
            self.judged(on_fail, sink);
        }
        acts.is_some()
    }

    fn scrape_for(&mut self, court: &mut Court<'_>) {
        let now = self.now;
        self.queue.push(now + court.width, Event::Judge(Hearing::Scrape));
        let Some(kernel) = self.kernel() else { return };
        kernel.settle_all(now);
        kernel.desk.watch.scrape(&mut court.answers);
        court.scrapes += 1;
        for (index, seat) in court.seats.iter_mut().enumerate() {
            seat.gather(&court.answers);
            if !court.scrapes.is_multiple_of(seat.every) {
                continue;
            }
            let settle = seat.judge.settle;
            let mut read = Vec::new();
            for (instance, answers) in seat.since.iter_mut().enumerate() {
                let answers = std::mem::take(answers);
                read.extend(self.reading(instance as u32, answers, settle));
            }
            seat.under_way.push_back(read);
            self.queue.push(now + seat.judge.delay, Event::Judge(Hearing::Sees(index as u8)));
        }
    }

    /// What the scrape of one instance says; nothing if it is gone, or too fresh.
    fn reading(
        &self,
        instance: u32,
        answers: Answers,
        settle: Span,
    ) -> Option<(u32, Side, Reading)> {
        let entry = self.fleet.get(instance);
        let answers_scrapes = entry.phase.is_ready() || entry.phase == Phase::Draining;
        if answers.requests == 0 || !answers_scrapes {
            return None;
        }
        let is_old = entry.version == VersionId::OLD;
        let side = if is_old { Side::Baseline } else { Side::Canary };
        let is_fresh = entry.able_at < Time::NEVER && self.now.since(entry.able_at) < settle;
        if !is_old && is_fresh {
            return None;
        }
        let latency = answers.latency as f64 / 1e9 / f64::from(answers.requests);
        let (requests, errors) = (answers.requests.into(), answers.errors.into());
        // A process that takes the new version while it runs is another source from then on.
        Some((instance * 2 + u32::from(!is_old), side, Reading { requests, errors, latency }))
    }

    /// A judge sees the oldest scrape that it has not seen, and judges.
    fn see(&mut self, court: &mut Court<'_>, index: usize, sink: &mut impl Sink) -> Option<OnFail> {
        let seat = &mut court.seats[index];
        let read = seat.under_way.pop_front()?;
        seat.evidence.scrape(read);
        let last = seat.evidence.scrapes() - 1;
        for (side, seen) in [Side::Baseline, Side::Canary].into_iter().zip(&mut court.errors) {
            if let Some(share) = seat.evidence.at(side, last).error_share() {
                *seen = share;
            }
        }
        // What happens before the rollout is no release's fault.
        if seat.has_ended || court.is_closed || self.now < self.begun || self.is_going_back() {
            return None;
        }
        let verdict = seat.rule.judge(&seat.evidence);
        seat.has_ended = seat.rule.ends(verdict);
        let ruling = match verdict {
            Verdict::Pass => Ruling::Pass,
            Verdict::Fail => Ruling::Fail,
            Verdict::Inconclusive | Verdict::NoData => return None,
        };
        if seat.said != Some(ruling) {
            seat.said = Some(ruling);
            sink.record(self.now, Record::Judged { judge: index as u8, ruling });
        }
        (ruling == Ruling::Fail).then_some(seat.judge.on_fail)
    }

    /// A rollback was decided.
    pub(super) fn close_court(&mut self) {
        if let Some(court) = &mut self.court {
            court.is_closed = true;
        }
    }

    fn is_going_back(&self) -> bool {
        matches!(self.said, Said::RollingBack | Said::RolledBack | Said::RollbackPaused)
    }

    /// A judge has found the new version bad.
    fn judged(&mut self, on_fail: OnFail, sink: &mut impl Sink) {
        let urge = match on_fail {
            OnFail::Alert => Urge::Alert,
            OnFail::Pause => Urge::Pause,
            OnFail::Rollback => Urge::Rollback,
        };
        self.heed(urge, sink);
    }

    /// Share of errors of the old and the new version, as metrics show it to analyses: what was
    /// scraped, or the truth if nobody scrapes.
    pub(super) fn errors_shown(&self) -> [f64; 2] {
        match &self.court {
            Some(court) if self.depth == Depth::Requests => court.errors,
            _ => self.error_shares(),
        }
    }

    /// Whether a judge may yet say something.
    pub(super) fn is_in_court(&self) -> bool {
        let court = self.court.as_ref().filter(|_| self.depth == Depth::Requests);
        let waits = |c: &Court<'_>| !c.is_closed && c.seats.iter().any(|seat| !seat.has_ended);
        !self.is_going_back() && court.is_some_and(waits)
    }

    /// How long the record goes on for judges that have not decided when all is done.
    pub(super) fn bake(&self) -> Span {
        let Some(court) = self.court.as_ref().filter(|_| self.is_in_court()) else {
            return Span::ZERO;
        };
        let waiting = court.seats.iter().filter(|seat| !seat.has_ended);
        waiting.map(|seat| seat.judge.bake).max().unwrap_or(Span::ZERO)
    }
}
