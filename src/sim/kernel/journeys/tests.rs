//! The engine of journeys beside the fast loop, and its books.

use crate::engine::{Law, Sampler, Seeds};
use crate::scenario::conduct::{Budget, Hedge, HedgeAfter, Pool, RetryCause, RetryOn, Sticky};
use crate::scenario::{
    Algorithm, Arrivals, Conduct, Discipline, Dist, Profile, Protocol, Traffic, Warmup,
};
use crate::sim::kernel::{Config, Habits, Kernel, VersionModel};
use crate::trace::{Ending, Period};
use crate::traffic::Source;
use crate::units::{Rate, Share, Span, Time};

pub(super) const fn ms(millis: u64) -> Span {
    Span::from_millis(millis)
}

/// What a test varies.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) algorithm: Algorithm,
    pub(super) discipline: Discipline,
    pub(super) cpu_limit: Option<f64>,
    pub(super) nodes: u32,
    pub(super) protocol: Protocol,
    pub(super) timeout: Span,
    pub(super) attempts: u32,
    pub(super) conduct: Conduct,
    pub(super) users: Option<(u32, f64)>,
    pub(super) errors: f64,
    pub(super) warmup: Warmup,
    pub(super) rate: f64,
    pub(super) seed: u64,
}

pub(super) const SERVERS: u32 = 6;

impl Default for Setup {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Random,
            discipline: Discipline::Fifo { slots: 2, queue: None },
            cpu_limit: None,
            nodes: 1,
            protocol: Protocol::PerRequest { reuse: Share(0.0) },
            timeout: Span::from_secs(1),
            attempts: 1,
            conduct: Conduct::default(),
            users: None,
            errors: 0.0,
            warmup: Warmup::None,
            rate: 800.0,
            seed: 3,
        }
    }
}

impl Setup {
    /// Six servers, 10 ms of service each; `by_events` forces the engine of journeys.
    pub(super) fn kernel(&self, by_events: bool) -> Kernel {
        let old = VersionModel {
            service: Law::Exponential(1e7),
            factor: 1.0,
            warmup: self.warmup,
            errors: 0.0,
        };
        let new = VersionModel { factor: 1.3, errors: self.errors, ..old.clone() };
        let users = self
            .users
            .map(|(count, mean)| (count, Sampler::tabulate(move |p| -libm::log1p(-p) * mean)));
        let Dist::Fixed(connect) = self.conduct.connect else { panic!("fixed in these tests") };
        let habits = Habits::new(&self.conduct, Sampler::fixed(connect.0 as f64), users);
        let config = Config {
            cache: None,
            calls: Vec::new(),
            troubled: false,
            cpu_limit: self.cpu_limit,
            discipline: self.discipline,
            nodes: self.nodes,
            protocol: self.protocol,
            timeout: self.timeout,
            attempts: self.attempts,
            retry_delay: Sampler::fixed(2e6),
            versions: vec![old, new],
            window: Span::from_secs(1),
            slow_above: ms(100),
            habits: by_events.then(|| Box::new(habits)),
        };
        let profile = Profile::Table(vec![
            (Span::ZERO, Rate(self.rate)),
            (ms(9_900), Rate(self.rate)),
            (ms(10_000), Rate(0.0)),
        ]);
        let traffic = Traffic { profile, arrivals: Arrivals::Poisson, scale: 1.0 };
        let seeds = Seeds::new(self.seed, 0);
        let mut kernel = Kernel::new(config, self.algorithm);
        kernel.reset(seeds, Some(Source::new(&traffic, Time::ZERO, seeds)));
        for server in 0..SERVERS {
            kernel.add_server(u8::from(server >= SERVERS / 2));
            kernel.open(server, Time::ZERO, false);
            (0..self.nodes).for_each(|node| kernel.join(node, server, 1.0));
        }
        kernel
    }
}

