//! Data planes by name: what each sets elsewhere, and where the number is from.
//!
//! A preset is nothing but defaults. A key that is written counts before it; it counts before
//! what the orchestrator makes of the key, and that before the key's own default.

/// A default: (`"table.key"`, value in TOML, source).
pub type Row = (&'static str, &'static str, &'static str);

/// A data plane by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Preset {
    /// Nothing is set: what is written holds.
    Custom,
    /// kube-proxy with iptables.
    Iptables,
    /// kube-proxy with IPVS.
    Ipvs,
    /// A replacement of kube-proxy by programs in the kernel.
    Ebpf,
    /// A service mesh: a proxy beside every client and every instance.
    Mesh,
    /// An AWS Application Load Balancer.
    Alb,
    /// An AWS Network Load Balancer.
    Nlb,
    /// `HAProxy` with a fixed list of servers.
    Haproxy,
    /// nginx whose list of servers somebody keeps up to date.
    Nginx,
    /// A tier of Envoy proxies.
    Envoy,
    /// kamal-proxy on one host.
    KamalProxy,
    /// Clients that look the service up by DNS.
    Dns,
}

/// The words of `data_plane.kind`.
pub(super) const KINDS: &[&str] = &[
    "custom",
    "kube-proxy",
    "mesh",
    "alb",
    "nlb",
    "haproxy",
    "nginx",
    "envoy",
    "kamal-proxy",
    "dns",
];

/// The words of `data_plane.mode`.
pub(super) const MODES: &[&str] = &["iptables", "ipvs", "ebpf"];

impl Preset {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Custom,
        Self::Iptables,
        Self::Ipvs,
        Self::Ebpf,
        Self::Mesh,
        Self::Alb,
        Self::Nlb,
        Self::Haproxy,
        Self::Nginx,
        Self::Envoy,
        Self::KamalProxy,
        Self::Dns,
    ];

    /// By the words of `kind` and `mode`.
    pub(super) fn of(kind: &str, mode: Option<&str>) -> Self {
        let named = |preset: &&Self| {
            preset.kind() == kind && (preset.mode().is_none() || preset.mode() == mode)
        };
        let first = Self::ALL.iter().find(|preset| preset.kind() == kind);
        *Self::ALL.iter().find(named).or(first).unwrap_or(&Self::Custom)
    }

    /// The word of `kind`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Iptables | Self::Ipvs | Self::Ebpf => "kube-proxy",
            Self::Mesh => "mesh",
            Self::Alb => "alb",
            Self::Nlb => "nlb",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
            Self::KamalProxy => "kamal-proxy",
            Self::Dns => "dns",
        }
    }

    /// The word of `mode`, where there are several.
    pub fn mode(self) -> Option<&'static str> {
        match self {
            Self::Iptables => Some("iptables"),
            Self::Ipvs => Some("ipvs"),
            Self::Ebpf => Some("ebpf"),
            _ => None,
        }
    }

    /// For lists: `kube-proxy (ipvs)`.
    pub fn name(self) -> String {
        self.mode().map_or(self.kind().to_owned(), |mode| format!("{} ({mode})", self.kind()))
    }

    /// One sentence.
    pub fn about(self) -> &'static str {
        match self {
            Self::Custom => "Nothing is set: what is written holds.",
            Self::Iptables => "kube-proxy on every node, with iptables.",
            Self::Ipvs => "kube-proxy on every node, with IPVS.",
            Self::Ebpf => "A program in every node's kernel instead of kube-proxy.",
            Self::Mesh => "A service mesh: a proxy beside every client and every instance.",
            Self::Alb => "An AWS Application Load Balancer that sends to instances directly.",
            Self::Nlb => "An AWS Network Load Balancer that sends to instances directly.",
            Self::Haproxy => "HAProxy with a fixed list of servers, which only checks change.",
            Self::Nginx => "nginx whose list of servers somebody keeps up to date by reloading.",
            Self::Envoy => "A tier of Envoy proxies that are told of endpoints.",
            Self::KamalProxy => "kamal-proxy, which switches after one good probe.",
            Self::Dns => "Clients that look the service up by DNS and keep the answer.",
        }
    }

    /// What it sets.
    pub fn rows(self) -> impl Iterator<Item = &'static Row> {
        let (common, own): (&[Row], &[Row]) = match self {
            Self::Custom => (&[], &[]),
            Self::Iptables => (KUBE_PROXY, IPTABLES),
            Self::Ipvs => (KUBE_PROXY, IPVS),
            Self::Ebpf => (KUBE_PROXY, EBPF),
            Self::Mesh => (HTTP, MESH),
            Self::Alb => (AWS, ALB),
            Self::Nlb => (AWS, NLB),
            Self::Haproxy => (HTTP, HAPROXY),
            Self::Nginx => (HTTP, NGINX),
            Self::Envoy => (HTTP, ENVOY),
            Self::KamalProxy => (HTTP, KAMAL_PROXY),
            Self::Dns => (&[], DNS),
        };
        common.iter().chain(own)
    }

    /// What it makes of a key; `None`: nothing.
    pub fn default_of(self, table: &str, key: &str) -> Option<&'static str> {
        let is_it = |path: &str| path.split_once('.') == Some((table, key));
        self.rows().find(|(path, ..)| is_it(path)).map(|(_, value, _)| *value)
    }
}

