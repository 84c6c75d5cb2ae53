//! `[quota]`: how many instances there may be, whatever the orchestrator wants.

use super::{Default::Is, Default::Required, Env, Key, Kind, Page, Piece, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::units::Span;

/// A quota as Kubernetes' `ResourceQuota` has it: a creation beyond it is refused, and whoever
/// wanted it asks again after a wait that doubles each time.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Quota {
    /// Instances at most, terminating ones included.
    pub instances: u32,
    /// The first wait.
    pub back_off: Span,
    /// The longest wait.
    pub back_off_max: Span,
}

impl Piece for Quota {
    const TABLE: Table = Table {
        path: "quota",
        about: "How many instances there may be, terminating ones included.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let back_off = env.positive(path, "back_off");
        let fleet = env.section("service").count("instances");
        let section = env.section(path);
        let (instances, place) = (section.count("instances"), section.place("instances"));
        let back_off_max = section.span("back_off_max").max(back_off);
        if instances < fleet {
            let message = format!("the quota does not hold the {fleet} instances there are");
            let hint = "at least service.instances";
            env.problem(Diagnostic::new(Code::Conflict, place, message, hint));
        }
        Self { instances, back_off, back_off_max }
    }

    fn write(&self, page: &mut Page) {
        page.raw("instances", self.instances);
        page.text("back_off", self.back_off);
        page.text("back_off_max", self.back_off_max);
    }
}

const KEYS: &[Key] = &[
    key("instances", Kind::Count(1, 10_000_000), Required, "Instances at most.", "12"),
    key(
        "back_off",
        Kind::Duration,
        Is("\"5ms\""),
        "A refused creation is tried again after this, doubled each time.",
        "\"5ms\"",
    ),
    key("back_off_max", Kind::Duration, Is("\"1000s\""), "The longest such wait.", "\"1000s\""),
];
