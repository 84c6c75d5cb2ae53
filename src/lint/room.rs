//! Room for what a rollout adds: quotas, hosts, and the connections of what is behind the service.

use super::arithmetic::budget;
use super::{Finding, Lesson};
use crate::scenario::codes::Code;
use crate::scenario::pieces::{Dependency, Named, Over};
use crate::scenario::settings::{DeploymentKind, StrategySettings};
use crate::scenario::{AntiAffinity, Hosts, Pipeline, Scenario};
use crate::strategy::Budget;
use crate::units::Span;

/// Whoever stops sooner is gone before anybody can miss the room.
const BRIEF: Span = Span::from_secs(1);

pub(super) fn room(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let budget = budget(scenario);
    if let Some(quota) = &scenario.pieces.quota {
        let holds = u64::from(quota.instances);
        if !surge(&budget, holds, ("quota.instances", "quota"), is_stuck(scenario), findings) {
            replacements(scenario, &budget, holds, findings);
        }
    }
    if let Some((key, holds)) = places(&scenario.hosts) {
        surge(&budget, holds, (key, "hosts"), false, findings);
    }
    for dependency in &scenario.pieces.dependencies {
        connections(scenario, &budget, dependency, findings);
    }
}

/// Whether a rollout that may only add does so for ever: nobody takes anything back.
fn is_stuck(scenario: &Scenario) -> bool {
    let alone = scenario.pipeline == Pipeline::None && scenario.pieces.autoscaler.is_none();
    let stays = matches!(&scenario.strategy, StrategySettings::Kubernetes(settings)
        if settings.operations.is_empty());
    alone && stays
}

/// Instances that all hosts there can be hold together, and the key that says so.
fn places(hosts: &Hosts) -> Option<(&'static str, u64)> {
    let room = hosts.room.unwrap_or(u32::MAX);
    let (key, each) = match hosts.anti_affinity {
        AntiAffinity::None => ("hosts.room", room),
        // One of the old and one of the new.
        AntiAffinity::Version => ("hosts.anti_affinity", room.min(2)),
        AntiAffinity::All => ("hosts.anti_affinity", 1),
    };
    let count = match &hosts.provision {
        None => hosts.count,
        Some(provision) => provision.nodes_max.unwrap_or(u32::MAX),
    };
    (each < u32::MAX).then_some((key, u64::from(each) * u64::from(count)))
}

