//! What the API holds: the two kinds of object, and what a valid one looks like.

mod check;
mod job;
mod profile;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use check::FieldError;
pub(crate) use job::{EmploymentType, Job};
pub(crate) use profile::{Employment, Profile};

/// The two collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Profile,
    Job,
}

impl Kind {
    /// The collection's name: its path segment and its cache tag.
    pub(crate) fn collection(self) -> &'static str {
        match self {
            Self::Profile => "profiles",
            Self::Job => "jobs",
        }
    }

    /// One object in words, for messages.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Job => "job",
        }
    }

    /// The field that no two objects may share.
    pub(crate) fn unique_field(self) -> &'static str {
        match self {
            Self::Profile => "email",
            Self::Job => "reference",
        }
    }

    /// The cache tag of one object, such as `profile:7`.
    pub(crate) fn tag(self, id: i64) -> String {
        format!("{}:{id}", self.noun())
    }

    /// Where one object lives, such as `/profiles/7`.
    pub(crate) fn path(self, id: i64) -> String {
        format!("/{}/{id}", self.collection())
    }
}

/// The highest id that exists over this API: whole numbers up to here survive a trip through JavaScript.
pub(crate) const MAX_ID: i64 = (1 << 53) - 1;

/// The highest id that a `PUT` may create. The database counts on from the highest id it has seen, so this
/// leaves half of the range for the ids that it assigns.
pub(crate) const MAX_CHOSEN_ID: i64 = 1 << 52;

/// An object as clients write it: every field but those that the server sets.
pub(crate) trait Resource: Serialize + DeserializeOwned + Send + 'static {
    /// Which collection it belongs to.
    const KIND: Kind;

    /// Field names that answers carry beside the writable ones.
    const READ_ONLY: &'static [&'static str];

    /// Everything wrong with the values, at once; empty when the object may be stored.
    fn check(&self) -> Vec<FieldError>;

    /// What the store keeps in columns of their own.
    fn facts(&self) -> Facts;
}

/// The parts of an object that queries look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Value of [`Kind::unique_field`], lower case.
    pub(crate) unique: Option<String>,
    /// Lower case.
    pub(crate) location: String,
    /// What the object pays or asks at most, per year.
    pub(crate) salary: Option<u32>,
    /// Lower case.
    pub(crate) skills: Vec<String>,
}

/// A checked object, ready for the store.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) facts: Facts,
    /// The object as JSON text with at least one field.
    pub(crate) body: String,
}

impl Draft {
    /// Wraps an object up for the store.
    pub(crate) fn of<R: Resource>(resource: &R) -> Self {
        let body = serde_json::to_string(resource).expect("plain structs with string keys always serialise");
        Self {
            facts: resource.facts(),
            body,
        }
    }
}

/// How skills and locations are compared.
pub(crate) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}
