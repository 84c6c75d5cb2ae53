//! A strategy's settings worked out for the scenario's fleet: what each percentage comes to.

use super::arithmetic::budget;
use super::aws::ecs_limits;
use super::flagger::ticks;
use super::swarm::failures_needed;
use crate::scenario::Scenario;
use crate::scenario::settings::{
    ArgoCanary, CanaryStep, DeploymentKind, Ecs, OnFailure, StrategySettings, Swarm,
};
use crate::strategy::argo_canary::counts::approximate;
use crate::strategy::ecs::breaker;
use crate::strategy::kubernetes::fenceposts;
use crate::units::{CountOrPercent, Rounding, Span};

/// What a key comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worked {
    /// The key.
    pub key: &'static str,
    /// Such as `25% of 12 → 3 (rounded up)`.
    pub text: String,
}

/// The numbers of a scenario: first the keys that are percentages or thresholds, then what the
/// strategy makes of them in a rollout without failures.
pub fn worked(scenario: &Scenario) -> Vec<Worked> {
    let n = scenario.service.instances;
    let mut lines = keys(scenario, n);
    let budget = budget(scenario);
    let mut line = |key, text| lines.push(Worked { key, text });
    line(
        budget.out_key,
        format!("out at once: {} of {n}; {} are left", budget.out, budget.leaves()),
    );
    line(
        budget.above_key,
        format!("above at once: {}; {} at most", budget.above, n + budget.above),
    );
    let wait = match budget.wait {
        Span::ZERO => String::new(),
        wait => format!(", each followed by {wait} at least"),
    };
    let rounds = budget.rounds;
    line("strategy", format!("rounds: {rounds} starts after one another{wait}"));
    lines
}

fn keys(scenario: &Scenario, n: u32) -> Vec<Worked> {
    match &scenario.strategy {
        StrategySettings::Kubernetes(settings) if settings.kind == DeploymentKind::Recreate => {
            vec![line("strategy.kubernetes.type", format!("all {n} stop, then {n} start"))]
        }
        StrategySettings::Kubernetes(settings) => {
            let keys = ["strategy.kubernetes.max_surge", "strategy.kubernetes.max_unavailable"];
            posts(keys, settings.max_surge, settings.max_unavailable, n)
        }
        StrategySettings::Flagger(settings) => {
            let keys = ["strategy.flagger.max_surge", "strategy.flagger.max_unavailable"];
            let mut lines = posts(keys, settings.max_surge, settings.max_unavailable, n);
            let (ticks, interval) = (ticks(settings), settings.interval);
            let text = format!("{ticks} ticks of {interval} → {}", interval * f64::from(ticks));
            lines.push(line("strategy.flagger.interval", text));
            lines
        }
        StrategySettings::ArgoCanary(settings) => argo(settings, n),
        StrategySettings::StatefulSet(settings) => settings
            .max_unavailable
            .map(|most| at_least_one("strategy.statefulset.max_unavailable", most, n))
            .into_iter()
            .collect(),
        StrategySettings::DaemonSet(settings) => vec![
            amount("strategy.daemonset.max_surge", settings.max_surge, n, Rounding::Up),
            amount("strategy.daemonset.max_unavailable", settings.max_unavailable, n, Rounding::Up),
        ],
        StrategySettings::Generic(settings) => {
            let allowed = settings.failures_allowed;
            vec![
                at_least_one("strategy.generic.batch", settings.batch, n),
                amount("strategy.generic.failures_allowed", allowed, n, Rounding::Down),
            ]
        }
        StrategySettings::Swarm(settings) => vec![swarm(settings, n)],
        StrategySettings::Ecs(settings) => ecs(settings, n),
        StrategySettings::Asg(settings) => vec![
            percent("strategy.asg.min_healthy_percentage", settings.min_healthy_percentage, n),
            percent("strategy.asg.max_healthy_percentage", settings.max_healthy_percentage, n),
        ],
        StrategySettings::Mig(settings) => vec![
            amount("strategy.mig.max_surge", settings.max_surge, n, Rounding::Up),
            amount("strategy.mig.max_unavailable", settings.max_unavailable, n, Rounding::Up),
            amount("strategy.mig.target_size", settings.target_size, n, Rounding::Up),
        ],
        StrategySettings::Vmss(settings) => {
            let batch = CountOrPercent::Percent(f64::from(settings.max_batch_instance_percent));
            vec![at_least_one("strategy.vmss.max_batch_instance_percent", batch, n)]
        }
        StrategySettings::ServiceFabric(settings) => {
            let (domains, size) = (settings.upgrade_domains, n.div_ceil(settings.upgrade_domains));
            let text = format!("{n} in {domains} domains → up to {size} each");
            vec![line("strategy.service_fabric.upgrade_domains", text)]
        }
        StrategySettings::Kamal(settings) => settings
            .boot_limit
            .map(|limit| at_least_one("strategy.kamal.boot_limit", limit, n))
            .into_iter()
            .collect(),
        // Their sizes are in the lines about all: batches, windows, hosts.
        StrategySettings::Ansible(_)
        | StrategySettings::Capistrano(_)
        | StrategySettings::AppConfig(_)
        | StrategySettings::Nomad(_)
        | StrategySettings::CodeDeploy(_)
        | StrategySettings::ArgoBluegreen(_) => Vec::new(),
    }
}

fn line(key: &'static str, text: String) -> Worked {
    Worked { key, text }
}

fn amount(key: &'static str, amount: CountOrPercent, n: u32, rounding: Rounding) -> Worked {
    let how = match rounding {
        Rounding::Up => "rounded up",
        Rounding::Down => "rounded down",
    };
    let count = amount.of(n, rounding);
    line(
        key,
        match amount {
            CountOrPercent::Count(_) => format!("{count} of {n}"),
            CountOrPercent::Percent(_) => format!("{amount} of {n} → {count} ({how})"),
        },
    )
}

