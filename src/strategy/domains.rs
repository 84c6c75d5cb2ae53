//! Zones and upgrade domains: places that are taken together, one group after the other.

/// The first domain of `domains` with a place for which `open` holds. Place `p` is in domain
/// `p % domains`.
pub(super) fn next(places: u32, domains: u32, open: impl Fn(u32) -> bool) -> Option<u32> {
    (0..domains).find(|domain| members(places, domains, *domain).any(&open))
}

/// The last such domain.
pub(super) fn last(places: u32, domains: u32, open: impl Fn(u32) -> bool) -> Option<u32> {
    (0..domains).rev().find(|domain| members(places, domains, *domain).any(&open))
}

/// The places of a domain, ascending.
pub(super) fn members(places: u32, domains: u32, domain: u32) -> impl Iterator<Item = u32> {
    (domain..places).step_by(domains.max(1) as usize)
}

/// Places of the largest domain.
pub(super) fn largest(places: u32, domains: u32) -> u32 {
    places.div_ceil(domains.max(1))
}

#[cfg(test)]
mod tests {
    use super::{largest, last, members, next};

    #[test]
    fn places_go_round() {
        assert_eq!(members(12, 5, 1).collect::<Vec<_>>(), [1, 6, 11]);
        assert_eq!(members(3, 5, 4).count(), 0);
        assert_eq!((largest(12, 5), largest(3, 5), largest(10, 5)), (3, 1, 2));
        assert_eq!(next(12, 5, |place| place == 8), Some(3));
        assert_eq!(next(12, 5, |place| place > 7), Some(0));
        assert_eq!(last(12, 5, |place| place < 8), Some(4));
        assert_eq!(next(12, 5, |_| false), None);
        let all: u32 = (0..5).map(|domain| members(12, 5, domain).count() as u32).sum();
        assert_eq!(all, 12);
    }
}
