//! Whether a request is sent again after its connection broke.

use super::failure::Failure;
use super::request::Request;

/// A connection that is of no more use, and how far the request had come on it.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) failure: Failure,
    pub(super) stage: Stage,
}

/// How far a request had come when its connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The server cannot have acted on it.
    Unsent,
    /// Nothing of an answer came.
    Unanswered,
    /// It was answered in part, or its time is up.
    Late,
}

impl Broken {
    pub(super) fn unsent(failure: Failure) -> Self {
        Self::at(Stage::Unsent, failure)
    }

    pub(super) fn unanswered(failure: Failure) -> Self {
        Self::at(Stage::Unanswered, failure)
    }

    pub(super) fn late(failure: Failure) -> Self {
        Self::at(Stage::Late, failure)
    }

    /// Only its own stream failed: a shared connection is as good as before.
    pub(super) fn spares_connection(&self) -> bool {
        (Failure::HTTP2_STREAM..Failure::HTTP2_CONNECTION).contains(&self.failure.code)
    }

    fn at(stage: Stage, failure: Failure) -> Self {
        let stage = if failure.code == Failure::TIMEOUT {
            Stage::Late
        } else {
            stage
        };
        Self { failure, stage }
    }

    /// A request that was sent on a connection of earlier requests is sent once more, on a new one, as Go does: servers
    /// close idle connections, and cannot say so before the request is under way.
    pub(super) fn may_retry(&self, request: &Request) -> bool {
        match self.stage {
            Stage::Unsent => true,
            Stage::Unanswered => request.is_replayable(),
            Stage::Late => false,
        }
    }
}