fn percent(key: &'static str, percent: u32, n: u32) -> Worked {
    amount(key, CountOrPercent::Percent(f64::from(percent)), n, Rounding::Up)
}

fn at_least_one(key: &'static str, part: CountOrPercent, n: u32) -> Worked {
    let mut worked = amount(key, part, n, Rounding::Down);
    if part.of(n, Rounding::Down) == 0 {
        worked.text += ", but at least 1";
    }
    worked
}

fn posts(
    [surge_key, unavailable_key]: [&'static str; 2],
    surge: CountOrPercent,
    unavailable: CountOrPercent,
    n: u32,
) -> Vec<Worked> {
    let mut lines = vec![
        amount(surge_key, surge, n, Rounding::Up),
        amount(unavailable_key, unavailable, n, Rounding::Down),
    ];
    let posts = fenceposts::resolve(surge, unavailable, n);
    if posts.unavailable != unavailable.of(n, Rounding::Down) {
        lines[1].text += ", but both 0 makes it 1";
    }
    lines
}

fn argo(settings: &ArgoCanary, n: u32) -> Vec<Worked> {
    let keys = ["strategy.argo_canary.max_surge", "strategy.argo_canary.max_unavailable"];
    let mut lines = Vec::new();
    if !settings.traffic_routing {
        lines = posts(keys, settings.max_surge, settings.max_unavailable, n);
    }
    let surge = fenceposts::resolve(settings.max_surge, settings.max_unavailable, n).surge;
    for step in &settings.steps {
        let CanaryStep::SetWeight(weight) = *step else { continue };
        let text = if settings.traffic_routing {
            let canary = (u64::from(weight) * u64::from(n)).div_ceil(settings.max_weight.into());
            format!("weight {weight} of {n} → {canary} canary pods (rounded up)")
        } else {
            let (canary, stable) = approximate(n, weight, surge);
            format!("weight {weight} of {n} → {canary} canary and {stable} stable pods (nearest)")
        };
        lines.push(line("strategy.argo_canary.steps", text));
    }
    lines
}

fn swarm(settings: &Swarm, n: u32) -> Worked {
    let update = &settings.update;
    let ratio = update.max_failure_ratio;
    let text = match (failures_needed(update, n), update.failure_action) {
        (_, OnFailure::Continue) => "failure_action = \"continue\": no failure counts".to_owned(),
        (Some(needed), OnFailure::Pause | OnFailure::Rollback) => {
            format!("{ratio} of {n} slots → acts at failure {needed} (must be exceeded)")
        }
        (None, OnFailure::Pause | OnFailure::Rollback) => {
            format!("{ratio} of {n} slots → never exceeded")
        }
    };
    line("strategy.swarm.max_failure_ratio", text)
}

fn ecs(settings: &Ecs, n: u32) -> Vec<Worked> {
    let (low, most) = ecs_limits(settings, n);
    let (minimum, maximum) = (settings.minimum_healthy_percent, settings.maximum_percent);
    let mut lines = vec![
        line(
            "strategy.ecs.minimum_healthy_percent",
            format!("{minimum}% of {n} → {low} healthy at least (rounded up)"),
        ),
        line(
            "strategy.ecs.maximum_percent",
            match settings.room {
                Some(room) if room == most => format!("{maximum}% of {n}, but room for {room}"),
                _ => format!("{maximum}% of {n} → {most} running at most (rounded down)"),
            },
        ),
    ];
    if let Some(circuit_breaker) = settings.circuit_breaker {
        let tasks = breaker::tasks(circuit_breaker.threshold, n);
        let text = format!("trips at {tasks} failed tasks");
        lines.push(line("strategy.ecs.circuit_breaker", text));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::worked;
    use crate::lint::Lesson;
    use crate::scenario;
    use std::path::Path;

    fn lines(text: &str) -> String {
        let loaded = scenario::load(&Lesson::file(text), "x.toml", Path::new("."), &[]).unwrap();
        let lines: Vec<_> = worked(&loaded.scenario)
            .into_iter()
            .map(|w| format!("{}: {}", w.key, w.text))
            .collect();
        lines.join("\n")
    }

    #[test]
    fn percentages_come_to_counts() {
        let page = lines("strategy.kubernetes = {}\nservice.instances = 10");
        assert!(page.contains("max_surge: 25% of 10 → 3 (rounded up)"), "{page}");
        assert!(page.contains("max_unavailable: 25% of 10 → 2 (rounded down)"), "{page}");
        assert!(page.contains("out at once: 2 of 10; 8 are left"), "{page}");
        let ecs = "service.instances = 3\nstrategy.ecs.maximum_percent = 125\n\
                   strategy.ecs.circuit_breaker = true";
        let page = lines(ecs);
        assert!(page.contains("100% of 3 → 3 healthy at least (rounded up)"), "{page}");
        assert!(page.contains("125% of 3 → 3 running at most (rounded down)"), "{page}");
        assert!(page.contains("trips at 3 failed tasks"), "{page}");
        let page = lines("service.instances = 10\nstrategy.swarm.max_failure_ratio = 0.1");
        assert!(page.contains("0.1 of 10 slots → acts at failure 2"), "{page}");
        let canary = "service.instances = 10\nstrategy.argo_canary.steps = [{ set_weight = 25 }]";
        let page = lines(canary);
        assert!(page.contains("weight 25 of 10 → 3 canary and 8 stable pods"), "{page}");
    }
}
