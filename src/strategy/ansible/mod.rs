//! An Ansible play over hosts, in batches.
//!
//! # Source
//! ansible/ansible `c9ac477`: `executor/playbook_executor.py` (`_get_serialized_batches`),
//! `utils/helpers.py` (`pct_to_int`), `plugins/strategy/linear.py`, `config/base.yml`; the
//! `wait_for` module's timeout.
//!
//! # Rules
//! - The hosts, in the wanted `order`, are cut into batches. A percentage in `serial` is of *all*
//!   hosts: p / 100 as a float, times the number of hosts, cut off, at least 1 (29 % of 100 hosts
//!   are 28). The last size of a list repeats; 0, or no list, means all hosts that are left.
//! - A batch goes through two tasks. *Out*: take the host out of the balancer, wait up to
//!   `drain_wait` until its connections have ended, stop the service. *In*: start the service in
//!   the same place and wait until it is ready. A task runs on up to `forks` hosts of the batch
//!   at a time, the next host as soon as one is through; the next task begins when the task is
//!   through on all of them.
//! - Hosts that run the wanted version and are ready need nothing: they are `ok` at once, but
//!   fill their place in the batch.
//! - A service that crashes or is not ready `start_timeout` after its start fails its host. A
//!   failed host is left as it is and drops out of the rest of its batch. So does a host that
//!   cannot be reached any more, but it does not count for `max_fail_percentage`.
//! - After each task the play stops if `any_errors_fatal` is set and a host failed or could not
//!   be reached; if failed hosts / hosts of the batch > `max_fail_percentage` / 100 (strictly: 3 of
//!   10 pass 30, and any passes nothing at 0); or if no host of the batch is left.
//! - Failures are counted anew for each batch.
//! - Through with all batches the play is completed if no host failed or was lost, otherwise it
//!   has failed: `ansible-playbook` exits with 2 or 4.
//! - Nothing is rolled back by itself. A rollback from outside (an operator's undo or abort, a
//!   pipeline) ends the play at once and runs it with the old version, by the same rules.
//!
//! # Settings and defaults
//! `serial` (none: one batch of all), `max_fail_percentage` (none), `any_errors_fatal` (false),
//! `forks` (5), `order` (inventory), `drain_wait` (0), `start_timeout` (5 min, as `wait_for`). The
//! world's defaults are HAProxy's checks (`inter 2s rise 2 fall 3`) and systemd's 90 s before
//! SIGKILL.
//!
//! # Known surprises
//! - Without `serial` the whole fleet is out at once.
//! - `forks` does not make batches smaller: each task waits for the whole batch, so a batch of 20
//!   with 5 forks is out during four times the stop and four times the start.
//! - A percentage of a small fleet is at least one host: 25 % of 3 hosts are three batches of 1.
//! - The same number of failures may pass in a large batch and stop the play in the last, smaller
//!   one.
//! - `max_fail_percentage` = 30 lets a third of each batch stay broken, batch after batch.
//! - A play that stops leaves the failed batch as it is: out of the balancer, or broken.
//!
//! # Where we depart
//! - Taking out, draining and stopping are one task, starting and putting back are one: hosts do
//!   not wait for each other in between, and a host serves again as soon as its checks pass.
//! - Draining ends when the connections do, not at the next `wait_interval`.
//! - What Ansible itself needs for a task on a host is `control.act`: nothing, unless it is set.
//! - Host number i is called `i`, from 1 and without leading zeros, where hosts are sorted.
//! - A rollback's play goes over all hosts again, those that nobody changed included (they are
//!   `ok`).
//! - Pausing, scaling, partitions and further versions are not Ansible's; they are ignored.

mod play;
#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::errand::Errand;
use super::seats::Places;
use super::verdict::Teller;
use super::{Budget, Command, Controller, Decision, Draws, Rules, View, batches};
use crate::scenario::settings::{self, HostOrder};
use crate::units::{CountOrPercent, Span, Time};
use play::Play;

/// Purpose of the draws that shuffle hosts; the index is the host, moved on for each play.
const SHUFFLE: u32 = 1;

/// Ansible with its settings.
#[derive(Debug, Clone)]
pub struct Ansible {
    settings: settings::Ansible,
    instances: u32,
    batches: Vec<Range<usize>>,
}

/// Where the playbook is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What the play installs.
    errand: Errand,
    places: Places,
    /// Plays begun.
    plays: u32,
    play: Option<Play>,
    teller: Teller,
}

impl Ansible {
    /// From checked settings and the number of hosts.
    pub fn new(settings: settings::Ansible, instances: u32) -> Self {
        let batches = batches::cut(instances, |index| serial(&settings.serial, index, instances));
        Self { settings, instances, batches }
    }

    /// The hosts in the order of the play.
    fn order(&self, play: u32, draws: Draws) -> Vec<u32> {
        let mut hosts: Vec<u32> = (0..self.instances).collect();
        let by_name = |host: &u32| (host + 1).to_string();
        match self.settings.order {
            HostOrder::Inventory => {}
            HostOrder::ReverseInventory => hosts.reverse(),
            HostOrder::Sorted => hosts.sort_by_key(by_name),
            HostOrder::ReverseSorted => {
                hosts.sort_by_key(by_name);
                hosts.reverse();
            }
            HostOrder::Shuffle => {
                let from = play.wrapping_mul(self.instances);
                hosts.sort_by_key(|host| draws.bits(SHUFFLE, from.wrapping_add(*host)));
            }
        }
        hosts
    }
}

/// How many hosts the batch of this index takes; 0 for all that are left.
fn serial(sizes: &[CountOrPercent], index: usize, hosts: u32) -> u32 {
    match sizes.get(index).or(sizes.last()) {
        None => 0,
        Some(CountOrPercent::Count(count)) => *count,
        // Divided before it is multiplied, as `pct_to_int` does: 29 % of 100 is 28.999…
        Some(CountOrPercent::Percent(p)) => ((p / 100.0 * f64::from(hosts)) as u32).max(1),
    }
}

impl Rules for Ansible {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["playbook"];

    fn initial(&self) -> State {
        State {
            errand: Errand::new(),
            places: Places::new(self.instances),
            plays: 0,
            play: None,
            teller: Teller::new(),
        }
    }

    fn command(&self, state: &mut State, command: Command, _: Time) {
        let running = state.play.as_ref().is_some_and(Play::is_running);
        state.errand.command(command, running, &mut state.teller);
    }

    fn reconcile(
        &self,
        state: &mut State,
        _: Controller,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        decision.mark_ready(view);
        state.places.observe(view);
        state.teller.tell_undone(decision);
        if state.errand.begins() {
            state.play = Some(Play::new(self.order(state.plays, draws)));
            state.plays += 1;
            self.open_batch(state, decision);
        }
        if state.play.is_none() {
            return;
        }
        let standing = self.play(state, now, view, decision);
        state.teller.tell(state.errand.target, standing, decision);
    }

    /// The largest batch is out at once; `forks` hosts of it start at a time.
    fn budget(&self) -> Budget {
        let forks = self.settings.forks;
        let rounds = |batch: &Range<usize>| (batch.len() as u32).div_ceil(forks);
        Budget {
            instances: self.instances,
            out: batches::largest(&self.batches),
            above: 0,
            rounds: self.batches.iter().map(rounds).sum(),
            wait: Span::ZERO,
            out_key: "strategy.ansible.serial",
            above_key: "strategy.ansible.serial",
        }
    }
}
