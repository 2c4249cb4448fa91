//! What failed, as one text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::case::Case;

/// The first step of a case that did not come out.
#[derive(Debug)]
pub(super) struct Failure {
    /// Which case.
    pub(super) index: usize,
    pub(super) speaks: &'static str,
    pub(super) step: usize,
    /// Line of the case file, and what was expected and what came.
    pub(super) problems: Vec<(usize, String)>,
}

/// All failures, in the order of the table.
pub(super) fn report(cases: &[Case], mode: &str, ran: usize, failures: &[Failure]) -> String {
    let mut by_case: BTreeMap<usize, Vec<&Failure>> = BTreeMap::new();
    for failure in failures {
        by_case.entry(failure.index).or_default().push(failure);
    }
    let mut text = String::new();
    let mut by_file: BTreeMap<String, usize> = BTreeMap::new();
    for (index, failures) in &by_case {
        let case = &cases[*index];
        let file = case.file.display().to_string();
        let _ = writeln!(text, "\n{file}:{} {}\n  {}", case.line, case.title, case.section);
        *by_file.entry(file).or_default() += 1;
        for failure in failures {
            let _ = writeln!(text, "  mode {mode}, {}, step {}:", failure.speaks, failure.step);
            for (line, problem) in &failure.problems {
                let _ = writeln!(text, "    line {line}: expected {problem}");
            }
        }
    }
    let _ = writeln!(text, "\n{} of {ran} runs failed in mode {mode}:", failures.len());
    for (file, failed) in by_file {
        let all = cases
            .iter()
            .filter(|case| case.file.display().to_string() == file)
            .count();
        let _ = writeln!(text, "  {file}: {failed} of {all} cases");
    }
    text
}
