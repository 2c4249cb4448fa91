//! `[[region]]` and which of them is this proxy's.

use super::Checker;
use crate::document::KeyPath;
use crate::geo::{Bias, Coordinates, Origin, Region, RegionTable, aws_coordinates, aws_region_names};
use crate::raw::{self, Raw};
use crate::shape::closest;

impl Checker<'_> {
    pub(super) fn regions(&mut self, raw: &Raw) -> Option<RegionTable> {
        let at = KeyPath::of("region");
        let checked = raw
            .region
            .iter()
            .enumerate()
            .map(|(index, raw)| self.region(&at.item(index), raw));
        let checked: Vec<_> = checked.collect(); // all of them, before one that is wrong ends it
        let names = raw.region.iter().enumerate();
        let names = names.filter_map(|(index, raw)| Some((at.item(index).key("name"), raw.name.as_ref()?)));
        self.unique(names.collect::<Vec<_>>(), "name", "give each region its own name");
        if raw.region.iter().all(|region| region.origins.is_empty()) {
            let remedy = "add `origins = [\"http://127.0.0.1:9000\"]` to a region, or give `--upstream`";
            self.report(&at, "no region has an origin", remedy);
        }
        let own = self.own(raw);
        Some(RegionTable {
            regions: checked.into_iter().collect::<Option<_>>()?,
            own: own?,
        })
    }

    fn own(&mut self, raw: &Raw) -> Option<usize> {
        let at = KeyPath::of("server.region");
        let names: Vec<&str> = raw
            .region
            .iter()
            .filter_map(|region| region.name.as_deref())
            .collect();
        let Some(own) = raw.server.region.as_deref() else {
            let example = names.first().unwrap_or(&"us-west");
            let remedy =
                format!("write `region = {example:?}` under `[server]`, or give `--region {example}`");
            self.report(&at, "which region this proxy serves is not said", remedy);
            return None;
        };
        let found = raw
            .region
            .iter()
            .position(|region| region.name.as_deref() == Some(own));
        if found.is_none() && !names.is_empty() {
            let remedy = match closest(own, names.iter().copied()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("write one of {}", names.join(", ")),
            };
            self.report(&at, format!("no `[[region]]` is named {own:?}"), remedy);
        }
        found
    }

    fn region(&mut self, at: &KeyPath, raw: &raw::Region) -> Option<Region> {
        let name = raw
            .name
            .as_ref()
            .and_then(|name| self.name(&at.key("name"), name));
        let coordinates = self.coordinates(at, raw);
        let origins = self.origins(&at.key("origins"), &raw.origins);
        let bias = Bias::new(raw.bias).ok(); // the schema has the same range
        Some(Region {
            name: name?,
            coordinates: coordinates?,
            bias: bias?,
            origins: origins?,
        })
    }

    fn coordinates(&mut self, at: &KeyPath, raw: &raw::Region) -> Option<Coordinates> {
        match (&raw.aws_region, &raw.coordinates) {
            (Some(aws), None) => self.aws(&at.key("aws_region"), aws),
            (None, Some(degrees)) => self.degrees(&at.key("coordinates"), degrees),
            (Some(_), Some(_)) => {
                let remedy = "remove `aws_region` or `coordinates`";
                self.report(
                    &at.key("coordinates"),
                    "the place is said twice, `aws_region` says it too",
                    remedy,
                );
                None
            }
            (None, None) => {
                let remedy = "add `aws_region = \"us-west-2\"` or `coordinates = [\"45.84\", \"-119.70\"]`";
                let ill_shaped = ["aws_region", "coordinates"].map(|key| at.key(key));
                if !ill_shaped
                    .iter()
                    .any(|key| self.ill_shaped.iter().any(|known| known.is_at_or_under(key)))
                {
                    self.report_here(at, "where the region is is not said", remedy);
                }
                None
            }
        }
    }

    fn aws(&mut self, at: &KeyPath, aws: &str) -> Option<Coordinates> {
        let coordinates = aws_coordinates(aws);
        if coordinates.is_none() {
            let near = closest(aws, aws_region_names());
            let near = near
                .map(|near| format!("did you mean {near:?}? Otherwise "))
                .unwrap_or_default();
            let remedy = format!("{near}write `coordinates = [\"45.84\", \"-119.70\"]` instead");
            self.report(
                at,
                format!("{aws:?} is not a public AWS region known here"),
                remedy,
            );
        }
        coordinates
    }

    fn degrees(&mut self, at: &KeyPath, degrees: &[String]) -> Option<Coordinates> {
        let remedy =
            "write latitude and longitude in degrees, such as `coordinates = [\"45.84\", \"-119.70\"]`";
        let numbers: Option<Vec<f64>> = degrees.iter().map(|text| decimal(text)).collect();
        let Some(&[lat, lon]) = numbers.as_deref() else {
            self.report(at, "is not a pair of decimal numbers", remedy);
            return None;
        };
        let coordinates = Coordinates::new(lat, lon);
        coordinates
            .map_err(|error| self.report(at, error.to_string(), remedy))
            .ok()
    }

    fn origins(&mut self, at: &KeyPath, texts: &[String]) -> Option<Vec<Origin>> {
        let parsed = texts
            .iter()
            .enumerate()
            .map(|(index, text)| match text.parse::<Origin>() {
                Ok(origin) => Some(origin),
                Err(error) => {
                    let remedy = "write scheme, host and port, such as \"http://api.internal:9000\"";
                    self.report(&at.item(index), format!("{text:?} {error}"), remedy);
                    None
                }
            });
        let parsed: Vec<_> = parsed.collect();
        let placed = parsed.iter().enumerate().filter_map(|(index, origin)| {
            let origin = origin.as_ref()?;
            Some((at.item(index), (origin.scheme, origin.authority(), origin.srv)))
        });
        self.unique(placed.collect::<Vec<_>>(), "origin", "name each origin once");
        parsed.into_iter().collect()
    }
}

/// Digits with a sign and a point: not `inf`, `NaN` or `1e3`, which Rust's own parser takes.
fn decimal(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    if plain { text.parse().ok() } else { None }
}
