//! Uploaded files, kept in a directory beside the database.
//!
//! A file is written under a passing name, then renamed: it is there whole or not at all. Names are never used
//! twice, so whoever has one open reads one upload to its end, whatever happens meanwhile.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;

use super::StoreError;

const PASSING: &str = "upload-";
const KEPT: &str = "resume-";

/// The directory.
#[derive(Debug)]
pub(crate) struct Vault {
    directory: PathBuf,
}

/// A file on its way in; gone again unless it is kept.
#[derive(Debug)]
pub(crate) struct Upload {
    directory: PathBuf,
    path: TempPath,
    file: File,
    sha256: Sha256,
    size: u64,
}

impl Vault {
    /// Makes the directory `<database>-resumes` if need be.
    pub(super) fn beside(database: &Path) -> Result<Self, StoreError> {
        let mut name = database.as_os_str().to_owned();
        name.push("-resumes");
        let directory = PathBuf::from(name);
        std::fs::create_dir_all(&directory).map_err(|source| failed(&directory, source))?;
        Ok(Self { directory })
    }

    /// Starts an upload.
    pub(crate) fn receive(&self) -> Result<Upload, StoreError> {
        let passing = tempfile::Builder::new()
            .prefix(PASSING)
            .tempfile_in(&self.directory);
        let (file, path) = passing
            .map_err(|source| failed(&self.directory, source))?
            .into_parts();
        let directory = self.directory.clone();
        Ok(Upload {
            directory,
            path,
            file: File::from_std(file),
            sha256: Sha256::new(),
            size: 0,
        })
    }

    /// Opens a kept file; `None` when it was replaced or removed meanwhile.
    pub(crate) async fn open(&self, name: &str) -> Result<Option<File>, StoreError> {
        let path = self.directory.join(name);
        match File::open(&path).await {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed(&path, source)),
        }
    }

    /// Removes a file that nothing refers to any more. What cannot be removed now is swept later.
    pub(crate) async fn discard(&self, name: &str) {
        let path = self.directory.join(name);
        if let Err(error) = tokio::fs::remove_file(&path).await {
            tracing::warn!(path = %path.display(), %error, "cannot remove a replaced resume");
        }
    }

    /// Removes what a crash left behind: files older than `age` that are not in `referred`.
    pub(super) async fn sweep(&self, referred: HashSet<String>, age: Duration) -> Result<usize, StoreError> {
        let directory = self.directory.clone();
        let swept = spawn_blocking(move || sweep(&directory, &referred, age)).await;
        match swept {
            Ok(outcome) => outcome.map_err(|source| failed(&self.directory, source)),
            Err(failure) => Err(failed(&self.directory, io::Error::other(failure))),
        }
    }
}

impl Upload {
    /// Adds bytes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
        self.file
            .write_all(bytes)
            .await
            .map_err(|source| failed(&self.path, source))
    }

    /// Bytes so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Puts the file in place, safely on disk. Answers its name and its SHA-256 in hexadecimal.
    pub(crate) async fn keep(mut self) -> Result<(String, String), StoreError> {
        let fail = |source| failed(&self.directory, source);
        self.file.flush().await.map_err(fail)?;
        self.file.sync_data().await.map_err(fail)?;
        let file = self.file.into_std().await;
        let directory = self.directory.clone();
        let path = self.path;
        let kept = spawn_blocking(move || keep(&directory, NamedTempFile::from_parts(file, path))).await;
        let name = match kept {
            Ok(outcome) => outcome.map_err(|source| failed(&self.directory, source))?,
            Err(failure) => return Err(failed(&self.directory, io::Error::other(failure))),
        };
        Ok((name, hex(&self.sha256.finalize())))
    }
}

fn keep(directory: &Path, upload: NamedTempFile) -> io::Result<String> {
    let passing = upload
        .path()
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let passing = passing.expect("a temporary file has a name");
    // The passing name is unique only while it exists; with the time it stays so.
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |age| age.as_nanos());
    let name = format!("{KEPT}{nanos}-{}", passing.trim_start_matches(PASSING));
    upload
        .persist_noclobber(directory.join(&name))
        .map_err(|failure| failure.error)?;
    std::fs::File::open(directory)?.sync_all()?;
    Ok(name)
}

fn sweep(directory: &Path, referred: &HashSet<String>, age: Duration) -> io::Result<usize> {
    let mut swept = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = name.starts_with(PASSING) || name.starts_with(KEPT);
        let old = entry
            .metadata()?
            .modified()?
            .elapsed()
            .is_ok_and(|since| since >= age);
        if ours && old && !referred.contains(&name) {
            std::fs::remove_file(entry.path())?;
            swept += 1;
        }
    }
    Ok(swept)
}

fn failed(path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        path: path.to_owned(),
        source,
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
            text
        })
}
