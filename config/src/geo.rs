//! Geoproximity: which region is nearest to a place.
//!
//! The rule is Route 53's, so that the road a proxy chooses for a write is the one DNS chose for the user:
//! distance is changed by a *bias* and the smallest biased distance wins.
//! <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-geoproximity.html>

mod aws;
mod origin;
mod region;

use std::fmt;

pub use aws::aws_coordinates;
pub(crate) use aws::aws_region_names;
pub(crate) use origin::split_host_port;
pub use origin::{Origin, OriginError, Scheme};
pub use region::{Explained, Region, RegionTable};

/// Mean radius of the earth in kilometres (IUGG R1).
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

/// Why numbers are not a place or a bias.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum GeoError {
    /// Not between the poles.
    #[error("latitude {0} is outside -90..=90 degrees")]
    Latitude(f64),
    /// Not within one turn.
    #[error("longitude {0} is outside -180..=180 degrees")]
    Longitude(f64),
    /// Beyond what Route 53 accepts.
    #[error("bias {0} is outside -99..=99")]
    Bias(i64),
}

/// A place on the earth in degrees, north and east positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coordinates {
    lat: f64,
    lon: f64,
}

impl Coordinates {
    /// A place from degrees.
    ///
    /// # Errors
    /// When latitude is outside -90..=90, longitude outside -180..=180, or either is not a number.
    pub fn new(lat: f64, lon: f64) -> Result<Self, GeoError> {
        if !(-90.0..=90.0).contains(&lat) {
            return Err(GeoError::Latitude(lat));
        }
        if !(-180.0..=180.0).contains(&lon) {
            return Err(GeoError::Longitude(lon));
        }
        Ok(Self { lat, lon })
    }

    /// Degrees north of the equator, -90..=90.
    pub fn lat(self) -> f64 {
        self.lat
    }

    /// Degrees east of Greenwich, -180..=180.
    pub fn lon(self) -> f64 {
        self.lon
    }
}

impl fmt::Display for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.lat, self.lon)
    }
}

/// How far a region reaches beyond (positive) or short of (negative) its true distance, -99..=99.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bias(i8);

impl Bias {
    /// A bias from its number.
    ///
    /// # Errors
    /// Outside -99..=99.
    pub fn new(bias: i64) -> Result<Self, GeoError> {
        match i8::try_from(bias) {
            Ok(small @ -99..=99) => Ok(Self(small)),
            _ => Err(GeoError::Bias(bias)),
        }
    }

    /// The number, -99..=99.
    pub fn get(self) -> i8 {
        self.0
    }
}

impl fmt::Display for Bias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Great-circle distance in kilometres on a sphere of radius [`EARTH_RADIUS_KM`], by the haversine formula.
/// Right across the antimeridian and at the poles: only the sines of the differences are used.
pub fn distance_km(a: Coordinates, b: Coordinates) -> f64 {
    let (lat_a, lat_b) = (a.lat.to_radians(), b.lat.to_radians());
    let half_lat = ((lat_b - lat_a) / 2.0).sin();
    let half_lon = ((b.lon - a.lon).to_radians() / 2.0).sin();
    let h = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
    // Rounding can carry antipodes a hair past 1, where arcsine is not a number.
    2.0 * EARTH_RADIUS_KM * h.min(1.0).sqrt().asin()
}

/// Distance as Route 53 weighs it: a positive bias of `b` shrinks it to `1 - b/100` of itself, a negative
/// one stretches it by `1 / (1 - |b|/100)`.
pub fn biased_km(distance_km: f64, bias: Bias) -> f64 {
    let share = f64::from(bias.0) / 100.0;
    if share >= 0.0 {
        distance_km * (1.0 - share)
    } else {
        distance_km / (1.0 + share)
    }
}

#[cfg(test)]
mod tests;
