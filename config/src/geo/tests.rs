use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/geoproximity.json")).unwrap()
}

fn place(of: &Value) -> Coordinates {
    match of.as_str() {
        Some(name) => aws_coordinates(name).unwrap(),
        None => Coordinates::new(of[0].as_f64().unwrap(), of[1].as_f64().unwrap()).unwrap(),
    }
}

fn near(got: f64, want: &Value, what: &Value) {
    let want = want.as_f64().unwrap();
    assert!((got - want).abs() <= 0.001, "{what}: {got} is not {want}");
}

fn region(name: &str, coordinates: Coordinates, bias: i64) -> Region {
    Region {
        name: name.into(),
        coordinates,
        bias: Bias::new(bias).unwrap(),
        origins: vec![],
    }
}

#[test]
fn biased_distances_are_those_of_route_53() {
    for row in vectors()["bias"].as_array().unwrap() {
        let bias = Bias::new(row["bias"].as_i64().unwrap()).unwrap();
        near(
            biased_km(row["distance"].as_f64().unwrap(), bias),
            &row["biased"],
            row,
        );
    }
}

#[test]
fn aws_regions_are_where_the_vectors_have_them() {
    for (name, at) in vectors()["places"].as_object().unwrap() {
        assert_eq!(aws_coordinates(name), Some(place(at)), "{name}");
    }
}

#[test]
fn distances_match_the_vectors() {
    for row in vectors()["distances"].as_array().unwrap() {
        near(
            distance_km(place(&row["from"]), place(&row["to"])),
            &row["km"],
            row,
        );
    }
}

#[test]
fn choices_match_the_vectors() {
    for row in vectors()["choices"].as_array().unwrap() {
        let among = row["among"].as_object().unwrap();
        let regions = among
            .iter()
            .map(|(name, bias)| region(name, aws_coordinates(name).unwrap(), bias.as_i64().unwrap()))
            .collect();
        let table = RegionTable { regions, own: 0 };
        let first = table.nearest(place(&row["client"]))[0];
        assert_eq!(table.regions[first].name, row["wins"], "{row}");
    }
}

fn three_at_growing_distance() -> RegionTable {
    let at = |lon| Coordinates::new(0.0, lon).unwrap();
    RegionTable {
        regions: vec![
            region("c", at(30.0), 0),
            region("a", at(1.0), 0),
            region("b", at(2.0), 0),
        ],
        own: 0,
    }
}

#[test]
fn unhealthy_regions_are_skipped() {
    let rows = three_at_growing_distance().explain(Coordinates::new(0.0, 0.0).unwrap(), |region| region != 1);
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.region, row.healthy, row.chosen))
        .collect();
    assert_eq!(told, [(1, false, false), (2, true, true), (0, true, false)]);
}

#[test]
fn all_unhealthy_counts_as_all_healthy() {
    let rows = three_at_growing_distance().explain(Coordinates::new(0.0, 0.0).unwrap(), |_| false);
    let told: Vec<_> = rows.iter().map(|row| (row.region, row.chosen)).collect();
    assert_eq!(told, [(1, true), (2, false), (0, false)]);
}

#[test]
fn ties_go_to_the_earlier_record() {
    let here = Coordinates::new(10.0, 10.0).unwrap();
    let regions = vec![region("first", here, 0), region("second", here, 50)];
    let table = RegionTable { regions, own: 1 };
    assert_eq!(table.nearest(here), [0, 1]);
    assert_eq!(table.own().name, "second");
}

#[test]
fn numbers_outside_their_range_are_refused() {
    assert_eq!(Coordinates::new(90.1, 0.0), Err(GeoError::Latitude(90.1)));
    assert_eq!(Coordinates::new(0.0, -180.1), Err(GeoError::Longitude(-180.1)));
    assert!(Coordinates::new(f64::NAN, 0.0).is_err());
    assert!(Coordinates::new(0.0, f64::INFINITY).is_err());
    for bias in [-100, 100, 156, i64::MIN, i64::MAX] {
        assert_eq!(Bias::new(bias), Err(GeoError::Bias(bias)));
    }
}

fn anywhere() -> impl Strategy<Value = Coordinates> {
    (-90.0_f64..=90.0, -180.0_f64..=180.0).prop_map(|(lat, lon)| Coordinates::new(lat, lon).unwrap())
}

proptest! {
    #[test]
    fn distance_is_a_metric(a in anywhere(), b in anywhere(), c in anywhere()) {
        let (ab, ba) = (distance_km(a, b), distance_km(b, a));
        prop_assert!((ab - ba).abs() < 1e-6);
        prop_assert_eq!(distance_km(a, a), 0.0);
        prop_assert!((0.0..=std::f64::consts::PI * EARTH_RADIUS_KM + 1e-6).contains(&ab));
        // Near antipodes haversine loses digits: a metre of slack.
        prop_assert!(distance_km(a, c) <= ab + distance_km(b, c) + 1e-3);
    }

    #[test]
    fn a_turn_of_the_globe_changes_nothing(a in anywhere(), b in anywhere(), turn in -180.0_f64..=180.0) {
        let turned = |at: Coordinates| {
            let lon = (at.lon() + turn + 540.0).rem_euclid(360.0) - 180.0;
            Coordinates::new(at.lat(), lon).unwrap()
        };
        prop_assert!((distance_km(a, b) - distance_km(turned(a), turned(b))).abs() < 1e-3);
    }

    #[test]
    fn more_bias_is_never_farther(km in 0.0..20_040.0, low in -99_i64..=99, high in -99_i64..=99) {
        let biased = |bias| biased_km(km, Bias::new(bias).unwrap());
        prop_assert!(biased(low.max(high)) <= biased(low.min(high)));
        prop_assert!(biased(low) >= 0.0);
    }

    #[test]
    fn the_nearest_order_holds_every_region_once(from in anywhere(), places in prop::collection::vec((anywhere(), -99_i64..=99), 0..9)) {
        let regions: Vec<_> = places.into_iter().map(|(at, bias)| region("r", at, bias)).collect();
        let count = regions.len();
        let mut order = RegionTable { regions, own: 0 }.nearest(from);
        order.sort_unstable();
        prop_assert_eq!(order, (0..count).collect::<Vec<_>>());
    }
}
