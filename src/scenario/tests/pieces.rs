//! Tables of pieces: there and back, and what contradicts the rest.

use super::lines::LINES;
use super::{SMALL, complaints, good};
use crate::scenario::{pieces, print};

/// A small scenario in which the piece makes sense.
fn around(table: &str) -> String {
    let scaled = SMALL.replace("[strategy.generic]\nbatch = 3", "[strategy.kubernetes]");
    if table == "queue" { scaled } else { scaled + "[traffic]\nrate = \"9/s\"\n" }
}

#[test]
fn every_piece_prints_and_reads_back() {
    let mut seen = 0;
    for (table, lines) in LINES {
        let is_piece = |known: &&crate::scenario::keys::Table| {
            table.split('.').next() == known.path.split('.').next()
        };
        if !pieces::TABLES.iter().any(|known| is_piece(&known)) {
            continue;
        }
        let mut first = good(&format!("{}[{table}]\n{lines}\n", around(table)));
        let printed = print::to_toml(&first);
        let mut second = good(&printed);
        assert_eq!(print::to_toml(&second), printed);
        (first.gates, second.gates) = (Vec::new(), Vec::new());
        assert_eq!(first, second, "[{table}] {lines}");
        assert_ne!(first.pieces, pieces::Pieces::default(), "[{table}]");
        seen += 1;
    }
    assert!(seen >= 9, "{seen}");
}

#[track_caller]
fn refused(text: &str, parts: &[&str]) {
    let said = complaints(text, &[]);
    for part in parts {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
}

#[test]
fn an_autoscaler_needs_load_and_somebody_to_scale() {
    let scaler = "[autoscaler]\nmax = 20\n";
    let traffic = "[traffic]\nrate = \"9/s\"\n";
    refused(&format!("{SMALL}{traffic}{scaler}"), &["E017", "nobody scales", "kubernetes"]);
    refused(&format!("{}{scaler}", around("queue")), &["E017", "nothing to measure"]);
    let crossed = format!("{}[autoscaler]\nmin = 9\nmax = 8\n", around(""));
    refused(&crossed, &["E016", "`min` is 9"]);
    let zero = format!("{}{scaler}target_cpu = \"0%\"\n", around(""));
    refused(&zero, &["E016", "target of zero"]);
    let zero = format!("{}{scaler}sync = \"0s\"\n", around(""));
    refused(&zero, &["E016", "`sync` must not be zero"]);
}

#[test]
fn who_names_another_metric_does_not_want_cpu_too() {
    let of = |keys: &str| {
        let scenario = good(&format!("{}[autoscaler]\nmax = 20\n{keys}\n", around("")));
        let scaler = scenario.pieces.autoscaler.unwrap();
        (scaler.target_cpu.map(|share| share.0), scaler.target_requests.map(|rate| rate.0))
    };
    assert_eq!(of(""), (Some(0.8), None));
    assert_eq!(of("target_requests = \"5/s\""), (None, Some(5.0)));
    assert_eq!(of("target_requests = \"5/s\"\ntarget_cpu = \"50%\""), (Some(0.5), Some(5.0)));
}

#[test]
fn a_queue_takes_the_place_of_requests() {
    let queue = "[queue]\nrate = \"9/s\"\n";
    refused(&format!("{}{queue}", around("")), &["E017", "not both"]);
    let shared = format!("{SMALL}{queue}").replace("= 12\n", "= 12\ndiscipline = \"ps\"\n");
    refused(&shared, &["E017", "as it has slots"]);
    let never = format!("{SMALL}{queue}visibility_timeout = \"0s\"\n");
    refused(&never, &["E016", "`visibility_timeout` must not be zero"]);
}

#[test]
fn a_quorum_can_be_reached() {
    let of = |keys: &str| {
        let quorum = good(&format!("{SMALL}[quorum]\n{keys}\n")).pieces.quorum.unwrap();
        (quorum.members, quorum.need)
    };
    assert_eq!([of(""), of("members = 13"), of("need = 9")], [(12, 7), (13, 7), (12, 9)]);
    refused(&format!("{SMALL}[quorum]\nmembers = 5\n"), &["E017", "12 instances"]);
    refused(&format!("{SMALL}[quorum]\nneed = 13\n"), &["E016", "can never vote"]);
}

#[test]
fn gates_on_pieces_need_the_piece() {
    for (gate, table) in [
        ("backlog_age <= 1m", "queue"),
        ("quorum_lost <= 1s", "quorum"),
        ("desired_max <= 9", "autoscaler"),
    ] {
        let text = SMALL.replace("p95(duration) <= 6m", gate);
        refused(&text, &["E017", &format!("needs [{table}]")]);
    }
}

#[test]
fn faults_have_the_keys_of_their_kind_and_a_time() {
    for (lines, complaint) in [
        ("kind = \"host_loss\"", "nothing says when this happens"),
        ("kind = \"control_outage\"\nat = \"1m\"", "nothing says how long this lasts"),
        ("kind = \"slow_host\"\nat = \"1m\"\nfor = \"1m\"", "nothing says how slow"),
        ("kind = \"instance_crash\"", "nothing says how long processes live"),
        ("kind = \"control_delay\"\nat = \"1m\"\nfor = \"1m\"", "nothing says how long it takes"),
        ("kind = \"partition\"\ncv = 0.1", "`cv` has no meaning for kind = \"partition\""),
        ("kind = \"slow_host\"\ncv = 0.1\nat = \"1m\"", "`cv` is for good and for all hosts"),
        ("kind = \"host_loss\"\nat = \"1m\"\nevery = \"1m\"", "`at` or `every`, not both"),
        ("kind = \"host_loss\"\nat = \"1m\"\nhost = 12", "there are 12 hosts, counted from 0"),
        ("kind = \"zone_loss\"\nat = \"1m\"", "there is one zone"),
    ] {
        refused(&format!("{SMALL}[faults.f]\n{lines}\n"), &[complaint]);
    }
}

#[test]
fn orchestrators_find_out_in_their_own_time() {
    use crate::scenario::{Dist, pieces::Trouble};
    let lost = |strategy: &str| {
        let text = SMALL.replace("[strategy.generic]\nbatch = 3", strategy);
        let scenario = good(&format!("{text}[faults.f]\nkind = \"host_loss\"\nat = \"1m\"\n"));
        match &scenario.pieces.faults[0].piece.trouble {
            Trouble::HostLoss { notice, .. } => {
                (notice.silent.mean_secs(), notice.replaced.as_ref().map(Dist::mean_secs))
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(lost("[strategy.kubernetes]"), (47.5, Some(300.0)));
    assert_eq!(lost("[strategy.nomad]"), (20.0, Some(0.0)));
    assert_eq!(lost("[strategy.statefulset]").1, None);
}
