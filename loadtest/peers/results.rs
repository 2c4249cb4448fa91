//! Everything that was measured, as it is kept in a file.

use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::part::Part;
use crate::peer::Peer;

/// Of the file. A change that a reader of the file has to know of makes it another.
pub(crate) const LAYOUT: u32 = 1;

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    /// [`LAYOUT`].
    pub(crate) layout: u32,
    /// When it began, in UTC: `2026-02-28T23:59:59Z`.
    pub(crate) date: String,
    /// Where.
    pub(crate) machine: Machine,
    /// Length of a measurement under load.
    pub(crate) seconds: u32,
    /// How often each server was measured.
    pub(crate) rounds: u32,
    /// The servers' versions.
    pub(crate) versions: Vec<Version>,
    /// Servers that were not there, and why.
    pub(crate) skipped: Vec<String>,
    /// What was measured.
    pub(crate) parts: Vec<Part>,
}

/// A server's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    /// Whose.
    pub(crate) peer: Peer,
    /// As it says.
    pub(crate) version: String,
}

impl Results {
    /// Reads a file that `--out` wrote.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        Self::parse(&text).with_context(|| file.display().to_string())
    }

    /// Several files as one: what a later one has measured takes the place of the same in an earlier one.
    ///
    /// # Errors
    /// When they are not of one machine and the same versions.
    pub(crate) fn together(files: Vec<Self>) -> anyhow::Result<Self> {
        let mut files = files.into_iter();
        let mut all = files.next().context("no file")?;
        for file in files {
            let differs = |version: &Version| {
                let known = all.versions.iter().find(|known| known.peer == version.peer);
                known.is_some_and(|known| known != version)
            };
            if file.machine != all.machine || file.versions.iter().any(differs) {
                bail!(
                    "the files of {} and {} are of other machines or versions: measure again with `make bench`",
                    all.date,
                    file.date
                );
            }
            for version in file.versions {
                if !all.versions.contains(&version) {
                    all.versions.push(version);
                }
            }
            for part in file.parts {
                match all.parts.iter_mut().find(|known| known.id == part.id) {
                    Some(known) => *known = part,
                    None => all.parts.push(part),
                }
            }
        }
        Ok(all)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Layout {
            layout: u32,
        }
        let Layout { layout } = serde_json::from_str(text).context("no measurements of `make bench`")?;
        if layout != LAYOUT {
            bail!("its layout is {layout}, this program reads {LAYOUT}: measure again with `make bench`");
        }
        serde_json::from_str(text).context("no measurements of `make bench`")
    }

    /// What a server did not do of what was asked of it.
    pub(crate) fn faults_of(&self, peer: Peer) -> Vec<String> {
        let rows = self
            .parts
            .iter()
            .flat_map(|part| part.rows.iter().map(move |row| (part, row)));
        rows.filter(|(_, row)| row.peer == peer)
            .filter_map(|(part, row)| Some(format!("{}: {}", part.id, row.fault.as_deref()?)))
            .collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::part::tests::example as part;

    /// With one part.
    pub(crate) fn example() -> Results {
        let version = |peer, version: &str| Version {
            peer,
            version: version.to_owned(),
        };
        Results {
            layout: LAYOUT,
            date: "2026-02-28T23:59:59Z".to_owned(),
            machine: Machine {
                cores: 2,
                cpu: "A CPU".to_owned(),
                memory_mib: 1024,
                kernel: "Linux 6.1".to_owned(),
            },
            seconds: 5,
            rounds: 3,
            versions: vec![
                version(Peer::Nginx, "1.22.1"),
                version(Peer::Haproxy, "2.6"),
                version(Peer::Proxima, "0.1.0"),
            ],
            skipped: vec!["squid: it is not installed".to_owned()],
            parts: vec![part()],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = serde_json::to_string_pretty(&example()).unwrap();
        assert_eq!(Results::parse(&text).unwrap(), example());
    }

    #[test]
    fn files_of_one_machine_and_the_same_versions_make_one() {
        let (first, mut second) = (example(), example());
        second.parts[0].rows.clear();
        let mut other = second.parts[0].clone();
        other.id = "other".to_owned();
        second.parts.push(other);
        let both = Results::together(vec![first.clone(), second.clone()]).unwrap();
        assert_eq!(both.parts, second.parts);
        assert_eq!(both.date, first.date);
        second.versions[0].version = "1.23".to_owned();
        assert!(Results::together(vec![first, second]).is_err());
        assert!(Results::together(vec![]).is_err());
    }

    #[test]
    fn other_layouts_are_refused() {
        let cases = [
            (
                r#"{"layout": 2}"#,
                "its layout is 2, this program reads 1: measure again with `make bench`",
            ),
            (r#"{"seconds": 5}"#, "no measurements of `make bench`"),
            (r#"{"layout": 1}"#, "no measurements of `make bench`"),
        ];
        for (text, expected) in cases {
            assert_eq!(Results::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }
}
