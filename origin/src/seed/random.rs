//! A random sequence that will be the same for ever, which no crate promises across versions.

/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
#[derive(Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// The sequence of one record.
    pub(super) fn new(seed: u64, stream: u64, record: u32) -> Self {
        let mut start = Self { state: seed };
        let state = start.next() ^ stream.rotate_left(56) ^ u64::from(record);
        let mut random = Self { state };
        random.state = random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `low..=high`.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        let span = u128::from(high - low) + 1;
        // The high half of the product is below the span; its bias of 2^-32 matters to nobody here.
        let offset = (u128::from(self.next()) * span) >> 64;
        low + u32::try_from(offset).expect("the offset is below a span of u32 numbers")
    }

    /// True once in `n` times.
    pub(super) fn one_in(&mut self, n: u32) -> bool {
        self.between(1, n) == 1
    }

    /// One of several.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let last = u32::try_from(from.len() - 1).expect("word lists are short");
        from[self.between(0, last) as usize]
    }

    /// Several different ones, in the order drawn.
    pub(super) fn pick_some<T: Copy>(&mut self, from: &[T], count: u32) -> Vec<T> {
        let mut left = from.to_vec();
        let count = (count as usize).min(left.len());
        let draw = |_| {
            let last = u32::try_from(left.len() - 1).expect("word lists are short");
            left.swap_remove(self.between(0, last) as usize)
        };
        (0..count).map(draw).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference values of SplitMix64 from the state 1234567, as published with the algorithm.
    #[test]
    fn the_sequence_is_splitmix64() {
        let mut random = Random { state: 1_234_567 };
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!([random.next(), random.next(), random.next()], published);
    }

    #[test]
    fn stays_in_range() {
        let mut random = Random::new(1, 1, 1);
        for _ in 0..1_000 {
            assert!((3..=5).contains(&random.between(3, 5)));
            assert_eq!(random.pick_some(&[1, 2, 3], 9).len(), 3);
        }
        assert!(random.between(0, u32::MAX) > 0);
    }
}
