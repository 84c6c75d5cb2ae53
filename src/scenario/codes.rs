//! The table of diagnostic codes. A code never changes its meaning; retired ones stay unused.

#![allow(clippy::doc_markdown, reason = "the sentences are shown to users as they are")]

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The scenario is not run.
    Error,
    /// It is run.
    Warning,
    /// It is run; nothing is wrong, but something may surprise.
    Note,
}

impl Severity {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($severity:ident $variant:ident $text:literal $about:literal;)*) => {
        /// A kind of diagnostic.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $about] $variant,)* }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As printed: `E012`.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// One sentence about it.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            /// How bad it usually is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    Error Syntax "E001" "The file is not TOML.";
    Error FormatVersion "E011" "The format version is missing or not one that this program reads.";
    Error UnknownKey "E012" "No key or table of this name exists here.";
    Error MissingKey "E013" "A key that has no default is missing.";
    Error WrongType "E014" "The value is of another type than the key takes.";
    Error UnknownWord "E015" "The key takes one of a few words, and this is none of them.";
    Error OutOfRange "E016" "The value lies outside of what the key takes.";
    Error Conflict "E017" "Keys that do not go together, or one that needs another.";
    Error StrategyTable "E018" "There must be exactly one strategy table.";
    Error Quantity "E021" "Not the quantity that the key takes, or without its unit.";
    Error RangeNoDistribution "E022" "A range is no distribution.";
    Error BadDistribution "E023" "The parts of a distribution contradict each other.";
    Error Recorded "E024" "A recorded file cannot be read.";
    Error NeverEnds "E034" "The rollout can never end.";
    Error GateInfeasible "E035" "A gate that no run can keep: the strategy itself breaks it.";
    Error UnknownOutcome "E040" "A gate names an outcome that does not exist.";
    Error GateGrammar "E041" "A gate is not written in the gates' grammar.";
    Error GateExtreme "E042" "A gate asks for a minimum or maximum over runs.";
    Error GateUnit "E043" "The limit of a gate is not in the unit of its outcome.";
    Error GateNeedsTraffic "E044" "A gate is about requests, but the scenario has no traffic.";
    Warning AssumedServiceTime "W001" "There is traffic but no service time: a guess is used.";
    Warning RecordedNote "W024" "Something in a recorded file deserves a look.";
    Warning ProbeLag "W031" "Probes see readiness late, compared with the start.";
    Warning GraceBelowPreStop "W032" "The grace period is over before the process is told to stop.";
    Warning GraceBelowDrain "W033" "The grace period is shorter than the process needs to exit.";
    Warning DeadlineBelowStart "W034" "A deadline is shorter than good instances often need.";
    Warning Overload "W035" "While instances are out, the rest cannot answer all.";
    Warning HorizonShort "W036" "The simulation gives up before the rollout can have ended.";
    Warning NoDrain "W037" "Requests are cut or refused at each stop.";
    Warning ProbeTimeout "W038" "A probe may still be unanswered when the next one is due.";
    Warning PinnedConnections "W039" "Connections never end: who comes late gets no requests.";
    Warning RollbackDeadline "W040" "The pipeline rolls back before the rollout can have ended.";
    Warning ProbesKill "W041" "Failed probes end instances that are still starting well.";
    Warning NobodyJudges "W042" "A bad version is possible, and nothing in the scenario stops it.";
    Warning ThresholdUnreachable "W043" "More failures would have to happen than can.";
    Warning NoRoom "W044" "Quota or hosts have no room for what the rollout adds.";
    Warning DependencyFull "W045" "The rollout opens more connections than there may be.";
    Note AnsibleUnlimited "AN01" "Without max_fail_percentage only a batch that fails whole stops.";
    Warning AnsibleOneBatch "AN02" "The play takes all hosts in one batch.";
    Warning AnsibleNoDrain "AN03" "The play stops services that still have requests.";
    Warning AppConfigNoAlarm "AC01" "Without an alarm nothing rolls back.";
    Warning AppConfigAlarmLate "AC02" "The alarm needs longer than anybody watches.";
    Warning ArgoPauseForever "AR01" "The rollout pauses until somebody promotes.";
    Warning ArgoDeadlineReports "AR02" "The progress deadline only reports, and sleeps in pauses.";
    Warning ArgoNoCanary "AR03" "The weight comes out as no canary pod at all.";
    Warning ArgoScaleDownEarly "AR04" "The old set goes before all nodes have left it.";
    Warning ArgoAnalysisBlind "AR05" "The analysis cannot fail.";
    Note ArgoNoAnalysis "AR06" "Weights rise by time alone: nothing looks at errors.";
    Warning AsgProtected "AS01" "Protected instances make the refresh wait until it fails.";
    Note AsgOneByOne "AS02" "The limits leave no room: one instance at a time.";
    Note AsgWarmup "AS03" "The warm-up, not the start, decides the duration.";
    Warning AsgCheckpointEnd "AS04" "The refresh ends with its last checkpoint, below 100 %.";
    Note AsgCheckpointDelay "AS05" "Most of the refresh is waiting at checkpoints.";
    Warning CapistranoAllAtOnce "CA01" "All servers restart at once.";
    Warning CapistranoBlindWait "CA02" "The next group stops before this one serves.";
    Error CodeDeployNobody "CD01" "No host may be taken: the deployment fails at once.";
    Note CodeDeployOneFailure "CD02" "One failed host fails the deployment.";
    Warning CodeDeployAllAtOnce "CD03" "One host of all is enough for success.";
    Error EcsStuck "EC01" "The task limits leave no room to start or stop anything.";
    Warning EcsRoom "EC02" "The cluster's room holds fewer tasks than maximum_percent allows.";
    Warning EcsBreakerHigh "EC03" "The circuit breaker needs more failures than there are tasks.";
    Warning EcsNoBreaker "EC04" "Failed tasks are started again for ever.";
    Warning EcsUnchecked "EC05" "A task counts as healthy because it runs.";
    Warning FlaggerThreshold "FL01" "A bad canary stays longer than a good one takes.";
    Warning FlaggerConfirm "FL02" "The canary waits until somebody confirms.";
    Warning FlaggerSkips "FL03" "The canary is promoted without analysis.";
    Warning FlaggerTicks "FL04" "The ticks alone take longer than anybody waits.";
    Warning KamalReadinessDelay "KA01" "Without a proxy a container counts before it can serve.";
    Note KamalAllHosts "KA02" "All hosts boot the new version at once.";
    Warning KamalDrain "KA03" "Requests outlive drain_timeout and are cancelled.";
    Note KubernetesZeroByRounding "KU01" "Both budgets round to 0; one pod is taken all the same.";
    Warning KubernetesBlocksRepair "KU02" "A broken StatefulSet revision blocks its own repair.";
    Note KubernetesGate "KU03" "max_unavailable of a StatefulSet needs a feature gate.";
    Warning KubernetesScaled "KU04" "Scaling in a rollout breaks max_unavailable.";
    Warning KubernetesMinReady "KU05" "Pods count as available before a crash or a failed probe.";
    Warning KubernetesPartition "KU06" "The partition leaves all pods at the old revision.";
    Warning MigOpportunistic "MI01" "Nothing is updated until somebody else makes machines.";
    Note MigPartial "MI02" "Part of the group keeps the old version.";
    Warning NomadPromotion "NO01" "Canaries wait until somebody promotes.";
    Warning NomadNoDeployment "NO02" "Everything is replaced at once, and nothing watches.";
    Note NomadRevertCanary "NO03" "auto_revert goes through canaries again.";
    Warning NomadManualHealth "NO04" "Allocations wait until somebody calls them healthy.";
    Warning NomadFirstFailure "NO05" "The first unhealthy allocation fails the deployment.";
    Warning FabricOneDomain "SF01" "One upgrade domain holds all instances.";
    Note FabricEndless "SF02" "The upgrade may go on without end.";
    Note FabricManual "SF03" "A failed upgrade waits for an operator, half done.";
    Warning FabricRetryShort "SF04" "Failing is faster than passing.";
    Warning SwarmNoHealthCheck "SW01" "start-first without a health check protects nothing.";
    Warning SwarmMonitorShort "SW02" "The new version crashes later than monitor looks.";
    Note SwarmMonitorZero "SW03" "A monitor of 0 means 5 s.";
    Note SwarmDelay "SW04" "A delay not below monitor prolongs the end and widens no window.";
    Warning SwarmRatio "SW05" "max_failure_ratio can never be exceeded.";
    Warning SwarmContinue "SW06" "continue never stops, and ends as completed.";
    Warning SwarmProbesKill "SW07" "The health check kills slow starters.";
    Warning SwarmGrace "SW08" "The grace period is shorter than the process needs to exit.";
    Warning SwarmNoTimeout "SW10" "A task that never gets healthy holds its worker for ever.";
    Note SwarmStopCost "SW11" "Swarm needs at least 1.2 s before SIGTERM.";
    Warning SwarmLoose "SW12" "Good tasks are stopped after the update has ended.";
    Note SwarmOldTaskTimeout "SW13" "Stops longer than 60 s are not waited for.";
    Warning VmssAborts "VM01" "One slow batch is more than the set may have unhealthy.";
    Note VmssNoRollback "VM02" "Upgraded machines stay after an abort.";
}

impl Code {
    /// The letters before the number: `E` and `W` for all orchestrators, else a family's.
    pub fn family(self) -> &'static str {
        self.text().trim_end_matches(|c: char| c.is_ascii_digit())
    }

    /// Whether the scenario is sound, but its rollout cannot end, or cannot keep a gate.
    pub fn is_hopeless(self) -> bool {
        let general = matches!(self, Self::NeverEnds | Self::GateInfeasible);
        general || (self.family().len() == 2 && self.severity() == Severity::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Severity};
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_and_ordered() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|c| c.text()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for pair in Code::ALL.windows(2).filter(|pair| pair[0].family() == pair[1].family()) {
            assert!(pair[0].text() < pair[1].text(), "{pair:?}");
        }
    }

    #[test]
    fn letters_say_how_bad_it_is() {
        for code in Code::ALL {
            match code.family() {
                "E" => assert_eq!(code.severity(), Severity::Error),
                "W" => assert_eq!(code.severity(), Severity::Warning),
                family => assert!(family.len() == 2 && code.text().len() == 4, "{code:?}"),
            }
        }
        assert!(Code::EcsStuck.is_hopeless() && !Code::Syntax.is_hopeless());
    }
}