/// Instances that are added before any is taken away; says whether they find no room.
fn surge(
    budget: &Budget,
    holds: u64,
    (key, whose): (&'static str, &str),
    is_stuck: bool,
    findings: &mut Vec<Finding>,
) -> bool {
    let Budget { instances: n, above, out, .. } = *budget;
    let spare = holds.saturating_sub(u64::from(n));
    if u64::from(above) <= spare {
        return false;
    }
    let never = spare == 0 && out == 0 && is_stuck;
    let label = match spare {
        0 => format!("holds the {n} there are, and none beside them"),
        _ => format!("room for {spare} beside the {n} there are"),
    };
    let finding = if never {
        let message = format!("this rollout can never end: the {whose} has no room for a new one");
        Finding::new(Code::NeverEnds, key, message, label).beside(budget.out_key, "none may stop")
    } else {
        let verb = if whose == "hosts" { "hold" } else { "holds" };
        let message = format!("the rollout adds more instances than the {whose} {verb}");
        Finding::new(Code::NoRoom, key, message, label)
    };
    let finding = finding.beside(budget.above_key, format!("adds {above}"));
    findings.push(finding.help(format!("room for {}, or a smaller surge", n + above)));
    true
}

/// Instances there are at once if those that stop are replaced before they are gone: as soon as
/// a wave is ready the next one stops, and the one after that starts.
fn peak(scenario: &Scenario, budget: &Budget) -> Option<u32> {
    let StrategySettings::Kubernetes(settings) = &scenario.strategy else { return None };
    let stop = scenario.shutdown.pre_stop + scenario.versions.old.exit.quantile(0.5);
    if settings.kind == DeploymentKind::Recreate || stop < BRIEF {
        return None;
    }
    let Budget { instances, out, above, rounds, .. } = *budget;
    let terminating = if rounds > 1 { above + out } else { out };
    Some(instances + above + terminating.min(instances))
}

fn replacements(scenario: &Scenario, budget: &Budget, holds: u64, findings: &mut Vec<Finding>) {
    let Some(peak) = peak(scenario, budget).filter(|peak| u64::from(*peak) > holds) else {
        return;
    };
    let message = "replacements are refused while those they replace terminate";
    let label = format!("there are up to {peak} at once");
    let finding = Finding::new(Code::NoRoom, "quota.instances", message, label);
    let terminating = peak - budget.instances - budget.above;
    let finding = finding.beside(budget.out_key, format!("{terminating} may be terminating"));
    findings.push(finding.help(format!("room for {peak}, or fewer at a time")));
}

/// A pool for each instance, against what the other side takes.
fn connections(
    scenario: &Scenario,
    budget: &Budget,
    Named { name, piece }: &Named<Dependency>,
    findings: &mut Vec<Finding>,
) {
    let Some(limit) = piece.connections_max.map(u64::from) else { return };
    let pool = u64::from(piece.per_instance);
    let held = |instances: u32| u64::from(instances) * pool;
    let key = format!("dependencies.{name}.connections_max");
    let message = |who: &str| format!("{who} opens more connections than {name} takes");
    let most = budget.instances + budget.above;
    let peak = peak(scenario, budget).unwrap_or(most).max(most);
    if held(peak) > limit {
        let short = (held(peak) - limit).div_ceil(pool.max(1));
        let effect = match piece.over {
            Over::Fail => "crash at their start",
            Over::Wait => "wait for theirs",
        };
        let label = format!("{peak} x {pool} = {}: {short} {effect}", held(peak));
        let finding = Finding::new(Code::DependencyFull, &key, message("the rollout"), label);
        let above = format!("adds {}", budget.above);
        let finding = finding.beside(budget.above_key, above);
        let terminating = peak - most;
        findings.push(if terminating > 0 {
            let label = format!("and {terminating} may be terminating: theirs are still open");
            finding.beside(budget.out_key, label)
        } else {
            finding
        });
        return;
    }
    let largest = scenario.pieces.autoscaler.as_ref().map_or(0, |autoscaler| autoscaler.max);
    if held(largest) > limit {
        let label = format!("{largest} x {pool} = {}", held(largest));
        let finding = Finding::new(Code::DependencyFull, &key, message("the full fleet"), label);
        findings.push(finding.beside("autoscaler.max", "it may grow so far"));
    }
}

/// What stands behind the codes of this file.
pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        code: Code::NoRoom,
        of: &[],
        reason: "A surge needs room beside the whole fleet, and so does a replacement as long as \
                 the one that it replaces terminates: terminating instances count. A creation \
                 that a quota refuses is tried again after a wait that doubles each time, and \
                 nobody tells the one who waits that there is room again. On hosts that are full \
                 it stays pending; a host port lets one host hold one instance (anti_affinity = \
                 \"all\").",
        source: "Kubernetes, resource quotas; client-go workqueue back-off (5 ms doubling to \
                 1000 s); Docker docs, host mode publishing; recorded Deployments (up to twice \
                 the cap, terminating pods counted).",
        fix: "Room for the fleet, its surge and what terminates; or no surge, and a few out at a \
              time.",
        bad: "strategy.kubernetes.max_surge = 3\nstrategy.kubernetes.max_unavailable = 1\n\
              quota.instances = 13",
        good: "strategy.kubernetes.max_surge = 3\nstrategy.kubernetes.max_unavailable = 1\n\
               quota.instances = 19",
    },
    Lesson {
        code: Code::DependencyFull,
        of: &[],
        reason: "Each instance keeps a pool of connections from the start of its process until \
                 it is gone. What a rollout adds, and what still terminates, has its pool too: \
                 the last to come get none.",
        source: "PostgreSQL max_connections (\"sorry, too many clients already\"); HikariCP, \
                 about pool sizing.",
        fix: "A smaller pool, a pooler in front, or fewer at a time: floor(limit / pool) \
              instances hold connections, terminating ones included.",
        bad: "strategy.generic.batch = 4\nstrategy.generic.order = \"start-first\"\n\
              dependencies.postgres.per_instance = 20\n\
              dependencies.postgres.connections_max = 300",
        good: "strategy.generic.batch = 4\nstrategy.generic.order = \"start-first\"\n\
               dependencies.postgres.per_instance = 10\n\
               dependencies.postgres.connections_max = 300",
    },
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::lint;
    use super::Lesson;
    use crate::scenario;

    /// Codes, keys and labels of what is found about room.
    fn found(lines: &str) -> Vec<String> {
        let file = Lesson::file(lines);
        let loaded = scenario::load(&file, "x.toml", Path::new("."), &[]).expect("sound");
        let about =
            |key: &str| ["quota.", "hosts.", "dependencies."].iter().any(|t| key.starts_with(t));
        let findings = lint(&loaded.scenario).into_iter().filter(|finding| about(&finding.key));
        findings.map(|f| format!("{} {}: {}", f.code.text(), f.key, f.label)).collect()
    }

    fn check(lines: &str, expected: &[&str]) {
        assert_eq!(found(lines), expected, "{lines}");
    }

    const SURGE: &str =
        "strategy.kubernetes.max_surge = 3\nstrategy.kubernetes.max_unavailable = 0\n";

    #[test]
    fn a_quota_holds_the_fleet_its_surge_and_what_terminates() {
        let quota =
            |room: u32| format!("{SURGE}versions.old.exit = \"9s\"\nquota.instances = {room}");
        check(&quota(12), &["E034 quota.instances: holds the 12 there are, and none beside them"]);
        check(&quota(14), &["W044 quota.instances: room for 2 beside the 12 there are"]);
        check(&quota(17), &["W044 quota.instances: there are up to 18 at once"]);
        check(&quota(18), &[]);
        // Those who are gone at once take no room.
        check(&quota(17).replace("9s", "10ms"), &[]);
        // A pipeline ends what would wait for ever.
        let undone = quota(12) + "\npipeline.kind = \"ci\"";
        check(&undone, &["W044 quota.instances: holds the 12 there are, and none beside them"]);
        // Nothing is added, and the replacements of two wait.
        let two = "strategy.kubernetes.max_surge = 0\nstrategy.kubernetes.max_unavailable = 2\n\
                   versions.old.exit = \"9s\"\nquota.instances = 12";
        check(two, &["W044 quota.instances: there are up to 14 at once"]);
        check("strategy.kubernetes.type = \"Recreate\"\nquota.instances = 12", &[]);
    }

    #[test]
    fn hosts_hold_what_starts_first() {
        let swarm = "strategy.swarm.order = \"start-first\"\nstrategy.swarm.parallelism = 2\n";
        let ports =
            |hosts: u32| format!("{swarm}hosts.count = {hosts}\nhosts.anti_affinity = \"all\"");
        check(
            &ports(12),
            &["W044 hosts.anti_affinity: holds the 12 there are, and none beside them"],
        );
        check(&ports(14), &[]);
        check(&format!("{swarm}hosts.count = 12\nhosts.anti_affinity = \"version\""), &[]);
        check(&ports(12).replace("start-first", "stop-first"), &[]);
        let tight = format!("{SURGE}hosts.count = 3\nhosts.room = 4");
        check(&tight, &["W044 hosts.room: holds the 12 there are, and none beside them"]);
        check(&(tight.clone() + "\nhosts.provision = \"2m\""), &[]);
        let bounded = tight + "\nhosts.provision = \"2m\"\nhosts.nodes_max = 3";
        assert_eq!(found(&bounded).len(), 1);
    }

    #[test]
    fn pools_fit_the_other_side() {
        let pool = |limit: u32, rest: &str| {
            format!(
                "{SURGE}dependencies.db.per_instance = 20\n\
                     dependencies.db.connections_max = {limit}\n{rest}"
            )
        };
        let key = "dependencies.db.connections_max";
        let gone = "versions.old.exit = \"10ms\"";
        check(&pool(280, gone), &[&format!("W045 {key}: 15 x 20 = 300: 1 crash at their start")]);
        check(&pool(300, gone), &[]);
        let slow = "versions.old.exit = \"30s\"\ndependencies.db.over = \"wait\"";
        check(&pool(300, slow), &[&format!("W045 {key}: 18 x 20 = 360: 3 wait for theirs")]);
        check(&pool(360, slow), &[]);
        let grows = format!(
            "{gone}\ntraffic.rate = \"9/s\"\nshutdown.pre_stop = \"5s\"\n\
                             autoscaler.max = 30"
        );
        check(&pool(360, &grows), &[&format!("W045 {key}: 30 x 20 = 600")]);
    }
}
