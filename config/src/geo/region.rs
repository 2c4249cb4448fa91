//! The table that every region's proxy shares.

use super::{Bias, Coordinates, Origin, biased_km, distance_km};

/// One region: a place, how far it reaches, and the origins in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Name in logs, labels and `Cache-Status`.
    pub name: String,
    /// Where it is.
    pub coordinates: Coordinates,
    /// How far it reaches.
    pub bias: Bias,
    /// Its origins, in the order of the file.
    pub origins: Vec<Origin>,
}

/// Every region and which of them is this proxy's.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionTable {
    /// Regions in the order of the file: ties go to the earlier.
    pub regions: Vec<Region>,
    /// Index of this proxy's region in `regions`.
    pub own: usize,
}

/// How one region fared in a choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// Index in [`RegionTable::regions`].
    pub region: usize,
    /// Great-circle distance in kilometres.
    pub distance_km: f64,
    /// Distance in kilometres after the region's bias.
    pub biased_km: f64,
    /// As the caller said.
    pub healthy: bool,
    /// The one region that wins.
    pub chosen: bool,
}

impl RegionTable {
    /// This proxy's region.
    ///
    /// # Panics
    /// When `own` is not an index of `regions`; a checked configuration has none such.
    pub fn own(&self) -> &Region {
        &self.regions[self.own]
    }

    /// Indices of all regions by biased distance from a place, nearest first, ties to the earlier record.
    pub fn nearest(&self, from: Coordinates) -> Vec<usize> {
        self.measured(from)
            .into_iter()
            .map(|measured| measured.region)
            .collect()
    }

    /// Every region nearest first, and which one wins: the first healthy one, or the first of all when
    /// none is healthy (Route 53 then treats all as healthy).
    pub fn explain(&self, from: Coordinates, healthy: impl Fn(usize) -> bool) -> Vec<Explained> {
        let mut explained = self.measured(from);
        for row in &mut explained {
            row.healthy = healthy(row.region);
        }
        let winner = explained.iter().position(|row| row.healthy).unwrap_or(0);
        if let Some(row) = explained.get_mut(winner) {
            row.chosen = true;
        }
        explained
    }

    fn measured(&self, from: Coordinates) -> Vec<Explained> {
        let measure = |(region, record): (usize, &Region)| {
            let distance_km = distance_km(from, record.coordinates);
            let biased_km = biased_km(distance_km, record.bias);
            Explained {
                region,
                distance_km,
                biased_km,
                healthy: true,
                chosen: false,
            }
        };
        let mut rows: Vec<_> = self.regions.iter().enumerate().map(measure).collect();
        rows.sort_by(|a, b| a.biased_km.total_cmp(&b.biased_km)); // stable: a tie keeps the file's order
        rows
    }
}
