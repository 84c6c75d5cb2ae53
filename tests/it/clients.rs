//! What clients do beyond one attempt for each request: stories, closed forms, books.

use std::path::Path;

use proptest::prelude::*;
use rollcast::exact::pinned::{after_batches, unended, unrenewed};
use rollcast::scenario::conduct::{
    Backoff, Budget, Hedge, HedgeAfter, Jitter, Pool, RetryCause, RetryOn, Sticky,
};
use rollcast::scenario::pieces::Users;
use rollcast::scenario::{
    Algorithm, Conduct, Discipline, Dist, Override, Protocol, Scenario, Warmup, load,
};
use rollcast::sim::Depth;
use rollcast::sim::steady::{Steady, SteadyFleet};
use rollcast::study::storm::{Clients, boundary, map};
use rollcast::trace::{Ending, Record};
use rollcast::units::{Rate, Share, Span};

use crate::world::any::{self, Plan};
use crate::world::books::{Books, play};

const fn ms(millis: u64) -> Span {
    Span::from_millis(millis)
}

fn story(name: &str, change: Option<(&str, &str)>) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let set = change.map(|(key, value)| Override {
        flag: format!("--set {key}={value}"),
        key: key.to_owned(),
        value: value.to_owned(),
        append: false,
    });
    let set: Vec<Override> = set.into_iter().collect();
    load(&text, name, Path::new("."), &set).unwrap().scenario
}

/// Attempts per request, and the share of requests that fail in the last minute.
fn amplified(change: Option<(&str, &str)>) -> (f64, f64) {
    let (records, end) = play(&story("retry-storm.toml", change), 0, Depth::Requests);
    let (mut all, mut ok) = (0, 0);
    for (at, record) in &records {
        if let Record::Window { counts } = record
            && *at + Span::from_secs(60) > end
        {
            all += counts.iter().flat_map(|c| c.ended).sum::<u32>();
            ok += counts.iter().map(|c| c.ended[Ending::Ok as usize]).sum::<u32>();
        }
    }
    let books = Books::of(&records);
    (books.attempts as f64 / books.arrived as f64, 1.0 - f64::from(ok) / f64::from(all))
}

#[test]
fn a_retry_storm_outlives_its_rollout_unless_retries_are_bounded() {
    let (attempts, failed) = amplified(None);
    assert!(attempts > 1.5 && failed > 0.5, "{attempts} {failed}");
    for cure in
        [("clients.retries.budget", "10%"), ("clients.cancel", "true"), ("strategy.batch", "2")]
    {
        let (attempts, failed) = amplified(Some(cure));
        assert!(attempts < 1.2 && failed < 0.01, "{cure:?}: {attempts} {failed}");
    }
}

/// Load of each instance after the rollout, relative to the mean.
fn loads_after(change: Option<(&str, &str)>) -> Vec<f64> {
    let (records, _) = play(&story("pinned-connections.toml", change), 0, Depth::Requests);
    let totals = records.iter().find_map(|(_, record)| match record {
        Record::Totals { served_after, .. } => Some(served_after.clone()),
        _ => None,
    });
    let served: Vec<f64> = totals.unwrap().into_iter().map(|(_, n)| n as f64).collect();
    let mean = served.iter().sum::<f64>() / served.len() as f64;
    served.into_iter().map(|served| served / mean).collect()
}

#[test]
fn who_comes_last_idles_until_connections_are_made_anew() {
    let pinned = loads_after(None);
    assert_eq!(pinned.len(), 10);
    assert!(pinned[9] == 0.0 && pinned.iter().any(|load| *load > 1.5), "{pinned:?}");
    let aged = loads_after(Some(("clients.max_connection_age", "20s")));
    assert!(aged.iter().all(|load| (0.5..1.5).contains(load)), "{aged:?}");
}

const SERVERS: u32 = 10;
const CONNECTIONS: u32 = 2000;

fn fleet(protocol: Protocol, conduct: Conduct) -> SteadyFleet {
    SteadyFleet::new(&Steady {
        servers: SERVERS,
        discipline: Discipline::Fifo { slots: 64, queue: None },
        service: Dist::Fixed(Span(100_000)),
        warmup: Warmup::None,
        rate: Rate(32_000.0),
        algorithm: Algorithm::Random,
        timeout: Span::from_secs(10),
        retries: (3, Dist::Fixed(Span::ZERO)),
        protocol,
        conduct,
        ..Steady::default()
    })
}