pub(super) fn endings(kernel: &Kernel) -> [u64; 8] {
    Ending::ALL.map(|ending| kernel.desk.tally.total(ending))
}

pub(super) const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::RoundRobin,
    Algorithm::Random,
    Algorithm::LeastOutstanding,
    Algorithm::PowerOfChoices { choices: 2 },
    Algorithm::Weighted,
    Algorithm::PeakEwma { decay: Span::from_secs(1) },
    Algorithm::ConsistentHash { keys: 1000 },
];

/// A server is drained and comes back, one is killed and refuses for a while.
pub(super) fn play(kernel: &mut Kernel) -> Vec<Time> {
    play_with(kernel, true)
}

/// Without `abrupt` nobody asks a server that is closed, and what was killed does not come back:
/// there the two engines see pinned connections differently.
fn play_with(kernel: &mut Kernel, abrupt: bool) -> Vec<Time> {
    let at = |millis| Time::ZERO + ms(millis);
    let mut idle = Vec::new();
    kernel.advance(at(2_000));
    kernel.leave(0, 1);
    kernel.advance(at(2_500));
    kernel.close(1, false);
    idle.push(kernel.idle_at(1, at(2_500)));
    kernel.advance(at(3_500));
    kernel.kill(1, at(3_500));
    if abrupt {
        kernel.kill(4, at(3_500));
        kernel.advance(at(3_600));
        kernel.leave(0, 4);
        kernel.open(1, at(3_600), false);
        kernel.join(0, 1, 1.0);
    }
    kernel.advance(at(8_000));
    idle.push(kernel.idle_at(0, at(8_000)));
    kernel.advance(at(15_000));
    kernel.settle_all(at(15_000));
    idle
}

/// With habits that change nothing both engines are one: the same endings, the same latencies,
/// the same idle times. With many nodes only the choice by load may differ, after time-outs.
#[test]
fn without_habits_it_is_the_fast_loop() {
    let disciplines =
        [Discipline::Fifo { slots: 2, queue: None }, Discipline::Fifo { slots: 2, queue: Some(3) }];
    let pinned = |goaway| Protocol::PerConnection { connections: 5, max_age: ms(700), goaway };
    let protocols = [Protocol::PerRequest { reuse: Share(0.5) }, pinned(false), pinned(true)];
    let warm = [Warmup::None, Warmup::Requests { scale: 50.0, slowdown: 3.0 }];
    for algorithm in ALGORITHMS {
        for discipline in disciplines {
            for protocol in protocols {
                for warmup in warm {
                    let setup = Setup {
                        algorithm,
                        discipline,
                        protocol,
                        warmup,
                        // Nobody's patience ends: loads differ once it does.
                        timeout: Span::from_secs(600),
                        errors: 0.1,
                        rate: 700.0,
                        ..Setup::default()
                    };
                    let (mut fast, mut slow) = (setup.kernel(false), setup.kernel(true));
                    let abrupt = matches!(protocol, Protocol::PerRequest { .. });
                    let ends = [&mut fast, &mut slow].map(|kernel| play_with(kernel, abrupt));
                    assert_eq!(ends[0], ends[1], "{setup:?}");
                    assert_eq!(endings(&fast), endings(&slow), "{setup:?}");
                    let latency = |kernel: &Kernel| kernel.desk.tally.latency(Period::Before);
                    assert!(latency(&fast) == latency(&slow), "{setup:?}");
                    assert_eq!(fast.desk.tally.arrived(), slow.desk.tally.arrived());
                }
            }
        }
    }
}

