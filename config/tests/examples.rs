//! Every file in `examples/` loads.

use std::path::Path;

use proxima_config::{Overrides, load};

#[test]
fn every_example_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // A file that all regions share leaves the region to the flag.
        let told = std::fs::read_to_string(&path).unwrap().contains("\nregion = ");
        let region = (!told).then(|| "ap-east".to_owned());
        let overrides = Overrides {
            region,
            ..Overrides::default()
        };
        if let Err(problems) = load(&path, &overrides) {
            panic!("{problems}");
        }
        count += 1;
    }
    assert!(count >= 3);
}
