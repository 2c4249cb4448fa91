//! The head of a request as bytes.

use http::{HeaderName, HeaderValue, header};

use crate::http::request::Request;
use crate::http::response::push_canonical;

/// Fields that are written from elsewhere, or not at all.
const OWN: [HeaderName; 3] = [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];

/// Appends request line and header fields. `close`: the connection is not to be used again.
pub(super) fn head(out: &mut Vec<u8>, request: &Request, close: bool) {
    let target = &request.target;
    out.extend_from_slice(request.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.path().as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\nHost: ");
    let host = request.header(&header::HOST).map(HeaderValue::as_bytes);
    out.extend_from_slice(host.unwrap_or(target.authority().as_bytes()));
    for (name, value) in &request.headers {
        if OWN.contains(name) {
            continue;
        }
        out.extend_from_slice(b"\r\n");
        push_canonical(out, name.as_str());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
    }
    if let Some(authorization) = target.authorization()
        && request.header(&header::AUTHORIZATION).is_none()
    {
        out.extend_from_slice(b"\r\nAuthorization: ");
        out.extend_from_slice(authorization.as_bytes());
    }
    if request.has_content_length() {
        out.extend_from_slice(b"\r\nContent-Length: ");
        out.extend_from_slice(itoa::Buffer::new().format(request.body.len()).as_bytes());
    }
    if close && request.header(&header::CONNECTION).is_none() {
        out.extend_from_slice(b"\r\nConnection: close");
    }
    out.extend_from_slice(b"\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::time::Duration;

    use bytes::Bytes;
    use http::Method;

    use super::*;
    use crate::http::Target;

    fn written(
        method: Method,
        url: &str,
        headers: &[(HeaderName, &'static str)],
        body: &'static str,
    ) -> String {
        let request = Request {
            method,
            target: Rc::new(Target::parse(url).unwrap()),
            headers: headers
                .iter()
                .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
                .collect(),
            body: Bytes::from_static(body.as_bytes()),
            timeout: Duration::MAX,
            discard_body: false,
        };
        let mut out = Vec::new();
        head(&mut out, &request, false);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_is_written_as_go_writes_it() {
        let agent = (header::USER_AGENT, "k6/2.2");
        let host = (header::HOST, "other");
        let length = (header::CONTENT_LENGTH, "7");
        for (head, expected) in [
            (
                written(Method::GET, "http://a:80/x?y", std::slice::from_ref(&agent), ""),
                "GET /x?y HTTP/1.1\r\nHost: a\r\nUser-Agent: k6/2.2\r\n\r\n",
            ),
            (
                written(Method::GET, "http://a:81", &[agent, host], ""),
                "GET / HTTP/1.1\r\nHost: other\r\nUser-Agent: k6/2.2\r\n\r\n",
            ),
            (
                written(Method::POST, "http://a/", &[], ""),
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                written(Method::DELETE, "http://a/", &[length], "xyz"),
                "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
            ),
            (
                written(Method::GET, "http://u:p@a/", &[], ""),
                "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic dTpw\r\n\r\n",
            ),
        ] {
            assert_eq!(head, expected);
        }
    }
}
