//! The one integration-test binary: one link, one place for helpers.

mod cli;
mod clients;
mod determinism;
mod docker;
mod failures;
mod faults;
mod fit;
mod fleets;
mod imports;
mod judges;
mod kubectl;
mod manual;
mod outputs;
mod planes;
mod production;
mod readme;
mod slurm;
mod strategies;
mod support;
mod sweep;
mod theory;
mod tidy;
mod verify;
mod world;
