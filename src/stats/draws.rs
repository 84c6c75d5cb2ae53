//! Random numbers for the tests of this room, by name as everywhere.

/// Uniform in (0, 1), belonging to these three numbers alone (the finaliser of `SplitMix64`).
pub(super) fn uniform(seed: u64, purpose: u64, index: u64) -> f64 {
    let mix = |mut x: u64| {
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    };
    let golden = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bits = 0u64;
    for part in [seed, purpose, index] {
        bits = mix(bits.wrapping_add(golden) ^ part.wrapping_mul(golden));
    }
    ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// Normal (Box and Muller).
pub(super) fn normal(seed: u64, purpose: u64, index: u64) -> f64 {
    let radius = (-2.0 * uniform(seed, purpose, 2 * index).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(seed, purpose, 2 * index + 1)).cos()
}
