//! Traffic by version: each request first draws a version, then the policy chooses among its
//! instances.
//!
//! Every data-plane node becomes two, its view of the old and its view of the new version, each
//! with members and a policy of its own. Which of the two an attempt meets is drawn in the loop,
//! which is compiled once more for that: who routes nothing pays nothing.

use super::desk::Node;
use super::dispatch::Kernel;
use super::parts::{Policies, Stations, policies};
use super::station::NODE_BITS;

/// Where the requests of a node go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routes {
    /// How many nodes there are without their second views; 0 if nothing is routed.
    pub(super) nodes: u32,
    /// By node, of 2³²: below it the new version is meant.
    pub(super) thresholds: Vec<u64>,
}

impl Routes {
    /// Whether requests are routed by version.
    pub(crate) fn is_on(&self) -> bool {
        self.nodes > 0
    }

    /// Which of its views node `node` has instances of this version in.
    #[inline(always)]
    pub(super) fn node_of(&self, node: u32, version: u8) -> u32 {
        node + if version == 0 { 0 } else { self.nodes }
    }
}

impl Kernel {
    /// From now on `node` sends `new` millionths of its requests to the new version, and the rest
    /// to the old one. Nodes that were told nothing yet go by the numbers in their rotations when
    /// the first one was. A central queue knows no versions: there it changes nothing.
    pub(crate) fn route(&mut self, node: u32, new: u32) {
        if self.central().is_some() {
            return;
        }
        if !self.desk.routes.is_on() {
            self.split();
        }
        self.desk.routes.thresholds[node as usize] = threshold(u64::from(new), 1_000_000);
    }

    fn split(&mut self) {
        let nodes = self.desk.config.nodes;
        assert!(nodes <= 1 << (NODE_BITS - 1), "routing needs two numbers for each node");
        self.split_nodes();
        for node in 0..nodes {
            self.sort_members(node);
            let count = |view: u32| self.desk.nodes[view as usize].members.len() as u64;
            let (old, new) = (count(node), count(node + nodes));
            self.desk.routes.thresholds.push(threshold(new, (old + new).max(1)));
        }
    }

    /// The view of `node` that has this server, now or once it joins.
    pub(super) fn view_of(&self, node: u32, server: u32) -> u32 {
        self.desk.routes.node_of(node, self.desk.servers[server as usize].version)
    }

    /// Moves what is new to the second view.
    fn sort_members(&mut self, node: u32) {
        for server in self.desk.nodes[node as usize].members.clone() {
            let view = self.view_of(node, server);
            if view != node {
                let weight = self.weights[server as usize];
                self.leave_view(node, server);
                self.join_view(view, server, weight);
            }
        }
    }
}

/// A share as a bound for 32 random bits.
fn threshold(part: u64, whole: u64) -> u64 {
    (part << 32) / whole
}

