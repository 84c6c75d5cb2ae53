//! Settings of the orchestrators, each in its own words: one file an orchestrator holds its
//! settings, the keys of its table, and the defaults of other tables under it.

mod alarm;
mod analysis;
mod ansible;
mod appconfig;
mod argo_bluegreen;
mod argo_canary;
mod asg;
mod capistrano;
mod codedeploy;
mod daemonset;
mod ecs;
mod flagger;
mod generic;
mod kamal;
mod kubernetes;
mod machines;
mod mig;
mod nomad;
mod operation;
mod pods;
mod service_fabric;
mod statefulset;
mod vmss;

pub use alarm::Alarm;
pub use analysis::Analysis;
pub use ansible::{Ansible, HostOrder};
pub use appconfig::{AppConfig, Apply, Growth, Preset};
pub use argo_bluegreen::ArgoBluegreen;
pub use argo_canary::{ArgoCanary, CanaryScale, CanaryStep};
pub use asg::{Asg, Protected};
pub use capistrano::{Capistrano, Runner};
pub use codedeploy::{CodeDeploy, MinimumHealthyHosts, Zonal};
pub use daemonset::DaemonSet;
pub use ecs::{BreakerThreshold, CircuitBreaker, DeploymentAlarm, Ecs, TaskHealth};
pub use flagger::{Flagger, FlaggerProvider};
pub use generic::{Generic, OnFailure, Order, Window};
pub use kamal::Kamal;
pub use kubernetes::{AvailabilityTiming, DeploymentKind, KubernetesDeployment};
pub use mig::{Mig, MigAction, MigType, Replacement};
pub use nomad::{DelayFunction, HealthCheck, Nomad, Reschedule};
pub use operation::Operation;
pub use service_fabric::{FailureAction, ServiceFabric};
pub use statefulset::{PodManagementPolicy, StatefulSet, UpdateType};
pub use vmss::Vmss;

use super::check::Env;
use super::keys::{Default, Key, Kind, Table, key};
use super::print::Page;
use crate::units::Span;

/// What the file of an orchestrator provides.
pub(in crate::scenario) trait Settings: Sized {
    /// Its table.
    const TABLE: Table;
    /// What holds in other tables under this orchestrator, where that is not the key's own
    /// default: (`"table.key"`, value in TOML). Both versions' tables are called `versions`.
    const WORLD: &'static [(&'static str, &'static str)];

