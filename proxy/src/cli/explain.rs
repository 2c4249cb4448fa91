//! `proxima explain`: asks a running proxy why a URL is answered the way it is.

use std::process::ExitCode;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use http::{HeaderName, HeaderValue};
use serde_json::Value;

use super::ask::AdminFlags;
use super::{fail, print};
use crate::explain::inquiry::{Inquiry, InquiryError};
use crate::explain::report::Report;
use crate::explain::text;

/// Arguments of `proxima explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// URL as a client asks for it, scheme and host included.
    url: String,
    #[command(flatten)]
    admin: AdminFlags,
    /// Header field of the request; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = field)]
    headers: Vec<(String, String)>,
    /// Method of the request.
    #[arg(long, value_enum, default_value_t = Method::Get)]
    method: Method,
    /// Do not ask an origin, even where nothing is stored.
    #[arg(long)]
    stored_only: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Methods that the cache answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    #[value(name = "GET", alias = "get")]
    Get,
    #[value(name = "HEAD", alias = "head")]
    Head,
}

/// Prints the explanation.
pub(super) fn run(explain: &Explain) -> Result<(), ExitCode> {
    let inquiry = explain.inquiry();
    inquiry.question().map_err(|error| fail(&error))?;
    let admin = explain.admin.find()?;
    let asked = Bytes::from(serde_json::to_vec(&inquiry).unwrap_or_default());
    let answer = admin.ask("/explain", asked)?;
    if explain.json {
        let value: Value = serde_json::from_slice(&answer).map_err(|_| admin.unreadable())?;
        return print(&format!("{value:#}\n"));
    }
    let report: Report = serde_json::from_slice(&answer).map_err(|_| admin.unreadable())?;
    print(&text::render(&report))
}

impl Explain {
    fn inquiry(&self) -> Inquiry {
        let method = match self.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
        };
        Inquiry {
            url: self.url.clone(),
            method: method.to_owned(),
            headers: self.headers.clone(),
            stored_only: self.stored_only,
        }
    }
}

/// Reads `Name: value`.
fn field(text: &str) -> Result<(String, String), InquiryError> {
    let wrong = || InquiryError::Field(text.to_owned());
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let (name, value) = (name.trim(), value.trim());
    let good = HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
    good.then(|| (name.to_owned(), value.to_owned()))
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_curl_takes_them() {
        assert_eq!(field("Accept:  a/b ").unwrap(), ("Accept".into(), "a/b".into()));
        for text in ["accept", ": x", "a b: c", "a: b\nc"] {
            assert!(field(text).is_err(), "{text}");
        }
    }
}
