//! `[data_plane]`: how nodes come to know of instances, and whom they leave out.

mod keys;
mod presets;

pub use presets::{Preset, Row};

use super::{Env, Page, Piece, Table};
use crate::scenario::Dist;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::{Fields, Value};
use crate::scenario::source::Place;
use crate::units::{Share, Span};

/// A data plane.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct DataPlane {
    /// Its name; what that stands for is in the other fields and tables.
    pub preset: Preset,
    /// Who tells nodes of instances.
    pub discovery: Discovery,
    /// Ready → known to the data plane as a whole.
    pub register: Dist,
    /// Terminating or unready → known to the data plane as a whole.
    pub deregister: Dist,
    /// What the data plane as a whole passes on, it passes on so far apart.
    pub throttle: Span,
    /// Each node takes changes over so far apart.
    pub node_throttle: Span,
    /// The nodes' own checks.
    pub checks: Option<Checks>,
    /// What a node does when too few are healthy.
    pub panic: Panic,
    /// When nobody else is known, instances that are about to stop are used.
    pub terminating: bool,
    /// Whom a node leaves out because requests failed there.
    pub outlier: Option<Outlier>,
    /// How weights rise in `balancer.slow_start`.
    pub slow_start: SlowStart,
    /// The proxy beside each instance.
    pub sidecar: Option<Sidecar>,
    /// Nodes that look the service up by DNS.
    pub dns: Option<Dns>,
}

/// Who tells nodes of instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Discovery {
    /// The orchestrator, by readiness.
    Orchestrator,
    /// Nobody: the list is fixed, and only checks say who is there.
    Checks,
}

/// A node's own checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Checks {
    /// Between two.
    pub interval: Span,
    /// Passes in a row that bring back an instance.
    pub rise: u32,
    /// Failures in a row that take one out.
    pub fall: u32,
    /// Passes in a row that bring in one that is new; 0: it is trusted at once.
    pub first_rise: u32,
}

/// When too few are healthy for a choice among the healthy ones.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum Panic {
    /// Never: a node that knows of nobody healthy fails its requests.
    Off,
    /// When nobody is healthy, all that are known are used.
    Empty,
    /// When less than this share is healthy, all that are known are used.
    Below(Share),
}

/// Outlier detection by consecutive errors, as Envoy's; nginx's `max_fails` is a case of it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Outlier {
    /// Errors in a row that eject an instance.
    pub consecutive: u32,
    /// Between looks at who may come back.
    pub interval: Span,
    /// How long the first ejection lasts; the n-th in a row n times as long.
    pub ejection: Span,
    /// But no longer than this.
    pub ejection_max: Span,
    /// At most this share of the instances is out; one may always be.
    pub share: Share,
    /// Whoever answers worse than the others is left out too.
    pub success_rate: Option<SuccessRate>,
}

/// Ejection by success rate, as Envoy's: at the end of each interval, whoever lies more than so
/// many standard deviations below the mean of all.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct SuccessRate {
    /// So many.
    pub deviations: f64,
    /// Among at least so many instances that had enough requests.
    pub hosts: u32,
    /// So many requests in the interval are enough.
    pub requests: u32,
}

/// How weights rise: max(min, (t/window)^(1/aggression)).
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct SlowStart {
    /// 1: linearly.
    pub aggression: f64,
    /// The least weight, relative to a warm instance's.
    pub min_weight: Share,
    /// A fresh instance rises only if another one is warm when it joins.
    pub needs_warm: bool,
}

/// A proxy beside each instance, through which all of its requests go.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Sidecar {
    /// It starts before the instance's process and stops after it; otherwise both at once.
    pub ordered: bool,
    /// Start → it passes requests on.
    pub start: Dist,
    /// If not ordered: told to stop → it is gone, whatever the process does.
    pub drain: Span,
}

/// Nodes that look the service up by DNS.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Dns {
    /// Share of the nodes.
    pub share: Share,
    /// Between look-ups of one node.
    pub ttl: Span,
    /// Share of these nodes that never look up again.
    pub never: Share,
}

impl Preset {
    /// As it was written in the table of that name, if there is one.
    pub(in crate::scenario) fn written(fields: Option<&Fields>) -> Option<Self> {
        let word = |key: &str| match fields?.get(key)?.value {
            Value::Word(word) => Some(word),
            _ => None,
        };
        fields.map(|_| Self::of(word("kind").unwrap_or("custom"), word("mode")))
    }
}

