//! The reference API of one region.

use std::ffi::OsString;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::process::{Process, Recipe};

/// How long an origin's stop waits for requests in flight, in seconds.
const DRAIN_SECONDS: &str = "10";

/// A `proxima-origin` process. All origins of a world share one SQLite file, so that each region's origin
/// sees every write at once.
#[derive(Debug)]
pub struct Origin {
    process: Process,
    url: String,
}

/// Faults can be done to it as to any process.
impl Deref for Origin {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl Origin {
    pub(crate) async fn start(program: PathBuf, dir: &Path, region: &str) -> anyhow::Result<Self> {
        let recipe = Recipe {
            name: format!("origin-{region}"),
            program,
            args: args(dir, region, "127.0.0.1:0"),
            env: Vec::new(),
            dir: dir.to_owned(),
        };
        let (process, url) = Process::start(recipe, url_printed).await?;
        Ok(Self { process, url })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops it if it runs, and starts it on the same port and data.
    ///
    /// # Errors
    /// When it does not start; somebody else may have taken the port.
    pub async fn restart(&self) -> anyhow::Result<()> {
        let Recipe { mut args, .. } = self.process.recipe();
        let address = self.url.trim_start_matches("http://");
        if let Some(listen) = args.iter().position(|word| word == "--listen") {
            args[listen + 1] = address.into();
        }
        self.process.start_again(args, url_printed).await.map(drop)
    }
}

/// Fills the database that the origins of a world share.
pub(crate) async fn seed(program: &Path, dir: &Path, profiles: u32, jobs: u32) -> anyhow::Result<()> {
    let numbers = ["--profiles", &profiles.to_string(), "--jobs", &jobs.to_string()];
    let args = ["seed".into(), "--db".into(), database(dir).into_os_string()];
    let args = args.into_iter().chain(numbers.map(OsString::from)).collect();
    let (program, dir) = (program.to_owned(), dir.to_owned());
    Process::run(Recipe {
        name: "seed".to_owned(),
        program,
        args,
        env: Vec::new(),
        dir,
    })
    .await
}

fn database(dir: &Path) -> PathBuf {
    dir.join("origin.sqlite")
}

fn args(dir: &Path, region: &str, listen: &str) -> Vec<OsString> {
    let database = database(dir).into_os_string();
    let fixed = ["--listen", listen, "--region", region, "--drain", DRAIN_SECONDS];
    ["serve".into(), "--db".into(), database]
        .into_iter()
        .chain(fixed.map(OsString::from))
        .collect()
}

fn url_printed(recipe: &Recipe) -> Option<String> {
    let out = fs::read_to_string(recipe.out_path()).ok()?;
    let (line, _) = out.split_once('\n')?;
    Some(line.strip_prefix("listening on ")?.to_owned())
}
