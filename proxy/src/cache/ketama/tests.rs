use proptest::prelude::*;
use proxima_config::checked::NodeAddress;

use super::*;

/// Nodes of these weights, at port 11211 and the ones after it.
fn weighted(weights: &[u32]) -> Vec<RingNode> {
    let node = |(port, weight): (u16, &u32)| RingNode {
        address: NodeAddress::Tcp {
            host: "10.0.0.1".into(),
            port,
        },
        weight: *weight,
    };
    (11211..).zip(weights).map(node).collect()
}

fn equal(count: usize) -> Vec<RingNode> {
    weighted(&vec![1; count])
}

fn ring(weights: &[u32]) -> Ketama {
    Ketama::new(&weighted(weights))
}

fn points_of(ring: &Ketama) -> Vec<usize> {
    let count = |node| ring.points.iter().filter(|(_, owner)| *owner == node).count();
    (0..ring.nodes).map(count).collect()
}

#[test]
fn points_are_those_of_libmemcached() {
    // MD5("10.0.0.1-0") and MD5("10.0.0.1:11212-0"): their first four bytes, little-endian, are points
    let ring = Ketama::new(&equal(2));
    for (name, node) in [("10.0.0.1-0", 0), ("10.0.0.1:11212-0", 1)] {
        let digest = Md5::digest(name.as_bytes());
        let point = u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]);
        assert!(ring.points.contains(&(point, node)), "{name}");
    }
    assert_eq!(points_of(&ring), [160, 160]);
    assert_eq!(ring.nodes, 2);
}

/// The numbers of points that twemproxy 0.5 arrives at in single precision.
#[test]
fn weights_decide_how_many_points_a_node_has() {
    assert_eq!(points_of(&ring(&[1, 2, 3, 1])), [88, 180, 272, 88]);
    assert_eq!(points_of(&ring(&[1000, 1000])), [160, 160]);
    assert_eq!(points_of(&ring(&[1, 1000])), [0, 316]);
    assert_eq!(points_of(&Ketama::new(&equal(25))), [156; 25]); // 39.999996 is no 40
}

#[test]
fn a_node_that_is_out_gives_its_keys_to_others_only() {
    let ring = Ketama::new(&equal(3));
    for n in 0..1000 {
        let key = format!("key-{n}");
        let owner = ring.locate(key.as_bytes(), |_| true);
        let stand_in = ring.locate(key.as_bytes(), |node| node != 1);
        assert_ne!(stand_in, Some(1));
        if owner != Some(1) {
            assert_eq!(owner, stand_in);
        }
    }
    assert_eq!(ring.locate(b"k", |_| false), None);
}

#[test]
fn one_node_has_everything_and_no_node_nothing() {
    let one = Ketama::new(&equal(1));
    assert_eq!(one.shares(), [1.0]);
    assert_eq!(arcs(vec![7]).collect::<Vec<_>>(), [(PLACES, 7)]);
    let none = Ketama::new(&[]);
    assert_eq!(none.shares(), [0.0; 0]);
    assert_eq!(none.locate(b"k", |_| true), None);
    assert_eq!(none.moved(&none, |_, _| false), 0.0);
    assert_eq!(one.moved(&none, |_, _| true), 1.0);
}

#[test]
fn arcs_end_at_their_points_and_make_up_the_ring() {
    let widths: Vec<_> = arcs(vec![30, 10, u32::MAX, 10]).collect();
    assert_eq!(widths, [(11, 10), (20, 30), (PLACES - 31, u32::MAX)]);
}

/// What chance makes of a share that rests on so many points: five standard deviations.
fn tolerance(share: f64, points: usize) -> f64 {
    share * 5.0 / (points as f64).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_node_more_or_less_moves_its_share_and_nothing_else(count in 1_usize..20, at in any::<prop::sample::Index>()) {
        let more = equal(count + 1);
        let changed = at.index(more.len());
        let mut fewer = more.clone();
        fewer.remove(changed);
        let (more, fewer) = (Ketama::new(&more), Ketama::new(&fewer));

        let in_fewer = |node: usize| if node > changed { node - 1 } else { node };
        let left = more.moved(&fewer, |here, there| here != changed && in_fewer(here) == there);
        let came = fewer.moved(&more, |here, there| there != changed && in_fewer(there) == here);
        prop_assert_eq!(left, came);
        prop_assert_eq!(left, more.shares()[changed]);
        let elsewhere = more.moved(&fewer, |here, there| here == changed || in_fewer(here) == there);
        prop_assert_eq!(elsewhere, 0.0);

        let share = 1.0 / (count + 1) as f64;
        prop_assert!((left - share).abs() < tolerance(share, 160), "moved {left}, share {share}");
    }

    #[test]
    fn shares_sum_to_one_and_follow_the_weights(weights in prop::collection::vec(1_u32..6, 1..9)) {
        let ring = ring(&weights);
        let shares = ring.shares();
        prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let total = f64::from(weights.iter().sum::<u32>());
        for ((share, weight), points) in shares.iter().zip(&weights).zip(points_of(&ring)) {
            let due = f64::from(*weight) / total;
            // the number of points is cut off to a multiple of four
            let off = tolerance(due, points) + due * 4.0 / points as f64;
            prop_assert!((share - due).abs() < off, "{share} instead of {due} on {points} points");
        }
    }

    #[test]
    fn what_moves_is_what_sampled_keys_say(
        before in prop::collection::vec(1_u32..6, 1..6),
        after in prop::collection::vec(1_u32..6, 1..6),
    ) {
        const KEYS: usize = 20_000;
        let (before, after) = (ring(&before), ring(&after));
        let is_moved = |n: &usize| {
            let key = format!("key-{n}");
            before.locate(key.as_bytes(), |_| true) != after.locate(key.as_bytes(), |_| true)
        };
        let counted = (0..KEYS).filter(is_moved).count() as f64 / KEYS as f64;
        let moved = before.moved(&after, |here, there| here == there);
        // five standard deviations of a count among 20,000
        prop_assert!((moved - counted).abs() < 0.018, "{moved} against {counted} of the keys");
        prop_assert_eq!(moved, after.moved(&before, |here, there| here == there));
    }
}
