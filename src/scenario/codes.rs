//! The table of diagnostic codes. A code never changes its meaning; retired ones stay unused.

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The scenario is not run.
    Error,
    /// It is run.
    Warning,
}

impl Severity {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $text:literal $about:literal;)*) => {
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
        }
    };
}

codes! {
    Syntax "E001" "The file is not TOML.";
    FormatVersion "E011" "The format version is missing or not one that this program reads.";
    UnknownKey "E012" "No key or table of this name exists here.";
    MissingKey "E013" "A key that has no default is missing.";
    WrongType "E014" "The value is of another type than the key takes.";
    UnknownWord "E015" "The key takes one of a few words, and this is none of them.";
    OutOfRange "E016" "The value lies outside of what the key takes.";
    Conflict "E017" "Keys that do not go together, or one that needs another.";
    StrategyTable "E018" "There must be exactly one strategy table.";
    Quantity "E021" "The text is not the quantity that the key takes, or its unit is missing.";
    RangeNoDistribution "E022" "A range is no distribution.";
    BadDistribution "E023" "The parts of a distribution contradict each other.";
    Recorded "E024" "A recorded file cannot be read.";
    NeverEnds "E034" "The rollout can never end.";
    GateInfeasible "E035" "A gate that no run can keep: the strategy's own arithmetic breaks it.";
    UnknownOutcome "E040" "A gate names an outcome that does not exist.";
    GateGrammar "E041" "A gate is not written in the gates' grammar.";
    GateExtreme "E042" "A gate asks for a minimum or maximum over runs.";
    GateUnit "E043" "The limit of a gate is not in the unit of its outcome.";
    GateNeedsTraffic "E044" "A gate is about requests, but the scenario has no traffic.";
    AssumedServiceTime "W001" "There is traffic but no service time: a guess is used.";
    RecordedNote "W024" "Something in a recorded file deserves a look.";
    ProbeLag "W031" "Probes see readiness late, compared with the start.";
    GraceBelowPreStop "W032" "The grace period is over before the process is told to stop.";
    GraceBelowDrain "W033" "The grace period is shorter than the process needs to exit.";
    DeadlineBelowStart "W034" "A deadline is shorter than good instances often need.";
    Overload "W035" "While instances are out, the rest are asked more than they can answer.";
    HorizonShort "W036" "The simulation gives up before the rollout can have ended.";
    NoDrain "W037" "Requests are cut or refused at each stop.";
    ProbeTimeout "W038" "A probe may still be unanswered when the next one is due.";
    PinnedConnections "W039" "Connections never end: instances that come late get no requests.";
    RollbackDeadline "W040" "The pipeline rolls back before the rollout can have ended.";
}

impl Code {
    /// Errors begin with E, warnings with W.
    pub fn severity(self) -> Severity {
        if self.text().starts_with('E') { Severity::Error } else { Severity::Warning }
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_distinct_and_ordered() {
        let texts: Vec<_> = Code::ALL.iter().map(|c| c.text()).collect();
        assert!(texts.windows(2).all(|pair| pair[0] < pair[1]), "{texts:?}");
    }
}
