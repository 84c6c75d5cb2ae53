//! Who watches the rollout, and rolls it back.

use super::chance::Latency;
use super::kernel::Kernel;
use super::world::{Event, World};
use crate::scenario::Pipeline;
use crate::strategy::Command;
use crate::trace::{Moment, Record, Said, Sink};

/// What the pipeline does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PipelineState {
    /// It waits for an end.
    Watching,
    /// A person was called and has not decided.
    Called,
    /// There is none, or nothing is left for it to do.
    Done,
}

impl World<'_> {
    /// The pipeline hands the new version over and begins to wait.
    pub(super) fn watch(&mut self) {
        let waits = match &self.scenario.pipeline {
            Pipeline::None => None,
            Pipeline::Automatic { timeout } | Pipeline::Human { timeout, .. } => Some(*timeout),
        };
        self.pipeline = PipelineState::Done;
        if let Some(timeout) = waits {
            self.pipeline = PipelineState::Watching;
            self.queue.push(self.now + timeout, Event::Deadline);
        }
    }

    /// Whether it has yet to do something.
    pub(super) fn is_awaited(&self) -> bool {
        match self.pipeline {
            PipelineState::Called => true,
            PipelineState::Watching => !is_good(self.said),
            PipelineState::Done => false,
        }
    }

    /// Somebody tells the orchestrator something.
    pub(super) fn command(&mut self, command: Command) {
        self.strategy.command(&mut self.state, command, self.now);
        self.note_status();
        self.look_after(0, Latency::Sync);
    }

    /// The orchestrator's word has changed.
    pub(super) fn say(&mut self, said: Said, sink: &mut impl Sink) {
        if self.migrates_last(said, sink) {
            return;
        }
        self.said = said;
        sink.record(self.now, Record::Said(said));
        if said.is_terminal() {
            let served = |kernel: &mut Kernel| {
                kernel.desk.servers.iter().map(|server| server.served).collect()
            };
            self.served = self.kernel().map(served).unwrap_or_default();
        }
        // A job that waits for completion learns of an end, not of a report in between.
        let reads_reports = matches!(self.scenario.pipeline, Pipeline::Human { .. });
        if matches!(said, Said::Paused | Said::Failed | Said::RollbackPaused)
            || (said == Said::DeadlineExceeded && reads_reports)
        {
            self.alert(sink);
        }
    }

    /// The pipeline's patience is over.
    pub(super) fn deadline(&mut self, sink: &mut impl Sink) {
        if matches!(
            self.said,
            Said::Progressing
                | Said::DeadlineExceeded
                | Said::Paused
                | Said::Failed
                | Said::RollbackPaused
        ) {
            self.alert(sink);
        }
    }

    /// The pipeline learns that the rollout failed.
    pub(super) fn alert(&mut self, sink: &mut impl Sink) {
        if self.pipeline != PipelineState::Watching {
            return;
        }
        sink.record(self.now, Record::Moment(Moment::Detected));
        match &self.scenario.pipeline {
            Pipeline::None => {}
            Pipeline::Automatic { .. } => self.roll_back(sink),
            Pipeline::Human { .. } => {
                sink.record(self.now, Record::Moment(Moment::HumanCalled));
                self.pipeline = PipelineState::Called;
                self.queue.push(self.now + self.chance.reaction(), Event::Decide);
            }
        }
    }

    pub(super) fn roll_back(&mut self, sink: &mut impl Sink) {
        self.pipeline = PipelineState::Done;
        self.close_court();
        sink.record(self.now, Record::Moment(Moment::RollbackDecided));
        self.want_back(sink);
    }
}

/// Nobody need be told of this.
fn is_good(said: Said) -> bool {
    matches!(said, Said::Completed | Said::RolledBack | Said::RollingBack)
}
