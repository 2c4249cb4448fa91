//! The command line.

mod ask;
mod explain;
mod reload;
mod ring;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use proxima_config::{Config, Overrides};
use tokio::signal::unix::{SignalKind, signal};

use crate::reload::Source;
use crate::server::{Addresses, Server, check_files};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "proxima.toml";
/// What is logged unless `RUST_LOG` says otherwise. Libraries warn of what clients do; we count that instead.
const DEFAULT_FILTER: &str =
    "info,pingora_core=error,pingora_proxy=off,rustls=error,hickory_net=error,hickory_resolver=error";
/// How long tasks that nobody waits for may run on after the last request.
const EXIT_GRACE: Duration = Duration::from_secs(1);

/// Multi-region, edge-cached read proxy and cache tier for HTTP APIs.
#[derive(Debug, Parser)]
#[command(name = "proxima", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve, with a configuration file or, given --upstream, without one.
    Run(Box<Flags>),
    /// Check a configuration and the files it names: every problem at once, with line, key and remedy.
    Check(Box<Flags>),
    /// Say why a URL is a hit, a miss or never cached, asking a running proxy's admin listener.
    Explain(Box<explain::Explain>),
    /// Have a running proxy read its configuration again, asking its admin listener; SIGHUP does the same.
    Reload(Box<reload::Reload>),
    /// Say where the ring keeps keys, and what a change of its nodes moves.
    #[command(subcommand)]
    Ring(ring::RingCommand),
    /// Show what configurations look like.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the JSON Schema of the configuration file.
    Schema,
    /// Print the configuration in force, flags and defaults included, secrets left out.
    Show(Box<Flags>),
    /// Print a file with every key, its default and what it means.
    Default,
}

/// Each flag overrides its key in the file.
#[derive(Debug, Args)]
struct Flags {
    /// Configuration file [default: proxima.toml, unless --upstream is given].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Region that this proxy serves.
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Origin of the own region, as http://HOST:PORT; may be repeated.
    #[arg(long, value_name = "URL")]
    upstream: Vec<String>,
    /// Plain HTTP address; may be repeated.
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// TLS address, HTTP/2 and HTTP/1.1; may be repeated.
    #[arg(long, value_name = "ADDR")]
    tls_listen: Vec<String>,
    /// PEM certificate chain for TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM private key for TLS.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// memcached node of the region's ring; may be repeated.
    #[arg(long, value_name = "HOST:PORT")]
    memcached: Vec<String>,
    /// Address of metrics and health checks.
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// Worker threads [default: one per CPU].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Memory for L1, such as "256 MiB"; 0 leaves only the ring.
    #[arg(long, value_name = "SIZE")]
    l1_capacity: Option<String>,
}

impl Flags {
    fn overrides(&self) -> Overrides {
        Overrides {
            region: self.region.clone(),
            upstream: self.upstream.clone(),
            listen: self.listen.clone(),
            tls_listen: self.tls_listen.clone(),
            tls_cert: self.tls_cert.clone(),
            tls_key: self.tls_key.clone(),
            memcached: self.memcached.clone(),
            admin: self.admin.clone(),
            threads: self.threads,
            l1_capacity: self.l1_capacity.clone(),
        }
    }

    /// Where the configuration comes from.
    fn source(&self) -> Source {
        let overrides = Box::new(self.overrides());
        let path = match &self.config {
            None if !self.upstream.is_empty() => return Source::Flags(overrides),
            None => DEFAULT_FILE.into(),
            Some(file) => file.clone(),
        };
        Source::File { path, overrides }
    }

    /// The checked configuration; problems are printed whole.
    fn load(&self) -> Result<Config, ExitCode> {
        loaded(self.source().load())
    }
}

/// A configuration that is good; the problems of one that is not are printed whole.
fn loaded(loaded: Result<Config, proxima_config::Problems>) -> Result<Config, ExitCode> {
    loaded.map_err(|problems| {
        let colour = std::io::stderr().is_terminal();
        eprintln!("{}", proxima_config::render(&problems, colour));
        ExitCode::FAILURE
    })
}

/// Runs the command line and maps its outcome to an exit code: 0, 1 for a configuration, a start, an explanation or a
/// reload that fails, 2 for wrong usage.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(flags) => run(&flags),
        Command::Check(flags) => check(&flags),
        Command::Explain(explain) => explain::run(&explain),
        Command::Reload(reload) => reload::run(&reload),
        Command::Ring(command) => ring::run(&command),
        Command::Config(ConfigCommand::Schema) => print(&format!("{:#}\n", proxima_config::schema())),
        Command::Config(ConfigCommand::Default) => print(&proxima_config::default_toml()),
        Command::Config(ConfigCommand::Show(flags)) => flags
            .load()
            .and_then(|config| print(&proxima_config::to_toml(&config))),
    };
    outcome.err().unwrap_or(ExitCode::SUCCESS)
}

/// Prints to standard output; a reader that has left is no error.
fn print(text: &str) -> Result<(), ExitCode> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(fail(&error)),
        _ => Ok(()),
    }
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("proxima: {error}");
    ExitCode::FAILURE
}

fn check(flags: &Flags) -> Result<(), ExitCode> {
    let config = flags.load()?;
    check_files(&config).map_err(|error| fail(&error))?;
    let regions = config.regions.regions.len();
    print(&format!(
        "ok: region {} of {regions}, {} routes\n",
        config.regions.own().name,
        config.routes.len()
    ))
}

fn run(flags: &Flags) -> Result<(), ExitCode> {
    let config = flags.load()?;
    start_logging();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = config.server.threads {
        runtime.worker_threads(threads);
    }
    let runtime = runtime
        .enable_all()
        .thread_name("proxima")
        .build()
        .map_err(|error| fail(&error))?;
    let served = runtime.block_on(serve(config, flags.source()));
    runtime.shutdown_timeout(EXIT_GRACE);
    served
}

async fn serve(config: Config, source: Source) -> Result<(), ExitCode> {
    let region = config.regions.own().name.clone();
    let server = Server::bind(config, source).await.map_err(|error| fail(&error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| fail(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| fail(&error))?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: requests in flight finish first");
    };
    let ready = |addresses: &Addresses| {
        if print(&ready_line(&region, addresses)).is_err() {
            tracing::warn!("standard output is closed; serving all the same");
        }
    };
    server.run(stop, ready).await;
    Ok(())
}

/// `proxima 0.1.0 ready: region us-west, http://127.0.0.1:8080, https://127.0.0.1:8443, admin http://127.0.0.1:9090`
fn ready_line(region: &str, addresses: &Addresses) -> String {
    let mut line = format!("proxima {} ready: region {region}", env!("CARGO_PKG_VERSION"));
    addresses
        .http
        .iter()
        .for_each(|address| line.push_str(&format!(", http://{address}")));
    addresses
        .https
        .iter()
        .for_each(|address| line.push_str(&format!(", https://{address}")));
    if let Some(address) = addresses.admin {
        line.push_str(&format!(", admin http://{address}"));
    }
    line.push('\n');
    line
}

/// Diagnostics go to standard error; `RUST_LOG` filters them.
fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(DEFAULT_FILTER));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
