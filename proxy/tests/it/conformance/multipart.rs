//! multipart/byteranges (RFC 9110 section 14.6).

use super::client::Answer;

/// `Content-Range` and bytes of each part of a multipart/byteranges body.
pub(super) fn parts(answer: &Answer) -> Result<Vec<(String, String)>, String> {
    let kind = answer.field("content-type").unwrap_or_default();
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .ok_or_else(|| format!("multipart/byteranges; came {} `{kind}`", answer.status))?;
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let text = answer.text();
    let (_, rest) = text.split_once(&delimiter).ok_or("no part")?;
    let (inner, _) = rest
        .split_once(&format!("\r\n{delimiter}--"))
        .ok_or("no end of the last part")?;
    let part = |part: &str| {
        let (head, bytes) = part.split_once("\r\n\r\n").ok_or("a part without head")?;
        let range = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-range")
                .then(|| value.trim().to_owned())
        });
        Ok((range.ok_or("a part without Content-Range")?, bytes.to_owned()))
    };
    inner.split(&format!("\r\n{delimiter}")).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        let kind = (
            "content-type".to_owned(),
            "multipart/byteranges; boundary=xy".to_owned(),
        );
        let mut answer = Answer {
            fields: vec![kind],
            body: b"--xy\r\nA: b\r\nContent-Range: bytes 0-1/9\r\n\r\n01\r\n--xy\r\ncontent-range: bytes 8-8/9\r\n\r\n8\r\n--xy--\r\n"
                .to_vec(),
            ..Answer::default()
        };
        let part = |range: &str, bytes: &str| (range.to_owned(), bytes.to_owned());
        assert_eq!(
            parts(&answer).unwrap(),
            [part("bytes 0-1/9", "01"), part("bytes 8-8/9", "8")]
        );
        answer.body.truncate(60);
        assert!(parts(&answer).is_err(), "without end");
    }
}
