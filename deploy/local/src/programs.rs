//! Where the programs are that a world consists of.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::bail;

/// Our own programs, of the same build as the one that runs.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) proxy: PathBuf,
    pub(crate) origin: Option<PathBuf>,
    pub(crate) memcached: Option<PathBuf>,
}

impl Programs {
    /// Finds what is needed before anything is started, so that a missing program is the first thing heard of.
    pub(crate) fn find(with_origin: bool, with_memcached: bool) -> anyhow::Result<Self> {
        Ok(Self {
            proxy: own("proxima", "PROXIMA_BIN")?,
            origin: with_origin
                .then(|| own("proxima-origin", "PROXIMA_ORIGIN_BIN"))
                .transpose()?,
            memcached: with_memcached.then(memcached).transpose()?,
        })
    }
}

/// A program of this workspace: the one that `variable` names, else the one beside us.
fn own(name: &str, variable: &str) -> anyhow::Result<PathBuf> {
    if let Some(path) = env::var_os(variable).map(PathBuf::from) {
        if path.is_file() {
            return Ok(path);
        }
        bail!("{variable} names {}, which is not a file", path.display());
    }
    let us = env::current_exe()?;
    let places = beside(&us);
    if let Some(path) = places
        .iter()
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
    {
        return Ok(path);
    }
    let dir = places
        .last()
        .map(|dir| dir.display().to_string())
        .unwrap_or_default();
    bail!(
        "`{name}` is not in {dir}: build it with `cargo build --workspace --bins`, or name it in {variable}"
    )
}

/// The folders where cargo puts programs of the same build: ours, and its parent when we are a test in `deps`.
fn beside(us: &Path) -> Vec<&Path> {
    let Some(dir) = us.parent() else { return Vec::new() };
    match dir.parent() {
        Some(parent) if dir.ends_with("deps") => vec![dir, parent],
        _ => vec![dir],
    }
}

pub(crate) fn memcached() -> anyhow::Result<PathBuf> {
    installed("memcached")
}

/// A program of a Debian package of the same name.
pub(crate) fn installed(name: &str) -> anyhow::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file());
    match found {
        Some(path) => Ok(path),
        None => bail!("`{name}` is not in PATH: install it with `make setup` or `apt-get install {name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_finds_programs_above_deps() {
        let places = beside(Path::new("/target/debug/deps/reads-0123"));
        assert_eq!(
            places,
            [Path::new("/target/debug/deps"), Path::new("/target/debug")]
        );
        assert_eq!(
            beside(Path::new("/usr/bin/proxima-local")),
            [Path::new("/usr/bin")]
        );
    }

    #[test]
    fn a_missing_program_says_how_to_get_it() {
        let error = own("proxima-nonesuch", "PROXIMA_NONESUCH_BIN")
            .unwrap_err()
            .to_string();
        assert!(error.contains("cargo build --workspace --bins"), "{error}");
        assert!(error.contains("PROXIMA_NONESUCH_BIN"), "{error}");
    }
}
