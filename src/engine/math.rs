//! Elementary functions from additions, multiplications, divisions and square roots only.
//!
//! Those are exact to the bit on every platform and at every optimisation level, where a
//! platform's own `ln` or `exp` need not be; and the loops over them vectorise.

const MANTISSA: u64 = (1 << 52) - 1;
const ONE: u64 = 0x3FF0_0000_0000_0000;
/// Bits of the double next to √½.
const SQRT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;
/// 2⁵²: adding it to a small non-negative integer puts that integer into the low bits.
const TWO_52: u64 = 0x4330_0000_0000_0000;
const LN_2: f64 = std::f64::consts::LN_2;

/// Uniform in (0, 1) from 64 random bits: the 2⁵² midpoints.
#[inline]
pub fn open_unit(bits: u64) -> f64 {
    f64::from_bits(ONE | (bits >> 12)) - (1.0 - f64::EPSILON / 2.0)
}

/// Random bits whose [`open_unit`] is next to this number in (0, 1).
pub fn from_unit(unit: f64) -> u64 {
    ((unit * f64::from_bits(TWO_52)) as u64).min(MANTISSA) << 12
}

/// Nearest integer to a float in [0, 2⁵²): adding 2⁵² leaves it in the low bits.
#[inline(always)]
pub fn to_u64(x: f64) -> u64 {
    (x + f64::from_bits(TWO_52)).to_bits() & MANTISSA
}

/// Natural logarithm of a positive normal number; error below 2e-11: ample for variates.
///
/// ln x = k·ln 2 + 2·artanh((m − 1)/(m + 1)) with m in [√½, √2).
#[inline]
pub fn ln(x: f64) -> f64 {
    let shifted = x.to_bits().wrapping_add(ONE - SQRT_HALF);
    let k = f64::from_bits(TWO_52 | (shifted >> 52)) - (f64::from_bits(TWO_52) + 1023.0);
    let m = f64::from_bits((shifted & MANTISSA).wrapping_add(SQRT_HALF));
    let f = (m - 1.0) / (m + 1.0);
    let s = f * f;
    let series = 1.0
        + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * (1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0)))));
    k * LN_2 + 2.0 * f * series
}

/// Exponential function for |x| < 700; relative error below 3e-10: ample for variates.
#[inline]
pub fn exp(x: f64) -> f64 {
    // Adding 1.5·2⁵² rounds to the nearest integer and leaves it in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let x = x.clamp(-700.0, 700.0);
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x - k * LN_2_HIGH) - k * LN_2_LOW;
    let series = 1.0
        + r * (1.0
            + r * (1.0 / 2.0
                + r * (1.0 / 6.0
                    + r * (1.0 / 24.0
                        + r * (1.0 / 120.0
                            + r * (1.0 / 720.0 + r * (1.0 / 5040.0 + r * (1.0 / 40_320.0))))))));
    series * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

/// (sin 2πu, cos 2πu) for u in [0, 1]; absolute error below 1e-10.
#[inline]
pub fn sin_cos_turn(u: f64) -> (f64, f64) {
    // Half the angle, shifted into [−π/2, π/2]; doubled again below. The shift by half a turn
    // changes both signs.
    let h = std::f64::consts::PI * (u - 0.5);
    let s = h * h;
    let sin = h
        * (1.0
            - s * (1.0 / 6.0)
                * (1.0
                    - s * (1.0 / 20.0)
                        * (1.0
                            - s * (1.0 / 42.0)
                                * (1.0
                                    - s * (1.0 / 72.0)
                                        * (1.0
                                            - s * (1.0 / 110.0)
                                                * (1.0
                                                    - s * (1.0 / 156.0)
                                                        * (1.0 - s * (1.0 / 210.0))))))));
    let cos = 1.0
        - s * (1.0 / 2.0)
            * (1.0
                - s * (1.0 / 12.0)
                    * (1.0
                        - s * (1.0 / 30.0)
                            * (1.0
                                - s * (1.0 / 56.0)
                                    * (1.0
                                        - s * (1.0 / 90.0)
                                            * (1.0
                                                - s * (1.0 / 132.0)
                                                    * (1.0
                                                        - s * (1.0 / 182.0)
                                                            * (1.0 - s * (1.0 / 240.0))))))));
    (-2.0 * sin * cos, 2.0 * sin * sin - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_agree_with_a_library() {
        for i in 1..20_000 {
            let x = f64::from(i) * 1e-3;
            assert!((ln(x) - libm::log(x)).abs() <= 2e-11, "ln {x}");
            let y = x - 10.0;
            assert!((exp(y) / libm::exp(y) - 1.0).abs() < 3e-10, "exp {y}");
            let u = f64::from(i) / 20_000.0;
            let (sin, cos) = sin_cos_turn(u);
            assert!((sin - libm::sin(u * std::f64::consts::TAU)).abs() < 1e-10, "sin {u}");
            assert!((cos - libm::cos(u * std::f64::consts::TAU)).abs() < 1e-10, "cos {u}");
        }
        assert!(ln(1e-300) < -690.0);
        assert!(open_unit(0) > 0.0 && open_unit(u64::MAX) < 1.0);
    }
}
