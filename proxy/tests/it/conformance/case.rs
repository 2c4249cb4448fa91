//! What a case file says, read.

use std::path::PathBuf;
use std::time::Duration;

/// A row of the table: requests of one client for one resource, with what the origin says and what must come back.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) file: PathBuf,
    pub(super) line: usize,
    /// Such as `RFC 9111 4.2.1 Calculating Freshness Lifetime`.
    pub(super) section: String,
    pub(super) title: String,
    /// Which route of the configuration covers it.
    pub(super) route: String,
    /// Ways of running the table that it has a meaning in; all of them when empty.
    pub(super) modes: Vec<char>,
    /// The only protocol in which it has one, as [`super::run::Speaks::as_str`] names it.
    pub(super) only: Option<String>,
    pub(super) steps: Vec<Item>,
}

impl Case {
    /// Index of the last step.
    pub(super) fn last_step(&self) -> usize {
        let step = |item: &Item| matches!(item, Item::Step(_));
        self.steps.iter().rposition(step).unwrap_or_default()
    }
}

#[derive(Debug)]
pub(super) enum Item {
    Wait(Duration),
    Step(Step),
}

/// A request with everything around it.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) method: String,
    /// After the path of the case.
    pub(super) suffix: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Option<String>,
    /// How many clients ask at the same time.
    pub(super) times: usize,
    /// What the origin says, in the order in which it is asked; nothing when it must not be asked.
    pub(super) origin: Vec<Says>,
    /// The origin is asked behind the answer.
    pub(super) behind: bool,
    pub(super) wants: Vec<(usize, Want)>,
}

impl Step {
    /// What the client must be answered with, unless the step says otherwise.
    pub(super) fn status_expected(&self) -> Option<u16> {
        if self.behind {
            return Some(200);
        }
        match self.origin.last().map(|says| &says.kind) {
            Some(Kind::Drop) => None,
            None | Some(Kind::Answer(304)) => Some(200),
            Some(Kind::Answer(status)) => Some(*status),
        }
    }

    pub(super) fn drops(&self) -> bool {
        self.origin.iter().any(|says| says.kind == Kind::Drop)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Closes the connection before any byte.
    Drop,
    /// A final status.
    Answer(u16),
}

/// One answer of the origin.
#[derive(Debug, Clone)]
pub(super) struct Says {
    pub(super) kind: Kind,
    pub(super) fields: Vec<(String, String)>,
    /// Made up when absent, never twice the same.
    pub(super) body: Option<String>,
    pub(super) after: Duration,
    pub(super) chunked: bool,
    pub(super) without_date: bool,
    pub(super) without_body: bool,
    /// Closes the connection after so many bytes of the body.
    pub(super) cut: Option<usize>,
    /// Informational responses before.
    pub(super) early: Vec<(u16, Vec<(String, String)>)>,
    pub(super) trailers: Vec<(String, String)>,
}

impl Says {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            fields: Vec::new(),
            body: None,
            after: Duration::ZERO,
            chunked: false,
            without_date: false,
            without_body: false,
            cut: None,
            early: Vec::new(),
            trailers: Vec::new(),
        }
    }
}

/// An expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Want {
    Status(Vec<u16>),
    Body(String),
    /// The body that the origin gave in an earlier step.
    From(usize),
    /// The body never comes to its end.
    Incomplete,
    Field(String, String),
    FieldHas(String, String),
    FieldPresent(String),
    NoField(String),
    /// As the origin saw the last request of the step.
    Asked(String, String),
    AskedHas(String, String),
    NotAsked(String),
    AskedMethod(String),
    AskedTarget(String),
    AskedBody(String),
    /// How often the origin is asked in this step.
    AskedTimes(usize),
    Age(i64, i64),
    NoAge,
    /// Our member of `Cache-Status`.
    Ttl(i64, i64),
    Hit,
    Fwd(String),
    FwdStatus(u16),
    Stored(bool),
    /// In at least one of several answers.
    Collapsed,
    Interim(u16),
    NoInterim,
    InterimField(String, String),
    Trailer(String, String),
    /// One part of a multipart/byteranges body: its `Content-Range`, and its bytes.
    Part(String, String),
    Parts(usize),
    /// Answers to clients that ask at once differ from each other.
    AllDiffer,
}
