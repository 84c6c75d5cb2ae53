//! Kamal: containers booted host by host, each behind a proxy of its host.
//!
//! # Source
//! basecamp/kamal `eee0083`: `cli/app.rb`, `cli/app/boot.rb`, `cli/healthcheck/*`,
//! `configuration/{boot,proxy,role}.rb`; basecamp/kamal-proxy `d929067`:
//! `server/{target,load_balancer,service}.go`.
//!
//! # Rules
//! - Hosts are taken in groups of `boot_limit`, in order: a count, or a percentage of all hosts,
//!   rounded down and at least 1. Without a limit all hosts are one group.
//! - In a group each host works for itself: start the new container beside the old one; when it
//!   is healthy the host's proxy sends new requests to it alone; requests in flight in the old
//!   one may finish for `drain_timeout`, then they are cancelled; the old container is stopped.
//! - Healthy, behind the proxy, is one passed check. Without a proxy it is a container that has
//!   run for `readiness_delay`.
//! - Hosts of other roles than the primary one wait at a *barrier* before they start anything:
//!   it opens when the first primary container is healthy, for the whole deploy. If a primary
//!   container fails first, they boot nothing and fail too.
//! - A container that crashes or is not healthy `deploy_timeout` after its start has failed: it is
//!   stopped, and the old one goes on serving there. The other hosts of the group are still
//!   brought to their end, then the deploy has failed: later groups keep the old version, earlier
//!   ones keep the new one.
//! - After *every* group, the last one too, `boot_wait` is waited.
//! - Nothing is rolled back by itself. A rollback from outside ends the deploy at once and boots
//!   the old version's retained container the same way, on every host.
//!
//! # Settings and defaults
//! `boot_limit` (none), `boot_wait` (0), `deploy_timeout` (30 s), `drain_timeout` (30 s),
//! `readiness_delay` (7 s), `proxy` (yes), `primary` (all hosts). The world's defaults are the
//! proxy's check every second with 5 s for the answer, and 10 s from SIGTERM to SIGKILL; what is
//! in flight at SIGTERM is cut, because the proxy has cancelled it by then.
//!
//! # Known surprises
//! - Without `boot_limit` every host runs both versions at once for a while, and one bad release
//!   meets all hosts (none loses its old container).
//! - A failed deploy leaves two versions in service for as long as nobody acts.
//! - 30 s of `deploy_timeout` are short: a slower good start fails the whole deploy.
//! - The last group is followed by `boot_wait` too, before "done".
//! - Requests longer than `drain_timeout` are cut at every host.
//! - A rollback boots a container on every host, those that the deploy had not reached included.
//!
//! # Where we depart
//! - Images are pulled in a host's turn and count towards `deploy_timeout`; Kamal pulls them on all
//!   hosts beforehand. Leave `start.pull` out to have that.
//! - A container that an interrupted deploy left behind unhealthy is stopped, not kept.
//! - The proxy's switch is two steps of the world (the new one in rotation, the old one out of it)
//!   with `control.act` in between.
//! - `proxy = false` counts from when the instance is ready: set `probes.enabled = false` too,
//!   unless the container has a health check of its own.
//! - One fleet, and one container per host; roles differ only in who waits at the barrier.
//! - A host that is gone fails like a bad container.
//! - Pausing, scaling, partitions and further versions are not Kamal's; they are ignored.

mod boot;
#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::errand::Errand;
use super::seats::Places;
use super::verdict::Teller;
use super::{Budget, Command, Controller, Decision, Draws, Rules, View, batches};
use crate::scenario::settings::{self};
use crate::units::{CountOrPercent, Rounding, Time};
use boot::Deploy;

/// Kamal with its settings.
#[derive(Debug, Clone)]
pub struct Kamal {
    settings: settings::Kamal,
    instances: u32,
    groups: Vec<Range<usize>>,
    /// Hosts of the primary role.
    primaries: u32,
}

/// Where the deploy is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What is booted.
    errand: Errand,
    places: Places,
    deploy: Option<Deploy>,
    teller: Teller,
}

impl Kamal {
    /// From checked settings and the number of hosts.
    pub fn new(settings: settings::Kamal, instances: u32) -> Self {
        let limit = settings.boot_limit.map_or(0, |limit| at_least_one(limit, instances));
        let groups = batches::cut(instances, |_| limit);
        let primaries = at_least_one(settings.primary, instances);
        Self { settings, instances, groups, primaries }
    }
}

/// Of all hosts, rounded down, at least 1. Of a percentage Kamal reads the whole ones only.
fn at_least_one(amount: CountOrPercent, hosts: u32) -> u32 {
    let whole = match amount {
        CountOrPercent::Percent(p) => CountOrPercent::Percent(p.trunc()),
        CountOrPercent::Count(_) => amount,
    };
    whole.of(hosts, Rounding::Down).max(1)
}

impl Rules for Kamal {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["kamal"];

    fn initial(&self) -> State {
        State {
            errand: Errand::new(),
            places: Places::new(self.instances),
            deploy: None,
            teller: Teller::new(),
        }
    }

    fn command(&self, state: &mut State, command: Command, _: Time) {
        let running = state.deploy.as_ref().is_some_and(Deploy::is_running);
        state.errand.command(command, running, &mut state.teller);
    }

    fn reconcile(
        &self,
        state: &mut State,
        _: Controller,
        now: Time,
        view: &View<'_>,
        _: Draws,
        decision: &mut Decision,
    ) {
        decision.mark_ready(view);
        state.places.observe(view);
        state.teller.tell_undone(decision);
        if state.errand.begins() {
            state.deploy = Some(Deploy::new());
            self.open_group(state, decision);
        }
        let standing = match &state.deploy {
            None => return,
            Some(deploy) if deploy.is_running() => self.boot(state, now, view, decision),
            Some(deploy) => deploy.standing(),
        };
        state.teller.tell(state.errand.target, standing, decision);
    }

    /// A group at a time, each host start-first.
    fn budget(&self) -> Budget {
        Budget {
            instances: self.instances,
            out: 0,
            above: batches::largest(&self.groups),
            rounds: self.groups.len() as u32,
            wait: self.settings.boot_wait,
            out_key: "strategy.kamal.boot_limit",
            above_key: "strategy.kamal.boot_limit",
        }
    }
}
