//! One stored object, and how it looks from outside.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::StoreError;

/// One object as stored.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: i64,
    /// Id of the change that made this version.
    pub(crate) version: i64,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    /// JSON object with at least one member.
    pub(crate) body: String,
    pub(crate) resume: Option<Resume>,
}

/// The uploaded file of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resume {
    /// Name in the vault.
    pub(crate) file: String,
    pub(crate) size: u64,
    /// Lower-case hexadecimal.
    pub(crate) sha256: String,
    pub(crate) content_type: String,
    pub(crate) updated_ms: i64,
}

/// What clients see of a [`Resume`].
#[derive(Serialize)]
struct ResumeView<'a> {
    size: u64,
    sha256: &'a str,
    content_type: &'a str,
}

impl Record {
    /// Reads the columns of `Statements::select`; `None` where a left join found nothing.
    pub(super) fn from_row(row: &SqliteRow) -> Result<Option<Self>, StoreError> {
        let Some(id) = row.try_get("id")? else {
            return Ok(None);
        };
        let resume: Option<String> = row.try_get("resume")?;
        Ok(Some(Self {
            id,
            version: row.try_get("version")?,
            created_ms: row.try_get("created_ms")?,
            updated_ms: row.try_get("updated_ms")?,
            body: row.try_get("body")?,
            resume: resume.map(|text| serde_json::from_str(&text)).transpose()?,
        }))
    }

    /// The object as clients see it, in JSON. The stored text is used as it is: nothing is parsed.
    pub(crate) fn to_json(&self) -> String {
        let resume = self.resume.as_ref().map_or_else(String::new, |resume| {
            let view = ResumeView {
                size: resume.size,
                sha256: &resume.sha256,
                content_type: &resume.content_type,
            };
            let json = serde_json::to_string(&view).expect("a struct of strings and numbers serialises");
            format!(r#""resume":{json},"#)
        });
        let members = self
            .body
            .strip_prefix('{')
            .expect("the body is an object that we serialised");
        format!(
            r#"{{"id":{},"version":{},"created_at":"{}","updated_at":"{}",{resume}{members}"#,
            self.id,
            self.version,
            rfc3339(self.created_ms),
            rfc3339(self.updated_ms),
        )
    }
}

/// A stored time as the system's own type.
pub(crate) fn system_time(ms: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

fn rfc3339(ms: i64) -> humantime::Rfc3339Timestamp {
    humantime::format_rfc3339_millis(system_time(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_one_json_object() {
        let mut record = Record {
            id: 7,
            version: 42,
            created_ms: 1_700_000_000_123,
            updated_ms: 1_700_000_001_000,
            body: r#"{"name":"Ada"}"#.to_owned(),
            resume: None,
        };
        assert_eq!(
            record.to_json(),
            r#"{"id":7,"version":42,"created_at":"2023-11-14T22:13:20.123Z","updated_at":"2023-11-14T22:13:21.000Z","name":"Ada"}"#
        );
        record.resume = Some(Resume {
            file: "secret".to_owned(),
            size: 3,
            sha256: "ab".to_owned(),
            content_type: "text/\"x\"".to_owned(),
            updated_ms: 0,
        });
        let value: serde_json::Value = serde_json::from_str(&record.to_json()).unwrap();
        assert_eq!(
            value["resume"],
            serde_json::json!({"size": 3, "sha256": "ab", "content_type": "text/\"x\""})
        );
    }
}
