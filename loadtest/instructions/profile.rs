//! Callgrind's profiles: instructions by function.
//!
//! The format: <https://valgrind.org/docs/manual/cl-format.html>.

use std::collections::HashMap;

use anyhow::{Context, bail};

/// Instructions that were executed in some time.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    /// All of them.
    pub(crate) instructions: u64,
    functions: HashMap<String, Cost>,
}

/// Instructions of one function.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Cost {
    /// Without the functions that it calls.
    own: u64,
    /// What each call took until it returned, the function's calls of itself left out.
    calls: u64,
}

/// What a function costs a request, in instructions.
#[derive(Debug, PartialEq)]
pub(crate) struct FunctionCost {
    /// Its name, with its path.
    pub(crate) name: String,
    /// Without the functions that it calls.
    pub(crate) own: f64,
    /// With them. Where these call it again, that is counted twice.
    pub(crate) with_callees: f64,
}

impl Profile {
    /// Reads what callgrind wrote.
    ///
    /// # Errors
    /// When something is not understood, or the costs of all functions do not add up to the total.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut reader = Reader::default();
        for line in text.lines() {
            let read = reader.read(line);
            read.with_context(|| format!("callgrind's profile has a line that is not understood: {line}"))?;
        }
        let total = reader.total.context("callgrind's profile has no total")?;
        let sum: u64 = reader.functions.values().map(|cost| cost.own).sum();
        if sum != total {
            bail!("callgrind's profile does not add up: {sum} instructions by function, {total} in all");
        }
        let functions = reader.functions.into_iter();
        Ok(Self {
            instructions: total,
            functions: functions.map(|(name, cost)| (name.to_owned(), cost)).collect(),
        })
    }

    /// What each function cost a request, the dearest first, when this profile is of `requests` requests more than
    /// `base`.
    pub(crate) fn per_request(&self, base: &Self, requests: u32) -> Vec<FunctionCost> {
        let mut costs: Vec<_> = self
            .functions
            .keys()
            .map(|name| {
                let (more, less) = (self.cost_of(name), base.cost_of(name));
                let each = |more, less| difference(more, less) / f64::from(requests);
                FunctionCost {
                    name: name.clone(),
                    own: each(more.own, less.own),
                    with_callees: each(more.own + more.calls, less.own + less.calls),
                }
            })
            .collect();
        costs.sort_by(|one, other| other.own.total_cmp(&one.own));
        costs
    }

    fn cost_of(&self, function: &str) -> Cost {
        self.functions.get(function).copied().unwrap_or_default()
    }
}

/// `more` minus `less`, which noise may make negative. Counts stay far below 2⁵³.
fn difference(more: u64, less: u64) -> f64 {
    more as f64 - less as f64
}

/// What has been read of a profile.
#[derive(Default)]
struct Reader<'t> {
    total: Option<u64>,
    /// By number: a name is written out where it comes first.
    names: HashMap<&'t str, &'t str>,
    functions: HashMap<&'t str, Cost>,
    /// The function that the lines are about.
    current: Option<&'t str>,
    /// The function whose call the next line of costs is about.
    called: Option<&'t str>,
}

impl<'t> Reader<'t> {
    /// Reads one line; `None` when it makes no sense.
    fn read(&mut self, line: &'t str) -> Option<()> {
        if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            return self.add(instructions(line)?);
        }
        if let Some(name) = line.strip_prefix("fn=") {
            self.current = Some(self.name(name)?);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            self.called = Some(self.name(name)?);
        } else if let Some(total) = line.strip_prefix("summary: ") {
            self.total = Some(total.parse().ok()?);
        } // else a file or an object, or the header
        Some(())
    }

    /// `(7) name`, or `(7)` for a name that came before.
    fn name(&mut self, text: &'t str) -> Option<&'t str> {
        let (number, name) = text.strip_prefix('(')?.split_once(')')?;
        match name.strip_prefix(' ') {
            Some(name) => {
                self.names.insert(number, name);
                Some(name)
            }
            None => self.names.get(number).copied(),
        }
    }

    fn add(&mut self, instructions: u64) -> Option<()> {
        let function = self.current?;
        let cost = self.functions.entry(function).or_default();
        match self.called.take() {
            None => cost.own += instructions,
            Some(called) if called != function => cost.calls += instructions,
            Some(_) => {}
        }
        Some(())
    }
}

/// The count in a line of costs, after its source line: `+3 42`. None is 0.
fn instructions(line: &str) -> Option<u64> {
    let count = line.split_ascii_whitespace().nth(1);
    count.map_or(Some(0), |count| count.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
# callgrind format
version: 1
cmd:  proxima run --config=x
positions: line
events: Ir
summary: 1000

ob=(1) /bin/proxima
fl=(1) main.rs
fn=(1) main
16 100
fi=(2) inlined.rs
+3 50
cfn=(2) serve::{{closure}}
calls=1 50
* 850

fn=(2)
51 300
-1
cfi=(3) log.rs
cfn=(3) note
calls=2 20
+1 350
cfn=(2)
calls=1 50
* 200

fn=(3)
20 200
";

    #[test]
    fn costs_are_a_functions_own_or_of_its_calls() {
        let profile = Profile::parse(PROFILE).unwrap_err().to_string();
        assert_eq!(
            profile,
            "callgrind's profile does not add up: 650 instructions by function, 1000 in all"
        );
        let profile = Profile::parse(&PROFILE.replace("summary: 1000", "summary: 650")).unwrap();
        assert_eq!(profile.instructions, 650);
        let cases = [
            ("main", Cost { own: 150, calls: 850 }),
            ("serve::{{closure}}", Cost { own: 300, calls: 350 }),
            ("note", Cost { own: 200, calls: 0 }),
            ("nobody", Cost::default()),
        ];
        for (name, expected) in cases {
            assert_eq!(profile.cost_of(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (from, to) in [
            ("fn=(1) main", "fn=main"),
            ("cfn=(3) note", "cfn=(4)"),
            ("+3 50", "+3 x"),
            ("fn=(1) main\n", ""),
        ] {
            let error = Profile::parse(&PROFILE.replace(from, to))
                .unwrap_err()
                .to_string();
            assert!(error.contains("not understood"), "{to}: {error}");
        }
        assert!(
            Profile::parse("version: 1\n")
                .unwrap_err()
                .to_string()
                .contains("no total")
        );
    }

    #[test]
    fn what_both_profiles_have_is_no_cost_of_a_request() {
        let more = "summary: 700\nfn=(1) start\n1 100\nfn=(2) serve\n1 400\nfn=(3) note\n1 200\n";
        let less = "summary: 150\nfn=(1) start\n1 100\nfn=(2) serve\n1 50\n";
        let (more, less) = (Profile::parse(more).unwrap(), Profile::parse(less).unwrap());
        let costs = more.per_request(&less, 10);
        let own: Vec<_> = costs.iter().map(|cost| (cost.name.as_str(), cost.own)).collect();
        assert_eq!(own, [("serve", 35.0), ("note", 20.0), ("start", 0.0)]);
    }
}
