//! The same question has the same answer, to the byte.

use proptest::prelude::*;
use rollcast::outcome::Collector;
use rollcast::sim::{Depth, Model, World};
use rollcast::trace::journal::{self, Header, Writer};
use rollcast::trace::{Record, Sink};
use rollcast::units::Time;

use crate::support::Run;
use crate::world::any;

fn answer(scenario: &str, threads: &str) -> String {
    let args = ["sim", scenario, "--json", "--runs", "300", "--allow-stuck", "--threads", threads];
    let finished = Run::new(args).run();
    assert!(matches!(finished.code, Some(0 | 10 | 11 | 24)), "{}", finished.stderr);
    assert!(finished.stdout.len() > 1000);
    finished.stdout
}

#[test]
fn threads_and_repetition_do_not_show() {
    for story in ["quickstart", "slow-starters", "cold-wave", "no-room", "node-drain", "zone-loss"]
    {
        let scenario = &format!("scenarios/{story}.toml");
        let one = answer(scenario, "1");
        assert!(one == answer(scenario, "2"), "{scenario}: two threads, another answer");
        assert!(one == answer(scenario, "1"), "{scenario}: again, another answer");
    }
}

#[test]
fn the_seed_shows() {
    let args = ["sim", "-n", "5", "--start", "5s..9s", "--json", "--runs", "30"];
    let one = Run::new(args).run().stdout;
    let two = Run::new(args.iter().copied().chain(["--seed", "2"])).run().stdout;
    let duration = |text: &str| -> serde_json::Value {
        serde_json::from_str::<serde_json::Value>(text).unwrap()["duration_s"].clone()
    };
    assert_ne!(duration(&one), duration(&two));
}

/// Writes a journal and keeps the records.
struct Both<W: std::io::Write>(Writer<W>, Vec<(Time, Record)>);

impl<W: std::io::Write> Sink for Both<W> {
    fn record(&mut self, at: Time, record: Record) {
        self.1.push((at, record.clone()));
        self.0.record(at, record);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 16, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// A journal gives back what was written, and the same outcome follows from it.
    #[test]
    fn journals_of_runs_are_read_as_written(plan in any::plan(), replication in 0u32..9) {
        let scenario = plan.scenario();
        let header = Header::new(
            journal::World::Sim, 1, replication, serde_json::to_value(&scenario).unwrap(),
        );
        let mut sink = Both(Writer::new(Vec::new(), &header), Vec::new());
        let model = Model::new(&scenario);
        let end = World::new(&model).run(1, replication, Depth::Requests, &mut sink);
        let bytes = sink.0.finish().unwrap();
        let read = journal::read(&bytes[..]).unwrap();
        prop_assert!(!read.torn);
        prop_assert_eq!(read.header, header);
        prop_assert!(read.records == sink.1);
        let outcome = |records: &[(Time, Record)]| {
            let mut collector = Collector::new(&scenario.slo, false);
            for (at, record) in records {
                collector.record(*at, record.clone());
            }
            format!("{:?}", collector.finish(end))
        };
        prop_assert_eq!(outcome(&read.records), outcome(&sink.1));
    }
}
