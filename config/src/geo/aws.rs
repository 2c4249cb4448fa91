//! Where AWS's regions are, so that `aws_region = "us-west-2"` is enough.

use super::Coordinates;

/// Public commercial regions with latitude and longitude in degrees, by name. AWS publishes cities, not
/// sites: these are the city or the known data-centre cluster, precise to some tens of kilometres.
/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
const AWS_REGIONS: [(&str, f64, f64); 34] = [
    ("af-south-1", -33.92, 18.42),      // Cape Town
    ("ap-east-1", 22.32, 114.17),       // Hong Kong
    ("ap-east-2", 25.03, 121.57),       // Taipei
    ("ap-northeast-1", 35.68, 139.77),  // Tokyo
    ("ap-northeast-2", 37.57, 126.98),  // Seoul
    ("ap-northeast-3", 34.69, 135.50),  // Osaka
    ("ap-south-1", 19.08, 72.88),       // Mumbai
    ("ap-south-2", 17.39, 78.49),       // Hyderabad
    ("ap-southeast-1", 1.35, 103.82),   // Singapore
    ("ap-southeast-2", -33.87, 151.21), // Sydney
    ("ap-southeast-3", -6.21, 106.85),  // Jakarta
    ("ap-southeast-4", -37.81, 144.96), // Melbourne
    ("ap-southeast-5", 3.15, 101.71),   // Kuala Lumpur
    ("ap-southeast-6", -36.85, 174.76), // Auckland
    ("ap-southeast-7", 13.76, 100.50),  // Bangkok
    ("ca-central-1", 45.50, -73.57),    // Montreal
    ("ca-west-1", 51.05, -114.07),      // Calgary
    ("eu-central-1", 50.11, 8.68),      // Frankfurt
    ("eu-central-2", 47.38, 8.54),      // Zurich
    ("eu-north-1", 59.33, 18.07),       // Stockholm
    ("eu-south-1", 45.46, 9.19),        // Milan
    ("eu-south-2", 41.65, -0.88),       // Zaragoza
    ("eu-west-1", 53.35, -6.26),        // Dublin
    ("eu-west-2", 51.51, -0.13),        // London
    ("eu-west-3", 48.86, 2.35),         // Paris
    ("il-central-1", 32.09, 34.78),     // Tel Aviv
    ("me-central-1", 24.45, 54.38),     // Abu Dhabi
    ("me-south-1", 26.07, 50.56),       // Manama
    ("mx-central-1", 20.59, -100.39),   // Querétaro
    ("sa-east-1", -23.55, -46.63),      // São Paulo
    ("us-east-1", 38.95, -77.45),       // Northern Virginia
    ("us-east-2", 39.96, -83.00),       // Columbus, Ohio
    ("us-west-1", 37.35, -121.96),      // Santa Clara, California
    ("us-west-2", 45.84, -119.70),      // Boardman, Oregon
];

/// The place of a public commercial AWS region; `None` for a name that is not one.
pub fn aws_coordinates(region: &str) -> Option<Coordinates> {
    let (_, lat, lon) = AWS_REGIONS.iter().find(|(name, ..)| *name == region)?;
    Some(Coordinates::new(*lat, *lon).expect("the table above is within degrees: a test builds every row"))
}

/// Every name that [`aws_coordinates`] knows, in alphabetical order.
pub(crate) fn aws_region_names() -> impl Iterator<Item = &'static str> {
    AWS_REGIONS.iter().map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_of_the_table_is_a_place() {
        for name in aws_region_names() {
            assert!(aws_coordinates(name).is_some(), "{name}");
        }
    }

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(AWS_REGIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn other_names_are_unknown() {
        assert_eq!(aws_coordinates("us-west-9"), None);
    }
}
