//! The alarm of a cloud provider, as deployments watch it.

use serde::{Deserialize, Serialize};

use super::{Decision, View};
use crate::scenario::settings::Alarm;
use crate::trace::VersionId;
use crate::units::Time;

/// What one deployment knows of its alarm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AlarmWatch {
    /// It was up when the deployment began, and is ignored; `None`: not looked at yet.
    ignored: Option<bool>,
    /// Since when an instance of the new version has been answering requests.
    since: Option<Time>,
}

impl AlarmWatch {
    /// Whether the alarm rises on a deployment that replaces `from` by `to`. Asks for a look
    /// when it may.
    pub(super) fn rises(
        &mut self,
        alarm: Alarm,
        (from, to): (VersionId, VersionId),
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) -> bool {
        let is_up = |version: VersionId| {
            let errors = view.errors[usize::from(version != VersionId::OLD)];
            errors > alarm.errors.0
        };
        if *self.ignored.get_or_insert(is_up(from)) || !is_up(to) {
            return false;
        }
        if !view.instances.iter().any(|i| i.version == to && i.phase.is_ready()) {
            self.since = None;
            return false;
        }
        let due = *self.since.get_or_insert(now) + alarm.delay;
        if due > now {
            decision.wake(due);
        }
        due <= now
    }
}
