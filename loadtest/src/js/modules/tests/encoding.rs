use super::*;

const ENCODING: Module = Module {
    name: "encoding",
    glue: include_str!("../encoding.js"),
    native: super::super::encoding::native,
};

#[test]
fn base64_is_that_of_rfc_4648() {
    let cases = [
        ("''", "undefined", ""),
        ("'f'", "undefined", "Zg=="),
        ("'fo'", "'std'", "Zm8="),
        ("'foo'", "'std'", "Zm9v"),
        ("'foob'", "'rawstd'", "Zm9vYg"),
        ("'fooba'", "'rawurl'", "Zm9vYmE"),
        ("'foobar'", "'url'", "Zm9vYmFy"),
        ("new Uint8Array([0xfb, 0xff, 0xbf, 0xff])", "'std'", "+/+//w=="),
        (
            "new Uint8Array([0xfb, 0xff, 0xbf, 0xff]).buffer",
            "'rawstd'",
            "+/+//w",
        ),
        (
            "new Uint8Array([0xfb, 0xff, 0xbf, 0xff]).buffer",
            "'url'",
            "-_-__w==",
        ),
        (
            "new Uint8Array([0xfb, 0xff, 0xbf, 0xff]).buffer",
            "'rawurl'",
            "-_-__w",
        ),
        ("'é'", "'std'", "w6k="),
    ];
    for (input, encoding, expected) in cases {
        let script = format!("encoding.b64encode({input}, {encoding})");
        assert_eq!(ENCODING.evaluate(&script), Ok(json!(expected)), "{script}");
        let script = format!(
            "const encoded = encoding.b64encode({input}, {encoding});
             encoding.b64encode(encoding.b64decode(encoded, {encoding}), {encoding}) === encoded"
        );
        assert_eq!(ENCODING.evaluate(&script), Ok(json!(true)), "{script}");
    }
}

#[test]
fn what_is_decoded_is_a_buffer_unless_a_string_is_asked_for() {
    let cases = [
        (
            "const b = encoding.b64decode('+/8='); [b instanceof ArrayBuffer, ...new Uint8Array(b)]",
            json!([true, 251, 255]),
        ),
        ("encoding.b64decode('w6k=', 'std', 's')", json!("é")),
        ("encoding.b64decode('w6k', 'rawurl', 's')", json!("é")),
        ("encoding.b64decode('/w==', 'std', 's')", json!("\u{fffd}")),
        (r"encoding.b64decode('Zm9v\r\nYg==\n', 'std', 's')", json!("foob")),
        ("encoding.b64decode('Zh==', 'std', 's')", json!("f")),
        ("encoding.b64decode('', 'std').byteLength", json!(0)),
    ];
    for (script, expected) in cases {
        assert_eq!(ENCODING.evaluate(script), Ok(expected), "{script}");
    }
}

#[test]
fn what_is_no_base64_of_its_encoding_throws() {
    assert_throws(
        &ENCODING,
        &[
            (
                "encoding.b64decode('Zg')",
                &["input is not base64 of this encoding"],
            ),
            (
                "encoding.b64decode('Zg==', 'rawstd')",
                &["input is not base64 of this encoding"],
            ),
            (
                "encoding.b64decode('+/8=', 'url')",
                &["input is not base64 of this encoding"],
            ),
            (
                "encoding.b64decode('-_8=', 'std')",
                &["input is not base64 of this encoding"],
            ),
            (
                "encoding.b64decode('Z', 'rawstd')",
                &["input is not base64 of this encoding"],
            ),
            (
                "encoding.b64decode('Zm 9v')",
                &["input is not base64 of this encoding"],
            ),
            (
                "encoding.b64decode('Zg==', 'hex')",
                &["no encoding \"hex\": there are std, rawstd, url, rawurl"],
            ),
            (
                "encoding.b64encode('f', 'hex')",
                &["no encoding \"hex\": there are std, rawstd, url, rawurl"],
            ),
            (
                "encoding.b64encode('f', 7)",
                &["encoding has to be a string, not int"],
            ),
            (
                "encoding.b64encode()",
                &["input has to be a string or an ArrayBuffer, not undefined"],
            ),
            (
                "encoding.b64decode('Zg==', 'std', 'b')",
                &["no format b", "\"s\""],
            ),
        ],
    );
}
