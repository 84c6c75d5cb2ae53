//! rollcast rehearses rolling deployments: how long, how low, how many failed requests, what if
//! the new version is bad. `ARCHITECTURE.md` has the map of these rooms and their arrows.

pub mod balancer;
pub mod cli;
pub mod engine;
pub mod exact;
pub mod health;
pub mod judge;
pub mod lint;
pub mod outcome;
pub mod report;
pub mod scenario;
pub mod sim;
pub mod stats;
pub mod strategy;
pub mod study;
pub mod trace;
pub mod traffic;
pub mod units;
