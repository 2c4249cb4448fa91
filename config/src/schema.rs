//! JSON Schema of the file, generated from [`crate::raw`].

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::raw::Raw;

/// JSON Schema (2020-12) of the file, for editors and for the check of keys and types.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with(|settings| {
        settings.inline_subschemas = true; // nothing recurs, and readers of one section see all of it
    });
    let mut schema = settings.into_generator().into_root_schema_for::<Raw>().to_value();
    drop_null(&mut schema);
    schema
}

/// TOML has no null: an optional key is one that may be left out.
fn drop_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("default") == Some(&Value::Null) {
                object.remove("default");
            }
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            drop_null_alternative(object);
            object.values_mut().for_each(drop_null);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_null),
        _ => {}
    }
}

/// `anyOf: [X, null]` becomes X, beneath what the field itself says.
fn drop_null_alternative(object: &mut serde_json::Map<String, Value>) {
    let Some(Value::Array(alternatives)) = object.get_mut("anyOf") else {
        return;
    };
    alternatives.retain(|alternative| alternative["type"] != "null");
    if let [Value::Object(only)] = alternatives.as_slice() {
        let only = only.clone();
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}
