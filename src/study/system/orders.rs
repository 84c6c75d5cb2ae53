//! Which orders of rollouts keep every pair of services compatible.
//!
//! With rollouts one after the other, a caller that is rolled out before its callee meets the pair
//! (new, old), one that is rolled out after it the pair (old, new); if both are under way at once,
//! both pairs occur. So each rule that names errors for a mixed pair puts one of the two first.

use crate::scenario::system::{System, circle};

/// More services are not enumerated: 8 have 40 320 orders.
pub const ENUMERATED: usize = 8;
/// Orders that are kept.
const KEPT: usize = 24;

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Orders {
    /// Who must be complete before whom begins.
    pub constraints: Vec<Constraint>,
    /// Compatible orders of one rollout after the other, at most 24 of them; one if there are too
    /// many services to try them all.
    pub compatible: Vec<Vec<usize>>,
    /// How many there are; `None`: not counted.
    pub count: Option<u64>,
    /// The fastest compatible pace: by service, whom it waits for. `None` if there is none.
    pub pace: Option<Vec<Vec<usize>>>,
    /// Constraints that the system's `needs` do not keep.
    pub broken: Vec<Constraint>,
    /// Constraints in a circle, if that is why no order is compatible.
    pub conflict: Vec<Constraint>,
    /// Pairs (caller, callee) whose new versions do not get on: no order helps.
    pub hopeless: Vec<(usize, usize)>,
}

/// One rollout must be complete before another begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Constraint {
    /// Which is first.
    pub first: usize,
    /// Which is second.
    pub then: usize,
    /// Who calls.
    pub caller: usize,
    /// Whom.
    pub callee: usize,
}

impl Constraint {
    /// Whether it is there because the new caller does not get on with the old callee; otherwise
    /// the old caller not with the new callee.
    pub fn is_new_to_old(&self) -> bool {
        self.first == self.callee
    }
}

/// Finds them.
pub fn orders(system: &System) -> Orders {
    let constraints = constraints(system);
    let services = system.services.len();
    let after: Vec<Vec<usize>> = (0..services)
        .map(|service| {
            let mut first: Vec<usize> =
                constraints.iter().filter(|c| c.then == service).map(|c| c.first).collect();
            first.sort_unstable();
            first.dedup();
            first
        })
        .collect();
    let sorted = system.sorted(|service| after[service].clone());
    let (mut compatible, mut count) = (Vec::new(), None);
    if services <= ENUMERATED {
        let mut all = 0;
        extend(&after, &mut Vec::new(), &mut |order| {
            all += 1;
            if compatible.len() < KEPT {
                compatible.push(order.to_vec());
            }
        });
        count = Some(all);
    } else {
        compatible.extend(sorted.clone());
    }
    let conflict = if sorted.is_some() { Vec::new() } else { conflict(&constraints, &after) };
    let kept = reach(system);
    let broken = constraints.iter().filter(|c| !kept[c.then][c.first]).copied().collect();
    Orders {
        compatible,
        count,
        pace: sorted.map(|_| after),
        broken,
        conflict,
        hopeless: hopeless(system),
        constraints,
    }
}

/// Each service waits for the one before it.
pub fn chain(order: &[usize]) -> Vec<Vec<usize>> {
    let mut after = vec![Vec::new(); order.len()];
    for pair in order.windows(2) {
        after[pair[1]] = vec![pair[0]];
    }
    after
}

fn constraints(system: &System) -> Vec<Constraint> {
    let mut found = Vec::new();
    for pair in &system.pairs {
        let (caller, callee) = (pair.caller, pair.callee);
        if hurts(system, caller, callee, pair.errors[1][0]) {
            found.push(Constraint { first: callee, then: caller, caller, callee });
        }
        if hurts(system, caller, callee, pair.errors[0][1]) {
            found.push(Constraint { first: caller, then: callee, caller, callee });
        }
    }
    found
}

/// Whether so many failing calls are more than the system tolerates, with the caller's fan-out.
fn hurts(system: &System, caller: usize, callee: usize, errors: f64) -> bool {
    let calls = system.services[caller].calls.iter().find(|(to, _)| *to == callee);
    let calls = calls.map_or(0.0, |(_, calls)| *calls);
    let ok = libm::pow(1.0 - errors, calls.trunc()) * (1.0 - calls.fract() * errors);
    1.0 - ok > system.tolerate.0
}

fn hopeless(system: &System) -> Vec<(usize, usize)> {
    let pairs = system.pairs.iter();
    let bad = pairs.filter(|p| hurts(system, p.caller, p.callee, p.errors[1][1]));
    bad.map(|pair| (pair.caller, pair.callee)).collect()
}

/// By service: whether another one's rollout is complete before its own begins, as `needs` has it.
fn reach(system: &System) -> Vec<Vec<bool>> {
    let services = system.services.len();
    let mut reach = vec![vec![false; services]; services];
    let order = system.sorted(|service| system.services[service].needs.clone());
    for service in order.unwrap_or_default() {
        for need in &system.services[service].needs {
            let before = reach[*need].clone();
            reach[service][*need] = true;
            for (mine, theirs) in reach[service].iter_mut().zip(before) {
                *mine |= theirs;
            }
        }
    }
    reach
}

