//! The request kernel: millions of requests between two control-plane events, without an event
//! for any of them.
//!
//! `Kernel` holds the servers, the data-plane nodes with their own membership, the arrival
//! stream and the counts. `Kernel::advance` plays all arrivals before a given instant; between
//! advances the world changes servers and memberships. The loop is compiled once per station
//! (how a server works) and policy (how a node chooses).

mod attempt;
mod cache;
mod calls;
mod central;
mod dark;
mod desk;
mod dispatch;
mod errors;
mod flaws;
mod journeys;
mod line;
mod parts;
mod routes;
mod sharing;
mod station;
mod tally;
mod throttled;
mod watch;

pub(crate) use calls::CallModel;
#[cfg(test)]
pub(in crate::sim) use desk::guard;
pub(crate) use desk::{Config, VersionModel};
pub(crate) use dispatch::Kernel;
pub(crate) use flaws::{Failing, Flaw, Leak};
pub(crate) use journeys::Habits;
pub(crate) use station::NODE_BITS;
pub(crate) use watch::Answers;

/// The most data-plane nodes that can be simulated at request level.
pub const NODES_MAX: u32 = 1 << NODE_BITS;
