//! Limits of this process, which its children inherit.

use anyhow::bail;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that a process needs besides its connections.
const BESIDES: u64 = 256;

/// Lets this process, and all that it starts from now on, have as many files open as the system allows, and makes sure
/// that these are enough for `connections`.
pub(crate) fn allow_connections(connections: u32) -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )?;
    let needed = u64::from(connections) + BESIDES;
    match limit.maximum {
        Some(maximum) if maximum < needed => {
            bail!(
                "{connections} connections need {needed} open files, the system allows {maximum}: `ulimit -Hn {needed}` as root"
            )
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_as_the_system_allows_may_be_open() {
        allow_connections(1).unwrap();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }

    #[test]
    fn more_connections_than_the_system_allows_are_refused() {
        if let Some(maximum) = getrlimit(Resource::Nofile).maximum {
            let too_many = u32::try_from(maximum).unwrap_or(u32::MAX);
            let error = allow_connections(too_many).unwrap_err().to_string();
            assert!(error.contains("ulimit -Hn"), "{error}");
        }
    }
}
