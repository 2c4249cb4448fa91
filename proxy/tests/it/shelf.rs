//! An origin with things under numbers, which counts how often it is asked for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use proxima_local::{Asked, Say, Scripted, answer, raw};

use crate::load::Keys;

/// How long it takes over an answer.
pub(crate) const ORIGIN_TIME: Duration = Duration::from_millis(5);

/// What a scripted origin holds, and when it was asked for it.
pub(crate) struct Shelf {
    pub(crate) keys: Arc<Keys>,
    versions: Vec<AtomicU64>,
    /// By key, since the last look.
    fetched: Mutex<Vec<Vec<Instant>>>,
    filling: String,
}

impl Shelf {
    pub(crate) fn new(keys: usize, filling_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            keys: Arc::new(Keys::new("/k/", keys)),
            versions: (0..keys).map(|_| AtomicU64::new(0)).collect(),
            fetched: Mutex::new(vec![Vec::new(); keys]),
            filling: "x".repeat(filling_bytes),
        })
    }

    fn answer(&self, asked: &Asked) -> Say {
        let Some(number) = asked.target().strip_prefix("/k/") else {
            return silent_feed();
        };
        let key = number.parse::<usize>().unwrap() - 1;
        if asked.method() != "GET" {
            let version = self.versions[key].fetch_add(1, Ordering::SeqCst) + 1;
            return answer("200 OK", &[], &format!("Version {version}"));
        }
        self.fetched.lock()[key].push(Instant::now());
        let version = self.versions[key].load(Ordering::SeqCst);
        let body = format!("{} Version {version}", self.filling);
        answer("200 OK", &[("cache-control", "max-age=3600")], &body).after(ORIGIN_TIME)
    }

    /// When each key was fetched since the last time that this was asked.
    pub(crate) fn fetches(&self) -> Vec<Vec<Instant>> {
        let mut fetched = self.fetched.lock();
        let none = vec![Vec::new(); fetched.len()];
        std::mem::replace(&mut fetched, none)
    }

    /// The most and the sum of [`Self::fetches`].
    pub(crate) fn counts(&self) -> (usize, usize) {
        let fetches = self.fetches();
        let counts = fetches.iter().map(Vec::len);
        (counts.clone().max().unwrap(), counts.sum())
    }
}

/// A change feed on which nothing happens.
fn silent_feed() -> Say {
    let line = |text: &str| format!("{:x}\r\n{text}\n\r\n", text.len() + 1);
    let complete = line(r#"{"position":"0:7","tags":[],"snapshot":"complete"}"#);
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let heartbeat = line(r#"{"position":"0:7","tags":[]}"#);
    (0..200).fold(raw(format!("{head}{complete}")), |feed, _| {
        feed.then(Duration::from_millis(500), heartbeat.clone())
    })
}

pub(crate) async fn origin(shelf: &Arc<Shelf>) -> Scripted {
    let shelf = Arc::clone(shelf);
    Scripted::start(move |asked| shelf.answer(asked)).await
}
