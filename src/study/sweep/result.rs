//! What a sweep found: the numbers of each setting, who is on the Pareto line, whom to take.

use super::{CellHead, Goal, Head};
use crate::outcome::Fate;
use crate::scenario::{Gate, OutcomeKey};
use crate::stats::{self, Estimate, GateResult, Pair, Paired, Summary, Verdict};
use crate::study::assemble;
use crate::study::cell::Cell;

/// The numbers of one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct CellResult {
    /// Its place among the settings.
    pub cell: u32,
    /// Replications.
    pub runs: u32,
    /// How many of them with requests.
    pub runs_requests: u32,
    /// The worst of the gates; `None` without gates.
    pub verdict: Option<Verdict>,
    /// The gates, in the order in which they are written.
    pub gates: Vec<GateResult>,
    /// Every outcome that applied in some run.
    pub summaries: Vec<Summary>,
    /// Share of runs by fate; only fates that occurred.
    pub fates: Vec<(Fate, Estimate)>,
    /// The goal's number; `None` where no run has one.
    pub goal: Option<Estimate>,
    /// The number that is weighed against it.
    pub versus: Option<Estimate>,
    /// The goal's outcome run by run, to be paired with another setting's.
    luck: Vec<(f64, f64)>,
}

impl CellResult {
    /// From all runs of the setting.
    pub fn of(head: &Head, cell: u32, runs: &Cell) -> Self {
        let gates = head.gates();
        let gates = runs.gates(&gates, head.cells[cell as usize].instances);
        let estimate = |text: &str| {
            let goal = Goal::read(text).ok()?;
            goal.estimate(&runs.values(goal.outcome))
        };
        let outcome = Goal::read(&head.goal).map_or(OutcomeKey::Duration, |goal| goal.outcome);
        Self {
            cell,
            runs: runs.runs(),
            runs_requests: runs.runs_requests(),
            verdict: assemble::verdict(&gates),
            gates,
            summaries: runs.summaries(),
            fates: runs.fates(),
            goal: estimate(&head.goal),
            versus: estimate(&head.versus),
            luck: runs.values(outcome),
        }
    }

    /// Made up, for tests of what shows it.
    #[cfg(test)]
    pub(crate) fn made(
        cell: u32,
        verdict: Option<Verdict>,
        gates: Vec<GateResult>,
        summaries: Vec<Summary>,
        (goal, versus): (Estimate, Estimate),
    ) -> Self {
        let luck = (0..40).map(|i| (goal.value + f64::from(i % 5), 1.0)).collect();
        let (goal, versus) = (Some(goal), Some(versus));
        let fates = vec![(Fate::Completed, Estimate { value: 1.0, low: 0.99, high: 1.0 })];
        let (runs, runs_requests) = (400, 100);
        Self { cell, runs, runs_requests, verdict, gates, summaries, fates, goal, versus, luck }
    }

    /// The summary of one outcome, if it applied.
    pub fn summary(&self, key: OutcomeKey) -> Option<&Summary> {
        self.summaries.iter().find(|s| s.key == key)
    }

    /// Whether it keeps all gates, and reaches its goal at all.
    pub fn is_feasible(&self) -> bool {
        self.verdict.is_none_or(|verdict| verdict == Verdict::Pass) && self.goal.is_some()
    }
}

/// The answer of `rollcast sweep`.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepResult {
    /// What was swept.
    pub head: Head,
    /// The goal.
    pub goal: Goal,
    /// What is weighed against it.
    pub versus: Goal,
    /// The gates.
    pub gates: Vec<Gate>,
    /// Settings that are finished, in their order.
    pub cells: Vec<CellResult>,
    /// By place in `cells`: whether no other setting is better in one and no worse in the other.
    pub pareto: Vec<bool>,
    /// The place in `cells` of the best setting that keeps all gates.
    pub best: Option<usize>,
}

impl SweepResult {
    /// From the settings that are finished, in their order.
    pub(crate) fn of(head: Head, cells: Vec<CellResult>) -> Self {
        let read = |text: &str, other| Goal::read(text).or_else(|_| Goal::read(other));
        let goal = read(&head.goal, "min p95(duration)").expect("the default can be read");
        let versus = read(&head.versus, "max p5(serving_min)").expect("the default can be read");
        let gates = head.gates();
        let pareto = pareto(&goal, &versus, &cells);
        let best = best(&goal, &versus, &cells);
        Self { head, goal, versus, gates, cells, pareto, best }
    }

    /// The setting of a result.
    pub fn setting(&self, cell: &CellResult) -> &CellHead {
        &self.head.cells[cell.cell as usize]
    }

    /// Whether every setting that can be played is finished.
    pub fn is_whole(&self) -> bool {
        self.wanted() == self.cells.len()
    }

    /// How many settings can be played.
    pub fn wanted(&self) -> usize {
        self.head.cells.iter().filter(|cell| cell.problem.is_none()).count()
    }

