//! Several services that call each other and are rolled out one after the other.
//!
//! A *system file* names the scenario of each service, what must be rolled out before it, whom it
//! calls, and which versions get on with each other.

mod read;

pub use read::{is_system, load};

use super::{Diagnostic, Scenario, Source};
use crate::units::{Share, Span};

/// A complete, consistent system.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct System {
    /// In the order of the file.
    pub services: Vec<Member>,
    /// What versions of callers and callees that differ do to each other, in the order of the file.
    pub pairs: Vec<Pair>,
    /// Share of a service's requests that may fail because versions do not fit.
    pub tolerate: Share,
}

/// One service of a system.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Member {
    /// Its name in the system.
    pub name: String,
    /// Its rollout.
    pub scenario: Scenario,
    /// Where that was read; services that share one are peers, such as regions.
    pub file: String,
    /// Share of its traffic that its peers take while its rollout is under way.
    pub shift: Share,
    /// Whose rollouts must be complete before its own begins, by place among the services.
    pub needs: Vec<usize>,
    /// How long it is watched after its rollout before those that need it begin.
    pub bake: Span,
    /// Whom each of its requests calls, by place among the services, and how often.
    pub calls: Vec<(usize, f64)>,
}

/// What a call fails with, by the versions at its ends.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Pair {
    /// Who calls.
    pub caller: usize,
    /// Whom.
    pub callee: usize,
    /// By version of the caller, then of the callee (0 old, 1 new): share of calls that fail.
    pub errors: [[f64; 2]; 2],
    /// Line in the file, from 1.
    pub line: u32,
}

/// Why a system is not played: every complaint in the order of the file.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{} problems in {}", .diagnostics.len(), .source_text.file)]
pub struct SystemError {
    /// The complaints.
    pub diagnostics: Vec<Diagnostic>,
    /// Where they point.
    pub source_text: Source,
}

impl System {
    /// What calls of `caller` to `callee` fail with; nothing, if no rule speaks of them.
    pub fn errors(&self, caller: usize, callee: usize) -> [[f64; 2]; 2] {
        let rule = self.pairs.iter().find(|pair| (pair.caller, pair.callee) == (caller, callee));
        rule.map_or([[0.0; 2]; 2], |pair| pair.errors)
    }

    /// The services, each after all that `before` names for it; ties in the order of the file.
    /// `None` if they go round in a circle.
    pub fn sorted(&self, before: impl Fn(usize) -> Vec<usize>) -> Option<Vec<usize>> {
        let mut order: Vec<usize> = Vec::new();
        while order.len() < self.services.len() {
            let done = |service: &usize| order.contains(service);
            let mut rest = (0..self.services.len()).filter(|service| !done(service));
            order.push(rest.find(|service| before(*service).iter().all(done))?);
        }
        Some(order)
    }
}

/// Services of which each leads to the next and the last to the first. There must be such a circle.
pub fn circle(services: usize, next: &dyn Fn(usize) -> Vec<usize>) -> Vec<usize> {
    // Whoever leads to nobody that is left is in no circle.
    let mut left: Vec<usize> = (0..services).collect();
    loop {
        let before = left.len();
        let stays = left.clone();
        left.retain(|service| next(*service).iter().any(|to| stays.contains(to)));
        if left.len() == before {
            break;
        }
    }
    let mut path = vec![left[0]];
    loop {
        let last = path[path.len() - 1];
        let Some(to) = next(last).into_iter().find(|to| left.contains(to)) else { return path };
        if let Some(first) = path.iter().position(|service| *service == to) {
            return path.split_off(first);
        }
        path.push(to);
    }
}
