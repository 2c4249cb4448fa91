//! Groups and checks: the tree that the summary shows.

use std::fmt::Write as _;

use md5::{Digest, Md5};

/// What separates the names in a group's path, and stands before the first.
pub const SEPARATOR: &str = "::";

/// Groups and checks that one group has at most: a script that makes up names must not eat memory and time.
pub const NAMES_MAX: usize = 1_000;

/// How often a check passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// As the script has it.
    pub name: String,
    /// Its group's path, and its name.
    pub path: String,
    /// How often it held.
    pub passes: u64,
    /// How often it did not.
    pub fails: u64,
}

/// A group of the script, or the one around everything, whose name and path are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// As the script has it.
    pub name: String,
    /// The names of all groups around it and its own, each with [`SEPARATOR`] before it.
    pub path: String,
    /// Groups within, in the order of their first use.
    pub groups: Vec<Group>,
    /// Its checks, in the order of their first use.
    pub checks: Vec<Check>,
}

/// What stands for a path in exports: its MD5, in hexadecimal digits.
#[must_use]
pub fn id(path: &str) -> String {
    Md5::digest(path.as_bytes())
        .iter()
        .fold(String::with_capacity(32), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a string takes everything");
            hex
        })
}

/// All groups and checks seen so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupTree {
    root: Group,
    /// Some group had more than [`NAMES_MAX`].
    overfull: bool,
}

impl GroupTree {
    /// The group around everything.
    #[must_use]
    pub fn root(&self) -> &Group {
        &self.root
    }

    /// Whether names were left out, since there were more than [`NAMES_MAX`] in one group.
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        self.overfull
    }

    /// The group of this path, made if it is new; the last one around it that there is room for.
    pub fn group(&mut self, path: &str) -> &mut Group {
        let mut group = &mut self.root;
        for name in path.split(SEPARATOR).skip(1) {
            let known = group.groups.iter().position(|known| known.name == name);
            if known.is_none() && group.groups.len() >= NAMES_MAX {
                self.overfull = true;
                break;
            }
            let place = known.unwrap_or_else(|| {
                let path = format!("{}{SEPARATOR}{name}", group.path);
                group.groups.push(Group {
                    name: name.to_owned(),
                    path,
                    ..Group::default()
                });
                group.groups.len() - 1
            });
            group = &mut group.groups[place];
        }
        group
    }

    /// Counts outcomes of a check, if there is room for its name.
    pub fn count(&mut self, group: &str, name: &str, passes: u64, fails: u64) {
        let group = self.group(group);
        let known = group.checks.iter().position(|check| check.name == name);
        if known.is_none() && group.checks.len() >= NAMES_MAX {
            self.overfull = true;
            return;
        }
        let place = known.unwrap_or_else(|| {
            let path = format!("{}{SEPARATOR}{name}", group.path);
            group.checks.push(Check {
                name: name.to_owned(),
                path,
                passes: 0,
                fails: 0,
            });
            group.checks.len() - 1
        });
        group.checks[place].passes += passes;
        group.checks[place].fails += fails;
    }

    /// Takes in what another tree has.
    pub fn merge(&mut self, other: &Self) {
        self.overfull |= other.overfull;
        self.merge_group(&other.root);
    }

    fn merge_group(&mut self, other: &Group) {
        self.group(&other.path);
        for check in &other.checks {
            self.count(&other.path, &check.name, check.passes, check.fails);
        }
        for group in &other.groups {
            self.merge_group(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_counted_in_their_groups() {
        let mut one = GroupTree::default();
        one.count("", "up", 1, 0);
        one.count("::read::profile", "is 200", 2, 1);
        let mut two = GroupTree::default();
        two.count("::read::profile", "is 200", 1, 0);
        two.count("::read", "fast", 0, 1);
        one.merge(&two);
        let read = &one.root().groups[0];
        assert_eq!((read.name.as_str(), read.checks[0].fails), ("read", 1));
        let profile = &read.groups[0];
        assert_eq!(profile.path, "::read::profile");
        assert_eq!((profile.checks[0].passes, profile.checks[0].fails), (3, 1));
        assert_eq!(profile.checks[0].path, "::read::profile::is 200");
    }

    #[test]
    fn made_up_names_stop_somewhere() {
        let mut tree = GroupTree::default();
        for number in 0..=NAMES_MAX {
            assert!(!tree.is_overfull(), "{number}");
            tree.count("::g", &number.to_string(), 1, 0);
        }
        assert!(tree.is_overfull());
        assert_eq!(tree.root().groups[0].checks.len(), NAMES_MAX);
        let mut whole = GroupTree::default();
        whole.merge(&tree);
        assert!(whole.is_overfull());
    }

    #[test]
    fn an_id_is_the_md5_of_a_path() {
        assert_eq!(id(""), "d41d8cd98f00b204e9800998ecf8427e");
    }
}
