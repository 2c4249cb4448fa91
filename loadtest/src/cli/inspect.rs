//! `inspect`: the options that a test would run with.

use serde_json::json;

use crate::options::{duration, requirements};

use super::args::InspectArgs;
use super::exit::Failure;
use super::load::load;
use super::summary;

pub(super) fn inspect(args: &InspectArgs) -> Result<(), Failure> {
    let loaded = load(&args.script, false)?;
    let mut json = loaded.resolved.json;
    if args.execution_requirements
        && let Some(object) = json.as_object_mut()
    {
        let (max_vus, total) = requirements(&loaded.resolved.options);
        object.insert("maxVUs".to_owned(), json!(max_vus));
        object.insert("totalDuration".to_owned(), json!(duration::format(total)));
    }
    let text = serde_json::to_string_pretty(&json).map_err(|error| Failure::Broken(error.to_string()))?;
    summary::print(&(text + "\n"));
    Ok(())
}
