//! What is done to a target: bring it to the wanted version, whatever it is at.

use super::State;
use crate::scenario::settings::Apply;
use crate::strategy::seats::Seat;
use crate::strategy::{Decision, View};

impl State {
    /// Takes the first `changed` targets a step further towards the wanted version.
    pub(super) fn change(
        &mut self,
        changed: usize,
        apply: Apply,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        for index in 0..changed {
            let target = self.order[index];
            match apply {
                Apply::Live => self.take_over(target, view, decision),
                Apply::Restart => self.restart(target, view, decision),
            }
        }
    }

    /// Of these targets, those on which the wanted version is not ready.
    pub(super) fn unready(&self, targets: &[u32], view: &View<'_>) -> u32 {
        let is_ready = |seat: Seat| {
            let instance = seat.instance(view);
            instance.is_some_and(|i| i.version == self.target && i.phase.is_ready())
        };
        let good = |target: &&u32| {
            let place = self.places.get(**target);
            is_ready(place.main) || is_ready(place.beside)
        };
        (targets.len() - targets.iter().filter(good).count()) as u32
    }

    /// Whether something was asked for that cannot be seen yet.
    pub(super) fn is_busy(&self) -> bool {
        self.order.iter().any(|target| {
            let place = self.places.get(*target);
            place.main == Seat::Awaited || place.beside != Seat::Empty
        })
    }

    fn restart(&mut self, target: u32, view: &View<'_>, decision: &mut Decision) {
        let seat = self.places.get(target).main;
        match seat {
            Seat::Taken(_) => {
                if seat.instance(view).is_some_and(|i| i.version != self.target) {
                    self.places.stop(target, decision);
                }
            }
            Seat::Empty => self.places.start(target, self.target, decision),
            Seat::Awaited | Seat::Leaving(_) | Seat::Lost => {}
        }
    }

    fn take_over(&mut self, target: u32, view: &View<'_>, decision: &mut Decision) {
        let place = self.places.get(target);
        let is_wanted = |seat: Seat| seat.instance(view).map(|i| i.version == self.target);
        match (place.main, place.beside) {
            (Seat::Empty | Seat::Lost, Seat::Taken(_)) => {
                self.places.promote(target);
                self.take_over(target, view, decision);
            }
            (_, Seat::Lost) => self.places.clear_beside(target),
            (Seat::Taken(_), Seat::Taken(_)) => {
                let ready = place.beside.instance(view).is_some_and(|i| i.phase.is_ready());
                if is_wanted(place.beside) != Some(true) {
                    self.places.stop_beside(target, decision);
                } else if ready {
                    self.places.stop(target, decision);
                }
            }
            (Seat::Taken(_), Seat::Empty) => {
                if is_wanted(place.main) == Some(false) {
                    self.places.start_beside(target, self.target, decision);
                }
            }
            (Seat::Empty, Seat::Empty) => self.places.start(target, self.target, decision),
            (Seat::Awaited | Seat::Leaving(_), _)
            | (_, Seat::Awaited | Seat::Leaving(_))
            | (Seat::Lost, Seat::Empty) => {}
        }
    }
}
