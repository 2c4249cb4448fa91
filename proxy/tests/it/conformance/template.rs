//! `{now-60s}` and its like in case files.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::parse::duration;

/// What may stand in braces.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// When the case began: `{start-1h}` is the same in all its steps.
    pub(super) start: SystemTime,
    /// `{path}`, of the case.
    pub(super) path: String,
    /// `{url}`, of the case.
    pub(super) url: String,
}

impl Names {
    /// Puts in what the braces stand for; what is unknown stays.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let known = after
                .split_once('}')
                .and_then(|(name, behind)| Some((self.value(name)?, behind)));
            match known {
                Some((value, behind)) => {
                    out.push_str(&value);
                    rest = behind;
                }
                None => {
                    out.push('{');
                    rest = after;
                }
            }
        }
        out + rest
    }

    fn value(&self, name: &str) -> Option<String> {
        let (when, form) = name.split_once(':').unwrap_or((name, "imf"));
        if let Some(offset) = when.strip_prefix("start") {
            return date(self.start, offset, form);
        }
        if let Some(offset) = when.strip_prefix("now") {
            return date(SystemTime::now(), offset, form);
        }
        match name {
            "path" => Some(self.path.clone()),
            "url" => Some(self.url.clone()),
            _ => None,
        }
    }
}

fn date(base: SystemTime, offset: &str, form: &str) -> Option<String> {
    let when = match offset.split_at_checked(1) {
        None => base,
        Some(("+", offset)) => base + duration(offset).ok()?,
        Some(("-", offset)) => base - duration(offset).ok()?,
        Some(_) => return None,
    };
    let imf = httpdate::fmt_http_date(when);
    let [weekday, day, month, year, time, _] = imf.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let weekday = weekday.trim_end_matches(',');
    Some(match form {
        "imf" => imf,
        "rfc850" => format!("{}, {day}-{month}-{} {time} GMT", whole(weekday), &year[2..]),
        "asctime" => {
            let day = day
                .strip_prefix('0')
                .map_or_else(|| day.to_owned(), |digit| format!(" {digit}"));
            format!("{weekday} {month} {day} {time} {year}")
        }
        "lower" => imf.to_ascii_lowercase(),
        "upper" => imf.to_ascii_uppercase(),
        "utc" => imf.replace("GMT", "UTC"),
        "zoneless" => imf.replace(" GMT", ""),
        "dashes" => format!("{weekday}, {day}-{month}-{year} {time} GMT"),
        "spaces" => imf.replace(' ', "  "),
        "seconds" => when.duration_since(UNIX_EPOCH).ok()?.as_secs().to_string(),
        _ => return None,
    })
}

fn whole(weekday: &str) -> &str {
    let days = [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ];
    days.into_iter()
        .find(|day| day.starts_with(weekday))
        .unwrap_or(weekday)
}

/// Whether a text is a date as RFC 9110 section 5.6.7 wants it written.
pub(super) fn is_imf_fixdate(text: &str) -> bool {
    httpdate::parse_http_date(text).is_ok_and(|when| httpdate::fmt_http_date(when) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_come_in_every_form() {
        let names = Names {
            start: UNIX_EPOCH + Duration::from_secs(784_111_777),
            path: "/a".into(),
            url: "http://h/a".into(),
        };
        let is = |text: &str, expected: &str| assert_eq!(names.expand(text), expected);
        is("{start}", "Sun, 06 Nov 1994 08:49:37 GMT");
        is("{start-1h:rfc850}", "Sunday, 06-Nov-94 07:49:37 GMT");
        is("<{start+1d:asctime}>", "<Mon Nov  7 08:49:37 1994>");
        is("{start:zoneless}", "Sun, 06 Nov 1994 08:49:37");
        is("{path} {url} {other} {", "/a http://h/a {other} {");
        assert!(
            is_imf_fixdate("Sun, 06 Nov 1994 08:49:37 GMT")
                && !is_imf_fixdate("Sun, 6 Nov 1994 08:49:37 GMT")
        );
    }
}
