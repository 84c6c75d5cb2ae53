//! What befalls each instance when it is told rather than drawn: for recorded rollouts.

pub use crate::strategy::{Command, Status};
use crate::trace::VersionId;
use crate::units::{Span, Time};

/// A world whose luck is known.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// By version, then by ordinal among the instances of that version, counted from 0 in order
    /// of creation (or by slot, see `by_slot`); repeated if there are more instances. A version
    /// without fates draws its luck.
    pub fates: Vec<Vec<Fate>>,
    /// Fates belong to slots, not to ordinals.
    pub by_slot: bool,
    /// What somebody outside does, after the beginning of the rollout, in order of time.
    pub events: Vec<(Span, Outside)>,
    /// Wall-clock time at the beginning of the rollout, after a whole second; drawn if `None`.
    pub wall_phase: Option<Span>,
    /// How fast the API server creates, and stops, instances. At once if `None`.
    pub pace: Option<Pace>,
    /// The record ends so long after the beginning, whatever happens; by itself if `None`.
    pub end: Option<Span>,
}

/// How fast an API server carries out what a controller asks for all at once: writers wait, but
/// the controllers do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// From one creation to the next of the same version.
    pub start: Span,
    /// From one stop to the next of the same version.
    pub stop: Span,
    /// Requests share the server before the first of them is done: it is later by this for every
    /// other one.
    pub crowd: Span,
}

/// One instance's life as far as the orchestrator does not decide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// Process started (placed, image there, launched) → ready; `None`: never.
    pub ready: Option<Span>,
    /// Told to stop → gone.
    pub stop: Span,
    /// It ends by itself.
    pub ends: Option<Ends>,
    /// It fails so long after it was placed, held or not, before its process starts (there is no
    /// such image).
    pub rejected: Option<Span>,
}

/// A process that ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// So long after it started, or after it became ready.
    pub after: Span,
    /// Whether `after` counts from readiness.
    pub from_ready: bool,
    /// It is ready again so long after each end, so often (`u32::MAX`: for ever); `None`: the
    /// instance has failed for good.
    pub back: Option<(Span, u32)>,
}

/// What somebody outside does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// Tells the orchestrator something.
    Tell(Command),
    /// Stops the first `count` instances of a version that are there, in order of creation.
    Stop {
        /// Of this version.
        version: VersionId,
        /// So many.
        count: u32,
    },
    /// Makes them fail.
    Fail {
        /// Of this version.
        version: VersionId,
        /// So many.
        count: u32,
    },
}

impl Script {
    /// The fate of an instance, if it is told.
    pub fn fate(&self, version: VersionId, ordinal: u32, slot: u32) -> Option<Fate> {
        let fates = self.fates.get(usize::from(version.0)).filter(|fates| !fates.is_empty())?;
        let index = if self.by_slot { slot } else { ordinal };
        Some(fates[index as usize % fates.len()])
    }

    /// When the record ends, if that is told.
    pub fn ends_at(&self, begun: Time) -> Option<Time> {
        self.end.map(|end| begun + end)
    }
}
