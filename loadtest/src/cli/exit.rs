//! How a process ends: k6's exit codes (<https://grafana.com/docs/k6/latest/misc/k6-cloud-error-codes/>).

use std::process::ExitCode;

use crate::run::RunError;

/// Why the exit code is not 0.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// 99
    #[error("thresholds were missed: {}", .0.join("; "))]
    Thresholds(Vec<String>),
    /// 100
    #[error("{0}")]
    SetupTimeout(String),
    /// 101
    #[error("{0}")]
    TeardownTimeout(String),
    /// 104
    #[error("{0}")]
    Config(String),
    /// 105
    #[error("stopped by a signal")]
    Interrupted,
    /// 107
    #[error("{0}")]
    Script(String),
    /// 108
    #[error("the script aborted the test: {0}")]
    Aborted(String),
    /// 109
    #[error("{0}")]
    Broken(String),
    /// 110
    #[error("the script marked the test as failed")]
    MarkedFailed,
}

impl Failure {
    pub(super) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Thresholds(_) => 99,
            Self::SetupTimeout(_) => 100,
            Self::TeardownTimeout(_) => 101,
            Self::Config(_) => 104,
            Self::Interrupted => crate::run::EXIT_INTERRUPTED,
            Self::Script(_) => 107,
            Self::Aborted(_) => 108,
            Self::Broken(_) => 109,
            Self::MarkedFailed => 110,
        })
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let text = error.to_string();
        match error {
            RunError::Script(_) => Self::Script(text),
            RunError::TimedOut {
                function: "setup", ..
            } => Self::SetupTimeout(text),
            RunError::TimedOut { .. } => Self::TeardownTimeout(text),
            RunError::Stopped => Self::Interrupted,
            RunError::Io(_) | RunError::Network(_) | RunError::Died => Self::Broken(text),
        }
    }
}
