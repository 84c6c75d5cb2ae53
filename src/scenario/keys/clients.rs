//! The keys of `[clients]`.

use super::Default::{Is, Says};
use super::forms::{HEDGE, POOL, RETRIES, STICKY, key};
use super::tables::LIMIT;
use super::{Key, Kind};

pub(super) const CLIENTS: &[Key] = &[
    key("count", Kind::Count(1, 100_000), Is("1"), "How many nodes; also written `nodes`.", "60"),
    key("nodes", Kind::Count(1, 100_000), Says("`count`"), "The same as `count`.", "60"),
    key(
        "protocol",
        Kind::Word(&["http1", "http2", "grpc"]),
        Is("\"http1\""),
        "http1 chooses for each request, http2 and grpc for each connection.",
        "\"grpc\"",
    ),
    key(
        "balance",
        Kind::Word(&["request", "connection"]),
        Says("by `protocol`"),
        "For what an instance is chosen, if unlike the protocol's habit.",
        "\"request\"",
    ),
    key(
        "connections",
        Kind::Count(1, 1_000_000),
        Is("1"),
        "Chosen for each connection: connections that each node keeps.",
        "4",
    ),
    key(
        "max_connection_age",
        Kind::OneOf(&[Kind::Word(&["never"]), Kind::Duration]),
        Is("\"never\""),
        "Chosen for each connection: a connection is made anew after this.",
        "\"5m\"",
    ),
    key(
        "reuse",
        Kind::Share,
        Is("\"0%\""),
        "Chosen for each request: share of requests on a kept-alive connection.",
        "\"90%\"",
    ),
    key(
        "timeout",
        Kind::Duration,
        Is("\"30s\""),
        "A request ends as a timeout after this; the work goes on.",
        "\"800ms\"",
    ),
    key(
        "attempt_timeout",
        Kind::OneOf(&[Kind::Word(&["never"]), Kind::Duration]),
        Is("\"never\""),
        "One attempt is given up after this; see `retries`.",
        "\"250ms\"",
    ),
    key(
        "cancel",
        Kind::Flag,
        Is("false"),
        "Whoever gives up tells the instance, which then stops working on it.",
        "true",
    ),
    key(
        "lag_add",
        Kind::Dist,
        Is("\"0s\""),
        "Instance ready until a node chooses it.",
        "{ p50 = \"1s\", p95 = \"3s\" }",
    ),
    key(
        "lag_remove",
        Kind::Dist,
        Is("\"0s\""),
        "Instance stopping until a node leaves it out.",
        "{ p50 = \"1s\", p95 = \"3s\" }",
    ),
    key(
        "retries",
        Kind::Record(RETRIES),
        Is("{ attempts = 1 }"),
        "Retries of failed attempts.",
        "{ attempts = 3, delay = \"50ms\" }",
    ),
    key(
        "hedge",
        Kind::Record(HEDGE),
        Says("none"),
        "One more attempt beside one without an answer; the first answer counts.",
        "{ after = \"p95\" }",
    ),
    key(
        "pool",
        Kind::Record(POOL),
        Says("none: as `reuse` says"),
        "Chosen for each request: kept-alive connections.",
        "{ max = 32, idle_timeout = \"60s\" }",
    ),
    key(
        "connect",
        Kind::Dist,
        Is("\"0s\""),
        "Time to open a connection (TCP and TLS).",
        "{ p50 = \"4ms\", p95 = \"15ms\" }",
    ),
    key(
        "handshake",
        Kind::Duration,
        Is("\"0s\""),
        "Work that a new connection costs the instance.",
        "\"2ms\"",
    ),
    key(
        "max_streams",
        LIMIT,
        Is("\"unbounded\""),
        "Chosen for each connection: requests that share one at once.",
        "100",
    ),
    key(
        "sticky",
        Kind::Record(STICKY),
        Says("none"),
        "Chosen for each request: sessions that stay with their instance.",
        "{ sessions = 5000 }",
    ),
];