/// Loads over the next second, relative to the mean.
fn loads(fleet: &mut SteadyFleet) -> Vec<f64> {
    let before: Vec<u64> = (0..SERVERS).map(|server| fleet.served(server)).collect();
    fleet.run(Span::from_secs(1));
    let served = (0..SERVERS).zip(before).map(|(server, before)| fleet.served(server) - before);
    let served: Vec<f64> = served.map(|served| served as f64).collect();
    let mean = served.iter().sum::<f64>() / f64::from(SERVERS);
    served.into_iter().map(|served| served / mean).collect()
}

/// Where connections are, by server and by the step in which they were made last.
fn made_last() -> Vec<Vec<f64>> {
    let n = SERVERS as usize;
    let mut loads = vec![vec![0.0; n + 1]; n];
    for server in &mut loads {
        server[0] = 1.0;
    }
    for step in 0..n {
        let freed: f64 = loads[step].iter().sum();
        loads[step].fill(0.0);
        for (_, server) in loads.iter_mut().enumerate().filter(|(place, _)| *place != step) {
            server[step + 1] += freed / (n - 1) as f64;
        }
    }
    loads
}

/// The skew after a rollout in ones is that of the closed form, stays while connections live, and
/// is gone once they have been made anew.
#[test]
fn pinned_connections_follow_their_closed_form() {
    let (age, step) = (40.0, 1.0);
    let max_age = Span::from_secs(40);
    let protocol = Protocol::PerConnection { connections: CONNECTIONS, max_age, goaway: true };
    // Streams without limit: only the engine differs from the fast loop.
    let conduct = Conduct { max_streams: Some(1_000_000), ..Conduct::default() };
    for conduct in [Conduct::default(), conduct] {
        let mut fleet = fleet(protocol, conduct);
        fleet.run(ms(500));
        for server in 0..SERVERS {
            fleet.close(server);
            fleet.run(Span::from_secs_f64(step));
            fleet.open(server, 1.0);
        }
        let made = made_last();
        let mut since = 0.0;
        for wait in [15.0, 21.0, 12.0] {
            fleet.run(Span::from_secs_f64(wait));
            since += wait + 1.0;
            let seen = loads(&mut fleet);
            // In the middle of the second that was watched.
            let left = |step_made: usize| {
                let ago = since - 0.5 + step * (SERVERS as usize + 1 - step_made) as f64;
                if step_made == 0 { 0.0 } else { unrenewed(ago, age) }
            };
            let old = |server: &[f64]| -> f64 {
                server.iter().enumerate().map(|(step, load)| load * left(step)).sum()
            };
            let renewed = 1.0 - made.iter().map(|s| old(s)).sum::<f64>() / f64::from(SERVERS);
            for (server, seen) in made.iter().zip(&seen) {
                let wanted = old(server) + renewed;
                // Each move of 200 to 300 connections is a throw of dice.
                let error = 2.0 * (wanted / f64::from(CONNECTIONS / SERVERS)).sqrt() + 0.01;
                assert!((seen - wanted).abs() < 2.5 * error, "{since}: {seen} {wanted}");
            }
            if since < 30.0 {
                let formula = after_batches(SERVERS, 1);
                let sums = made.iter().map(|server| server.iter().sum::<f64>());
                assert!(sums.zip(&formula).all(|(a, b): (f64, _)| (a - b).abs() < 1e-9));
                assert_eq!(seen[SERVERS as usize - 1], 0.0, "who came last idles");
                assert!((seen[0] - formula[0]).abs() < 0.3, "{} {}", seen[0], formula[0]);
            }
        }
    }
}

