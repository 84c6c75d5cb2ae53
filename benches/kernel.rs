//! Requests per second and core of the request kernel, beside a floor: the same random numbers,
//! transforms and histogram without any queue. Quote the ratio; wall times here are as noisy as
//! the machine.
//!
//! `cargo bench --bench kernel [-- NAME [REQUESTS]]`; under callgrind give one name.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::hint::black_box;
use std::time::Instant;

use rollcast::engine::{BLOCK, Law, Seeds, VariateBlock};
use rollcast::scenario::conduct::{
    Backoff, Budget, Hedge, HedgeAfter, Jitter, Pool, RetryCause, RetryOn, Sticky,
};
use rollcast::scenario::{Algorithm, Conduct, Discipline, Dist, Protocol};
use rollcast::sim::steady::{Steady, SteadyFleet};
use rollcast::trace::Histogram;
use rollcast::units::{Rate, Share, Span};

const MEAN: f64 = 0.01;

/// The fleet of the design: `servers` × 4 slots at utilisation 0.7, lognormal service (cv 1).
fn fleet(servers: u32, nodes: u32, algorithm: Algorithm) -> Steady {
    Steady {
        servers,
        nodes,
        algorithm,
        discipline: Discipline::Fifo { slots: 4, queue: None },
        service: Dist::lognormal_mean_sd(MEAN, MEAN),
        rate: Rate(0.7 * 4.0 * f64::from(servers) / MEAN),
        timeout: Span::from_secs(1),
        ..Steady::default()
    }
}

/// The same fleet with clients that do all they can: attempts time out and are cancelled, retries
/// back off within a budget, slow requests are hedged, connections are kept and sessions stay.
fn journeys(servers: u32, nodes: u32, pinned: bool) -> Steady {
    let mut conduct = Conduct {
        attempt_timeout: Span::from_millis(80),
        cancel: true,
        retry_on: RetryOn::of(RetryCause::ALL),
        backoff: Some(Backoff {
            base: Span::from_millis(20),
            factor: 2.0,
            max: Span::from_secs(1),
            jitter: Jitter::Full,
        }),
        budget: Some(Budget::Ratio {
            ratio: Share(0.1),
            ttl: Span::from_secs(10),
            least: Rate(10.0),
        }),
        hedge: Some(Hedge { after: HedgeAfter::Quantile(0.95), most: 1 }),
        connect: Dist::Fixed(Span::from_millis(1)),
        handshake: Span::from_millis(1),
        ..Conduct::default()
    };
    let mut protocol = Protocol::PerRequest { reuse: Share(0.0) };
    if pinned {
        conduct.max_streams = Some(100);
        let max_age = Span::from_secs(5);
        protocol = Protocol::PerConnection { connections: 64, max_age, goaway: true };
    } else {
        let idle_timeout = Span::from_secs(60);
        conduct.pool = Some(Pool { max: 100, idle_timeout, max_requests: Some(1000) });
        let length = Span::from_secs(60);
        conduct.sticky = Some(Sticky { sessions: 20_000, cookie: true, length });
    }
    let p2c = Algorithm::PowerOfChoices { choices: 2 };
    Steady {
        conduct,
        protocol,
        errors: Share(0.001),
        retries: (3, Dist::Fixed(Span::ZERO)),
        ..fleet(servers, nodes, p2c)
    }
}

/// Only a timeout of attempts: what the engine costs by itself.
fn plain_journeys(servers: u32) -> Steady {
    let attempt_timeout = Span::from_millis(500);
    let conduct = Conduct { attempt_timeout, ..Conduct::default() };
    Steady { conduct, ..fleet(servers, 1, Algorithm::PowerOfChoices { choices: 2 }) }
}

/// Seconds for `requests` requests.
fn time_fleet(steady: &Steady, requests: f64) -> f64 {
    let mut fleet = SteadyFleet::new(steady);
    fleet.run(Span::from_secs_f64(0.05 * requests / steady.rate.0));
    fleet.measure_from_now();
    let begin = Instant::now();
    fleet.run(Span::from_secs_f64(requests / steady.rate.0));
    let seconds = begin.elapsed().as_secs_f64();
    black_box(fleet.latency());
    seconds * requests / fleet.arrived() as f64
}

/// Seconds for the floor.
fn time_floor(requests: f64) -> f64 {
    let seeds = Seeds::new(1, 0);
    let sigma = libm::log(2.0f64).sqrt();
    let mu = libm::log(MEAN * 1e9) - sigma * sigma / 2.0;
    let mut gaps = VariateBlock::new(Law::Exponential(1e9 / 2800.0), seeds.stream(1, 0));
    let mut services = VariateBlock::new(Law::LogNormal { mu, sigma }, seeds.stream(2, 0));
    let mut picks = seeds.stream(3, 0);
    let mut bits = [0u64; BLOCK];
    let mut histogram = Histogram::default();
    let (mut now, mut mixed) = (0u64, 0u64);
    let begin = Instant::now();
    for _ in 0..(requests / BLOCK as f64) as u64 {
        gaps.refill();
        services.refill();
        picks.fill(&mut bits);
        for ((gap, bits), service) in gaps.values.iter().zip(&bits).zip(&services.values) {
            now += *gap as u64;
            mixed ^= bits;
            histogram.add(*service as u64);
        }
    }
    black_box((now, mixed, &histogram));
    begin.elapsed().as_secs_f64()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let chosen = arguments.first();
    let requests: f64 = arguments.get(1).map_or(2e7, |n| n.parse().expect("a number"));
    let p2c = Algorithm::PowerOfChoices { choices: 2 };
    let cases = [
        ("round_robin/10", fleet(10, 1, Algorithm::RoundRobin)),
        ("round_robin/1000", fleet(1000, 1, Algorithm::RoundRobin)),
        ("random/1000", fleet(1000, 1, Algorithm::Random)),
        ("p2c/10", fleet(10, 1, p2c)),
        ("p2c/1000", fleet(1000, 1, p2c)),
        ("p2c/100000", fleet(100_000, 1, p2c)),
        ("p2c/1000/16nodes", fleet(1000, 16, p2c)),
        ("least/10", fleet(10, 1, Algorithm::LeastOutstanding)),
        ("least/1000", fleet(1000, 1, Algorithm::LeastOutstanding)),
        ("timeout/10", plain_journeys(10)),
        ("journeys/10", journeys(10, 1, false)),
        ("journeys/10/4nodes", journeys(10, 4, false)),
        ("journeys/100", journeys(100, 1, false)),
        ("journeys/100/4nodes", journeys(100, 4, false)),
        ("pinned/10/4nodes", journeys(10, 4, true)),
        ("pinned/100/4nodes", journeys(100, 4, true)),
    ];
    if arguments.get(2).is_some_and(|word| word == "once") {
        // Under an instruction counter: one fleet, nothing else.
        for (name, steady) in &cases {
            if chosen.is_some_and(|chosen| chosen == name) {
                time_fleet(steady, requests);
            }
        }
        return;
    }
    println!("{:<20} {:>9} {:>8} {:>9}", "case", "ns/req", "M/s", "x floor");
    for (name, steady) in cases {
        if chosen.is_some_and(|chosen| chosen != name) {
            continue;
        }
        // Interleaved, the best of three: noise only ever adds.
        let mut floor = f64::INFINITY;
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            floor = floor.min(time_floor(requests));
            best = best.min(time_fleet(&steady, requests));
        }
        let nanos = best / requests * 1e9;
        println!("{name:<20} {nanos:>9.1} {:>8.1} {:>9.2}", 1e3 / nanos, best / floor);
    }
}
