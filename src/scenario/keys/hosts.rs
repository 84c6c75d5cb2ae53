//! The keys of `[hosts]`.

use super::Default::{Is, Says};
use super::forms::key;
use super::tables::LIMIT;
use super::{Key, Kind};

const LINK: Kind = Kind::OneOf(&[Kind::Word(&["unbounded"]), Kind::Bandwidth]);

pub(super) const HOSTS: &[Key] = &[
    key(
        "count",
        Kind::Count(1, 1_000_000),
        Says("as many as instances"),
        "How many; instances go to the one with fewest.",
        "6",
    ),
    key("room", LIMIT, Is("\"unbounded\""), "Instances that fit on one host.", "6"),
    key("zones", Kind::Count(1, 1000), Is("1"), "Zones that the hosts lie in, in turn.", "3"),
    key(
        "max_skew",
        LIMIT,
        Is("\"unbounded\""),
        "Instances that one zone may have more than another (topology spread).",
        "1",
    ),
    key(
        "anti_affinity",
        Kind::Word(&["none", "version", "all"]),
        Is("\"none\""),
        "No two instances (all), or none of one version, on one host.",
        "\"version\"",
    ),
    key(
        "provision",
        Kind::OneOf(&[Kind::Word(&["none"]), Kind::Dist]),
        Is("\"none\""),
        "A host is bought for instances that find no room, and is there after this.",
        "{ p50 = \"90s\", p95 = \"3m\" }",
    ),
    key("nodes_max", LIMIT, Is("\"unbounded\""), "provision: hosts in all, at most.", "12"),
    key(
        "scan_interval",
        Kind::Duration,
        Is("\"10s\""),
        "provision: how often somebody looks for instances without a place.",
        "\"10s\"",
    ),
    key(
        "cores",
        Kind::Number(0.0, true),
        Is("1"),
        "Cores of one host, for the CPU time of starts.",
        "4",
    ),
    key(
        "wave_cv",
        Kind::Number(0.0, false),
        Is("0"),
        "Spread (coefficient of variation) of a factor that all starts of one wave share.",
        "0.3",
    ),
    key("bandwidth", LINK, Is("\"unbounded\""), "What one host can pull.", "\"1Gbit/s\""),
    key("serial_pulls", Kind::Flag, Is("true"), "One image at a time per host.", "true"),
    key("registry", LINK, Is("\"unbounded\""), "What the registry serves.", "\"500MiB/s\""),
    key("cache", Kind::Flag, Is("true"), "A host that has the image pulls nothing.", "true"),
];
