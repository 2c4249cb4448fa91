use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn stages(stages: &[(u64, u32)]) -> Vec<RampingStage> {
    stages
        .iter()
        .map(|(ms, target)| RampingStage {
            duration: Duration::from_millis(*ms),
            target: *target,
        })
        .collect()
}

fn per_second(start_rate: u32, legs: &[(u64, u32)]) -> Arrivals {
    Arrivals::ramping(start_rate, SECOND, &stages(legs))
}

fn all(arrivals: &Arrivals) -> Vec<Duration> {
    (0..arrivals.total())
        .map(|i| arrivals.nth(i).expect("it is one of them"))
        .collect()
}

#[test]
fn a_constant_rate_starts_one_per_period() {
    let cases: &[(u32, Duration, Duration, &[u64])] = &[
        (4, SECOND, SECOND, &[0, 250_000_000, 500_000_000, 750_000_000]),
        (3, SECOND, SECOND, &[0, 333_333_333, 666_666_666]),
        (1, SECOND, Duration::from_millis(1), &[0]),
        (2, 60 * SECOND, 31 * SECOND, &[0, 30_000_000_000]),
        (2, 60 * SECOND, 30 * SECOND, &[0]),
        (0, SECOND, SECOND, &[]),
        (5, SECOND, Duration::ZERO, &[]),
    ];
    for (rate, time_unit, duration, expected) in cases {
        let arrivals = Arrivals::constant(*rate, *time_unit, *duration);
        let expected: Vec<_> = expected.iter().copied().map(Duration::from_nanos).collect();
        assert_eq!(
            all(&arrivals),
            expected,
            "{rate} per {time_unit:?} for {duration:?}"
        );
        assert_eq!(arrivals.nth(arrivals.total()), None);
    }
}

#[test]
fn a_constant_rate_does_not_drift_by_a_nanosecond_in_ten_hours() {
    let hours = 36_000;
    let arrivals = Arrivals::constant(50_000, SECOND, hours * SECOND);
    let total = 50_000 * u64::from(hours);
    assert_eq!(arrivals.total(), total);
    for i in [1, 49_999, 50_001, total / 3, total - 1] {
        assert_eq!(arrivals.nth(i), Some(Duration::from_nanos(i * 20_000)));
    }
    assert_eq!(arrivals.nth(total), None);
}

#[test]
fn a_rate_that_rises_from_nothing_starts_iterations_at_the_roots() {
    let arrivals = per_second(0, &[(10_000, 10)]);
    assert_eq!(arrivals.total(), 50);
    for (i, at) in all(&arrivals).iter().enumerate() {
        let expected = (2.0 * i as f64).sqrt();
        assert!(
            (at.as_secs_f64() - expected).abs() < 2e-9,
            "{i}: {at:?}, not {expected}"
        );
    }
}

#[test]
fn a_falling_rate_mirrors_a_rising_one() {
    let (up, down) = (per_second(0, &[(10_000, 10)]), per_second(10, &[(10_000, 0)]));
    assert_eq!(up.total(), down.total());
    for i in 1..50 {
        let (rising, falling) = (up.nth(i).expect("of 50"), down.nth(50 - i).expect("of 50"));
        assert!(
            (rising + falling).abs_diff(10 * SECOND) < Duration::from_nanos(3),
            "{i}"
        );
    }
}

#[test]
fn nothing_starts_while_the_rate_is_zero() {
    let arrivals = per_second(2, &[(1000, 2), (0, 0), (5000, 0), (0, 2), (1000, 2)]);
    let millis: Vec<_> = all(&arrivals).iter().map(Duration::as_millis).collect();
    assert_eq!(millis, [0, 500, 6000, 6500]);
    assert_eq!(all(&per_second(0, &[(4000, 0), (0, 1), (1000, 1)])), [4 * SECOND]);
}

#[test]
fn a_stage_of_no_duration_jumps() {
    let arrivals = per_second(1, &[(1000, 1), (0, 4), (1000, 4)]);
    let millis: Vec<_> = all(&arrivals).iter().map(Duration::as_millis).collect();
    assert_eq!(millis, [0, 1000, 1250, 1500, 1750]);
    assert_eq!(per_second(5, &[(0, 9)]).total(), 0);
}

#[test]
fn what_is_left_of_an_iteration_goes_on_in_the_next_stage() {
    let arrivals = per_second(1, &[(500, 1), (0, 2), (1000, 2)]);
    let millis: Vec<_> = all(&arrivals).iter().map(Duration::as_millis).collect();
    assert_eq!(millis, [0, 750, 1250]);
}

