//! The language of the case files; `README.md` beside them describes it.

use std::path::Path;
use std::time::Duration;

use super::case::{Case, Item, Kind, Says, Step, Want};

/// Routes of the configuration that cases may name.
pub(super) const ROUTES: [&str; 12] = [
    "obey",
    "no-heuristics",
    "cookies-store",
    "cookies-strip",
    "ignore-clients",
    "never-unreachable",
    "ttl",
    "negative",
    "swr",
    "sie",
    "fields",
    "uncached",
];

type Fields = Vec<(String, String)>;

/// Reads one file.
///
/// # Errors
/// All lines that are not understood, each with its place.
pub(super) fn parse(file: &Path, text: &str) -> Result<Vec<Case>, Vec<String>> {
    let mut reader = Reader::default();
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Err(problem) = reader.line(file, index + 1, line) {
            problems.push(format!("{}:{}: {problem}: {line}", file.display(), index + 1));
        }
    }
    for case in reader.cases.iter().filter(|case| case.steps.is_empty()) {
        problems.push(format!("{}:{}: a case without steps", file.display(), case.line));
    }
    if problems.is_empty() {
        Ok(reader.cases)
    } else {
        Err(problems)
    }
}

#[derive(Default)]
struct Reader {
    section: String,
    modes: Vec<char>,
    cases: Vec<Case>,
}

impl Reader {
    fn line(&mut self, file: &Path, number: usize, line: &str) -> Result<(), String> {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        if let Some(section) = text.strip_prefix("## ") {
            section.clone_into(&mut self.section);
            return Ok(());
        }
        if text.is_empty() || text.starts_with('#') {
            return Ok(());
        }
        match indent {
            0 => self.top(file, number, text),
            2 => self.case_line(number, text),
            4 => self.step_line(number, text),
            _ => Err("indent by 2 for a case's lines and by 4 for a step's".into()),
        }
    }

    fn top(&mut self, file: &Path, number: usize, text: &str) -> Result<(), String> {
        if let Some(modes) = text.strip_prefix("modes ") {
            self.modes = read_modes(modes)?;
            return Ok(());
        }
        let title = text
            .strip_prefix("case ")
            .ok_or("expected `## section`, `modes` or `case`")?;
        if self.section.is_empty() {
            return Err("a case before the first `## section`".into());
        }
        self.cases.push(Case {
            file: file.to_owned(),
            line: number,
            section: self.section.clone(),
            title: title.to_owned(),
            route: "obey".to_owned(),
            modes: self.modes.clone(),
            only: None,
            steps: Vec::new(),
        });
        Ok(())
    }

    fn case_line(&mut self, number: usize, text: &str) -> Result<(), String> {
        let case = self.cases.last_mut().ok_or("outside of a case")?;
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "only" => case.only = Some(read_only(rest)?),
            "modes" => case.modes = read_modes(rest)?,
            "route" if ROUTES.contains(&rest) => rest.clone_into(&mut case.route),
            "route" => return Err(format!("no such route; there are {}", ROUTES.join(", "))),
            "wait" => case.steps.push(Item::Wait(duration(rest)?)),
            _ if word.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') => {
                case.steps.push(Item::Step(read_step(number, text)?));
            }
            _ => return Err("expected a request (`GET …`), `wait`, `route` or `modes`".into()),
        }
        Ok(())
    }

    fn step_line(&mut self, number: usize, text: &str) -> Result<(), String> {
        let Some(Item::Step(step)) = self.cases.last_mut().and_then(|case| case.steps.last_mut()) else {
            return Err("outside of a step".into());
        };
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "origin" => step.origin.push(read_says(rest)?),
            "send" => step.body = Some(quoted(rest)?),
            "behind" => step.behind = true,
            "says" => said(step)?.body = Some(quoted(rest)?),
            "early" => {
                let (status, fields) = split_fields(rest)?;
                said(step)?.early.push((integer(status)?, fields));
            }
            "trails" => said(step)?.trailers.push(field(rest)?),
            _ => step.wants.push((number, read_want(word, rest)?)),
        }
        Ok(())
    }
}

fn said(step: &mut Step) -> Result<&mut Says, String> {
    step.origin
        .last_mut()
        .ok_or_else(|| "needs an `origin` line before it".to_owned())
}