impl DataPlane {
    /// How long most nodes (95 % of them, and of the times) still use an instance that was told
    /// to stop; `lag_remove` is each node's own part. On a fixed list they notice nothing before
    /// the process has closed: `None`.
    pub fn forgets_after(&self, lag_remove: &Dist) -> Option<Span> {
        if self.discovery == Discovery::Checks {
            return None;
        }
        let lookup = self.dns.map_or(Span::ZERO, |dns| dns.ttl);
        let throttles = self.throttle + self.node_throttle;
        Some(self.deregister.quantile(0.95) + throttles + lag_remove.quantile(0.95) + lookup)
    }
}

impl Piece for DataPlane {
    const TABLE: Table = Table {
        path: "data_plane",
        about: "How nodes come to know of instances, and whom they leave out.",
        keys: keys::KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        complain(env, path);
        let (register, deregister) = (env.dist(path, "register"), env.dist(path, "deregister"));
        let start = env.dist(path, "sidecar_start");
        let section = env.section(path);
        let off = |key: &str| matches!(section.value(key), Value::Word("off"));
        let interval = match section.value("check") {
            Value::Span(interval) => Some(interval),
            _ => None,
        };
        let kind = section.word("kind");
        let dns = Dns {
            share: section.share("dns"),
            ttl: section.span("ttl"),
            never: section.share("never"),
        };
        let sidecar = section.word("sidecar");
        Self {
            preset: Preset::of(kind, Some(section.word("mode"))),
            discovery: match section.word("discovery") {
                "checks" => Discovery::Checks,
                _ => Discovery::Orchestrator,
            },
            register,
            deregister,
            throttle: section.span("throttle"),
            node_throttle: section.span("node_throttle"),
            checks: interval.map(|interval| Checks {
                interval,
                rise: section.count("rise"),
                fall: section.count("fall"),
                first_rise: section.count("first_rise"),
            }),
            panic: match section.value("panic") {
                Value::Share(share) => Panic::Below(share),
                Value::Word("empty") => Panic::Empty,
                _ => Panic::Off,
            },
            terminating: section.flag("terminating"),
            outlier: (!off("outlier")).then(|| Outlier {
                consecutive: section.limit("outlier").unwrap_or(1),
                interval: section.span("outlier_interval"),
                ejection: section.span("ejection"),
                ejection_max: section.span("ejection_max"),
                share: section.share("ejected_share"),
                success_rate: (!off("success_rate")).then(|| SuccessRate {
                    deviations: section.number("success_rate"),
                    hosts: section.count("success_rate_hosts"),
                    requests: section.count("success_rate_requests"),
                }),
            }),
            slow_start: SlowStart {
                aggression: section.number("aggression"),
                min_weight: section.share("min_weight"),
                needs_warm: section.flag("needs_warm"),
            },
            sidecar: (sidecar != "none").then(|| Sidecar {
                ordered: sidecar == "ordered",
                start,
                drain: section.span("sidecar_drain"),
            }),
            dns: (dns.share.0 > 0.0).then_some(dns),
        }
    }