impl Kernel {
    /// Makes each node two: from now on node k + nodes is node k's view of the new version, with
    /// a policy of its own.
    pub(super) fn split_nodes(&mut self) {
        let nodes = self.desk.config.nodes;
        self.desk.split();
        self.desk.nodes.resize_with(2 * nodes as usize, Node::default);
        match (&mut self.policies, policies(self.algorithm, &self.desk.config, nodes..2 * nodes)) {
            (Policies::RoundRobin(all), Policies::RoundRobin(new)) => all.extend(new),
            (Policies::Random(all), Policies::Random(new)) => all.extend(new),
            (Policies::Least(all), Policies::Least(new)) => all.extend(new),
            (Policies::Choices(all), Policies::Choices(new)) => all.extend(new),
            (Policies::Weighted(all), Policies::Weighted(new)) => all.extend(new),
            (Policies::PeakEwma(all), Policies::PeakEwma(new)) => all.extend(new),
            (Policies::Hash(all), Policies::Hash(new)) => all.extend(new),
            (Policies::Central(_), _) => {}
            _ => unreachable!("one algorithm makes one kind of policies"),
        }
        if let Stations::Line(station) = &mut self.stations {
            station.widen(2 * nodes);
        }
        if let Some(journeys) = &mut self.journeys {
            journeys.split();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::{Law, Sampler, Seeds};
    use crate::scenario::{Algorithm, Arrivals, Discipline, Profile, Protocol, Traffic, Warmup};
    use crate::sim::kernel::{Config, Kernel, VersionModel};
    use crate::traffic::Source;
    use crate::units::{Rate, Share, Span, Time};

    const ALGORITHMS: [Algorithm; 8] = [
        Algorithm::RoundRobin,
        Algorithm::Random,
        Algorithm::LeastOutstanding,
        Algorithm::PowerOfChoices { choices: 2 },
        Algorithm::PowerOfChoices { choices: 3 },
        Algorithm::Weighted,
        Algorithm::PeakEwma { decay: Span::from_secs(1) },
        Algorithm::ConsistentHash { keys: 1000 },
    ];

    const DISCIPLINES: [Discipline; 3] = [
        Discipline::Fifo { slots: 4, queue: None },
        Discipline::Fifo { slots: 12, queue: Some(50) },
        Discipline::Sharing { cores: 4.0, limit: None },
    ];

    /// Servers 0 to 5 are old, 6 to 8 new; 600 requests a second of 10 ms each.
    fn kernel(
        algorithm: Algorithm,
        discipline: Discipline,
        nodes: u32,
        protocol: Protocol,
    ) -> Kernel {
        let version = VersionModel {
            service: Law::Exponential(1e7),
            factor: 1.0,
            warmup: Warmup::None,
            errors: 0.0,
        };
        let config = Config {
            discipline,
            cpu_limit: None,
            cache: None,
            nodes,
            protocol,
            timeout: Span::from_secs(5),
            attempts: 2,
            retry_delay: Sampler::fixed(1e6),
            versions: vec![version.clone(), version],
            window: Span::from_secs(1),
            slow_above: Span::from_secs(1),
            habits: None,
            calls: Vec::new(),
            troubled: false,
        };
        let profile = Profile::Constant(Rate(600.0));
        let traffic = Traffic { profile, arrivals: Arrivals::Poisson, scale: 1.0 };
        let seeds = Seeds::new(7, 0);
        let mut kernel = Kernel::new(config, algorithm);
        kernel.reset(seeds, Some(Source::new(&traffic, Time::ZERO, seeds)));
        for server in 0..9 {
            kernel.add_server(u8::from(server >= 6));
            kernel.open(server, Time::ZERO, true);
            for node in 0..nodes {
                kernel.join(node, server, 1.0);
            }
        }
        kernel
    }

    fn per_request() -> Protocol {
        Protocol::PerRequest { reuse: Share(0.0) }
    }

    fn route(kernel: &mut Kernel, new: u32) {
        for node in 0..kernel.desk.config.nodes {
            kernel.route(node, new);
        }
    }

    /// Attempts that old and new servers have taken.
    fn taken(kernel: &Kernel) -> [u64; 2] {
        let sum = |version: u8| {
            let of = kernel.desk.servers.iter().filter(|server| server.version == version);
            of.map(|server| server.served).sum()
        };
        [sum(0), sum(1)]
    }

    /// Attempts of old and new servers between now and `secs` later.
    fn advance(kernel: &mut Kernel, now: &mut Time, secs: u64) -> [f64; 2] {
        let before = taken(kernel);
        *now += Span::from_secs(secs);
        kernel.advance(*now);
        let after = taken(kernel);
        [0, 1].map(|v| (after[v] - before[v]) as f64)
    }

    /// Whether `new` of `all` requests are what a coin of this probability would give.
    fn is_binomial([old, new]: [f64; 2], share: f64) -> bool {
        let all = old + new;
        let deviation = (all * share * (1.0 - share)).sqrt();
        (new - all * share).abs() <= 4.5 * deviation
    }

    #[test]
    fn every_policy_gives_each_version_its_share() {
        for algorithm in ALGORITHMS {
            for discipline in DISCIPLINES {
                for nodes in [1, 3] {
                    let mut kernel = kernel(algorithm, discipline, nodes, per_request());
                    let mut now = Time::ZERO;
                    // Before anything is routed, whoever is in rotation.
                    let free = advance(&mut kernel, &mut now, 20);
                    assert!(free[1] > 0.2 * free[0], "{algorithm:?} {free:?}");
                    for share in [200_000, 0, 700_000, 1_000_000] {
                        route(&mut kernel, share);
                        let counts = advance(&mut kernel, &mut now, 40);
                        assert!(counts[0] + counts[1] > 20_000.0);
                        let wanted = f64::from(share) / 1e6;
                        assert!(
                            is_binomial(counts, wanted),
                            "{algorithm:?} {discipline:?} {nodes} {share}: {counts:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn nodes_follow_one_by_one() {
        let mut kernel = kernel(Algorithm::Random, DISCIPLINES[0], 2, per_request());
        kernel.route(1, 1_000_000);
        let counts = advance(&mut kernel, &mut Time(0), 60);
        // A third of one half, and all of the other.
        assert!(is_binomial(counts, 2.0 / 3.0), "{counts:?}");
    }

    #[test]
    fn members_come_and_go_in_their_own_view() {
        for algorithm in ALGORITHMS {
            let mut kernel = kernel(algorithm, DISCIPLINES[0], 2, per_request());
            let mut now = Time::ZERO;
            route(&mut kernel, 500_000);
            for node in 0..2 {
                for server in 6..9 {
                    assert!(kernel.is_member(node, server));
                    kernel.leave(node, server);
                    assert!(!kernel.is_member(node, server));
                }
            }
            // Half of the requests are meant for nobody, at both of their attempts with 1/4.
            let counts = advance(&mut kernel, &mut now, 60);
            assert_eq!(counts[1], 0.0);
            assert!(is_binomial([36_000.0 - counts[0], counts[0]], 0.75), "{counts:?}");
            for node in 0..2 {
                kernel.join(node, 7, 1.0);
            }
            let before = kernel.desk.servers[7].served;
            let counts = advance(&mut kernel, &mut now, 60);
            assert_eq!(counts[1], (kernel.desk.servers[7].served - before) as f64);
            assert!(is_binomial(counts, 0.5), "{algorithm:?} {counts:?}");
        }
    }

    #[test]
    fn policies_still_balance_within_a_version() {
        for algorithm in [Algorithm::RoundRobin, Algorithm::LeastOutstanding] {
            let mut kernel = kernel(algorithm, DISCIPLINES[0], 1, per_request());
            route(&mut kernel, 400_000);
            kernel.advance(Time::ZERO + Span::from_secs(100));
            for group in [0..6, 6..9] {
                let served = group.map(|s| kernel.desk.servers[s].served as f64);
                let served: Vec<f64> = served.collect();
                let mean = served.iter().sum::<f64>() / served.len() as f64;
                assert!(served.iter().all(|s| (s / mean - 1.0).abs() < 0.1), "{served:?}");
            }
        }
    }

    #[test]
    fn connections_stay_and_new_ones_follow_the_weights() {
        let age = Span::from_secs(10);
        let protocol = Protocol::PerConnection { connections: 2000, max_age: age, goaway: true };
        let mut kernel = kernel(Algorithm::Random, DISCIPLINES[0], 1, protocol);
        let mut now = Time::ZERO;
        route(&mut kernel, 0);
        assert_eq!(advance(&mut kernel, &mut now, 60)[1], 0.0);
        route(&mut kernel, 300_000);
        let soon = advance(&mut kernel, &mut now, 1);
        assert!(soon[1] < 0.2 * soon[0], "most connections are still the old ones: {soon:?}");
        advance(&mut kernel, &mut now, 60);
        // 2000 connections, each made anew about ten times in this while.
        let later = advance(&mut kernel, &mut now, 100);
        let share = later[1] / (later[0] + later[1]);
        assert!((share - 0.3).abs() < 0.02, "{share}");
    }

    #[test]
    fn killed_servers_take_their_requests_with_them_in_any_view() {
        for algorithm in ALGORITHMS {
            for discipline in DISCIPLINES {
                let mut kernel = kernel(algorithm, discipline, 3, per_request());
                let mut now = Time::ZERO;
                advance(&mut kernel, &mut now, 5);
                route(&mut kernel, 500_000);
                advance(&mut kernel, &mut now, 5);
                for server in [0, 6] {
                    kernel.kill(server, now);
                    assert_eq!(kernel.in_flight(server, now), 0);
                    for node in 0..3 {
                        kernel.leave(node, server);
                    }
                }
                let counts = advance(&mut kernel, &mut now, 60);
                assert!(is_binomial(counts, 0.5), "{algorithm:?} {discipline:?} {counts:?}");
            }
        }
    }
}
