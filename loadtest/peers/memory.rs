//! Memory that a server takes: of its processes, and of the files that it keeps in memory.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;

use crate::server::Server;
use crate::side_by_side::proc::kib;

/// Of a block in stat(2), whatever the file system's own.
const BLOCK_BYTES: u64 = 512;

/// Bytes that a server's processes have resident and its cached files take.
pub(crate) fn taken_by(server: &Server) -> anyhow::Result<u64> {
    let resident: u64 = server
        .pids()
        .into_iter()
        .map(resident_kib)
        .sum::<anyhow::Result<_>>()?;
    Ok(resident * 1024 + files_in(&server.memory_dir)?)
}

/// What a process has resident. Pages that several processes share count a part in each (`Pss` in proc_pid_smaps(5)).
fn resident_kib(pid: u32) -> anyhow::Result<u64> {
    let file = format!("/proc/{pid}/smaps_rollup");
    let rollup = fs::read_to_string(&file).with_context(|| file.clone())?;
    kib(&rollup, "Pss").with_context(|| format!("{file} has no Pss"))
}

/// Bytes of the blocks that all files below a folder have. A file that goes meanwhile has none.
fn files_in(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => bytes += metadata.blocks() * BLOCK_BYTES,
                Err(_) => {}
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory() {
        assert!(resident_kib(std::process::id()).unwrap() > 100);
    }

    #[test]
    fn files_count_by_their_blocks_in_all_folders() {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        assert_eq!(files_in(folder.path()).unwrap(), 0);
        let inner = folder.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("one"), [1; 5000]).unwrap();
        fs::write(folder.path().join("two"), [1; 1]).unwrap();
        assert_eq!(files_in(folder.path()).unwrap(), 3 * 4096);
        let empty = fs::File::create(folder.path().join("sparse")).unwrap();
        empty.set_len(1 << 20).unwrap();
        assert_eq!(files_in(folder.path()).unwrap(), 3 * 4096, "a hole takes nothing");
    }
}
