use super::*;

const CRYPTO: Module = Module {
    name: "crypto",
    glue: include_str!("../crypto.js"),
    native: super::super::crypto::native,
};

#[test]
fn digests_are_those_of_their_standards() {
    // RFC 1320, RFC 1321, FIPS 180-4's examples, and the test vectors of RIPEMD-160's authors.
    let cases = [
        ("md4", "", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("md4", "abc", "a448017aaf21d8525fc10ae87aa6729d"),
        ("md5", "", "d41d8cd98f00b204e9800998ecf8427e"),
        ("md5", "abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("md5", "message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "sha256",
            "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            "sha384",
            "abc",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            "sha512",
            "abc",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (
            "sha512_224",
            "abc",
            "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa",
        ),
        (
            "sha512_256",
            "abc",
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
        ),
        ("ripemd160", "", "9c1185a5c5e9fc54612808977ee8f548b2258d31"),
        ("ripemd160", "abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
    ];
    for (algorithm, data, digest) in cases {
        let script = format!("crypto.{algorithm}('{data}', 'hex')");
        assert_eq!(CRYPTO.evaluate(&script), Ok(json!(digest)), "{script}");
        let script =
            format!("const h = crypto.createHash('{algorithm}'); h.update('{data}'); h.digest('hex')");
        assert_eq!(CRYPTO.evaluate(&script), Ok(json!(digest)), "{script}");
    }
}

#[test]
fn hmacs_are_those_of_their_standards() {
    // RFC 2202 (md5, sha1), RFC 2286 (ripemd160) and RFC 4231 (sha2); a key is a byte and how often.
    let jefe = "what do ya want for nothing?";
    let large = "Test Using Larger Than Block-Size Key - Hash Key First";
    let cases = [
        (
            "md5",
            "bytes(0x0b, 16)",
            "Hi There",
            "9294727a3638bb1c13f48ef8158bfc9d",
        ),
        ("md5", "'Jefe'", jefe, "750c783e6ab0b503eaa86e310a5db738"),
        (
            "md5",
            "bytes(0xaa, 80)",
            large,
            "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
        ),
        (
            "sha1",
            "bytes(0x0b, 20)",
            "Hi There",
            "b617318655057264e28bc0b6fb378c8ef146be00",
        ),
        ("sha1", "'Jefe'", jefe, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (
            "sha1",
            "bytes(0xaa, 80)",
            large,
            "aa4ae5e15272d00e95705637ce8a3b55ed402112",
        ),
        (
            "ripemd160",
            "bytes(0x0b, 20)",
            "Hi There",
            "24cb4bd67d20fc1a5d2ed7732dcc39377f0a5668",
        ),
        (
            "ripemd160",
            "'Jefe'",
            jefe,
            "dda6c0213a485a9e24f4742064a7f033b43c4069",
        ),
        (
            "sha256",
            "bytes(0x0b, 20)",
            "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            "sha256",
            "'Jefe'",
            jefe,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            "sha256",
            "bytes(0xaa, 131)",
            large,
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            "sha384",
            "'Jefe'",
            jefe,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            "sha512",
            "'Jefe'",
            jefe,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd\
             caeab1a34d4a6b4b636e070a38bce737",
        ),
    ];
    let bytes = "const bytes = (byte, count) => new Uint8Array(count).fill(byte).buffer;";
    for (algorithm, key, data, hmac) in cases {
        let script = format!("{bytes} crypto.hmac('{algorithm}', {key}, '{data}', 'hex')");
        assert_eq!(CRYPTO.evaluate(&script), Ok(json!(hmac)), "{script}");
        let script = format!(
            "{bytes} const h = crypto.createHMAC('{algorithm}', {key}); h.update('{data}'); h.digest('hex')"
        );
        assert_eq!(CRYPTO.evaluate(&script), Ok(json!(hmac)), "{script}");
    }
}

#[test]
fn every_algorithm_has_an_hmac() {
    let script =
        "['md4', 'md5', 'sha1', 'sha256', 'sha384', 'sha512', 'sha512_224', 'sha512_256', 'ripemd160']
        .map((name) => crypto.hmac(name, 'k', 'd', 'hex').length / 2)";
    assert_eq!(
        CRYPTO.evaluate(script),
        Ok(json!([16, 16, 20, 32, 48, 64, 28, 32, 20]))
    );
}

#[test]
fn a_digest_comes_in_the_encoding_that_is_asked_for() {
    // The digest of "8" has what base64 writes as `+` and `/`, and ends in padding.
    let cases = [
        ("hex", json!("c9f0f895fb98ab9159f51fd0297e236d")),
        ("base64", json!("yfD4lfuYq5FZ9R/QKX4jbQ==")),
        ("base64url", json!("yfD4lfuYq5FZ9R_QKX4jbQ==")),
        ("base64rawurl", json!("yfD4lfuYq5FZ9R_QKX4jbQ")),
    ];
    for (encoding, expected) in cases {
        assert_eq!(
            CRYPTO.evaluate(&format!("crypto.md5('8', '{encoding}')")),
            Ok(expected),
            "{encoding}"
        );
    }
    let binary = "const b = crypto.md5('8', 'binary'); [b instanceof ArrayBuffer, ...new Uint8Array(b)]";
    let bytes = [
        201, 240, 248, 149, 251, 152, 171, 145, 89, 245, 31, 208, 41, 126, 35, 109,
    ];
    let mut expected = vec![json!(true)];
    expected.extend(bytes.map(|byte| json!(byte)));
    assert_eq!(CRYPTO.evaluate(binary), Ok(json!(expected)));
}

#[test]
fn data_is_text_in_utf_8_or_the_bytes_that_a_buffer_or_view_shows() {
    let cases = [
        ("'é😀'", "c3a9f09f9880"),
        (r"'a\u0000b'", "610062"),
        (r"'a\ud83d!'", "61efbfbd21"),
        ("new ArrayBuffer(3)", "000000"),
        ("new ArrayBuffer(0)", ""),
        ("new Uint8Array([0, 127, 128, 255])", "007f80ff"),
        ("new Uint8Array([0, 127, 128, 255]).buffer", "007f80ff"),
        ("new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 4)", "020304"),
        ("new Uint8ClampedArray([300])", "ff"),
        ("new Uint16Array([1, 2, 3]).subarray(1, 2)", "0200"),
        ("new DataView(new Uint8Array([1, 2, 3]).buffer, 2)", "03"),
    ];
    for (data, expected) in cases {
        assert_eq!(
            CRYPTO.evaluate(&format!("crypto.hexEncode({data})")),
            Ok(json!(expected)),
            "{data}"
        );
    }
}

#[test]
fn a_hasher_goes_on_after_a_digest() {
    let script = "const h = crypto.createHash('md5'); h.update('a'); const first = h.digest('hex');
        h.update(new Uint8Array([98, 99])); [first, h.digest('hex'), h.digest('hex')]";
    let abc = "900150983cd24fb0d6963f7d28e17f72";
    let expected = json!(["0cc175b9c0f1b6a831c399e269772661", abc, abc]);
    assert_eq!(CRYPTO.evaluate(script), Ok(expected));
}

#[test]
fn random_bytes_are_as_many_as_asked_for_and_not_the_same() {
    let script = "const [a, b] = [crypto.randomBytes(32), crypto.randomBytes(32)];
        [a instanceof ArrayBuffer, a.byteLength, crypto.hexEncode(a) !== crypto.hexEncode(b),
         crypto.randomBytes(0).byteLength]";
    assert_eq!(CRYPTO.evaluate(script), Ok(json!([true, 32, true, 0])));
}

#[test]
fn what_makes_no_sense_throws_what_would() {
    assert_throws(
        &CRYPTO,
        &[
            (
                "crypto.createHash('sha3')",
                &["no algorithm \"sha3\"", "md4, md5, sha1", "ripemd160"],
            ),
            ("crypto.createHMAC('sha3', 's')", &["no algorithm \"sha3\""]),
            ("crypto.hmac('sha3', 's', 'd', 'hex')", &["no algorithm \"sha3\""]),
            (
                "crypto.createHash()",
                &["algorithm has to be a string, not undefined"],
            ),
            (
                "crypto.createHMAC('md5')",
                &["secret has to be a string or an ArrayBuffer, not undefined"],
            ),
            (
                "crypto.md5('a', 'utf8')",
                &[
                    "no output encoding \"utf8\"",
                    "hex, base64, base64url, base64rawurl, binary",
                ],
            ),
            (
                "crypto.md5('a')",
                &["outputEncoding has to be a string, not undefined"],
            ),
            (
                "crypto.md5(7, 'hex')",
                &["data has to be a string or an ArrayBuffer, not int"],
            ),
            ("crypto.md5([7], 'hex')", &["not array"]),
            ("crypto.md5({}, 'hex')", &["not object"]),
            ("crypto.md5(null, 'hex')", &["not null"]),
            (
                "const b = new ArrayBuffer(2); b.transfer(); crypto.md5(b, 'hex')",
                &["detached"],
            ),
            ("crypto.randomBytes(-1)", &["whole number from 0 to 67108864"]),
            ("crypto.randomBytes(1.5)", &["whole number"]),
            ("crypto.randomBytes('8')", &["whole number"]),
            ("crypto.randomBytes(67108865)", &["whole number"]),
        ],
    );
}

#[test]
fn a_script_that_meddles_with_the_engine_meets_no_panic() {
    let script = r"const h = crypto.createHash('md5');
        String.prototype.toWellFormed = () => { h.update('b'); return 'c'; };
        h.update('a'); h.update('\ud83d'); h.digest('hex')";
    assert_eq!(
        CRYPTO.evaluate(script),
        Ok(json!("900150983cd24fb0d6963f7d28e17f72"))
    );
}
