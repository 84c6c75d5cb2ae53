//! Pieces of the world that are there only if their table is written: one file a piece holds what
//! it is, the keys of its table, its checks and its way back into a file.
//!
//! A scenario without a piece is played as if the piece did not exist.

mod autoscaler;
mod cache;
mod change;
mod data_plane;
mod defect;
mod dependency;
mod drains;
mod fault;
mod judge;
mod liveness;
mod migration;
mod prices;
mod queue;
mod quorum;
mod quota;
mod release;
mod streams;
mod users;

#[cfg(test)]
pub(crate) use autoscaler::SCALED;
pub use autoscaler::{Autoscaler, DownRule, UpRule};
pub use cache::Cache;
pub use change::{Change, ChangeKind, Reload};
pub use data_plane::{
    Checks, DataPlane, Discovery, Dns, Outlier, Panic, Preset, Row, Sidecar, SlowStart, SuccessRate,
};
pub use defect::{Defect, Mix, Until, Wrong};
pub use dependency::{Dependency, Failure, Over};
pub use drains::{Budget, Drains};
pub use fault::{Fault, Notice, Occasion, Trouble, Whose};
pub use judge::{ErrorLaw, Judge, JudgeKind, Metric, OnFail, Over as FailuresOver};
pub use liveness::{Liveness, Startup};
pub use migration::{Migration, When};
pub use prices::Prices;
pub use queue::{Queue, Redelivery};
pub use quorum::Quorum;
pub use quota::Quota;
pub use release::Release;
pub use streams::{OnDrain, StreamDemand, Streams};
pub use users::Users;

use super::check::Env;
use super::keys::{Default, Key, Kind, Table, key};
use super::print::Page;

/// The most defects that a scenario may have.
pub const MANY_DEFECTS: usize = 16;

/// What the file of a piece provides.
pub(in crate::scenario) trait Piece: Sized {
    /// Its table; `name.*` if there may be several, each with a name of its own.
    const TABLE: Table;

    /// From what was written in the table at `path`, checked; only called if there is one.
    fn read(env: &mut Env<'_>, path: &str) -> Self;

    /// The keys of its table, nothing left to defaults.
    fn write(&self, page: &mut Page);
}

/// A piece of which there may be several.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Named<T> {
    /// `postgres` of `[dependencies.postgres]`.
    pub name: String,
    /// What was written there.
    pub piece: T,
}

macro_rules! pieces {
    (
        one { $($(#[doc = $one_doc:literal])* $one:ident: $One:ident;)* }
        many { $($(#[doc = $many_doc:literal])* $many:ident: $Many:ident;)* }
    ) => {
        /// The pieces of a scenario.
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
        pub struct Pieces {
            $($(#[doc = $one_doc])* pub $one: Option<$One>,)*
            $($(#[doc = $many_doc])* pub $many: Vec<Named<$Many>>,)*
        }

        /// The tables of all pieces, in the order in which files should show them.
        pub(crate) const TABLES: &[Table] =
            &[$($One::TABLE,)* $($Many::TABLE,)*];

        impl Pieces {
            pub(in crate::scenario) fn read(env: &mut Env<'_>) -> Self {
                Self {
                    $($one: env.is_there($One::TABLE.path)
                        .then(|| $One::read(env, $One::TABLE.path)),)*
                    $($many: env.names_of($Many::TABLE.path)
                        .into_iter()
                        .map(|(name, path)| Named { name, piece: $Many::read(env, &path) })
                        .collect(),)*
                }
            }

            pub(in crate::scenario) fn write(&self, page: &mut Page) {
                $(if let Some(piece) = &self.$one {
                    page.table($One::TABLE.path);
                    piece.write(page);
                })*
                $(for Named { name, piece } in &self.$many {
                    page.named_table($Many::TABLE.path, name);
                    piece.write(page);
                })*
            }
        }
    };
}

pieces! {
    one {
        /// `[autoscaler]`: somebody else who changes how many instances are wanted.
        autoscaler: Autoscaler;
        /// `[data_plane]`: how nodes come to know of instances, and whom they leave out.
        data_plane: DataPlane;
        /// `[streams]`: connections that live long.
        streams: Streams;
        /// `[queue]`: the fleet takes messages instead of answering requests.
        queue: Queue;
        /// `[quorum]`: the service answers only while enough of its members vote.
        quorum: Quorum;
        /// `[cache]`: what each instance keeps near, and a fresh one lacks.
        cache: Cache;
        /// `[quota]`: how many instances there may be.
        quota: Quota;
        /// `[drains]`: hosts are emptied one after the other.
        drains: Drains;
        /// `[liveness]`: a probe that ends processes.
        liveness: Liveness;
        /// `[startup]`: a probe before the others.
        startup: Startup;
        /// `[users]`: a closed loop of requests.
        users: Users;
        /// `[change]`: what is rolled out, if it is no image.
        change: Change;
        /// `[migration]`: a change of the data that belongs to the rollout.
        migration: Migration;
        /// `[prices]`: what a rollout costs.
        prices: Prices;
        /// `[release]`: how often a release is bad.
        release: Release;
    }
    many {
        /// `[dependencies.NAME]`: what the service needs to answer.
        dependencies: Dependency;
        /// `[defects.NAME]`: what may be wrong with the new version.
        defects: Defect;
        /// `[faults.NAME]`: what breaks around it.
        faults: Fault;
        /// `[judges.NAME]`: who watches the new version's metrics, and stops a bad one.
        judges: Judge;
    }
}
