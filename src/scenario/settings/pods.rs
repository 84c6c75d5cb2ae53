//! What surrounds every kind of Kubernetes pod.

use super::Env;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::scenario::source::Place;
use crate::units::Span;

/// Defaults of other tables: latencies as recorded on quiet 1.36 control planes, endpoint lags,
/// the kubelet's probes and its back-off, and what each controller may write
/// (`kube-controller-manager --kube-api-qps 20 --kube-api-burst 30`).
pub(super) const WORLD: &[(&str, &str)] = &[
    ("clients.count", "4"),
    ("clients.lag_add", "{ p50 = \"1s\", p95 = \"3s\" }"),
    ("clients.lag_remove", "{ p50 = \"1s\", p95 = \"3s\" }"),
    ("balancer.algorithm", "\"random\""),
    ("probes.period", "\"10s\""),
    ("control.watch", "{ p50 = \"8.4ms\", p90 = \"25.4ms\" }"),
    ("control.sync", "{ p50 = \"8.0ms\", p90 = \"17.7ms\" }"),
    ("control.act", "{ p50 = \"5.5ms\", p90 = \"20ms\" }"),
    ("control.next_batch", "{ p50 = \"20.6ms\", p90 = \"44.1ms\" }"),
    ("control.schedule", "{ p50 = \"15.2ms\", p90 = \"34.4ms\" }"),
    ("control.writes", "\"20/s\""),
    ("control.burst", "30"),
    ("restart.attempts", "\"unbounded\""),
    ("restart.delay", "\"10s\""),
    ("restart.delay_max", "\"5m\""),
    ("restart.reset", "\"10m\""),
];

/// The API server's own rule (`ValidateDeploymentSpec`), which others took over.
pub(super) fn check_deadline(env: &mut Env<'_>, at: Place, deadline: Span, min_ready: Span) {
    if deadline <= min_ready {
        let message = "`progress_deadline` must be longer than `min_ready`";
        env.problem(Diagnostic::new(Code::Conflict, at, message, "Kubernetes refuses this too"));
    }
}

/// Nodes at which traffic can be routed by version: each then has a view of both.
const ROUTED_NODES: u32 = 512;

/// Complains about data planes that cannot route by version.
pub(super) fn check_router(env: &mut Env<'_>) {
    let clients = env.section("clients");
    let (nodes, at) = (clients.count("count"), clients.place("count"));
    if nodes > ROUTED_NODES {
        let message = format!("traffic can be routed by version at {ROUTED_NODES} nodes at most");
        env.problem(Diagnostic::new(Code::OutOfRange, at, message, "fewer nodes"));
    }
    let balancer = env.section("balancer");
    let at = balancer.place("algorithm");
    if balancer.value("algorithm") == Value::Word("central") {
        let message = "a central queue knows no versions, so no traffic can be routed";
        let hint = "see `balancer.algorithm`";
        env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
    }
}
