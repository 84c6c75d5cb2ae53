//! Requests per second and core of the request kernel, beside a floor: the same random numbers,
//! transforms and histogram without any queue. Quote the ratio; wall times here are as noisy as
//! the machine.
//!
//! `cargo bench --bench kernel [-- NAME [REQUESTS]]`; under callgrind give one name.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::hint::black_box;
use std::time::Instant;

use rollcast::engine::{BLOCK, Law, Seeds, VariateBlock};
use rollcast::scenario::{Algorithm, Discipline, Dist};
use rollcast::sim::steady::{Steady, SteadyFleet};
use rollcast::trace::Histogram;
use rollcast::units::{Rate, Span};

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
