use super::*;

const SELECT: Module = Module {
    name: "select",
    glue: include_str!("../select.js"),
    native: |ctx| Object::new(ctx.clone()),
};

/// The example of gjson's syntax page, and keys that need care.
const DOCUMENT: &str = r##"{
    "name": {"first": "Tom", "last": "Anderson"},
    "age": 37,
    "children": ["Sara", "Alex", "Jack"],
    "fav.movie": "Deer Hunter",
    "friends": [
        {"first": "Dale", "last": "Murphy", "age": 44, "nets": ["ig", "fb", "tw"]},
        {"first": "Roger", "last": "Craig", "age": 68, "nets": ["fb", "tw"]},
        {"first": "Jane", "last": "Murphy", "age": 47, "nets": ["ig", "tw"]}
    ],
    "mixed": [{"id": 1}, {"no": 2}, 3, null, {"id": null}, [4]],
    "none": null,
    "no": false,
    "": "empty",
    "#": "number",
    "#a": "more than a number",
    "@id": "at",
    "{x": "brace",
    "a|b": "pipe",
    "a*b": "star",
    "back\\slash": "backslash",
    "7": "seven",
    "__proto__": {"own": true},
    "sm😀le": "smile"
}"##;

fn select(selector: &str) -> Outcome {
    SELECT.evaluate(&format!(
        "select(JSON.parse({}), {})",
        json!(DOCUMENT),
        json!(selector)
    ))
}

#[test]
fn a_path_leads_to_what_gjson_finds() {
    let cases = [
        ("name.last", json!("Anderson")),
        ("age", json!(37)),
        ("children", json!(["Sara", "Alex", "Jack"])),
        ("children.0", json!("Sara")),
        ("children.1", json!("Alex")),
        ("friends.1.first", json!("Roger")),
        ("child*.2", json!("Jack")),
        ("c?ildren.0", json!("Sara")),
        (r"fav\.movie", json!("Deer Hunter")),
        ("fav?movie", json!("Deer Hunter")),
        ("children.#", json!(3)),
        ("friends.#", json!(3)),
        ("friends.#.age", json!([44, 68, 47])),
        ("friends.#.nets.#", json!([3, 2, 2])),
        ("friends.#.nets.0", json!(["ig", "fb", "ig"])),
        ("friends.#.n*.1", json!(["fb", "tw", "tw"])),
        ("friends.#.nets.#.x", json!([[], [], []])),
        ("mixed.#.id", json!([1, null])),
        ("mixed.#.#", json!([1])),
        ("none", json!(null)),
        ("no", json!(false)),
    ];
    for (selector, expected) in cases {
        assert_eq!(select(selector), Ok(expected), "{selector}");
    }
}

#[test]
fn special_characters_are_only_special_where_they_mean_something() {
    let cases = [
        ("", json!("empty")),
        ("#", json!("number")),
        (r"\#", json!("number")),
        ("#a", json!("more than a number")),
        (r"\@id", json!("at")),
        (r"\{x", json!("brace")),
        (r"a\|b", json!("pipe")),
        (r"a\*b", json!("star")),
        (r"back\\slash", json!("backslash")),
        ("7", json!("seven")),
        ("__proto__.own", json!(true)),
        ("sm?le", json!("smile")),
        ("sm😀le", json!("smile")),
        ("*le", json!("smile")),
    ];
    for (selector, expected) in cases {
        assert_eq!(select(selector), Ok(expected), "{selector}");
    }
}

#[test]
fn nothing_is_undefined() {
    for selector in [
        "nobody",
        "name.first.x",
        "name.first.0",
        "name.first.length",
        "name.#",
        "children.3",
        "children.-1",
        "children.length",
        "children.*",
        r"children.\#",
        "children.99999999999999999999",
        "none.x",
        "toString",
        "name.constructor",
        "c?hildren",
        "zz*",
        "friends.#a",
        "age.",
    ] {
        assert_eq!(select(selector), Ok(json!("(undefined)")), "{selector}");
    }
    for value in ["null", "7", "'text'", "undefined"] {
        let script =
            format!("[select({value}, 'a'), select({value}, '#')].every((found) => found === undefined)");
        assert_eq!(SELECT.evaluate(&script), Ok(json!(true)), "{value}");
    }
}

#[test]
fn an_array_may_be_the_root() {
    let cases = [("#", json!(2)), ("#.id", json!([1, 2])), ("1.id", json!(2))];
    for (selector, expected) in cases {
        let script = format!("select([{{ id: 1 }}, {{ id: 2 }}], '{selector}')");
        assert_eq!(SELECT.evaluate(&script), Ok(expected), "{selector}");
    }
}

#[test]
fn a_pattern_of_many_stars_is_soon_refuted() {
    let script = "select({ ['a'.repeat(2000)]: 1 }, 'a*'.repeat(200) + 'b')";
    assert_eq!(SELECT.evaluate(script), Ok(json!("(undefined)")));
}

#[test]
fn the_rest_of_gjson_is_refused_by_name() {
    let cases: &[(&str, &str)] = &[
        ("friends.#(last==\"Murphy\").first", "queries are not supported"),
        ("friends.#(age>45)#", "queries are not supported"),
        ("friends.#[age>45]", "queries are not supported"),
        ("children|0", "pipes are not supported"),
        ("children|@reverse", "pipes are not supported"),
        ("children.@reverse", "modifiers are not supported"),
        ("@this", "modifiers are not supported"),
        ("friends.#.@keys", "modifiers are not supported"),
        ("{name.first,age}", "multipaths are not supported"),
        ("name.[first,last]", "multipaths are not supported"),
        ("!\"literal\"", "literals are not supported"),
        ("..#", "JSON lines are not supported"),
        ("age\\", "nothing follows the last"),
    ];
    for (selector, expected) in cases {
        let message = select(selector).expect_err(selector);
        assert!(message.contains(expected), "{selector}: {message}");
        assert!(
            message.contains(&json!(selector).to_string()),
            "{selector}: {message}"
        );
    }
    assert_throws(
        &SELECT,
        &[("select({}, 7)", &["a selector has to be a string, not number"])],
    );
}