/// `a b because …`
fn read_modes(text: &str) -> Result<Vec<char>, String> {
    let (modes, why) = text
        .split_once(" because ")
        .ok_or("expected `modes a b because REASON`")?;
    if why.is_empty() {
        return Err("say why".into());
    }
    if modes == "all" {
        return Ok(Vec::new());
    }
    modes
        .split(' ')
        .map(|mode| match mode {
            "a" | "b" | "c" | "d" => Ok(mode.chars().next().unwrap_or_default()),
            _ => Err(format!("there is no mode {mode}")),
        })
        .collect()
}

/// `HTTP/1.1 because …`
fn read_only(text: &str) -> Result<String, String> {
    match text.split_once(" because ") {
        Some((protocol @ ("HTTP/1.1" | "HTTP/2"), _)) => Ok(protocol.to_owned()),
        _ => Err("expected `only HTTP/1.1 because REASON`".into()),
    }
}

/// `GET /suffix x3 | field: value | field: value`
fn read_step(line: usize, text: &str) -> Result<Step, String> {
    let (what, fields) = split_fields(text)?;
    let mut words = what.split(' ');
    let mut step = Step {
        line,
        method: words.next().unwrap_or_default().to_owned(),
        fields,
        times: 1,
        ..Step::default()
    };
    for word in words.filter(|word| !word.is_empty()) {
        match word.strip_prefix('x').and_then(|times| times.parse().ok()) {
            Some(times) => step.times = times,
            None if word.starts_with(['/', '?', ';']) => word.clone_into(&mut step.suffix),
            None => return Err(format!("what is `{word}`? Expected a suffix of the path or `x3`")),
        }
    }
    Ok(step)
}

/// `200 chunked after=300ms | field: value`
fn read_says(text: &str) -> Result<Says, String> {
    let (what, fields) = split_fields(text)?;
    let mut words = what.split(' ');
    let kind = match words.next() {
        Some("drop") => Kind::Drop,
        Some(status) => Kind::Answer(integer(status)?),
        None => return Err("expected a status or `drop`".into()),
    };
    let mut says = Says {
        fields,
        ..Says::new(kind)
    };
    for word in words.filter(|word| !word.is_empty()) {
        match word.split_once('=') {
            None if word == "chunked" => says.chunked = true,
            None if word == "dateless" => says.without_date = true,
            None if word == "bodiless" => says.without_body = true,
            Some(("after", pause)) => says.after = duration(pause)?,
            Some(("cut", bytes)) => says.cut = Some(integer(bytes)?),
            _ => return Err(format!("what is `{word}`?")),
        }
    }
    Ok(says)
}

fn read_want(word: &str, rest: &str) -> Result<Want, String> {
    Ok(match (word, rest) {
        ("status", _) => Want::Status(rest.split(',').map(integer).collect::<Result<_, _>>()?),
        ("body", _) => Want::Body(quoted(rest)?),
        ("from", _) => Want::From(integer(rest)?),
        ("incomplete", "") => Want::Incomplete,
        ("field", _) => match compared(rest)? {
            Compared::Is(name, value) => Want::Field(name, value),
            Compared::Has(name, part) => Want::FieldHas(name, part),
            Compared::Present(name) => Want::FieldPresent(name),
        },
        ("no", "age") => Want::NoAge,
        ("no", "interim") => Want::NoInterim,
        ("no", _) => Want::NoField(
            rest.strip_prefix("field ")
                .ok_or("expected `no field NAME`")?
                .into(),
        ),
        ("not", "stored") => Want::Stored(false),
        ("not", _) => Want::NotAsked(
            rest.strip_prefix("asked ")
                .ok_or("expected `not asked NAME`")?
                .into(),
        ),
        ("asked", _) => read_asked(rest)?,
        ("age", _) => {
            let (low, high) = range(rest)?;
            Want::Age(low, high)
        }
        ("ttl", _) => {
            let (low, high) = range(rest)?;
            Want::Ttl(low, high)
        }
        ("hit", "") => Want::Hit,
        ("fwd", _) => Want::Fwd(rest.to_owned()),
        ("fwd-status", _) => Want::FwdStatus(integer(rest)?),
        ("stored", "") => Want::Stored(true),
        ("collapsed", "") => Want::Collapsed,
        ("interim", _) if rest.bytes().all(|b| b.is_ascii_digit()) => Want::Interim(integer(rest)?),
        ("interim", _) => field(rest).map(|(name, value)| Want::InterimField(name, value))?,
        ("trailer", _) => field(rest).map(|(name, value)| Want::Trailer(name, value))?,
        ("part", _) => {
            let (range, bytes) = rest.split_once(" \"").ok_or("expected `part RANGE \"bytes\"`")?;
            Want::Part(range.to_owned(), quoted(&format!("\"{bytes}"))?)
        }
        ("parts", _) => Want::Parts(integer(rest)?),
        ("all", "differ") => Want::AllDiffer,
        _ => return Err("not an expectation".into()),
    })
}

