use proptest::prelude::*;

use super::*;

fn stages(stages: &[(u64, u32)]) -> Vec<RampingStage> {
    stages
        .iter()
        .map(|(ms, target)| RampingStage {
            duration: Duration::from_millis(*ms),
            target: *target,
        })
        .collect()
}

fn changes(ramp: &Ramp) -> Vec<(u128, u32)> {
    ramp.changes()
        .map(|change| (change.at.as_millis(), change.vus))
        .collect()
}

/// A name, the VUs at the start, the stages (ms, target), and the changes (ms, VUs).
type Case = (&'static str, u32, &'static [(u64, u32)], &'static [(u128, u32)]);

#[test]
fn vus_come_and_go_one_by_one_and_jumps_are_at_once() {
    let cases: &[Case] = &[
        (
            "up",
            0,
            &[(4000, 4)],
            &[(1000, 1), (2000, 2), (3000, 3), (4000, 4)],
        ),
        (
            "down",
            3,
            &[(3000, 0)],
            &[(0, 3), (1000, 2), (2000, 1), (3000, 0)],
        ),
        ("flat", 5, &[(9000, 5)], &[(0, 5)]),
        (
            "up and down",
            1,
            &[(1000, 2), (1000, 1)],
            &[(0, 1), (1000, 2), (2000, 1)],
        ),
        (
            "a jump in between",
            1,
            &[(1000, 1), (0, 9), (1000, 9)],
            &[(0, 1), (1000, 9)],
        ),
        (
            "a jump where a line ends",
            0,
            &[(2000, 2), (0, 7), (500, 7)],
            &[(1000, 1), (2000, 7)],
        ),
        ("two jumps are one", 1, &[(0, 5), (0, 3), (1000, 3)], &[(0, 3)]),
        ("a jump at the end", 2, &[(1000, 2), (0, 4)], &[(0, 2), (1000, 4)]),
        ("nothing but a jump", 2, &[(0, 4)], &[(0, 4)]),
        ("nobody", 0, &[(1000, 0)], &[]),
    ];
    for (name, start, legs, expected) in cases {
        assert_eq!(&changes(&Ramp::new(*start, &stages(legs))), expected, "{name}");
    }
}

#[test]
fn a_change_counts_from_its_very_nanosecond_on() {
    let ramp = Ramp::new(0, &stages(&[(1000, 3)]));
    let first = ramp.changes().next().expect("there are three").at;
    assert_eq!(first, Duration::from_nanos(333_333_334));
    assert_eq!(ramp.vus_at(first - Duration::from_nanos(1)), 0);
    assert_eq!(ramp.vus_at(first), 1);
}

#[test]
fn the_longest_ramp_of_the_most_vus_does_not_overflow() {
    let stage = RampingStage {
        duration: Duration::MAX,
        target: u32::MAX,
    };
    let ramp = Ramp::new(0, &[stage]);
    assert_eq!(ramp.vus_at(Duration::MAX - Duration::from_nanos(1)), u32::MAX - 1);
    assert_eq!(ramp.changes().next().expect("there are many").vus, 1);
}

proptest! {
    #[test]
    fn the_changes_tell_what_there_is_at_any_time(
        start in 0..20_u32,
        legs in prop::collection::vec((prop_oneof![Just(0), 1..5_000_u64], 0..20_u32), 1..6),
        at in 0..30_000_000_000_u64,
    ) {
        let ramp = Ramp::new(start, &stages(&legs));
        let at = Duration::from_nanos(at);
        let told = ramp.changes().take_while(|change| change.at <= at).last().map_or(0, |change| change.vus);
        prop_assert_eq!(told, ramp.vus_at(at));
        for change in ramp.changes() {
            prop_assert_eq!(ramp.vus_at(change.at), change.vus);
        }
        let times: Vec<_> = ramp.changes().map(|change| change.at).collect();
        prop_assert!(times.is_sorted_by(|a, b| a < b));
        prop_assert!(times.last().is_none_or(|last| *last <= ramp.duration()));
    }

    #[test]
    fn nobody_is_ever_a_vu_away_from_the_line(
        start in 0..50_u32,
        to in 0..50_u32,
        ms in 1..5_000_u64,
        share in 0.0..1.0_f64,
    ) {
        let ramp = Ramp::new(start, &stages(&[(ms, to)]));
        let at = Duration::from_millis(ms).mul_f64(share);
        let line = f64::from(start) + (f64::from(to) - f64::from(start)) * at.as_secs_f64() / (ms as f64 / 1e3);
        prop_assert!((f64::from(ramp.vus_at(at)) - line).abs() < 1.0 + 1e-6);
    }
}
