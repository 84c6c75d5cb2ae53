//! Exit codes. They never change their meaning.

/// How the program ended. 130 (interrupted) is left to the operating system's signal, except
/// where there is a result so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done; all gates pass.
    Done,
    /// Could not do it: a file, the terminal, an internal error.
    CouldNot,
    /// Bad usage or bad scenario.
    BadScenario,
    /// A gate failed.
    GateFailed,
    /// A gate is undecided.
    Undecided,
    /// No run came to an end.
    Stuck,
    /// Interrupted, with the result so far.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::CouldNot => 1,
            Self::BadScenario => 2,
            Self::GateFailed => 10,
            Self::Undecided => 11,
            Self::Stuck => 24,
            Self::Interrupted => 130,
        }
    }
}
