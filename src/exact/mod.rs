//! Exact answers for the Markov cases: the oracle of the tests, and an instant answer.
//!
//! Rates are per unit of time and times in the same unit, whichever the caller chooses; with
//! rates per second all times are seconds. Formulas follow the usual names: λ arrival rate,
//! μ service rate of one server, ρ utilisation.

pub mod absorbing;
pub mod ctmc;
pub mod drain;
pub mod exposure;
pub mod join;
pub mod makespan;
pub mod pinned;
pub mod retry;
pub mod rolling;
pub mod single;
pub mod sliding;
pub mod staffing;
pub mod starts;
pub mod stationary;

mod normal;
mod root;

pub use ctmc::{BirthDeath, Transient};
pub use join::{Join, JoinAtRest};
pub use makespan::Lognormal;
pub use rolling::{HardKill, Lost, Rolling, Waiting};
pub use sliding::{SlidingLoss, SlidingWindow};
pub use starts::{SharedCore, Wave, shared_ends};
pub use stationary::{Mmc, Mmck};
