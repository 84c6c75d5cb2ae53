//! Hosts and pieces that contradict each other or the fleet.

use super::{complaints, good};
use crate::scenario::pieces::Budget;
use crate::scenario::{Discipline, Hosts};
use crate::units::CountOrPercent;

fn file(lines: &str) -> String {
    format!(
        "rollcast = 1\n[strategy.kubernetes]\n[versions.old]\nstart = \"22s\"\n[service]\n\
         instances = 12\n{lines}\n"
    )
}

#[test]
fn contradictions_are_refused_with_a_way_out() {
    for (lines, complaint) in [
        ("cpu_limit = 2", "`cpu_limit` has no meaning here"),
        ("[hosts]\ncount = 3\nroom = 3", "3 hosts with room for 3 each do not hold 12 instances"),
        ("[hosts]\ncount = 3\nanti_affinity = \"all\"", "do not hold 12 instances"),
        ("[hosts]\ncount = 3\nzones = 4", "there are more zones than hosts"),
        ("[hosts]\nmax_skew = 1", "`max_skew` compares zones, and there is one"),
        ("[hosts]\nzones = 3\nmax_skew = 0", "nothing can be placed"),
        ("[hosts]\nprovision = \"90s\"", "there is room for everything"),
        ("[hosts]\nroom = 4\nnodes_max = 20", "no hosts are bought"),
        ("[hosts]\nroom = 4\nnodes_max = 9\nprovision = \"90s\"", "more hosts than that already"),
        (
            "[hosts]\nroom = 4\nprovision = \"90s\"\nscan_interval = \"5ms\"",
            "`scan_interval` is too short",
        ),
        ("[quota]\ninstances = 11", "the quota does not hold the 12 instances there are"),
        ("[drains]\nhosts = 12", "12 of 12 hosts are drained: nothing could run"),
        ("[drains]\nhosts = 2\nmin_available = 3\nmax_unavailable = 1", "not both"),
        ("[versions.new]\nstart = { shared = \"80%\", cpu = \"3s\" }", "which has no size"),
    ] {
        let text = complaints(&file(lines), &[]);
        assert!(text.contains(complaint), "{lines}\n{text}");
    }
}

#[test]
fn what_is_left_out_means_no_limits() {
    let scenario = good(&file(""));
    assert_eq!(scenario.hosts, Hosts::of(12));
    assert!(!scenario.hosts.is_tight() && scenario.service.cpu_limit.is_none());
    let limited = good(&file("discipline = \"ps\"\ncpu_limit = 1.5"));
    assert_eq!(limited.service.discipline, Discipline::Sharing { cores: 2.0, limit: None });
    assert!((limited.service.servers() - 1.5).abs() < 1e-12);
    let drains = good(&file("[drains]\nhosts = 2\nmax_unavailable = \"10%\"")).pieces.drains;
    let budget = drains.map(|drains| drains.budget);
    assert_eq!(budget, Some(Budget::MaxUnavailable(CountOrPercent::Percent(10.0))));
}

#[test]
fn a_start_like_the_old_one_takes_its_cpu_time_along() {
    let text = file("[versions.new]\nstart = { like = \"old\", factor = 2 }")
        .replace("start = \"22s\"", "start = { pull = \"9MiB\", cpu = \"14s\", boot = \"2s\" }");
    let versions = good(&text).versions;
    assert_eq!(versions.new.pull, versions.old.pull);
    assert!((versions.old.start_quantile(0.5).as_secs_f64() - 16.0).abs() < 1e-9);
    assert!((versions.new.start_quantile(0.5).as_secs_f64() - 32.0).abs() < 1e-9);
}
