//! Worlds whose luck is told.

use rollcast::scenario::{Dist, Scenario};
use rollcast::sim::script::{Ends, Fate, Outside, Script};
use rollcast::sim::{Depth, Model, World};
use rollcast::strategy::Command;
use rollcast::trace::life::Checker;
use rollcast::trace::{Moment, Phase, Record, VersionId};
use rollcast::units::{Share, Span, Time};

use super::any::{quiet, steady};
use super::books::Books;

const fn seconds(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

fn fate(ready: Option<u64>, stop: u64) -> Fate {
    Fate { ready: ready.map(seconds), stop: seconds(stop), ends: None, rejected: None }
}

/// The rollout begins at 10 s.
fn play(scenario: &Scenario, script: Script) -> (Vec<(Time, Record)>, Time) {
    let mut sink = Checker::new(Vec::new());
    let model = Model::with_script(scenario, script);
    let end = World::new(&model).run(1, 0, Depth::Control, &mut sink);
    (sink.into_inner(), end)
}

/// (seconds after the beginning, instance, phase), without what was there before.
fn moves(records: &[(Time, Record)]) -> Vec<(u64, u32, Phase)> {
    let moves = records.iter().filter_map(|(at, record)| match record {
        Record::Phase { instance, to, .. } if *at >= Time::from_secs(10) => {
            Some((at.since(Time::from_secs(10)).0 / 1_000_000_000, *instance, *to))
        }
        _ => None,
    });
    moves.collect()
}

fn of(instance: u32, moves: &[(u64, u32, Phase)]) -> Vec<(u64, Phase)> {
    moves.iter().filter(|m| m.1 == instance).map(|m| (m.0, m.2)).collect()
}

#[test]
fn fates_replace_drawn_luck() {
    let mut scenario = quiet(2);
    // All of this is told instead.
    scenario.versions.new.never_ready = Share(1.0);
    scenario.versions.new.start = Dist::Fixed(seconds(99));
    scenario.versions.old.exit = Dist::Fixed(seconds(99));
    scenario.shutdown.pre_stop = seconds(5);
    scenario.probes.period = seconds(10);
    let fates = vec![vec![fate(None, 3), fate(None, 5)], vec![fate(Some(7), 0)]];
    let (records, _) = play(&scenario, Script { fates, ..Script::default() });
    let moves = moves(&records);
    // 3 s until the first is gone, 7 s until its successor is ready, then 5 s and 7 s.
    assert_eq!(of(0, &moves), [(0, Phase::Draining), (3, Phase::Stopped)]);
    assert_eq!(of(2, &moves)[2..4], [(10, Phase::Ready), (10, Phase::Available)]);
    assert_eq!(of(1, &moves), [(10, Phase::Draining), (15, Phase::Stopped)]);
    assert_eq!(of(3, &moves)[2], (22, Phase::Ready));
}

#[test]
fn fates_may_belong_to_slots() {
    let script = |by_slot| {
        let fates = vec![vec![fate(None, 1), fate(None, 4)]];
        Script { fates, by_slot, ..Script::default() }
    };
    // Ordinals and slots of initial instances are the same.
    let told = |by_slot| moves(&play(&quiet(2), script(by_slot)).0);
    assert_eq!(told(true), told(false));
    assert_eq!(of(1, &told(true))[1].0 - of(1, &told(true))[0].0, 4);
}

#[test]
fn what_ends_comes_back_as_often_as_it_is_told() {
    let ends = Some(Ends { after: seconds(2), from_ready: true, back: Some((seconds(3), 2)) });
    let fates = vec![vec![], vec![Fate { ends, ..fate(Some(1), 0) }]];
    let script = Script { fates, end: Some(seconds(40)), ..Script::default() };
    let (records, end) = play(&quiet(1), script);
    assert_eq!(end, Time::from_secs(50), "exactly then");
    let of_new = of(1, &moves(&records));
    let ready: Vec<u64> =
        of_new.iter().filter(|(_, to)| *to == Phase::Ready).map(|(at, _)| *at).collect();
    // Ready at 1, ends at 3, back at 6, ends at 8, back at 11, and stays.
    assert_eq!(ready, [1, 6, 11]);
    assert_eq!(of_new.iter().filter(|m| m.1 == Phase::Starting).count(), 3);
    assert_eq!(Books::of(&records).serving.len(), 1);
}

#[test]
fn what_ends_for_good_has_failed() {
    let fates = |from_ready| {
        let ends = Some(Ends { after: seconds(2), from_ready, back: None });
        vec![vec![], vec![Fate { ends, ..fate(Some(5), 0) }]]
    };
    for (from_ready, at) in [(false, 2), (true, 7)] {
        let script =
            Script { fates: fates(from_ready), end: Some(seconds(20)), ..Script::default() };
        let (records, _) = play(&quiet(1), script);
        let of_new = of(1, &moves(&records));
        assert!(of_new.contains(&(at, Phase::Failed)), "{of_new:?}");
    }
}

#[test]
fn records_go_on_to_the_told_end_even_at_rest_and_stop_there_even_in_motion() {
    let told = |end| play(&quiet(2), Script { end: Some(seconds(end)), ..Script::default() });
    let (records, end) = told(3600);
    assert_eq!(end, Time::from_secs(3610));
    assert_eq!(Books::of(&records).moment(Moment::GaveUp), None);
    let (records, end) = told(1);
    assert_eq!(end, Time::from_secs(11));
    assert!(records.iter().all(|(at, _)| *at <= end));
    assert_eq!(Books::of(&records).finally_ready.get(&VersionId::OLD), Some(&1));
}

#[test]
fn somebody_outside_rolls_back_stops_and_fails() {
    let mut scenario = quiet(3);
    scenario.versions.new.start = Dist::Fixed(seconds(20));
    let tell = vec![(seconds(5), Outside::Tell(Command::Rollback))];
    let (records, _) = play(&scenario, Script { events: tell, ..Script::default() });
    let books = Books::of(&records);
    assert_eq!(books.finally_ready.get(&VersionId::OLD), Some(&3));
    assert_eq!(books.finally_ready.get(&VersionId::NEW), None);

    let version = VersionId::OLD;
    let events = vec![
        (seconds(2), Outside::Stop { version, count: 1 }),
        (seconds(3), Outside::Fail { version, count: 2 }),
    ];
    let script = Script { events, end: Some(seconds(4)), ..Script::default() };
    let (records, _) = play(&scenario, script);
    let moves = moves(&records);
    // The strategy stops 0 at once; the next in order of creation is 1, and after it 2.
    assert_eq!(of(1, &moves), [(2, Phase::Draining), (2, Phase::Stopped)]);
    assert_eq!(of(2, &moves), [(3, Phase::Failed)]);
}

/// Requests, too: what ends cuts what it worked on, and what is back serves again.
#[test]
fn told_ends_cut_requests_and_later_versions_serve() {
    let mut scenario = quiet(2);
    scenario.traffic = Some(steady(200.0));
    let ends = Some(Ends { after: seconds(2), from_ready: true, back: Some((seconds(1), 3)) });
    let fates = vec![vec![], vec![Fate { ends, ..fate(Some(1), 0) }]];
    let script = Script { fates, end: Some(seconds(60)), ..Script::default() };
    let mut sink = Checker::new(Vec::new());
    let model = Model::with_script(&scenario, script);
    World::new(&model).run(1, 0, Depth::Requests, &mut sink);
    let books = Books::of(&sink.into_inner());
    assert_eq!(books.arrived, books.ended.iter().flatten().sum::<u64>() + in_flight(&books));
    assert_eq!(books.serving.len(), 2);
}

/// At most what two servers of one slot have at the end.
fn in_flight(books: &Books) -> u64 {
    let ended = books.ended.iter().flatten().sum::<u64>();
    let left = books.arrived - ended;
    assert!(left < 20, "{left} are left");
    left
}
