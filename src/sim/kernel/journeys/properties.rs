//! Whatever clients do and whatever is done to servers, the books balance.

use proptest::prelude::*;

use super::Journeys;
use super::tests::{ALGORITHMS, SERVERS, Setup, endings, ms, play};
use crate::scenario::conduct::{
    Backoff, Budget, Hedge, HedgeAfter, Jitter, Pool, RetryCause, RetryOn, Sticky,
};
use crate::scenario::{Conduct, Discipline, Dist, Protocol, Warmup};
use crate::sim::kernel::Kernel;
use crate::sim::kernel::desk::guard;
use crate::units::{Rate, Share, Span, Time};

fn journeys(kernel: &Kernel) -> &Journeys {
    kernel.journeys.as_ref().expect("a kernel with habits")
}

fn conduct() -> impl Strategy<Value = Conduct> {
    let timeout = prop_oneof![Just(Span::MAX), (5u64..200).prop_map(ms)];
    let causes = (0u8..64).prop_map(|bits| {
        let is_in = |cause: &RetryCause| bits >> (*cause as u8) & 1 == 1;
        RetryOn::of(RetryCause::ALL.into_iter().filter(is_in))
    });
    let jitter = prop_oneof![Just(Jitter::Full), Just(Jitter::Equal), Just(Jitter::None)];
    let backoff = proptest::option::of((1u64..50, jitter).prop_map(|(base, jitter)| Backoff {
        base: ms(base),
        factor: 2.0,
        max: ms(200),
        jitter,
    }));
    let budget = proptest::option::of(prop_oneof![
        (0.0f64..0.5).prop_map(|ratio| Budget::Ratio {
            ratio: Share(ratio),
            ttl: Span::from_secs(10),
            least: Rate(3.0),
        }),
        (0.0f64..0.5).prop_map(|share| Budget::Active { share: Share(share), least: 2 }),
    ]);
    let after = prop_oneof![
        (1u64..60).prop_map(|after| HedgeAfter::Span(ms(after))),
        Just(HedgeAfter::Quantile(0.9)),
    ];
    let hedge =
        proptest::option::of((after, 1u32..=3).prop_map(|(after, most)| Hedge { after, most }));
    let pool =
        proptest::option::of((0u32..5, 1u64..500, 1u32..20).prop_map(|(max, idle, requests)| {
            Pool { max, idle_timeout: ms(idle), max_requests: Some(requests) }
        }));
    let sticky =
        proptest::option::of((1u32..60, any::<bool>(), 50u64..5000).prop_map(
            |(sessions, cookie, length)| Sticky { sessions, cookie, length: ms(length) },
        ));
    let opening = (0u64..20, 0u64..10, proptest::option::of(1u32..4));
    (timeout, any::<bool>(), causes, backoff, budget, hedge, pool, sticky, opening).prop_map(
        |(attempt_timeout, cancel, retry_on, backoff, budget, hedge, pool, sticky, opening)| {
            let (connect, handshake, max_streams) = opening;
            Conduct {
                attempt_timeout,
                cancel,
                retry_on,
                backoff,
                budget,
                hedge,
                pool,
                connect: Dist::Fixed(ms(connect)),
                handshake: ms(handshake),
                max_streams,
                sticky,
            }
        },
    )
}