fn read_asked(rest: &str) -> Result<Want, String> {
    Ok(match rest.split_once(' ') {
        Some(("method", method)) => Want::AskedMethod(method.to_owned()),
        Some(("target", target)) => Want::AskedTarget(target.to_owned()),
        Some(("times", times)) => Want::AskedTimes(integer(times)?),
        Some(("body", body)) => Want::AskedBody(quoted(body)?),
        _ => match compared(rest)? {
            Compared::Is(name, value) => Want::Asked(name, value),
            Compared::Has(name, part) => Want::AskedHas(name, part),
            Compared::Present(name) => Want::AskedHas(name, String::new()),
        },
    })
}

enum Compared {
    Is(String, String),
    Has(String, String),
    Present(String),
}

/// `name: value`, `name ~ part of the value` or `name`.
fn compared(text: &str) -> Result<Compared, String> {
    if let Some((name, part)) = text.split_once(" ~ ") {
        return Ok(Compared::Has(name.to_owned(), part.to_owned()));
    }
    if text.contains(':') {
        return field(text).map(|(name, value)| Compared::Is(name, value));
    }
    Ok(Compared::Present(text.to_owned()))
}

/// What stands before the first ` | `, and the fields after it.
fn split_fields(text: &str) -> Result<(&str, Fields), String> {
    let mut parts = text.split(" | ");
    let first = parts.next().unwrap_or_default().trim();
    Ok((first, parts.map(field).collect::<Result<_, _>>()?))
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("`{text}` is no field"))?;
    Ok((
        name.trim().to_owned(),
        value.strip_prefix(' ').unwrap_or(value).to_owned(),
    ))
}

fn quoted(text: &str) -> Result<String, String> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner
        .map(|inner| inner.replace("\\n", "\n"))
        .ok_or_else(|| "expected \"text\"".to_owned())
}

fn integer<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("`{text}` is no such number"))
}

/// `3..5` or `3`.
fn range(text: &str) -> Result<(i64, i64), String> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    Ok((integer(low)?, integer(high)?))
}

/// `1.2s`, `300ms`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let number: f64 = integer(number)?;
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(format!("`{text}` is no duration")),
    };
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_named_with_its_place() {
        let text = "## RFC 1\ncase one\n  GET\n    origin 200\n    hitt\n  get\ncase empty\n";
        let problems = parse(Path::new("x.txt"), text).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!(problems[0], "x.txt:5: not an expectation:     hitt");
        assert!(problems[1].starts_with("x.txt:6: expected a request"));
        assert_eq!(problems[2], "x.txt:7: a case without steps");
    }

    #[test]
    fn a_case_is_read_whole() {
        let text = "## RFC 1\ncase one\n  route swr\n  GET ?a=b x2 | accept: a/b | x:\n    origin 200 chunked | etag: \"a\"\n    says \"hi\"\n    field etag: \"a\"\n  wait 1.5s\n";
        let cases = parse(Path::new("x.txt"), text).unwrap();
        let [Item::Step(step), Item::Wait(pause)] = &cases[0].steps[..] else {
            panic!("{cases:?}")
        };
        assert_eq!(*pause, Duration::from_millis(1500));
        assert_eq!((step.suffix.as_str(), step.times), ("?a=b", 2));
        assert_eq!(step.fields[1], ("x".to_owned(), String::new()));
        assert_eq!(step.origin[0].body.as_deref(), Some("hi"));
        assert_eq!(step.wants[0].1, Want::Field("etag".into(), "\"a\"".into()));
    }
}
