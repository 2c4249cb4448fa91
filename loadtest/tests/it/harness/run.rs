//! A script in a directory of its own, and what became of a run.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use serde_json::Value;
use tempfile::TempDir;

use super::Server;

/// A run that has not ended by then never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// A script with its files and its command line.
pub(crate) struct Test {
    directory: TempDir,
    command: Command,
}

impl Test {
    /// `script` as `script.js`, beside `expect.js`.
    pub(crate) fn new(script: &str) -> Self {
        Self::of("run", script)
    }

    /// The same, for `inspect`.
    pub(crate) fn inspect(script: &str) -> Self {
        Self::of("inspect", script)
    }

    fn of(subcommand: &str, script: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_proxima-load"));
        command.arg(subcommand).arg(directory.path().join("script.js"));
        // The options of whoever runs these tests are not the tests'.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("K6_")) {
            command.env_remove(name);
        }
        let export = directory.path().join("summary.json");
        if subcommand == "run" {
            command.arg("--summary-export").arg(export);
        }
        command.current_dir(directory.path());
        Self { directory, command }
            .file("script.js", script)
            .file("expect.js", include_str!("expect.js"))
    }

    /// One more file in the script's directory, or below.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// Flags, separated by spaces.
    pub(crate) fn flags(mut self, flags: &str) -> Self {
        self.command.args(flags.split_whitespace());
        self
    }

    /// Where the script finds `server`, as `__ENV.BASE`.
    pub(crate) fn against(mut self, server: &Server) -> Self {
        self.command.arg("-e").arg(format!("BASE={}", server.url("")));
        self
    }

    /// A variable of the process' environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// The script's directory.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn start(mut self) -> Running {
        let command = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (Arc::<Pipe>::default(), Arc::<Pipe>::default());
        let readers = [
            stdout.clone().fill(child.stdout.take().unwrap()),
            stderr.clone().fill(child.stderr.take().unwrap()),
        ];
        Running {
            child,
            stdout,
            stderr,
            readers,
            directory: self.directory,
        }
    }

    pub(crate) fn run(self) -> Run {
        self.start().wait()
    }

    /// Runs it with nobody to hear it: what reads standard output and standard error has gone away.
    pub(crate) fn run_unheard(mut self) -> Run {
        let closed = || std::io::pipe().unwrap().1;
        let command = self
            .command
            .stdin(Stdio::null())
            .stdout(closed())
            .stderr(closed());
        let child = command.spawn().unwrap();
        let nothing = || Arc::<Pipe>::default().fill(std::io::empty());
        Running {
            child,
            stdout: Arc::default(),
            stderr: Arc::default(),
            readers: [nothing(), nothing()],
            directory: self.directory,
        }
        .wait()
    }
}

/// A script whose iterations are `body`, with `http`, `check` and so on imported. A comparison of `expect.js` that does
/// not hold makes its exit code 107.
pub(crate) fn iterating(server: &Server, body: &str) -> Test {
    let script = format!(
        "import {{ check, fail, group, sleep }} from 'k6';
         import http from 'k6/http';
         import exec from 'k6/execution';
         import {{ equal, ok, throws }} from './expect.js';
         const base = __ENV.BASE;
         export default async function () {{ {body} }}"
    );
    Test::new(&script)
        .against(server)
        .flags("--fail-on-exception --out json=samples.json")
}

/// Runs one iteration of `body`, all of whose comparisons hold.
#[track_caller]
pub(crate) fn passes(server: &Server, body: &str) -> Run {
    iterating(server, body).run().with_code(0)
}