    /// The next best setting that keeps all gates, and how much the goal's outcome differs on
    /// average under the same luck (its own minus that of the best).
    pub fn runner_up(&self) -> Option<(usize, Paired)> {
        let best = &self.cells[self.best?];
        let others = self.cells.iter().enumerate().filter(|(i, _)| Some(*i) != self.best);
        let second = others
            .filter(|(_, cell)| cell.is_feasible())
            .min_by(|a, b| order(&self.goal, &self.versus, a.1, b.1))?;
        let pairs: Vec<Pair> = best
            .luck
            .iter()
            .zip(&second.1.luck)
            .map(|(a, b)| Pair { first: a.0, second: b.0, weight: f64::midpoint(a.1, b.1) })
            .collect();
        Some((second.0, stats::difference(&pairs)?))
    }

    /// Over all settings: pass if some setting passes, else undecided if some may.
    pub fn verdict(&self) -> Option<Verdict> {
        if self.gates.is_empty() {
            return None;
        }
        let has = |verdict| self.cells.iter().any(|cell| cell.verdict == Some(verdict));
        Some(if has(Verdict::Pass) {
            Verdict::Pass
        } else if has(Verdict::Undecided) {
            Verdict::Undecided
        } else {
            Verdict::Fail
        })
    }
}

/// Better by the goal first, then by what is weighed against it, then by place.
fn order(goal: &Goal, versus: &Goal, a: &CellResult, b: &CellResult) -> std::cmp::Ordering {
    let badness = |goal: &Goal, estimate: Option<Estimate>| match estimate {
        Some(estimate) if goal.max => -estimate.value,
        Some(estimate) => estimate.value,
        None => f64::INFINITY,
    };
    badness(goal, a.goal)
        .total_cmp(&badness(goal, b.goal))
        .then(badness(versus, a.versus).total_cmp(&badness(versus, b.versus)))
        .then(a.cell.cmp(&b.cell))
}

fn best(goal: &Goal, versus: &Goal, cells: &[CellResult]) -> Option<usize> {
    let feasible = cells.iter().enumerate().filter(|(_, cell)| cell.is_feasible());
    feasible.min_by(|a, b| order(goal, versus, a.1, b.1)).map(|(index, _)| index)
}

fn pareto(goal: &Goal, versus: &Goal, cells: &[CellResult]) -> Vec<bool> {
    let point = |cell: &CellResult| Some((cell.goal?.value, cell.versus?.value));
    let points: Vec<Option<(f64, f64)>> = cells.iter().map(point).collect();
    let beats = |a: (f64, f64), b: (f64, f64)| {
        let worse = goal.better(b.0, a.0) || versus.better(b.1, a.1);
        !worse && (goal.better(a.0, b.0) || versus.better(a.1, b.1))
    };
    let on_line = |point: &Option<(f64, f64)>| {
        point.is_some_and(|here| !points.iter().flatten().any(|other| beats(*other, here)))
    };
    points.iter().map(on_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::cell::{Block, Requests};
    use crate::study::sweep::tests::study;

    fn result() -> SweepResult {
        let study = study(80, Requests::All);
        let cell = |i: u32| {
            let mut runs = Cell::default();
            let scenario = study.scenarios[i as usize].as_ref().unwrap();
            runs.push(Block::play(scenario, 1, 0..80, Requests::All));
            CellResult::of(&study.head, i, &runs)
        };
        SweepResult::of(study.head.clone(), (0..3).map(cell).collect())
    }

    #[test]
    fn the_fastest_that_keeps_its_gates_is_taken() {
        let result = result();
        assert!(result.is_whole());
        // Five instances: three at a time leave two, and the gate wants three.
        let verdicts: Vec<_> = result.cells.iter().map(|cell| cell.verdict).collect();
        assert_eq!(verdicts, [Some(Verdict::Pass), Some(Verdict::Pass), Some(Verdict::Fail)]);
        assert_eq!(result.best, Some(1));
        assert_eq!(result.pareto, [true, true, true], "faster is lower");
        let (second, paired) = result.runner_up().unwrap();
        assert_eq!((second, paired.runs), (0, 80));
        assert!(paired.difference.low > 0.0, "one at a time takes longer: {paired:?}");
        assert_eq!(result.verdict(), Some(Verdict::Pass));
    }

    #[test]
    fn who_is_beaten_in_both_is_off_the_line() {
        let mut cells = result().cells;
        cells[1].goal = cells[2].goal.map(|e| Estimate { value: e.value + 1.0, ..e });
        cells[1].versus = cells[2].versus;
        let goal = |text| Goal::read(text).unwrap();
        let (goal, versus) = (goal("min p95(duration)"), goal("max p5(serving_min)"));
        assert_eq!(pareto(&goal, &versus, &cells), [true, false, true]);
        cells[0].goal = None;
        assert_eq!(pareto(&goal, &versus, &cells), [false, false, true]);
        assert_eq!(best(&goal, &versus, &cells), Some(1), "who never ends is no choice");
    }
}
