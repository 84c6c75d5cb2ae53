//! One line of the table that is written, and whether it holds.

/// What kind of answer a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A closed form.
    Deterministic,
    /// The exact solver of Markov chains.
    Solver,
    /// Played by the simulator.
    Simulated,
    /// Played by the simulator with so many servers, and held against the limit of many.
    MeanField,
}

impl Kind {
    /// As it stands in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deterministic => "deterministic",
            Self::Solver => "exact solver",
            Self::Simulated => "simulated",
            Self::MeanField => "mean field",
        }
    }
}

/// A reference value beside ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The model.
    pub name: String,
    /// Its parameters, JSON.
    pub parameters: String,
    /// What is held against each other.
    pub quantity: String,
    /// The reference value.
    pub value: f64,
    /// Ours.
    pub measured: f64,
    /// Half-width of the 95 % interval of `measured`; 0 unless simulated.
    pub half_width: f64,
    /// The largest half-width allowed.
    pub half_width_limit: f64,
    /// `measured` − `value` in standard errors, the reference's own one included; only simulated.
    pub z: Option<f64>,
    /// What kind of answer `measured` is.
    pub kind: Kind,
    /// How it was found.
    pub how: String,
}

/// Largest relative error of a closed form; the reference has 12 digits.
const DETERMINISTIC: f64 = 1e-9;
/// Largest relative error of the exact solver.
const SOLVER: f64 = 1e-6;
/// Largest relative distance of a fleet from the limit of many servers.
const MEAN_FIELD: f64 = 0.1;
/// Largest |z| of a simulated row.
const Z: f64 = 4.0;

impl Row {
    /// `measured` / `value` − 1.
    pub fn relative_error(&self) -> f64 {
        self.measured / self.value - 1.0
    }

    /// Why the row is outside its limits; `None` if it is not.
    pub fn complaint(&self) -> Option<String> {
        let error = self.relative_error().abs();
        let (limit, z) = (self.half_width_limit, self.z.map_or(f64::INFINITY, f64::abs));
        // Written so that what is not a number is outside.
        match self.kind {
            Kind::Deterministic if error <= DETERMINISTIC => None,
            Kind::Solver if error <= SOLVER => None,
            Kind::MeanField if error <= MEAN_FIELD => None,
            Kind::Deterministic | Kind::Solver | Kind::MeanField => {
                Some(format!("relative error {error:.1e}"))
            }
            Kind::Simulated if self.half_width > limit || self.half_width.is_nan() => {
                Some(format!("half-width {:.2e} above {limit:.2e}", self.half_width))
            }
            Kind::Simulated if z <= Z => None,
            Kind::Simulated => Some(format!("|z| = {z:.1}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: Kind, measured: f64, half_width: f64, z: Option<f64>) -> Row {
        Row {
            name: "x".to_owned(),
            parameters: "{}".to_owned(),
            quantity: "y".to_owned(),
            value: 2.0,
            measured,
            half_width,
            half_width_limit: 0.02,
            z,
            kind,
            how: String::new(),
        }
    }

    #[test]
    fn each_kind_has_its_limit() {
        assert_eq!(row(Kind::Deterministic, 2.0 + 1e-9, 0.0, None).complaint(), None);
        assert!(row(Kind::Deterministic, 2.0 + 1e-8, 0.0, None).complaint().is_some());
        assert_eq!(row(Kind::Solver, 2.0 + 1e-6, 0.0, None).complaint(), None);
        assert!(row(Kind::Solver, f64::NAN, 0.0, None).complaint().is_some());
        assert_eq!(row(Kind::Simulated, 2.01, 0.01, Some(3.9)).complaint(), None);
        assert_eq!(row(Kind::MeanField, 2.19, 0.0, None).complaint(), None);
        assert!(row(Kind::MeanField, 1.79, 0.0, None).complaint().is_some());
        assert!(row(Kind::Simulated, 2.01, 0.03, Some(0.1)).complaint().is_some());
        assert!(row(Kind::Simulated, 2.01, 0.01, Some(-4.1)).complaint().is_some());
        assert!(row(Kind::Simulated, 2.01, f64::NAN, Some(0.1)).complaint().is_some());
    }
}
