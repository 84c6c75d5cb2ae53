//! Hosts: their room, their zones, how they are bought, and what limits image pulls.

use super::Env;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::{Section, Value};
use crate::scenario::{AntiAffinity, Hosts, Provision};
use crate::units::{Bandwidth, Span};

/// The hosts, which must hold the fleet as it is.
pub(super) fn hosts(env: &mut Env<'_>, instances: u32) -> Hosts {
    let provision = provision(env);
    let section = env.section("hosts");
    let count = match section.written("count") {
        Some(_) => section.count("count"),
        None => instances,
    };
    let hosts = Hosts {
        count,
        room: section.limit("room"),
        zones: section.count("zones"),
        max_skew: section.limit("max_skew"),
        anti_affinity: match section.word("anti_affinity") {
            "version" => AntiAffinity::Version,
            "all" => AntiAffinity::All,
            _ => AntiAffinity::None,
        },
        provision,
        cores: section.number("cores"),
        wave_cv: section.number("wave_cv"),
        bandwidth: link(&section, "bandwidth"),
        serial_pulls: section.flag("serial_pulls"),
        registry: link(&section, "registry"),
        cache: section.flag("cache"),
    };
    holds_the_fleet(env, &hosts, instances);
    makes_sense(env, &hosts);
    hosts
}

fn link(section: &Section<'_>, key: &str) -> Option<Bandwidth> {
    if let Value::Bandwidth(bandwidth) = section.value(key) { Some(bandwidth) } else { None }
}

fn provision(env: &mut Env<'_>) -> Option<Provision> {
    let entry = env.section("hosts").entry("provision");
    if matches!(entry.value, Value::Word(_)) {
        let section = env.section("hosts");
        let stray: Vec<_> = ["nodes_max", "scan_interval"]
            .iter()
            .filter_map(|key| section.written(key).map(|e| (*key, e.key_at)))
            .collect();
        for (key, at) in stray {
            let message = format!("`{key}` has no meaning here: no hosts are bought");
            let hint = "add `provision`, the time until a bought host is there";
            env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
        }
        return None;
    }
    let delay = env.dist_of(&entry, None);
    let scan_interval = env.positive("hosts", "scan_interval");
    Some(Provision { delay, nodes_max: env.section("hosts").limit("nodes_max"), scan_interval })
}

/// What runs before the rollout has a place.
fn holds_the_fleet(env: &mut Env<'_>, hosts: &Hosts, instances: u32) {
    let alone = hosts.anti_affinity != AntiAffinity::None;
    let each = hosts.room.unwrap_or(u32::MAX).min(if alone { 1 } else { u32::MAX });
    if u64::from(each) * u64::from(hosts.count) >= u64::from(instances) {
        return;
    }
    let key = if hosts.room.is_some_and(|room| room == each) { "room" } else { "anti_affinity" };
    let place = env.section("hosts").place(key);
    let message = format!(
        "{} hosts with room for {each} each do not hold {instances} instances",
        hosts.count
    );
    let hint = "write more hosts (`count`) or more `room`";
    env.problem(Diagnostic::new(Code::Conflict, place, message, hint));
}

fn makes_sense(env: &mut Env<'_>, hosts: &Hosts) {
    let mut conflict = |key: &str, message: &str, hint: &str| {
        if let Some(at) = env.section("hosts").written(key).map(|entry| entry.key_at) {
            env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
        }
    };
    if hosts.zones > hosts.count {
        conflict("zones", "there are more zones than hosts", "at most one zone a host");
    }
    if hosts.max_skew.is_some() && hosts.zones == 1 {
        conflict("max_skew", "`max_skew` compares zones, and there is one", "add `zones`");
    }
    if hosts.max_skew == Some(0) {
        conflict("max_skew", "with `max_skew` 0 nothing can be placed", "at least 1");
    }
    if hosts.provision.is_some() && hosts.room.is_none() {
        let message = "hosts are bought when there is no room, and there is room for everything";
        conflict("provision", message, "add `room`, the instances that fit on one host");
    }
    if hosts.provision.as_ref().is_some_and(|p| p.nodes_max.is_some_and(|most| most < hosts.count))
    {
        conflict("nodes_max", "there are more hosts than that already", "at least `count`");
    }
    if hosts.scan_is_too_fine() {
        conflict("scan_interval", "`scan_interval` is too short", "at least 100ms");
    }
}

impl Hosts {
    fn scan_is_too_fine(&self) -> bool {
        let shortest = Span::from_millis(100);
        self.provision.as_ref().is_some_and(|provision| provision.scan_interval < shortest)
    }
}