/// What a process has written so far.
#[derive(Default)]
struct Pipe {
    text: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Pipe {
    fn fill(self: Arc<Self>, mut from: impl Read + Send + 'static) -> JoinHandle<()> {
        std::thread::spawn(move || {
            let mut chunk = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = from.read(&mut chunk) {
                self.text.lock().extend_from_slice(&chunk[..length]);
                self.more.notify_all();
            }
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock()).into_owned()
    }

    fn wait_for(&self, wanted: &str, until: Instant) -> bool {
        let mut text = self.text.lock();
        loop {
            if String::from_utf8_lossy(&text).contains(wanted) {
                return true;
            }
            if self.more.wait_until(&mut text, until).timed_out() {
                return false;
            }
        }
    }
}

/// A run that has not ended. Dropped, it is killed.
pub(crate) struct Running {
    child: Child,
    stdout: Arc<Pipe>,
    stderr: Arc<Pipe>,
    readers: [JoinHandle<()>; 2],
    directory: TempDir,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the log has `text`.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        let seen = self.stderr.wait_for(text, Instant::now() + PATIENCE);
        assert!(
            seen,
            "the log never had {text:?}\n{}{}",
            self.stdout.text(),
            self.stderr.text()
        );
    }

    #[track_caller]
    pub(crate) fn wait(mut self) -> Run {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > until {
                let _ = self.child.kill();
                panic!(
                    "the run does not end\n{}{}",
                    self.stdout.text(),
                    self.stderr.text()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.readers.into_iter().for_each(|reader| reader.join().unwrap());
        let export = std::fs::read(self.directory.path().join("summary.json"));
        Run {
            code: status.code(),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            summary: export.map_or(Value::Null, |json| serde_json::from_slice(&json).unwrap()),
            directory: self.directory,
        }
    }
}

/// One value of a metric.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Sample {
    pub(crate) value: f64,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Sample {
    /// Empty if there is no such tag.
    pub(crate) fn tag(&self, name: &str) -> &str {
        self.tags.get(name).map_or("", String::as_str)
    }
}

/// A run that has ended.
pub(crate) struct Run {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// What `--summary-export` wrote; `null` if nothing.
    pub(crate) summary: Value,
    directory: TempDir,
}

impl Run {
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The run was refused with `code`, and the message has all of `words`.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &[&str]) {
        let run = self.with_code(code);
        for word in words {
            assert!(run.stderr.contains(word), "no {word:?} in\n{}", run.stderr);
        }
    }

    /// A number of the summary; `None` if there is no such metric or statistic.
    pub(crate) fn metric(&self, name: &str, statistic: &str) -> Option<f64> {
        self.summary["metrics"][name][statistic].as_f64()
    }

    #[track_caller]
    pub(crate) fn count(&self, name: &str) -> u64 {
        let count = self.summary["metrics"][name]["count"].as_u64();
        count.unwrap_or_else(|| panic!("no count of {name} in {:#}", self.summary["metrics"]))
    }

    /// How often a check held, and how often not; `groups` are the names of those that it is in.
    #[track_caller]
    pub(crate) fn check(&self, groups: &[&str], name: &str) -> (u64, u64) {
        let root = &self.summary["root_group"];
        let group = groups.iter().fold(root, |group, name| &group["groups"][name]);
        let check = &group["checks"][name];
        let number = |field: &str| {
            check[field]
                .as_u64()
                .unwrap_or_else(|| panic!("no check {name:?} in {group:#}"))
        };
        (number("passes"), number("fails"))
    }

    /// Samples of a metric that the run wrote to `samples.json`.
    #[track_caller]
    pub(crate) fn samples(&self, metric: &str) -> Vec<Sample> {
        let lines = self.file("samples.json");
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .filter(|line| line["type"] == "Point" && line["metric"] == metric)
            .map(|line| serde_json::from_value(line["data"].clone()).unwrap())
            .collect()
    }

    /// How many lines of the log have `text`.
    pub(crate) fn logged(&self, text: &str) -> usize {
        self.stderr.lines().filter(|line| line.contains(text)).count()
    }

    /// A file beside the script.
    #[track_caller]
    pub(crate) fn file(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// The same, if it is no text.
    #[track_caller]
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let path: PathBuf = self.directory.path().join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