    /// From what was written, checked.
    fn read(env: &mut Env<'_>) -> Self;

    /// The keys of its table, nothing left to defaults.
    fn write(&self, page: &mut Page);

    /// For headings: `kubernetes, max_surge 25%, max_unavailable 0`.
    fn describe(&self) -> String;

    /// How long each step is watched after its instances are there.
    fn bake(&self) -> Span {
        Span::ZERO
    }

    /// The key of its table that says how long `shutdown.drain_wait` is, and how long; if it has
    /// such a key.
    fn drain_wait(&self) -> Option<(&'static str, Span)> {
        None
    }
}

macro_rules! orchestrators {
    ($($(#[doc = $doc:literal])* $name:ident($settings:ident);)*) => {
        /// Who rolls out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Orchestrator {
            $($(#[doc = $doc])* $name,)*
        }

        impl Orchestrator {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The catalogue of its table.
            pub fn table(self) -> &'static Table {
                match self {
                    $(Self::$name => &<$settings as Settings>::TABLE,)*
                }
            }

            /// Defaults of other tables under it: (`"table.key"`, value in TOML).
            pub fn world(self) -> &'static [(&'static str, &'static str)] {
                match self {
                    $(Self::$name => <$settings as Settings>::WORLD,)*
                }
            }
        }

        /// The orchestrator and its settings.
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        pub enum StrategySettings {
            $($(#[doc = $doc])* $name($settings),)*
        }

        impl StrategySettings {
            /// Whose settings these are.
            pub fn orchestrator(&self) -> Orchestrator {
                match self {
                    $(Self::$name(_) => Orchestrator::$name,)*
                }
            }

            /// For headings: `kubernetes, max_surge 25%, max_unavailable 0`.
            pub fn describe(&self) -> String {
                match self {
                    $(Self::$name(settings) => settings.describe(),)*
                }
            }

            /// How long each step is watched after its instances are there.
            pub fn bake(&self) -> Span {
                match self {
                    $(Self::$name(settings) => settings.bake(),)*
                }
            }

            /// The key of its table that says how long `shutdown.drain_wait` is, and how long.
            pub(in crate::scenario) fn drain_wait(&self) -> Option<(&'static str, Span)> {
                match self {
                    $(Self::$name(settings) => settings.drain_wait(),)*
                }
            }

            pub(in crate::scenario) fn read(of: Orchestrator, env: &mut Env<'_>) -> Self {
                match of {
                    $(Orchestrator::$name => Self::$name($settings::read(env)),)*
                }
            }

            pub(in crate::scenario) fn write(&self, page: &mut Page) {
                page.table(self.orchestrator().table().path);
                match self {
                    $(Self::$name(settings) => settings.write(page),)*
                }
            }
        }
    };
}

orchestrators! {
    /// `[strategy.kubernetes]`: a Deployment.
    Kubernetes(KubernetesDeployment);
    /// `[strategy.statefulset]`: pods with an identity, replaced from the last to the first.
    StatefulSet(StatefulSet);
    /// `[strategy.daemonset]`: a pod on every node.
    DaemonSet(DaemonSet);
    /// `[strategy.generic]`: batches or a sliding window.
    Generic(Generic);
    /// `[strategy.asg]`: an EC2 Auto Scaling instance refresh.
    Asg(Asg);
    /// `[strategy.mig]`: a Google Cloud managed instance group.
    Mig(Mig);
    /// `[strategy.vmss]`: an Azure VM Scale Set rolling upgrade.
    Vmss(Vmss);
    /// `[strategy.service_fabric]`: a Service Fabric monitored upgrade.
    ServiceFabric(ServiceFabric);
    /// `[strategy.ansible]`: a play over hosts, in batches.
    Ansible(Ansible);
    /// `[strategy.kamal]`: containers behind a proxy on each host.
    Kamal(Kamal);
    /// `[strategy.capistrano]`: a restart over SSH.
    Capistrano(Capistrano);
    /// `[strategy.appconfig]`: a share of the targets that grows with time.
    AppConfig(AppConfig);
    /// `[strategy.nomad]`: a Nomad service job.
    Nomad(Nomad);
    /// `[strategy.ecs]`: a rolling update of an Amazon ECS service.
    Ecs(Ecs);
    /// `[strategy.codedeploy]`: an in-place deployment of AWS CodeDeploy.
    CodeDeploy(CodeDeploy);
    /// `[strategy.argo_canary]`: an Argo Rollout, canary.
    ArgoCanary(ArgoCanary);
    /// `[strategy.argo_bluegreen]`: an Argo Rollout, blue-green.
    ArgoBluegreen(ArgoBluegreen);
    /// `[strategy.flagger]`: a Flagger Canary.
    Flagger(Flagger);
}

impl Orchestrator {
    /// Its name in files: `kubernetes` of `[strategy.kubernetes]`.
    pub fn name(self) -> &'static str {
        let path = self.table().path;
        path.strip_prefix("strategy.").unwrap_or(path)
    }

    /// What it makes of another table's key; `None`: the key's own default.
    pub fn default_of(self, table: &str, key: &str) -> Option<&'static str> {
        let table = if table.starts_with("versions.") { "versions" } else { table };
        let is_it = |path: &str| path.split_once('.') == Some((table, key));
        self.world().iter().find(|(path, _)| is_it(path)).map(|(_, value)| *value)
    }
}
