//! Which shard has which of a scenario's VUs and iterations.
//!
//! Number `i`, from 0, belongs to shard `i mod shards`. So the parts are as even as they can be, what is left over
//! goes to the first shards, and the VUs of a shard are the same ones however many there are at the moment.

/// How many of `total` shard `index` of `shards` has; none, if there is no such shard.
#[must_use]
pub fn share(total: u64, index: u64, shards: u64) -> u64 {
    if index >= shards {
        return 0;
    }
    total / shards + u64::from(index < total % shards)
}

/// The shard that has number `i`, the first being 0; 0 if there are no shards.
#[must_use]
pub fn owner(i: u64, shards: u64) -> u64 {
    i % shards.max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_left_over_goes_to_the_first_shards() {
        let cases: &[(u64, &[u64])] = &[
            (0, &[0, 0, 0]),
            (1, &[1, 0, 0]),
            (10, &[4, 3, 3]),
            (11, &[4, 4, 3]),
            (12, &[4, 4, 4]),
            (7, &[7]),
        ];
        for (total, parts) in cases {
            let shards = parts.len() as u64;
            let got: Vec<_> = (0..shards).map(|index| share(*total, index, shards)).collect();
            assert_eq!(&got, parts, "{total} over {shards}");
        }
    }

    #[test]
    fn a_shard_that_is_not_there_has_nothing() {
        assert_eq!((share(10, 3, 3), share(10, 0, 0), owner(10, 0)), (0, 0, 0));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_made_up(total in any::<u64>(), shards in 1..200_u64) {
            let parts: Vec<_> = (0..shards).map(|index| share(total, index, shards)).collect();
            prop_assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), u128::from(total));
            prop_assert!(parts.is_sorted_by(|a, b| a >= b));
            prop_assert!(parts[0] - parts[parts.len() - 1] <= 1);
        }

        #[test]
        fn a_share_is_what_the_shard_owns(total in 0..500_u64, shards in 1..20_u64) {
            for index in 0..shards {
                let owned = (0..total).filter(|i| owner(*i, shards) == index).count() as u64;
                prop_assert_eq!(share(total, index, shards), owned);
            }
        }
    }
}
