//! Places (hosts, servers, targets) in each of which one instance follows another: who is there,
//! who was asked for and is not seen yet, who was told to stop and is not gone yet.

use serde::{Deserialize, Serialize};

use super::{Action, Decision, InstanceView, View};
use crate::trace::VersionId;

/// Who has a seat of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Seat {
    /// Nobody.
    Empty,
    /// An instance that was asked for and has not been seen.
    Awaited,
    /// This instance.
    Taken(u32),
    /// This instance, which goes.
    Leaving(u32),
    /// Who was here vanished without being told to: the host is gone.
    Lost,
}

/// One place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The instance that fills it.
    pub(super) main: Seat,
    /// The instance that will, where the new one is started before the old one goes.
    pub(super) beside: Seat,
}

/// All places, by number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Places {
    places: Vec<Place>,
    /// Instances with smaller numbers have been seen.
    next_instance: u32,
}

impl Places {
    /// Instance i is in place i.
    pub(super) fn new(instances: u32) -> Self {
        let taken = |id| Place { main: Seat::Taken(id), beside: Seat::Empty };
        Self { places: (0..instances).map(taken).collect(), next_instance: instances }
    }

    pub(super) fn get(&self, place: u32) -> Place {
        self.places[place as usize]
    }

    /// Brings the books up to date.
    pub(super) fn observe(&mut self, view: &View<'_>) {
        let fresh = view.instances.partition_point(|i| i.id < self.next_instance);
        let mut unseen = 0;
        for i in &view.instances[fresh..] {
            unseen += i.id - self.next_instance;
            self.next_instance = i.id + 1;
            if let Some(place) = self.places.get_mut(i.slot as usize) {
                place.admit(i.id);
            }
        }
        // A number never shown came and went between two looks: one of those awaited.
        let seats = self.places.iter_mut().flat_map(|p| [&mut p.main, &mut p.beside]);
        let awaited = seats.filter(|seat| **seat == Seat::Awaited);
        awaited.take(unseen as usize).for_each(|seat| *seat = Seat::Lost);
        for place in &mut self.places {
            place.main.observe(view);
            place.beside.observe(view);
        }
    }

    /// Starts an instance in an empty place.
    pub(super) fn start(&mut self, place: u32, version: VersionId, decision: &mut Decision) {
        decision.actions.push(Action::start_in(place, version));
        self.places[place as usize].main = Seat::Awaited;
    }

    /// Starts an instance beside the one that fills the place.
    pub(super) fn start_beside(&mut self, place: u32, version: VersionId, decision: &mut Decision) {
        decision.actions.push(Action::start_in(place, version));
        self.places[place as usize].beside = Seat::Awaited;
    }

    /// Tells the instance that fills the place to stop.
    pub(super) fn stop(&mut self, place: u32, decision: &mut Decision) {
        self.places[place as usize].main.stop(decision);
    }

    /// Tells the instance beside it to stop.
    pub(super) fn stop_beside(&mut self, place: u32, decision: &mut Decision) {
        self.places[place as usize].beside.stop(decision);
    }

    /// The instance beside fills the place from now on.
    pub(super) fn promote(&mut self, place: u32) {
        let place = &mut self.places[place as usize];
        place.main = std::mem::replace(&mut place.beside, Seat::Empty);
    }

    /// Forgets that somebody vanished from beside.
    pub(super) fn clear_beside(&mut self, place: u32) {
        self.places[place as usize].beside = Seat::Empty;
    }
}

impl Place {
    fn admit(&mut self, id: u32) {
        let is_free = |seat: Seat| matches!(seat, Seat::Empty | Seat::Lost);
        let seat = match (self.main, self.beside) {
            (Seat::Awaited, _) => &mut self.main,
            (_, Seat::Awaited) => &mut self.beside,
            // Given up too early.
            (main, _) if is_free(main) => &mut self.main,
            (_, beside) if is_free(beside) => &mut self.beside,
            _ => return,
        };
        *seat = Seat::Taken(id);
    }
}

impl Seat {
    fn observe(&mut self, view: &View<'_>) {
        match *self {
            Self::Taken(id) => match view.find(id) {
                None => *self = Self::Lost,
                // Somebody else told it to, such as a health check.
                Some(i) if !i.phase.is_active() => *self = Self::Leaving(id),
                Some(_) => {}
            },
            Self::Leaving(id) if view.find(id).is_none() => *self = Self::Empty,
            Self::Empty | Self::Awaited | Self::Leaving(_) | Self::Lost => {}
        }
    }

    fn stop(&mut self, decision: &mut Decision) {
        if let Self::Taken(instance) = *self {
            decision.actions.push(Action::Stop { instance });
            *self = Self::Leaving(instance);
        }
    }

    /// The instance that has it and was not told to stop.
    pub(super) fn instance<'a>(self, view: &View<'a>) -> Option<&'a InstanceView> {
        if let Self::Taken(id) = self { view.find(id) } else { None }
    }
}
