//! Which settings are tried: all combinations, or points that fill the space evenly.

use super::axis::Axis;
use crate::engine::streams::Seeds;

/// How the values of several keys are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// Every value with every other.
    Grid,
    /// A Latin hypercube of so many points (`McKay`, Beckman and Conover 1979): each axis is cut
    /// into as many strata, and each stratum is used once.
    Lhs(u32),
    /// The first points of Sobol's sequence, shifted at random (Joe and Kuo's directions).
    Sobol(u32),
}

/// Purposes of random numbers.
const PERMUTATION: u32 = 1;
const JITTER: u32 = 2;
const SHIFT: u32 = 3;

/// Degree, coefficients and first directions of the primitive polynomials (Joe and Kuo 2008)
/// from the second axis on.
const DIRECTIONS: [(u32, u32, &[u32]); 7] = [
    (1, 0, &[1]),
    (2, 1, &[1, 3]),
    (3, 1, &[1, 3, 1]),
    (3, 2, &[1, 1, 1]),
    (4, 1, &[1, 1, 3, 3]),
    (4, 4, &[1, 3, 5, 13]),
    (5, 2, &[1, 1, 5, 5, 17]),
];

/// Axes that [`Design::Sobol`] can fill.
pub const SOBOL_AXES: usize = DIRECTIONS.len() + 1;

impl Design {
    /// The values of each point, one for each axis.
    ///
    /// # Errors
    /// If an axis does not say which values it means, or there are too many axes.
    pub fn points(self, axes: &[Axis], seed: u64) -> Result<Vec<Vec<String>>, String> {
        match self {
            Self::Grid => grid(axes),
            Self::Lhs(points) => place(axes, &hypercube(axes.len(), points, seed)),
            Self::Sobol(_) if axes.len() > SOBOL_AXES => {
                Err(format!("--design sobol takes up to {SOBOL_AXES} keys; lhs takes any number"))
            }
            Self::Sobol(points) => place(axes, &sobol(axes.len(), points, seed)),
        }
    }
}

fn grid(axes: &[Axis]) -> Result<Vec<Vec<String>>, String> {
    let mut points = vec![Vec::new()];
    for axis in axes {
        let values = axis.values()?;
        let with = |point: &Vec<String>| {
            let point = point.clone();
            values
                .iter()
                .map(move |value| [&point[..], std::slice::from_ref(value)].concat())
                .collect::<Vec<_>>()
        };
        points = points.iter().flat_map(with).collect();
    }
    Ok(points)
}

fn place(axes: &[Axis], places: &[Vec<f64>]) -> Result<Vec<Vec<String>>, String> {
    let point = |of: &Vec<f64>| axes.iter().zip(of).map(|(axis, at)| axis.at(*at)).collect();
    let mut points = places.iter().map(point).collect::<Result<Vec<Vec<String>>, String>>()?;
    // Whole numbers and choices may coincide: each setting is played once.
    let mut seen = std::collections::BTreeSet::new();
    points.retain(|point| seen.insert(point.clone()));
    Ok(points)
}

fn hypercube(axes: usize, points: u32, seed: u64) -> Vec<Vec<f64>> {
    let n = points as usize;
    let mut all = vec![Vec::with_capacity(axes); n];
    for axis in 0..axes {
        let mut shuffle = Seeds::new(seed, 0).stream(PERMUTATION, axis as u64);
        let mut jitter = Seeds::new(seed, 0).stream(JITTER, axis as u64);
        let mut strata: Vec<usize> = (0..n).collect();
        for last in (1..n).rev() {
            strata.swap(last, (shuffle.uniform() * (last + 1) as f64) as usize);
        }
        for (point, stratum) in all.iter_mut().zip(strata) {
            point.push((stratum as f64 + jitter.uniform()) / n as f64);
        }
    }
    all
}

fn sobol(axes: usize, points: u32, seed: u64) -> Vec<Vec<f64>> {
    let directions: Vec<[u32; 32]> = (0..axes).map(directions).collect();
    let shifts: Vec<u32> =
        (0..axes).map(|axis| Seeds::new(seed, 0).bits(SHIFT, axis as u64) as u32).collect();
    let mut at = vec![0_u32; axes];
    let mut all = Vec::with_capacity(points as usize);
    for index in 0..points {
        let place = |(x, shift): (&u32, &u32)| (f64::from(x ^ shift) + 0.5) / 4_294_967_296.0;
        all.push(at.iter().zip(&shifts).map(place).collect());
        let bit = (!index).trailing_zeros() as usize;
        for (x, direction) in at.iter_mut().zip(&directions) {
            *x ^= direction[bit];
        }
    }
    all
}

fn directions(axis: usize) -> [u32; 32] {
    let mut v = [0_u32; 32];
    let Some((degree, coefficients, first)) = axis.checked_sub(1).map(|i| DIRECTIONS[i]) else {
        return std::array::from_fn(|i| 1 << (31 - i));
    };
    let s = degree as usize;
    for i in 0..32 {
        v[i] = if i < s {
            first[i] << (31 - i)
        } else {
            let mut x = v[i - s] ^ (v[i - s] >> s);
            for k in 1..s {
                if coefficients >> (s - 1 - k) & 1 == 1 {
                    x ^= v[i - k];
                }
            }
            x
        };
    }
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(all: &[&str]) -> Vec<Axis> {
        all.iter().map(|text| Axis::read(text).unwrap()).collect()
    }

    #[test]
    fn a_grid_has_every_pair() {
        let points = Design::Grid.points(&axes(&["a=1..3", "b=x,y"]), 1).unwrap();
        assert_eq!(points.len(), 6);
        assert_eq!(
            (&points[0][..], &points[5][..]),
            (&["1".into(), "x".into()][..], &["3".into(), "y".into()][..])
        );
    }

    #[test]
    fn a_hypercube_uses_each_stratum_once() {
        for axis in 0..3 {
            let mut strata: Vec<usize> =
                hypercube(3, 16, 7).iter().map(|p| (p[axis] * 16.0) as usize).collect();
            strata.sort_unstable();
            assert_eq!(strata, (0..16).collect::<Vec<_>>());
        }
        assert_ne!(hypercube(2, 9, 1), hypercube(2, 9, 2));
    }

    #[test]
    fn sobol_fills_every_box_of_a_net() {
        // Its first 2^m points are stratified on each axis, and in pairs of the first axes.
        for axis in 0..SOBOL_AXES {
            let mut strata: Vec<usize> =
                sobol(SOBOL_AXES, 64, 3).iter().map(|p| (p[axis] * 64.0) as usize).collect();
            strata.sort_unstable();
            assert_eq!(strata, (0..64).collect::<Vec<_>>(), "axis {axis}");
        }
        let mut boxes: Vec<usize> = sobol(2, 64, 3)
            .iter()
            .map(|p| (p[0] * 8.0) as usize * 8 + (p[1] * 8.0) as usize)
            .collect();
        boxes.sort_unstable();
        assert_eq!(boxes, (0..64).collect::<Vec<_>>());
    }

    #[test]
    fn designs_place_values() {
        let axes = axes(&["a=1..4", "b=10s..60s"]);
        let points = Design::Sobol(16).points(&axes, 1).unwrap();
        assert!(points.len() > 12 && points.iter().all(|p| p[1].ends_with('s')), "{points:?}");
        let nine: Vec<Axis> = (0..9).map(|_| axes[0].clone()).collect();
        assert!(Design::Sobol(4).points(&nine, 1).is_err());
        assert!(Design::Lhs(4).points(&nine, 1).is_ok());
        assert!(Design::Grid.points(&axes, 1).is_err(), "a range without a step");
    }
}