/// A server that comes late gets what sessions end meanwhile.
#[test]
fn sessions_come_to_a_late_server_as_others_end() {
    let sticky = Sticky { sessions: 4000, cookie: true, length: Span::from_secs(10) };
    let conduct = Conduct { sticky: Some(sticky), ..Conduct::default() };
    let mut fleet = fleet(Protocol::PerRequest { reuse: Share(0.0) }, conduct);
    fleet.close(9);
    fleet.run(Span::from_secs(3));
    fleet.open(9, 1.0);
    let mut since = 0.0;
    for wait in [0.0, 4.0, 9.0, 20.0] {
        fleet.run(Span::from_secs_f64(wait));
        since += wait + 1.0;
        let seen = loads(&mut fleet)[9];
        // A session that has ended is found to have ended at its next request, 1/8 s later.
        let wanted = 1.0 - unended(since - 0.5 - 0.125, 10.0);
        assert!((seen - wanted).abs() < 5.0 / 400f64.sqrt() * wanted.max(0.05).sqrt());
    }
}

/// On both sides of the border that the mean field knows, by a tenth.
#[test]
fn the_map_of_storms_has_the_border_of_the_mean_field() {
    for batch in [12, 24] {
        let border = boundary(48, batch);
        let found = map(&[batch], &[0.9 * border, 1.1 * border]);
        for cell in &found.cells {
            let storm = cell.clients == Clients::Naive && cell.load > border;
            assert_eq!(cell.outlives(), storm, "{cell:?}, border {border}");
        }
    }
}

fn conducts() -> Vec<Conduct> {
    let retry = Conduct {
        attempt_timeout: ms(200),
        retry_on: RetryOn::of(RetryCause::ALL),
        backoff: Some(Backoff { base: ms(20), factor: 2.0, max: ms(500), jitter: Jitter::Equal }),
        ..Conduct::default()
    };
    let budget = Budget::Ratio { ratio: Share(0.2), ttl: Span::from_secs(10), least: Rate(2.0) };
    vec![
        Conduct { cancel: true, ..Conduct::default() },
        retry.clone(),
        Conduct { cancel: true, budget: Some(budget), ..retry.clone() },
        Conduct {
            hedge: Some(Hedge { after: HedgeAfter::Span(ms(100)), most: 2 }),
            budget: Some(Budget::Active { share: Share(0.2), least: 3 }),
            ..retry
        },
        Conduct {
            pool: Some(Pool { max: 3, idle_timeout: ms(900), max_requests: Some(50) }),
            connect: Dist::Exponential { mean: ms(5) },
            handshake: ms(2),
            ..Conduct::default()
        },
        Conduct {
            sticky: Some(Sticky { sessions: 40, cookie: false, length: Span::from_secs(20) }),
            ..Conduct::default()
        },
        Conduct { max_streams: Some(2), connect: Dist::Fixed(ms(9)), ..Conduct::default() },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Any rollout, with clients of any kind: every request ends exactly once.
    #[test]
    fn every_request_ends_once_whatever_clients_do(
        plan in any::plan(),
        conduct in proptest::sample::select(conducts()),
        users in proptest::option::of(1u32..30),
        replication in 0u32..100,
    ) {
        let mut scenario = plan.scenario();
        if matches!(scenario.balancer.algorithm, Algorithm::Central { .. }) {
            scenario.balancer.algorithm = Algorithm::RoundRobin;
        }
        scenario.clients.conduct = conduct;
        if matches!(scenario.clients.protocol, Protocol::PerConnection { .. }) {
            let conduct = &mut scenario.clients.conduct;
            (conduct.pool, conduct.sticky) = (None, None);
        }
        let think = Dist::Exponential { mean: ms(500) };
        scenario.pieces.users = users.map(|count| Users { count, think });
        let (records, end) = play(&scenario, replication, Depth::Requests);
        let books = Books::of(&records);
        let ended = books.ended.iter().flatten().sum::<u64>();
        prop_assert!(books.arrived > 0 && books.attempts >= books.arrived);
        // Traffic stops long before the end; users never do, but each asks one thing at a time.
        prop_assert!(books.arrived >= ended);
        prop_assert!(books.arrived - ended <= u64::from(users.unwrap_or(0)));
        prop_assert_eq!(books.windows, end.0 / Plan::WINDOW.0);
        for version in 0..2 {
            let answered = books.ended[version][Ending::Ok as usize];
            prop_assert!(books.latencies[version] >= answered);
            prop_assert_eq!(books.ended[version][Ending::NoEndpoint as usize], 0);
        }
    }
}