#[test]
fn the_rate_is_per_second_whatever_the_time_unit() {
    let arrivals = Arrivals::ramping(0, 60 * SECOND, &stages(&[(10_000, 600), (0, 60), (10_000, 60)]));
    let cases = [
        (0, 0.0),
        (5_000, 5.0),
        (9_999, 9.999),
        (10_000, 1.0),
        (19_999, 1.0),
        (20_000, 0.0),
    ];
    for (ms, expected) in cases {
        let rate = arrivals.rate_at(Duration::from_millis(ms));
        assert!((rate - expected).abs() < 1e-9, "{ms} ms: {rate}, not {expected}");
    }
}

#[test]
fn executors_without_a_rate_have_no_arrivals() {
    let executor = Executor::ConstantVus {
        vus: 1,
        duration: SECOND,
    };
    assert!(Arrivals::of(&executor).is_none());
    let executor = Executor::ConstantArrivalRate {
        rate: 7,
        time_unit: SECOND,
        duration: 3 * SECOND,
        pre_allocated_vus: 1,
        max_vus: 1,
    };
    assert_eq!(Arrivals::of(&executor).map(|arrivals| arrivals.total()), Some(21));
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let arrivals = Arrivals::constant(u32::MAX, Duration::from_nanos(1), Duration::MAX);
    assert_eq!(arrivals.total(), u64::MAX);
    assert_eq!(
        arrivals.nth(u64::MAX - 1),
        Some(Duration::from_nanos((u64::MAX - 1) / u64::from(u32::MAX)))
    );
    let mut last = arrivals.shard(u64::MAX - 2, u64::MAX);
    assert!(last.next().is_some() && last.next().is_none());
    assert_eq!(Arrivals::constant(1, Duration::MAX, Duration::MAX).total(), 1);
}

#[test]
fn a_shard_that_is_not_there_has_no_arrivals() {
    let arrivals = per_second(9, &[(1000, 9)]);
    assert_eq!(arrivals.clone().shard(3, 3).next(), None);
    assert_eq!(arrivals.shard(0, 0).next(), None);
}

/// Of one leg, `2 × time unit` times the integral after `t` nanoseconds, times the leg's duration so that it is whole.
fn exact(from: u32, to: u32, duration_ns: i128, t: i128) -> i128 {
    let (from, to, t) = (i128::from(from), i128::from(to), t.clamp(0, duration_ns));
    2 * from * t * duration_ns + (to - from) * t * t
}

proptest! {
    #[test]
    fn an_iteration_starts_where_the_integral_reaches_its_number(
        from in 0..60_000_u32,
        to in prop_oneof![0..60_000_u32, Just(0)],
        near in prop_oneof![Just(None), (-2..=2_i32).prop_map(Some)],
        ms in 1..36_000_000_u64,
        pick in any::<u64>(),
    ) {
        let to = near.map_or(to, |near| from.saturating_add_signed(near));
        let arrivals = per_second(from, &[(ms, to)]);
        prop_assume!(arrivals.total() > 0);
        let i = pick % arrivals.total();
        let at = i128::try_from(arrivals.nth(i).expect("i is below the total").as_nanos()).expect("hours");
        let duration_ns = i128::from(ms) * 1_000_000;
        prop_assert!((0..duration_ns).contains(&at));
        let wanted = i128::from(i) * 2 * 1_000_000_000 * duration_ns;
        prop_assert!(exact(from, to, duration_ns, at - 1) <= wanted);
        prop_assert!(wanted <= exact(from, to, duration_ns, at + 2));
    }

    #[test]
    fn shards_have_all_arrivals_among_them_in_order(
        start in 0..40_u32,
        legs in prop::collection::vec((prop_oneof![Just(0), 1..3_000_u64], 0..40_u32), 1..6),
        shards in 1..5_u64,
    ) {
        let arrivals = per_second(start, &legs);
        let times = all(&arrivals);
        prop_assert!(times.is_sorted());
        prop_assert!(times.last().is_none_or(|last| *last < arrivals.duration()));
        let mut seen = 0;
        for index in 0..shards {
            let expected = (0..arrivals.total()).filter(|i| i % shards == index);
            let mut shard = arrivals.clone().shard(index, shards);
            for iteration in expected {
                let at = times[usize::try_from(iteration).expect("few")];
                prop_assert_eq!(shard.next(), Some(Arrival { iteration, at }));
                seen += 1;
            }
            prop_assert_eq!(shard.next(), None);
        }
        prop_assert_eq!(seen, arrivals.total());
    }

    #[test]
    fn rates_stay_between_those_of_their_stage(from in 0..1000_u32, to in 0..1000_u32, share in 0.0..1.0_f64) {
        let rate = per_second(from, &[(7_000, to)]).rate_at((7 * SECOND).mul_f64(share));
        let (low, high) = (f64::from(from.min(to)), f64::from(from.max(to)));
        prop_assert!((low - 1e-9..=high + 1e-9).contains(&rate));
    }
}