const SLICES: &str = "Kubernetes v1.36, EndpointSlice controller: endpointSliceChangeMinSyncDelay";
const ONE_NODE: &str = "assumed: a watch and a write of rules on one node";
const QUICK: &str = "{ p50 = \"100ms\", p95 = \"500ms\" }";
const PUSHED: &str = "assumed: a control plane pushes to its proxies";
const PUSH: &str = "{ p50 = \"200ms\", p95 = \"1s\" }";

/// The rows that all modes share.
const KUBE_PROXY: &[Row] = &[
    ("data_plane.throttle", "\"1s\"", SLICES),
    (
        "data_plane.terminating",
        "true",
        "Kubernetes v1.36, kube-proxy, CategorizeEndpoints: only ready endpoints, else serving and \
         terminating ones",
    ),
    ("clients.lag_add", QUICK, ONE_NODE),
    ("clients.lag_remove", QUICK, ONE_NODE),
];

const MIN_SYNC: Row = ("data_plane.node_throttle", "\"1s\"", "kube-proxy: minSyncPeriod");

const IPTABLES: &[Row] = &[
    MIN_SYNC,
    (
        "balancer.algorithm",
        "\"random\"",
        "kube-proxy, iptables: every endpoint with equal probability",
    ),
];

const IPVS: &[Row] =
    &[MIN_SYNC, ("balancer.algorithm", "\"round_robin\"", "kube-proxy, IPVS: scheduler rr")];

const EBPF: &[Row] = &[
    ("data_plane.node_throttle", "\"0s\"", "assumed: maps are changed entry by entry, at once"),
    ("balancer.algorithm", "\"random\"", "assumed: a random endpoint for each connection"),
];

/// What every proxy for HTTP does.
const HTTP: &[Row] =
    &[("clients.balance", "\"request\"", "a proxy for HTTP chooses for each request")];

const MESH: &[Row] = &[
    ("clients.count", "20", "assumed: so many clients, each with a proxy"),
    ("balancer.algorithm", "\"p2c\"", "Envoy, LEAST_REQUEST: the better of two random hosts"),
    ("data_plane.throttle", "\"1s\"", SLICES),
    ("clients.lag_add", PUSH, PUSHED),
    ("clients.lag_remove", PUSH, PUSHED),
    (
        "clients.retries",
        "{ attempts = 3, delay = \"25ms\" }",
        "assumed: two retries, as Istio without a retry policy",
    ),
    (
        "data_plane.sidecar",
        "\"unordered\"",
        "Flagger, zero-downtime page: the proxy's exit must be delayed by hand",
    ),
    ("data_plane.sidecar_start", "\"2s\"", "assumed"),
    ("data_plane.sidecar_drain", "\"5s\"", "assumed: Istio's terminationDrainDuration"),
];

