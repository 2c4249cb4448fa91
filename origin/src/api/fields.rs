//! `?fields=a,b`: only some members of an object.

use serde_json::{Map, Value};

use super::problem::Problem;
use super::query::Query;
use crate::model::Resource;

/// The members asked for.
#[derive(Debug)]
pub(super) struct Fields(Vec<String>);

impl Fields {
    /// Reads the parameter; `None` when all are wanted. Refuses names that no object of the kind has.
    pub(super) fn of<R: Resource + Default>(query: &Query) -> Result<Option<Self>, Problem> {
        let Some(text) = query.text("fields")? else {
            return Ok(None);
        };
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        let writable = serde_json::to_value(R::default()).unwrap_or_default();
        for name in &names {
            if writable.get(name).is_none() && !R::READ_ONLY.contains(&name.as_str()) {
                let shown: String = name.chars().take(64).collect();
                let detail = format!("`{shown}` is not a field of a {}", R::KIND.noun());
                return Err(Problem::bad_parameter("fields", detail));
            }
        }
        Ok(Some(Self(names)))
    }

    /// Leaves out every other member.
    pub(super) fn pick(&self, json: &str) -> String {
        let mut members: Map<String, Value> =
            serde_json::from_str(json).expect("a stored object renders as a JSON object");
        members.retain(|name, _| self.0.contains(name));
        Value::Object(members).to_string()
    }
}
