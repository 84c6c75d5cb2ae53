//! Gates that the strategy's own arithmetic breaks in every run.

use super::Finding;
use super::arithmetic::budget;
use crate::scenario::codes::Code;
use crate::scenario::{Bound, Direction, Gate, OutcomeKey, Scenario};
use crate::strategy::Budget;
use crate::units::Span;

pub(super) fn gates(scenario: &Scenario, findings: &mut Vec<Finding>) {
    // Starts that take no time make every dip invisible.
    if scenario.versions.new.start_quantile(1e-6) == Span::ZERO {
        return;
    }
    let budget = budget(scenario);
    for (index, gate) in scenario.gates.iter().enumerate() {
        let key = format!("gates.{index}");
        if let Some(finding) = infeasible(&key, gate, &budget) {
            findings.push(finding);
        }
    }
}

fn infeasible(key: &str, gate: &Gate, budget: &Budget) -> Option<Finding> {
    let instances = f64::from(budget.instances);
    let limit = match gate.limit {
        Bound::Absolute(limit) => limit,
        Bound::OfInstances(share) => share * instances,
    };
    let message = "no run can keep this gate";
    match (gate.outcome, gate.direction) {
        (OutcomeKey::ServingMin | OutcomeKey::AvailableMin, Direction::AtLeast)
            if f64::from(budget.leaves()) < limit =>
        {
            let (out, leaves) = (budget.out, budget.leaves());
            let room = (instances - limit.ceil()).max(0.0);
            let label = format!("leaves room for {room} of {instances}");
            let taken = format!("takes {out} of {instances} out at once: {leaves} are left");
            let help = if room >= 1.0 {
                format!("take {room} at a time, or start the new ones first")
            } else {
                "start the new ones first (surge), if there is room for them".to_owned()
            };
            let finding = Finding::new(Code::GateInfeasible, key, message, label);
            Some(finding.beside(budget.out_key, taken).help(help))
        }
        (OutcomeKey::InstancesMax | OutcomeKey::InstancesPeak, Direction::AtMost)
            if f64::from(budget.instances + budget.above) > limit =>
        {
            let label = format!("{} run all the time", budget.instances);
            let above = format!("adds {} at once", budget.above);
            let finding = Finding::new(Code::GateInfeasible, key, message, label);
            Some(finding.beside(budget.above_key, above))
        }
        (OutcomeKey::FullOutage, Direction::AtMost) if budget.leaves() == 0 && limit < 1.0 => {
            let label = "it happens in every run";
            let taken = "takes all instances out before a new one starts";
            let finding = Finding::new(Code::GateInfeasible, key, message, label);
            Some(finding.beside(budget.out_key, taken))
        }
        _ => None,
    }
}