const ALB_GUIDE: &str = "Application Load Balancers guide, target-group-health-checks";
const ISSUE: &str = "aws-load-balancer-controller issue 2366: requests for 2 to 15 s";

/// What the two load balancers of AWS share.
const AWS: &[Row] = &[
    ("clients.count", "2", "assumed: a load balancer's node in each of two zones"),
    ("data_plane.deregister", "{ law = \"uniform\", low = \"2s\", high = \"15s\" }", ISSUE),
    ("clients.lag_add", "\"0s\"", "in data_plane.register"),
    ("clients.lag_remove", "\"0s\"", "in data_plane.deregister"),
    ("data_plane.check", "\"30s\"", ALB_GUIDE),
    ("data_plane.rise", "5", ALB_GUIDE),
    ("data_plane.fall", "2", ALB_GUIDE),
    ("data_plane.first_rise", "1", "the same guide: one pass is enough for a new target"),
    ("data_plane.panic", "\"empty\"", "assumed: with nobody healthy, it fails open"),
];

const ALB: &[Row] = &[
    ("clients.balance", "\"request\"", "a proxy for HTTP chooses for each request"),
    ("balancer.algorithm", "\"round_robin\"", "assumed: the default of target groups"),
    (
        "data_plane.register",
        "{ law = \"uniform\", low = \"2s\", high = \"15s\" }",
        "assumed: as long as deregistration",
    ),
    (
        "balancer.slow_start",
        "\"0s\"",
        "Application Load Balancers guide: slow start is off, or linear over 30 to 900 s",
    ),
    ("data_plane.aggression", "1", "the same guide: linear"),
    ("data_plane.min_weight", "\"0%\"", "assumed: from nothing"),
    (
        "data_plane.needs_warm",
        "true",
        "the same guide: only if a healthy target is not in slow start",
    ),
];

const NLB: &[Row] = &[
    ("balancer.algorithm", "\"random\"", "assumed: a hash of each flow"),
    (
        "data_plane.register",
        "{ law = \"uniform\", low = \"60s\", high = \"180s\" }",
        "assumed: registration takes minutes",
    ),
];

const HAPROXY_MANUAL: &str = "HAProxy: inter 2000 ms, rise 2, fall 3";

const HAPROXY: &[Row] = &[
    ("clients.count", "2", "assumed: a pair"),
    ("balancer.algorithm", "\"round_robin\"", "assumed: what most configurations say"),
    ("clients.lag_add", "\"0s\"", "nobody tells it"),
    ("clients.lag_remove", "\"0s\"", "nobody tells it"),
    ("data_plane.discovery", "\"checks\"", "the list of servers stands in its configuration"),
    ("data_plane.check", "\"2s\"", HAPROXY_MANUAL),
    ("data_plane.rise", "2", HAPROXY_MANUAL),
    ("data_plane.fall", "3", HAPROXY_MANUAL),
    ("data_plane.first_rise", "2", HAPROXY_MANUAL),
    ("data_plane.aggression", "1", "HAProxy, slowstart: linear"),
    ("data_plane.min_weight", "\"0%\"", "HAProxy, slowstart: from nothing"),
];

const RELOAD: &str = "assumed: a new configuration is written and loaded";
const RELOADS: &str = "{ p50 = \"1s\", p95 = \"3s\" }";
const MAX_FAILS: &str = "assumed: max_fails 1, fail_timeout 10 s";

