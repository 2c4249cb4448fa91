//! The files of a test: its script, what that imports, and what it opens.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::log::Log;
use crate::metrics::Registry;

/// What all virtual users of a test have in common before its options are known.
#[derive(Debug)]
pub struct Script {
    /// Absolute.
    pub path: PathBuf,
    /// `__ENV`.
    pub env: BTreeMap<String, String>,
    /// Where init code declares metrics.
    pub registry: Arc<Registry>,
    /// Where `console` and errors go.
    pub log: Arc<Log>,
    files: Files,
    /// What init code gave to `exec.test.abort()`.
    aborted: OnceLock<String>,
    shared: Mutex<HashMap<String, SharedArray>>,
}

/// The elements of a `SharedArray`, as JSON.
pub(super) type SharedArray = Arc<[Box<str>]>;

impl Script {
    /// The script in the file `path`; standard input if that is `-`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: &Path, env: BTreeMap<String, String>, log: Arc<Log>) -> io::Result<Self> {
        let files = Files::default();
        let path = if path == Path::new("-") {
            let path = std::env::current_dir()?.join("-");
            files.put(path.clone(), io::read_to_string(io::stdin())?.into_bytes());
            path
        } else {
            normal(&std::env::current_dir()?.join(path))
        };
        files.get(&path)?;
        Ok(Self {
            path,
            env,
            registry: Arc::default(),
            log,
            files,
            aborted: OnceLock::new(),
            shared: Mutex::default(),
        })
    }

    /// The directory that relative names are looked up in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// A file, read once for all virtual users.
    pub(super) fn file(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        self.files.get(path)
    }

    /// Has init code say that there is to be no test.
    pub(super) fn abort(&self, reason: String) {
        let _ = self.aborted.set(reason); // the first reason counts
    }

    /// Why there is to be no test, if init code said so.
    #[must_use]
    pub fn aborted(&self) -> Option<&str> {
        self.aborted.get().map(String::as_str)
    }

    /// The array of this name, if one of the virtual users has made it.
    pub(super) fn shared(&self, name: &str) -> Option<SharedArray> {
        self.shared.lock().get(name).cloned()
    }

    /// Keeps an array for all virtual users: the first one to come, if several make it at the same time.
    pub(super) fn share(&self, name: &str, elements: Vec<Box<str>>) -> SharedArray {
        self.shared
            .lock()
            .entry(name.to_owned())
            .or_insert_with(|| elements.into())
            .clone()
    }
}

/// The content of files by path: as many as the script's init code names.
#[derive(Debug, Default)]
struct Files(Mutex<HashMap<PathBuf, Arc<[u8]>>>);

impl Files {
    fn get(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        let mut files = self.0.lock();
        if let Some(content) = files.get(path) {
            return Ok(content.clone());
        }
        let content: Arc<[u8]> = std::fs::read(path)?.into();
        files.insert(path.to_owned(), content.clone());
        Ok(content)
    }

    fn put(&self, path: PathBuf, content: Vec<u8>) {
        self.0.lock().insert(path, content.into());
    }
}

/// `path` without `.` and `..`, by its text alone.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
