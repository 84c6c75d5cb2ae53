//! Which orchestrator it is: exactly one table.

use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::reader::Raw;
use crate::scenario::settings::Orchestrator;

/// The orchestrator; complains unless there is exactly one table.
pub(super) fn orchestrator(raw: &Raw, problems: &mut Vec<Diagnostic>) -> Orchestrator {
    let written = |of: &Orchestrator| raw.tables.get(of.table().path).map(|t| (t.at, *of));
    let mut all: Vec<_> = Orchestrator::ALL.iter().filter_map(written).collect();
    all.sort_by_key(|(at, _)| *at);
    match all[..] {
        [(_, only)] => only,
        [(_, first), .., (later, _)] => {
            let message = "two strategies: a rollout has one";
            let names: Vec<_> =
                all.iter().map(|(_, of)| format!("[{}]", of.table().path)).collect();
            let hint = format!("remove {}", names.join(" or "));
            problems.push(Diagnostic::new(Code::StrategyTable, later, message, hint));
            first
        }
        [] => {
            let message = "no strategy";
            let hint = "write [strategy.kubernetes], [strategy.generic] or another \
                        orchestrator's; its keys may be left out";
            problems.push(Diagnostic::new(Code::StrategyTable, None, message, hint));
            Orchestrator::Kubernetes
        }
    }
}