const NGINX: &[Row] = &[
    ("clients.count", "2", "assumed: a pair"),
    ("balancer.algorithm", "\"round_robin\"", "nginx, upstream: round robin"),
    ("clients.lag_add", RELOADS, RELOAD),
    ("clients.lag_remove", RELOADS, RELOAD),
    (
        "clients.retries",
        "{ attempts = 2 }",
        "assumed: proxy_next_upstream goes on after a failed connection",
    ),
    ("data_plane.outlier", "1", MAX_FAILS),
    ("data_plane.outlier_interval", "\"1s\"", "assumed: who is due comes back within a second"),
    ("data_plane.ejection", "\"10s\"", MAX_FAILS),
    ("data_plane.ejection_max", "\"10s\"", MAX_FAILS),
    ("data_plane.ejected_share", "\"100%\"", MAX_FAILS),
    ("data_plane.panic", "\"empty\"", "assumed: when all have failed, all are tried"),
];

const OUTLIER: &str = "Envoy documentation, outlier detection";
const ENVOY_SLOW: &str = "Envoy documentation, slow_start_config";

const ENVOY: &[Row] = &[
    ("clients.count", "2", "assumed: a pair"),
    ("balancer.algorithm", "\"round_robin\"", "Envoy: ROUND_ROBIN"),
    ("clients.lag_add", PUSH, PUSHED),
    ("clients.lag_remove", PUSH, PUSHED),
    ("data_plane.panic", "\"50%\"", "Envoy documentation, panic threshold"),
    ("data_plane.aggression", "1", ENVOY_SLOW),
    ("data_plane.min_weight", "\"10%\"", ENVOY_SLOW),
    ("data_plane.outlier", "5", OUTLIER),
    ("data_plane.outlier_interval", "\"10s\"", OUTLIER),
    ("data_plane.ejection", "\"30s\"", OUTLIER),
    ("data_plane.ejection_max", "\"300s\"", OUTLIER),
    ("data_plane.ejected_share", "\"10%\"", OUTLIER),
    ("data_plane.success_rate", "1.9", OUTLIER),
    ("data_plane.success_rate_hosts", "5", OUTLIER),
    ("data_plane.success_rate_requests", "100", OUTLIER),
];

const SWITCH: &str = "kamal-proxy: the switch is atomic, after one successful probe";

const KAMAL_PROXY: &[Row] = &[
    ("clients.count", "1", "kamal-proxy: one on a host"),
    ("balancer.algorithm", "\"round_robin\"", "assumed: it has one target for a service"),
    ("clients.lag_add", "\"0s\"", SWITCH),
    ("clients.lag_remove", "\"0s\"", SWITCH),
];

const DNS: &[Row] = &[
    ("clients.count", "20", "assumed: so many clients, each with a cache of its own"),
    ("balancer.algorithm", "\"random\"", "assumed: one of the addresses of the answer"),
    ("clients.lag_add", "\"0s\"", "in data_plane.ttl"),
    ("clients.lag_remove", "\"0s\"", "in data_plane.ttl"),
    ("data_plane.dns", "\"100%\"", "all clients"),
    ("data_plane.ttl", "\"30s\"", "assumed"),
];

#[cfg(test)]
mod tests {
    use super::Preset;
    use crate::scenario::keys;
    use crate::scenario::raw::from_text;
    use crate::scenario::source::Place;

