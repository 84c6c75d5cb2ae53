//! How long orchestrators take to find out, where nobody says otherwise.

use crate::scenario::Dist;
use crate::scenario::settings::Orchestrator;
use crate::units::Span;

fn between(low: u64, high: u64) -> Dist {
    Dist::Uniform { low: Span::from_secs(low), high: Span::from_secs(high) }
}

fn seconds(secs: u64) -> Dist {
    Dist::Fixed(Span::from_secs(secs))
}

/// A host is gone → its instances are not ready → they are lost.
///
/// - Kubernetes: `--node-monitor-grace-period` 50 s (40 s before 1.32) less the age of the last
///   heartbeat (10 s), looked at every 5 s; the pods are then tainted and evicted after
///   `tolerationSeconds` 300. Pods of a `DaemonSet` tolerate that for ever; those of a
///   `StatefulSet` stay terminating until somebody confirms that the node is no more.
/// - Nomad: `min_heartbeat_ttl` 10 s with up to as much stagger, plus `heartbeat_grace` 10 s, less
///   the age of the last heartbeat; allocations of a node that is down are lost at once.
/// - Swarm: three heartbeats of 5 s (`DefaultHeartBeatPeriod`, grace multiplier 3) less the age of
///   the last; tasks of a node that is down are replaced at once.
/// - ECS: two health checks of the load balancer, 30 s apart; what they fail is replaced.
/// - Auto Scaling, CodeDeploy: two status checks a minute apart, then the instance is replaced.
/// - Managed instance groups: three health checks of 10 s. Scale sets: the grace period of
///   automatic repairs, 10 min. Service Fabric: its lease of 30 s.
/// - Tools that go through a list of hosts do not watch; what notices is the proxy (three checks,
///   10 s apart), and nobody replaces.
///
/// The times of the clouds are their documents', those of proxies are assumed.
pub(super) fn notice(of: Orchestrator) -> (Dist, Option<Dist>) {
    use Orchestrator as O;
    let at_once = || Some(seconds(0));
    match of {
        O::Kubernetes | O::ArgoCanary | O::ArgoBluegreen | O::Flagger => {
            (between(40, 55), Some(seconds(300)))
        }
        O::StatefulSet | O::DaemonSet => (between(40, 55), None),
        O::Nomad => (between(10, 30), at_once()),
        O::Swarm => (between(10, 15), at_once()),
        O::Ecs => (between(30, 60), at_once()),
        O::Asg | O::CodeDeploy => (between(60, 120), at_once()),
        O::Mig => (between(20, 30), at_once()),
        O::Vmss => (between(20, 30), Some(seconds(600))),
        O::ServiceFabric => (seconds(30), at_once()),
        O::Generic | O::Ansible | O::Kamal | O::Capistrano | O::AppConfig => {
            (between(20, 30), None)
        }
    }
}

/// A controller is dead → another one acts.
///
/// Kubernetes' controllers hold a lease of 15 s, renewed and tried for every 2 s; Nomad's and
/// Swarm's servers elect by Raft within a second or three. Of the others nothing is known: 15 s.
pub(super) fn election(of: Orchestrator) -> Dist {
    use Orchestrator as O;
    match of {
        O::Kubernetes
        | O::StatefulSet
        | O::DaemonSet
        | O::ArgoCanary
        | O::ArgoBluegreen
        | O::Flagger => between(13, 17),
        O::Nomad | O::Swarm => between(1, 3),
        _ => seconds(15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_watches_hosts_finds_out_and_the_rest_do_not_replace() {
        for of in Orchestrator::ALL {
            let (silent, _) = notice(*of);
            let found = silent.quantile(0.5);
            assert!(found >= Span::from_secs(10) && found <= Span::from_secs(120), "{of:?}");
        }
        let never = Orchestrator::ALL.iter().filter(|of| notice(**of).1.is_none()).count();
        assert_eq!(never, 7);
        assert!(election(Orchestrator::Nomad).quantile(1.0) < Span::from_secs(4));
    }
}
