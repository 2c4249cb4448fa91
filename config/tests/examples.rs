//! Every file in `examples/` loads.

use std::path::Path;

use proxima_config::{Overrides, load};

#[test]
fn every_example_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if let Err(problems) = load(&path, &Overrides::default()) {
            panic!("{problems}");
        }
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn the_file_of_all_regions_serves_each_of_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/three-regions.toml");
    for region in ["us-west", "eu-central", "ap-east"] {
        let overrides = Overrides {
            region: Some(region.to_owned()),
            ..Overrides::default()
        };
        assert_eq!(load(&path, &overrides).unwrap().regions.own().name, region);
    }
}