fn setup() -> impl Strategy<Value = Setup> {
    let discipline = prop_oneof![
        (1u32..4, proptest::option::of(0u32..8))
            .prop_map(|(slots, queue)| Discipline::Fifo { slots, queue }),
        (0.5f64..3.0, proptest::option::of(1u32..20))
            .prop_map(|(cores, limit)| Discipline::Sharing { cores, limit }),
    ];
    // Below the cores it is a quota.
    let discipline = (discipline, proptest::option::of(0.2f64..2.0));
    let age = prop_oneof![Just(Span::MAX), (50u64..2000).prop_map(ms)];
    let protocol = prop_oneof![
        (0.0f64..1.0).prop_map(|reuse| Protocol::PerRequest { reuse: Share(reuse) }),
        (1u32..6, age, any::<bool>()).prop_map(|(connections, max_age, goaway)| {
            Protocol::PerConnection { connections, max_age, goaway }
        }),
    ];
    let users = proptest::option::of((1u32..50, 1e6f64..1e8));
    let shape = (proptest::sample::select(&ALGORITHMS[..]), discipline, 1u32..4, protocol);
    let warmup = prop_oneof![
        Just(Warmup::None),
        Just(Warmup::Requests { scale: 40.0, slowdown: 4.0 }),
        Just(Warmup::Time { scale: ms(500), slowdown: 4.0 }),
    ];
    let rest = (20u64..1500, 1u32..5, 0.0f64..0.5, warmup, 1.0f64..1500.0, any::<u64>());
    (shape, conduct(), users, rest).prop_map(|(shape, conduct, users, rest)| {
        let (algorithm, (discipline, cpu_limit), nodes, protocol) = shape;
        let (timeout, attempts, errors, warmup, rate, seed) = rest;
        let timeout = ms(timeout);
        let mut conduct = conduct;
        if matches!(protocol, Protocol::PerConnection { .. }) {
            (conduct.pool, conduct.sticky) = (None, None);
        }
        Setup {
            algorithm,
            discipline,
            cpu_limit,
            nodes,
            protocol,
            timeout,
            attempts,
            conduct,
            users,
            errors,
            warmup,
            rate,
            seed,
        }
    })
}

/// What may be done to a kernel between two advances.
fn meddle(kernel: &mut Kernel, now: Time, what: u8, server: u32, nodes: u32) {
    let goodbye = server.is_multiple_of(2);
    match what {
        0 => kernel.kill(server, now),
        1 => kernel.close(server, goodbye),
        2 | 3 => kernel.open(server, now, goodbye),
        4 | 5 => {
            for node in 0..nodes {
                if !kernel.is_member(node, server) {
                    kernel.join(node, server, 1.0);
                }
            }
        }
        6 => (0..nodes).for_each(|node| kernel.leave(node, server)),
        7 => kernel.route(server % nodes, 300_000),
        8 => kernel.leave(server % nodes, server),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Whatever clients do and whatever is done to servers: every request ends exactly once or
    /// is still there, every open connection belongs to a node and a server that serves, and no
    /// work is forgotten.
    #[test]
    fn the_books_balance(
        setup in setup(),
        steps in prop::collection::vec((1u64..600, 0u8..11, 0u32..SERVERS), 1..60),
    ) {
        let mut kernel = setup.kernel(true);
        let mut now = Time::ZERO;
        for (wait, what, server) in steps {
            now += ms(wait);
            kernel.advance(now);
            meddle(&mut kernel, now, what, server, setup.nodes);
            let unfinished = journeys(&kernel).unfinished() as u64;
            let ended: u64 = endings(&kernel).iter().sum();
            prop_assert_eq!(kernel.desk.tally.arrived(), ended + unfinished);
            for (node, server) in journeys(&kernel).open_pairs() {
                prop_assert!(node < setup.nodes);
                let guard = kernel.desk.servers[server as usize].guard;
                prop_assert!(guard & guard::CLOSED == 0, "{} has a connection to {}", node, server);
            }
            journeys(&kernel).check();
            for server in 0..SERVERS {
                let idle = kernel.idle_at(server, now);
                prop_assert!(idle >= now);
                prop_assert_eq!(idle > now, kernel.in_flight(server, now) > 0);
            }
        }
        // All who wait have their answer, or have left, once nobody asks any more.
        kernel.journeys.as_mut().expect("habits").retire();
        now = now.max(Time::ZERO + Span::from_secs(10)) + setup.timeout + ms(1);
        kernel.advance(now);
        prop_assert_eq!(journeys(&kernel).unfinished(), 0);
        journeys(&kernel).check();
        let tally = &kernel.desk.tally;
        prop_assert_eq!(tally.arrived(), endings(&kernel).iter().sum::<u64>());
        if setup.attempts == 1 && setup.conduct.hedge.is_none() {
            prop_assert_eq!(tally.retried, 0);
        }
    }

    #[test]
    fn the_same_seed_is_the_same_run(setup in setup()) {
        let run = |kernel: &mut Kernel| {
            play(kernel);
            (endings(kernel), kernel.desk.tally.retried, kernel.opened())
        };
        let mut kernel = setup.kernel(true);
        prop_assert_eq!(run(&mut kernel), run(&mut setup.kernel(true)));
    }
}