    /// Numbers as the named source has them, typed a second time: (preset, key, value, a word of
    /// the source).
    const NUMBERS: &[(Preset, &str, &str, &str)] = &[
        (Preset::Iptables, "data_plane.throttle", "1s", "endpointSliceChangeMinSyncDelay"),
        (Preset::Iptables, "data_plane.node_throttle", "1s", "minSyncPeriod"),
        (Preset::Ipvs, "data_plane.node_throttle", "1s", "minSyncPeriod"),
        (Preset::Ebpf, "data_plane.node_throttle", "0s", "assumed"),
        (Preset::Mesh, "data_plane.throttle", "1s", "endpointSliceChangeMinSyncDelay"),
        (Preset::Mesh, "data_plane.sidecar_drain", "5s", "assumed"),
        (Preset::Alb, "data_plane.check", "30s", "target-group-health-checks"),
        (Preset::Alb, "data_plane.rise", "5", "target-group-health-checks"),
        (Preset::Alb, "data_plane.fall", "2", "target-group-health-checks"),
        (Preset::Alb, "data_plane.first_rise", "1", "new target"),
        (Preset::Alb, "data_plane.deregister", "2s 15s", "2366"),
        (Preset::Alb, "balancer.slow_start", "0s", "off"),
        (Preset::Nlb, "data_plane.check", "30s", "target-group-health-checks"),
        (Preset::Haproxy, "data_plane.check", "2s", "2000 ms"),
        (Preset::Haproxy, "data_plane.rise", "2", "rise 2"),
        (Preset::Haproxy, "data_plane.fall", "3", "fall 3"),
        (Preset::Nginx, "data_plane.outlier", "1", "max_fails 1"),
        (Preset::Nginx, "data_plane.ejection", "10s", "fail_timeout 10 s"),
        (Preset::Envoy, "data_plane.panic", "50%", "panic threshold"),
        (Preset::Envoy, "data_plane.min_weight", "10%", "slow_start_config"),
        (Preset::Envoy, "data_plane.aggression", "1", "slow_start_config"),
        (Preset::Envoy, "data_plane.outlier", "5", "outlier detection"),
        (Preset::Envoy, "data_plane.outlier_interval", "10s", "outlier detection"),
        (Preset::Envoy, "data_plane.ejection", "30s", "outlier detection"),
        (Preset::Envoy, "data_plane.ejection_max", "300s", "outlier detection"),
        (Preset::Envoy, "data_plane.ejected_share", "10%", "outlier detection"),
        (Preset::Envoy, "data_plane.success_rate", "1.9", "outlier detection"),
        (Preset::Envoy, "data_plane.success_rate_hosts", "5", "outlier detection"),
        (Preset::Envoy, "data_plane.success_rate_requests", "100", "outlier detection"),
    ];

    #[test]
    fn numbers_are_those_of_their_sources() {
        for (preset, key, value, word) in NUMBERS {
            let row = preset.rows().find(|(path, ..)| path == key);
            let (_, text, source) = row.unwrap_or_else(|| panic!("{preset:?} sets no {key}"));
            let numbers = |text: &str| {
                let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '%'));
                let of_digits = |w: &&str| w.starts_with(|c: char| c.is_ascii_digit());
                words.filter(of_digits).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(numbers(text), numbers(value), "{preset:?} {key}");
            assert!(source.contains(word), "{preset:?} {key}: {source}");
        }
    }

    #[test]
    fn every_row_is_a_sound_value_of_an_existing_key_set_once() {
        for preset in Preset::ALL {
            let mut paths: Vec<_> = preset.rows().map(|(path, ..)| *path).collect();
            for (path, value, source) in preset.rows() {
                let key = keys::find(path).unwrap_or_else(|| panic!("no key {path}"));
                from_text(key, value, Place::file(0..0));
                assert!(source.len() >= 7, "{path} has no source");
            }
            let all = paths.len();
            paths.sort_unstable();
            paths.dedup();
            assert_eq!(paths.len(), all, "{preset:?} sets a key twice");
        }
    }

    #[test]
    fn presets_are_found_by_their_words() {
        for preset in Preset::ALL {
            assert_eq!(Preset::of(preset.kind(), preset.mode()), preset);
        }
        assert_eq!(Preset::of("kube-proxy", None), Preset::Iptables);
        assert_eq!(Preset::Ipvs.default_of("balancer", "algorithm"), Some("\"round_robin\""));
        assert_eq!(Preset::Custom.default_of("balancer", "algorithm"), None);
    }
}