    fn write(&self, page: &mut Page) {
        page.text("kind", self.preset.kind());
        if let Some(mode) = self.preset.mode() {
            page.text("mode", mode);
        }
        let by_checks = self.discovery == Discovery::Checks;
        page.text("discovery", if by_checks { "checks" } else { "orchestrator" });
        page.dist("register", &self.register);
        page.dist("deregister", &self.deregister);
        page.text("throttle", self.throttle);
        page.text("node_throttle", self.node_throttle);
        match self.checks {
            None => page.text("check", "off"),
            Some(Checks { interval, rise, fall, first_rise }) => {
                page.text("check", interval);
                page.raw("rise", rise);
                page.raw("fall", fall);
                page.raw("first_rise", first_rise);
            }
        }
        match self.panic {
            Panic::Off => page.text("panic", "off"),
            Panic::Empty => page.text("panic", "empty"),
            Panic::Below(share) => page.share("panic", share),
        }
        page.raw("terminating", self.terminating);
        match self.outlier {
            None => page.text("outlier", "off"),
            Some(outlier) => {
                page.raw("outlier", outlier.consecutive);
                page.text("outlier_interval", outlier.interval);
                page.text("ejection", outlier.ejection);
                page.text("ejection_max", outlier.ejection_max);
                page.share("ejected_share", outlier.share);
                if let Some(rate) = outlier.success_rate {
                    page.number("success_rate", rate.deviations);
                    page.raw("success_rate_hosts", rate.hosts);
                    page.raw("success_rate_requests", rate.requests);
                } else {
                    page.text("success_rate", "off");
                }
            }
        }
        page.number("aggression", self.slow_start.aggression);
        page.share("min_weight", self.slow_start.min_weight);
        page.raw("needs_warm", self.slow_start.needs_warm);
        match &self.sidecar {
            None => page.text("sidecar", "none"),
            Some(sidecar) => {
                page.text("sidecar", if sidecar.ordered { "ordered" } else { "unordered" });
                page.dist("sidecar_start", &sidecar.start);
                if !sidecar.ordered {
                    page.text("sidecar_drain", sidecar.drain);
                }
            }
        }
        page.share("dns", self.dns.map_or(Share(0.0), |dns| dns.share));
        if let Some(dns) = self.dns {
            page.text("ttl", dns.ttl);
            page.share("never", dns.never);
        }
    }
}