/// All orders in which each service comes after those it waits for.
fn extend(after: &[Vec<usize>], order: &mut Vec<usize>, found: &mut impl FnMut(&[usize])) {
    if order.len() == after.len() {
        found(order);
        return;
    }
    for service in 0..after.len() {
        let free = after[service].iter().all(|first| order.contains(first));
        if free && !order.contains(&service) {
            order.push(service);
            extend(after, order, found);
            order.pop();
        }
    }
}

/// The constraints of a circle.
fn conflict(constraints: &[Constraint], after: &[Vec<usize>]) -> Vec<Constraint> {
    let circle = circle(after.len(), &|service| after[service].clone());
    let next = |place: usize| circle[(place + 1) % circle.len()];
    let between = |(place, then): (usize, &usize)| {
        constraints.iter().find(|c| c.then == *then && c.first == next(place)).copied()
    };
    circle.iter().enumerate().filter_map(between).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::super::mixed::failing;
    use super::{chain, orders};
    use crate::scenario::load;
    use crate::scenario::system::{Member, Pair, System};
    use crate::units::{Share, Span};

    /// A system of services that call each other once where a rule says so.
    pub(in crate::study::system) fn system(
        services: usize,
        rules: &[(usize, usize, [[f64; 2]; 2])],
    ) -> System {
        let text = "rollcast = 1\n[service]\ninstances = 4\n[versions.old]\nstart = \"1s\"\n\
            [strategy.generic]\n";
        let scenario = load(text, "small.toml", Path::new("."), &[]).unwrap().scenario;
        let member = |i: usize| Member {
            name: format!("s{i}"),
            scenario: scenario.clone(),
            file: String::new(),
            shift: Share(0.0),
            needs: Vec::new(),
            bake: Span::ZERO,
            calls: rules.iter().filter(|rule| rule.0 == i).map(|rule| (rule.1, 1.0)).collect(),
        };
        let pair = |rule: &(usize, usize, [[f64; 2]; 2])| Pair {
            caller: rule.0,
            callee: rule.1,
            errors: rule.2,
            line: 1,
        };
        System {
            services: (0..services).map(member).collect(),
            pairs: rules.iter().map(pair).collect(),
            tolerate: Share(0.0),
        }
    }

    /// Plays an order step by step: half of a service is new, then all of it.
    fn is_clean(system: &System, order: &[usize]) -> bool {
        let all: Vec<usize> = (0..order.len()).rev().collect();
        let mut new = vec![0.0; order.len()];
        for service in order {
            for share in [0.5, 1.0] {
                new[*service] = share;
                if failing(system, &all, &new).1.iter().any(|errors| *errors > 0.0) {
                    return false;
                }
            }
        }
        true
    }

    fn permutations(n: usize) -> Vec<Vec<usize>> {
        if n == 0 {
            return vec![Vec::new()];
        }
        let mut all = Vec::new();
        for shorter in permutations(n - 1) {
            for place in 0..n {
                let mut longer = shorter.clone();
                longer.insert(place, n - 1);
                all.push(longer);
            }
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// What the constraints allow is what playing every order step by step allows.
        #[test]
        fn compatible_orders_are_those_that_play_clean(
            rules in proptest::collection::vec((0usize..5, 0usize..5, 0u8..4), 0..7),
        ) {
            let mut used = std::collections::BTreeSet::new();
            let rules: Vec<_> = rules
                .into_iter()
                .filter(|(a, b, _)| a < b && used.insert((*a, *b)))
                .map(|(a, b, bits)| {
                    let error = |bit: u8| f64::from(bits >> bit & 1) * 0.5;
                    (a, b, [[0.0, error(0)], [error(1), 0.0]])
                })
                .collect();
            let system = system(5, &rules);
            let found = orders(&system);
            let mut clean: Vec<_> =
                permutations(5).into_iter().filter(|order| is_clean(&system, order)).collect();
            clean.sort();
            prop_assert_eq!(found.count, Some(clean.len() as u64));
            prop_assert_eq!(found.compatible.as_slice(), &clean[..clean.len().min(24)]);
            prop_assert_eq!(found.conflict.is_empty(), !clean.is_empty());
            prop_assert_eq!(found.pace.is_some(), !clean.is_empty());
            for pair in found.conflict.windows(2) {
                prop_assert_eq!(pair[0].first, pair[1].then, "a circle");
            }
        }
    }

    #[test]
    fn needs_that_keep_an_order_break_nothing() {
        let mut three = system(3, &[(0, 1, [[0.0, 0.0], [1.0, 0.0]])]);
        assert_eq!(orders(&three).broken.len(), 1);
        three.services[0].needs = vec![2];
        three.services[2].needs = vec![1];
        assert!(orders(&three).broken.is_empty(), "by way of the third");
        assert_eq!(chain(&[2, 0, 1]), [vec![2], vec![0], vec![]]);
    }

    #[test]
    fn what_is_tolerated_constrains_nobody() {
        let mut pair = system(2, &[(0, 1, [[0.0, 0.0], [0.01, 0.0]])]);
        pair.tolerate = Share(0.02);
        assert!(orders(&pair).constraints.is_empty());
        pair.services[0].calls = vec![(1, 3.0)];
        assert_eq!(orders(&pair).constraints.len(), 1, "3 % with fan-out");
    }
}