/// The same for shared cores, whose departures are rounded otherwise, and for clients that give
/// up, where the balancer does not look at loads.
#[test]
fn shared_cores_and_timeouts_agree_too() {
    for (discipline, cpu_limit, slack) in [
        (Discipline::Sharing { cores: 1.5, limit: Some(9) }, None, 3),
        (Discipline::Sharing { cores: 3.0, limit: Some(9) }, Some(1.2), 3),
        (Discipline::Fifo { slots: 1, queue: None }, None, 0),
    ] {
        let timeout = ms(60);
        let setup = Setup { discipline, cpu_limit, timeout, rate: 560.0, ..Setup::default() };
        let (mut fast, mut slow) = (setup.kernel(false), setup.kernel(true));
        play(&mut fast);
        play(&mut slow);
        let (fast, slow) = (endings(&fast), endings(&slow));
        assert!(fast[Ending::Timeout as usize] > 100, "{fast:?}");
        for (a, b) in fast.iter().zip(slow) {
            assert!(a.abs_diff(b) <= slack, "{discipline:?}: {fast:?} {slow:?}");
        }
    }
}

#[test]
fn every_attempt_that_fails_is_made_again() {
    // Nobody answers: of r tries each request uses all. Three layers would make r³ of it.
    let conduct = Conduct { cancel: true, ..Conduct::default() };
    let setup = Setup { attempts: 4, conduct, ..Setup::default() };
    let mut kernel = setup.kernel(true);
    (0..SERVERS).for_each(|server| kernel.close(server, false));
    kernel.advance(Time::ZERO + Span::from_secs(20));
    let arrived = kernel.desk.tally.arrived();
    assert_eq!(kernel.desk.tally.retried, 3 * arrived);
    assert_eq!(kernel.desk.tally.total(Ending::Refused), arrived);
}

#[test]
fn cancelled_work_frees_its_slot() {
    // One slot for 1.5 times what it can do, patience of five services.
    let run = |cancel| {
        let conduct = Conduct { cancel, attempt_timeout: ms(50), ..Conduct::default() };
        let discipline = Discipline::Fifo { slots: 1, queue: None };
        let setup = Setup { discipline, conduct, rate: 900.0, ..Setup::default() };
        let mut kernel = setup.kernel(true);
        kernel.advance(Time::ZERO + Span::from_secs(9));
        kernel.desk.tally.total(Ending::Ok) as f64 / kernel.desk.tally.arrived() as f64
    };
    // Without cancellation servers work for those who have left: next to nothing is in time.
    let (cancelled, wasted) = (run(true), run(false));
    assert!(cancelled > 0.5, "{cancelled}");
    assert!(wasted < 0.15, "{wasted}");
}

#[test]
fn a_hedge_takes_the_faster_answer() {
    let run = |hedge| {
        let conduct = Conduct { hedge, cancel: true, ..Conduct::default() };
        let setup = Setup { conduct, rate: 400.0, ..Setup::default() };
        let mut kernel = setup.kernel(true);
        kernel.advance(Time::ZERO + Span::from_secs(20));
        let retried = kernel.desk.tally.retried as f64 / kernel.desk.tally.arrived() as f64;
        (kernel.desk.tally.latency(Period::Before).quantile_secs(0.99), retried)
    };
    let (plain, none) = run(None);
    let after = HedgeAfter::Span(ms(20));
    let (hedged, extra) = run(Some(Hedge { after, most: 1 }));
    // Exponential services of 10 ms (13 of the new version) with hardly a queue: 20 ms is passed
    // by e^-2 to e^-1.5 of them.
    assert_eq!(none, 0.0);
    assert!((0.1..0.3).contains(&extra), "{extra}");
    assert!(hedged < 0.75 * plain, "{hedged} {plain}");
    // A quantile of the latencies finds its own delay: 5 % more attempts.
    let (_, extra) = run(Some(Hedge { after: HedgeAfter::Quantile(0.95), most: 1 }));
    assert!((0.02..0.06).contains(&extra), "{extra}");
}

