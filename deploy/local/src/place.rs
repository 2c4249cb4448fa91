//! Where well-known regions are, as Route 53 sees AWS's.

/// A region's name and coordinates in degrees, north and east positive.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

const KNOWN: [(&str, f64, f64); 9] = [
    ("ap-east", 22.32, 114.17),      // Hong Kong
    ("ap-northeast", 35.68, 139.77), // Tokyo
    ("ap-south", 19.08, 72.88),      // Mumbai
    ("ap-southeast", 1.35, 103.82),  // Singapore
    ("eu-central", 50.11, 8.68),     // Frankfurt
    ("eu-west", 53.35, -6.26),       // Dublin
    ("sa-east", -23.55, -46.63),     // São Paulo
    ("us-east", 38.95, -77.45),      // Northern Virginia
    ("us-west", 45.84, -119.70),     // Boardman, Oregon
];

/// The place of a region that needs no coordinates.
pub(crate) fn known(name: &str) -> Option<Place> {
    let &(name, latitude, longitude) = KNOWN.iter().find(|(known, ..)| *known == name)?;
    Some(Place {
        name: name.to_owned(),
        latitude,
        longitude,
    })
}

/// Names that [`known`] finds, for messages.
pub(crate) fn known_names() -> String {
    KNOWN.map(|(name, ..)| name).join(", ")
}
