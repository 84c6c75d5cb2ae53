//! What somebody outside saw of the lives of instances, whichever orchestrator they had.

/// Instances of services that roll, in order of creation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lives {
    /// The instances.
    pub lives: Vec<Life>,
    /// The latest time that anything names, in seconds since 1970: nothing is known beyond it.
    pub latest: f64,
    /// Resolution of the clock in seconds; 0 where it shows fractions.
    pub tick: f64,
    /// Instances of nobody, or of somebody who does not roll.
    pub others: usize,
}

/// The life of an instance. Times are seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Life {
    /// Its name.
    pub name: String,
    /// Whose instance it is.
    pub workload: String,
    /// The hash of its template, or what else tells versions apart.
    pub version: String,
    /// The number of the version, if it is known.
    pub revision: Option<u64>,
    /// Image of its first container.
    pub image: String,
    /// The host that it was placed on, if it is known.
    pub host: Option<String>,
    /// Created.
    pub created: f64,
    /// Placed on a host.
    pub scheduled: Option<f64>,
    /// From then on nothing but itself kept it from starting: it was placed, and nothing that it
    /// replaces was in its way.
    pub free: Option<f64>,
    /// The first image pull began.
    pub pulling: Option<f64>,
    /// The last image pull ended.
    pub pulled: Option<f64>,
    /// Seconds that the pull itself took and bytes pulled, where the puller says so.
    pub pull: Option<(f64, u64)>,
    /// The last of its processes started for the first time.
    pub started: Option<f64>,
    /// First ready.
    pub ready: Option<f64>,
    /// Readiness is more than that the process runs: somebody probes it.
    pub probed: bool,
    /// It may have been ready earlier than was seen, or its readiness cannot be seen at all.
    pub unclear: bool,
    /// Told to stop.
    pub told: Option<f64>,
    /// Its last process ended, after it was told to stop.
    pub ended: Option<f64>,
    /// It had to be killed.
    pub killed: bool,
    /// It was there as late as this: what had not happened by then took longer.
    pub seen: f64,
    /// Seconds of its `preStop` sleep; `None` if a hook does anything else.
    pub pre_stop: Option<f64>,
}
