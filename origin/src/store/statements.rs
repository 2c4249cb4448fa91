//! The SQL that differs between the collections by table name only.

use crate::model::Kind;

/// One collection's statements.
pub(super) struct Statements {
    /// Start of a listing: the columns of [`super::Record`] from the table, called `o`.
    pub(super) select: &'static str,
    /// Joins the skills to a listing, called `s`.
    pub(super) join_skills: &'static str,
    /// One row always: the position, then the object's columns or nulls.
    pub(super) fetch: &'static str,
    pub(super) insert: &'static str,
    pub(super) set_version: &'static str,
    pub(super) upsert: &'static str,
    pub(super) delete: &'static str,
    pub(super) add_skills: &'static str,
    pub(super) drop_skills: &'static str,
}

/// The end of the log as a column. Inside one statement it is of the same snapshot as the data: exact.
macro_rules! position {
    () => {
        "(SELECT coalesce(max(id), 0) FROM changes) AS position"
    };
}

macro_rules! statements {
    ($table:literal, $skills:literal, $resume:literal) => {
        Statements {
            select: concat!(
                "SELECT o.id, o.version, o.created_ms, o.updated_ms, o.body, ",
                $resume,
                " AS resume FROM ",
                $table,
                " o"
            ),
            join_skills: concat!(" JOIN ", $skills, " s ON s.id = o.id AND s.skill = "),
            fetch: concat!(
                "SELECT ",
                position!(),
                ", o.id, o.version, o.created_ms, o.updated_ms, o.body, ",
                $resume,
                " AS resume FROM (SELECT 1) LEFT JOIN ",
                $table,
                " o ON o.id = ?"
            ),
            insert: concat!(
                "INSERT INTO ",
                $table,
                " (version, created_ms, updated_ms, unique_key, location, salary, body)",
                " VALUES (0, ?1, ?1, ?2, ?3, ?4, ?5) RETURNING id"
            ),
            set_version: concat!("UPDATE ", $table, " SET version = ? WHERE id = ?"),
            upsert: concat!(
                "INSERT INTO ",
                $table,
                " (id, version, created_ms, updated_ms, unique_key, location, salary, body)",
                " VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET",
                " version = excluded.version, updated_ms = excluded.updated_ms,",
                " unique_key = excluded.unique_key, location = excluded.location,",
                " salary = excluded.salary, body = excluded.body"
            ),
            delete: concat!("DELETE FROM ", $table, " WHERE id = ?"),
            add_skills: concat!(
                "INSERT OR IGNORE INTO ",
                $skills,
                " (skill, id) SELECT value, ?1 FROM json_each(?2)"
            ),
            drop_skills: concat!("DELETE FROM ", $skills, " WHERE id = ?"),
        }
    };
}

static PROFILES: Statements = statements!("profiles", "profile_skills", "o.resume");
static JOBS: Statements = statements!("jobs", "job_skills", "NULL");

/// The end of the change log.
pub(super) const POSITION: &str = concat!("SELECT ", position!());

pub(super) fn of(kind: Kind) -> &'static Statements {
    match kind {
        Kind::Profile => &PROFILES,
        Kind::Job => &JOBS,
    }
}