/// Keys that were written and mean nothing beside the others, or cannot be.
fn complain(env: &mut Env<'_>, path: &str) {
    let section = env.section(path);
    let checked = !matches!(section.value("check"), Value::Word("off"));
    let ejects = !matches!(section.value("outlier"), Value::Word("off"));
    let rates = ejects && !matches!(section.value("success_rate"), Value::Word("off"));
    let sidecar = section.word("sidecar");
    let owners: [(&str, bool, &str); 15] = [
        ("mode", section.word("kind") == "kube-proxy", "kind = \"kube-proxy\""),
        ("rise", checked, "check = \"2s\""),
        ("fall", checked, "check = \"2s\""),
        ("first_rise", checked, "check = \"2s\""),
        ("outlier_interval", ejects, "outlier = 5"),
        ("ejection", ejects, "outlier = 5"),
        ("ejection_max", ejects, "outlier = 5"),
        ("ejected_share", ejects, "outlier = 5"),
        ("success_rate", ejects, "outlier = 5"),
        ("success_rate_hosts", rates, "success_rate = 1.9"),
        ("success_rate_requests", rates, "success_rate = 1.9"),
        ("sidecar_start", sidecar != "none", "sidecar = \"unordered\""),
        ("sidecar_drain", sidecar == "unordered", "sidecar = \"unordered\""),
        ("ttl", section.share("dns").0 > 0.0, "dns = \"100%\""),
        ("never", section.share("dns").0 > 0.0, "dns = \"100%\""),
    ];
    let mut found: Vec<(Place, String, String)> = owners
        .into_iter()
        .filter(|(_, owned, _)| !owned)
        .filter_map(|(key, _, with)| {
            let at = section.written(key)?.key_at;
            Some((at, format!("`{key}` has no meaning here"), format!("it goes with {with}")))
        })
        .collect();
    if section.word("discovery") == "checks" {
        if !checked {
            let message = "nobody tells these nodes of instances, and they do not check".to_owned();
            found.push((section.place("discovery"), message, "check = \"2s\"".to_owned()));
        }
        if section.share("dns").0 > 0.0 {
            let message = "a fixed list is not looked up by DNS".to_owned();
            let hint = "discovery = \"orchestrator\"".to_owned();
            found.push((section.place("discovery"), message, hint));
        }
    }
    for key in ["check", "outlier_interval", "ttl"] {
        if section.value(key) == Value::Span(Span::ZERO) {
            let message = format!("`{key}` must not be zero");
            let problem = (section.place(key), message, String::new());
            found.push(problem);
        }
    }
    for (at, message, hint) in found {
        let code = if hint.is_empty() { Code::OutOfRange } else { Code::Conflict };
        env.problem(Diagnostic::new(code, at, message, hint));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Discovery, Panic, Preset};
    use crate::scenario::{Algorithm, Dist, Protocol, Scenario, load};
    use crate::units::Span;

    const BASE: &str = "rollcast = 1\n[service]\ninstances = 4\n[versions.old]\nstart = \"1s\"\n\
        [strategy.kubernetes]\n";

    fn read(rest: &str) -> Result<Scenario, Vec<String>> {
        match load(&format!("{BASE}{rest}"), "plane.toml", Path::new("."), &[]) {
            Ok(loaded) => Ok(loaded.scenario),
            Err(error) => Err(error.diagnostics.into_iter().map(|d| d.message).collect()),
        }
    }

    #[test]
    fn written_counts_before_the_data_plane_and_that_before_the_orchestrator() {
        let kubernetes = read("").unwrap();
        assert_eq!((kubernetes.clients.nodes, kubernetes.pieces.data_plane), (4, None));
        let alb = read("[data_plane]\nkind = \"alb\"\n").unwrap();
        assert_eq!((alb.clients.nodes, alb.balancer.algorithm), (2, Algorithm::RoundRobin));
        assert_eq!(alb.clients.lag_remove, Dist::Fixed(Span::ZERO));
        let plane = alb.pieces.data_plane.unwrap();
        assert_eq!((plane.checks.unwrap().rise, plane.panic), (5, Panic::Empty));
        let mine = "[clients]\ncount = 7\n[balancer]\nalgorithm = \"p2c\"\n";
        let alb = read(&format!("{mine}[data_plane]\nkind = \"alb\"\nrise = 2\n")).unwrap();
        assert_eq!(alb.clients.nodes, 7);
        assert_eq!(alb.balancer.algorithm, Algorithm::PowerOfChoices { choices: 2 });
        assert_eq!(alb.pieces.data_plane.unwrap().checks.unwrap().rise, 2);
        // What the data plane does not say is the orchestrator's.
        assert_eq!(alb.probes.period, Span::from_secs(10));
    }

    #[test]
    fn an_http_proxy_chooses_for_each_request_and_nlb_for_each_connection() {
        let grpc = |kind: &str| {
            let clients = "[clients]\nprotocol = \"grpc\"\n";
            read(&format!("{clients}[data_plane]\nkind = \"{kind}\"\n")).unwrap().clients.protocol
        };
        assert!(matches!(grpc("envoy"), Protocol::PerRequest { .. }));
        assert!(matches!(grpc("nlb"), Protocol::PerConnection { .. }));
    }

    #[test]
    fn slow_start_brings_weights_unless_another_rule_is_written() {
        let slow = "[balancer]\nslow_start = \"30s\"\n";
        let plane = "[data_plane]\nkind = \"haproxy\"\n";
        assert_eq!(read(&[slow, plane].concat()).unwrap().balancer.algorithm, Algorithm::Weighted);
        let told = format!("{slow}algorithm = \"leastconn\"\n{plane}");
        assert_eq!(read(&told).unwrap().balancer.algorithm, Algorithm::LeastOutstanding);
    }

    #[test]
    fn modes_and_kinds_are_read_and_contradictions_named() {
        let plane = |text: &str| read(&format!("[data_plane]\n{text}"));
        let ipvs = plane("kind = \"kube-proxy\"\nmode = \"ipvs\"\n").unwrap();
        assert_eq!(ipvs.pieces.data_plane.unwrap().preset, Preset::Ipvs);
        let haproxy = plane("kind = \"haproxy\"\n").unwrap().pieces.data_plane.unwrap();
        assert_eq!(haproxy.discovery, Discovery::Checks);
        for (text, word) in [
            ("mode = \"ipvs\"\n", "mode"),
            ("rise = 3\n", "rise"),
            ("ttl = \"5s\"\n", "ttl"),
            ("ejection = \"5s\"\n", "ejection"),
            ("success_rate = 1.9\n", "`success_rate`"),
            ("outlier = 5\nsuccess_rate_hosts = 3\n", "success_rate_hosts"),
            ("discovery = \"checks\"\n", "nobody tells"),
            ("kind = \"haproxy\"\ndns = \"5%\"\n", "fixed list"),
            ("check = \"0s\"\n", "zero"),
            ("sidecar = \"ordered\"\nsidecar_drain = \"1s\"\n", "sidecar_drain"),
        ] {
            let messages = plane(text).unwrap_err();
            assert!(messages.iter().any(|message| message.contains(word)), "{text}: {messages:?}");
        }
    }
}