#[test]
fn budgets_bound_what_retries_add() {
    let run = |budget| {
        let conduct = Conduct {
            attempt_timeout: ms(20),
            retry_on: RetryOn::of(RetryCause::ALL),
            budget,
            ..Conduct::default()
        };
        let setup = Setup { attempts: 10, conduct, rate: 1_200.0, ..Setup::default() };
        let mut kernel = setup.kernel(true);
        kernel.advance(Time::ZERO + Span::from_secs(10));
        kernel.desk.tally.retried as f64 / kernel.desk.tally.arrived() as f64
    };
    assert!(run(None) > 4.0);
    let ratio = Budget::Ratio { ratio: Share(0.1), ttl: Span::from_secs(10), least: Rate(1.0) };
    let bounded = run(Some(ratio));
    assert!((0.09..0.115).contains(&bounded), "{bounded}");
    // A fifth of what is in flight: hardly more than a fifth of all.
    let active = run(Some(Budget::Active { share: Share(0.2), least: 0 }));
    assert!((0.15..0.35).contains(&active), "{active}");
}

/// Users who think 90 ms and are served in 10 without waiting ask ten times a second each.
#[test]
fn users_ask_again_after_they_have_thought() {
    let users = Some((40, 9e7));
    let setup = Setup { rate: 0.0, users, nodes: 3, ..Setup::default() };
    let mut kernel = setup.kernel(true);
    kernel.advance(Time::ZERO + Span::from_secs(100));
    let rate = kernel.desk.tally.arrived() as f64 / 100.0;
    // Half of the servers need 13 ms; waiting is rare.
    assert!((rate / (40.0 / 0.1015) - 1.0).abs() < 0.03, "{rate}");
    // Whatever happens, nobody asks twice at once.
    assert!((0..SERVERS).map(|s| kernel.in_flight(s, Time::ZERO)).sum::<u32>() <= 40);
}

#[test]
fn pools_reuse_and_storm() {
    let pool = Some(Pool { max: 100, idle_timeout: Span::MAX, max_requests: None });
    let conduct = Conduct {
        pool,
        connect: Dist::Fixed(ms(3)),
        handshake: ms(2),
        retry_on: RetryOn::FAST,
        ..Conduct::default()
    };
    let setup = Setup { conduct, nodes: 2, ..Setup::default() };
    let mut kernel = setup.kernel(true);
    let at = |secs| Time::ZERO + Span::from_secs(secs);
    kernel.advance(at(3));
    let before = kernel.opened();
    assert!((6..200).contains(&before), "as many as there ever were at once: {before}");
    // All servers restart in place: each connection is reset once, then made anew.
    for server in 0..SERVERS {
        kernel.kill(server, at(3));
        kernel.open(server, at(3), true);
    }
    kernel.advance(at(6));
    let resets = kernel.desk.tally.total(Ending::Reset);
    assert!(resets > 6 && resets <= before, "{resets} of {before}");
    assert!(kernel.opened() > before + 6);
}

#[test]
fn sessions_stay_until_their_server_is_gone() {
    let sticky = Some(Sticky { sessions: 300, cookie: true, length: Span::MAX });
    let conduct = Conduct { sticky, ..Conduct::default() };
    let setup = Setup { conduct, nodes: 2, timeout: Span::from_secs(60), ..Setup::default() };
    let mut kernel = setup.kernel(true);
    let at = |millis| Time::ZERO + ms(millis);
    kernel.leave(0, 5);
    kernel.leave(1, 5);
    kernel.advance(at(3_000));
    // A server that comes late gets nobody: all 300 have found theirs.
    kernel.join(0, 5, 1.0);
    kernel.join(1, 5, 1.0);
    kernel.advance(at(6_000));
    assert_eq!(kernel.desk.servers[5].served, 0);
    // Those of a server that goes are spread over the other five.
    let served = kernel.desk.servers[2].served;
    kernel.leave(0, 2);
    kernel.leave(1, 2);
    kernel.advance(at(9_000));
    assert_eq!(kernel.desk.servers[2].served, served);
    let share = kernel.desk.servers[5].served as f64 / (3.0 * 800.0);
    assert!((0.01..0.08).contains(&share), "a fifth of a fifth: {share}");
}
