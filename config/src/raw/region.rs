//! `[[region]]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One region: a place, how far it reaches, and the origins in it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
pub(crate) struct Region {
    /// Name in logs, metric labels and `Cache-Status`: 1 to 64 characters of a-z, 0-9, `_` and `-`.
    #[schemars(extend("examples" = ["us-west"]))]
    pub(crate) name: Option<String>,
    /// Public AWS region that it is in; gives the coordinates. Either this or `coordinates`.
    #[schemars(extend("examples" = ["us-west-2"]))]
    pub(crate) aws_region: Option<String>,
    /// Latitude and longitude in degrees, north and east positive, as text; Route 53
    /// takes two decimals. Either this or `aws_region`.
    #[schemars(extend("examples" = [["45.84", "-119.70"]]), length(min = 2, max = 2))]
    pub(crate) coordinates: Option<Vec<String>>,
    /// Route 53's bias: above 0 the region draws users and writes from farther away, below 0 it sheds them.
    #[schemars(range(min = -99, max = 99))]
    pub(crate) bias: i64,
    /// Its origins: `http://` or `https://` with a host and a port, or `srv+http://` and `srv+https://` with
    /// the name of SRV records. A region without origins reads from and writes to the nearest others.
    #[schemars(extend("examples" = [["http://127.0.0.1:9000"]]))]
    pub(crate) origins: Vec<String>,
}
