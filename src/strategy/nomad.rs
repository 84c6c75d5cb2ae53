//! HashiCorp Nomad.
//!
//! # Source
//! HashiCorp Nomad.
//!
//! # Rules
//! A sliding window of replacements, for now.
//!
//! # Settings and defaults
//! [`settings::Nomad`].
//!
//! # Known surprises
//! None yet.
//!
//! # Where we depart
//! Everything but the size of the window.

use super::generic::{self, Generic};
use super::{Budget, Command, Controller, Decision, Draws, Rules, View};
use crate::scenario::settings::{self, OnFailure, Order, Window};
use crate::units::{CountOrPercent, Span, Time};

/// State of the window.
pub type State = generic::State;

/// The rules with their settings.
#[derive(Debug, Clone)]
pub struct Nomad(Generic);

impl Nomad {
    /// From checked settings and the number of instances.
    pub fn new(settings: settings::Nomad, instances: u32) -> Self {
        let batch = if settings.max_parallel == 0 { instances } else { settings.max_parallel };
        Self(Generic::new(
            settings::Generic {
                batch: CountOrPercent::Count(batch),
                window: Window::Sliding,
                order: Order::StopFirst,
                bake: Span::ZERO,
                ready_deadline: Span::from_secs(3600),
                failures_allowed: CountOrPercent::Count(0),
                on_failure: OnFailure::Pause,
            },
            instances,
        ))
    }
}

impl Rules for Nomad {
    type State = State;
    const CONTROLLERS: &'static [&'static str] = Generic::CONTROLLERS;
    fn initial(&self) -> State {
        self.0.initial()
    }
    fn command(&self, state: &mut State, command: Command, now: Time) {
        self.0.command(state, command, now);
    }
    fn reconcile(
        &self,
        state: &mut State,
        controller: Controller,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        self.0.reconcile(state, controller, now, view, draws, decision);
    }
    fn budget(&self) -> Budget {
        self.0.budget()
    }
}
