use clap::CommandFactory as _;
use serde_json::json;

use super::*;

fn run(flags: &[&str]) -> RunArgs {
    let line = ["proxima-load", "run"].iter().chain(flags).chain(&["s.js"]);
    match Cli::try_parse_from(line).unwrap().command {
        Command::Run(run) => *run,
        other => panic!("{other:?}"),
    }
}

fn refusal(line: &[&str]) -> String {
    Cli::try_parse_from(line).unwrap_err().to_string()
}

#[test]
fn flags_do_not_contradict_each_other() {
    Cli::command().debug_assert();
}

#[test]
fn every_flag_says_its_default() {
    for command in Cli::command().get_subcommands() {
        for flag in command.get_arguments().filter(|flag| !flag.is_positional()) {
            let help = flag
                .get_help()
                .unwrap_or_else(|| panic!("{} has no help", flag.get_id()));
            assert!(
                flag.get_id() == "help" || help.to_string().contains("[default: "),
                "{}: {help}",
                flag.get_id()
            );
        }
    }
}

#[test]
fn flags_become_options_under_the_names_of_scripts() {
    for (flags, wanted) in [
        (&[][..], json!({})),
        (&["-u", "5", "-d", "10s"], json!({ "vus": 5, "duration": "10s" })),
        (&["-i", "7", "--vus=2"], json!({ "vus": 2, "iterations": 7 })),
        (
            &["-s", "5s:10,1m:20", "--stage", "5s:0"],
            json!({ "stages": [
                { "duration": "5s", "target": "10" },
                { "duration": "1m", "target": "20" },
                { "duration": "5s", "target": "0" },
            ] }),
        ),
        (
            &["--tag", "a=b", "--tag", "c=d=e"],
            json!({ "tags": { "a": "b", "c": "d=e" } }),
        ),
        (
            &[
                "--no-setup",
                "--no-teardown=false",
                "-w",
                "--no-vu-connection-reuse",
            ],
            json!({ "noSetup": true, "noTeardown": false, "throw": true, "noVUConnectionReuse": true }),
        ),
        (
            &[
                "--summary-trend-stats",
                "avg,p(99.9)",
                "--summary-time-unit",
                "ms",
            ],
            json!({ "summaryTrendStats": ["avg", "p(99.9)"], "summaryTimeUnit": "ms" }),
        ),
        (
            &["--user-agent", "", "--rps", "10"],
            json!({ "userAgent": "", "rps": 10 }),
        ),
    ] {
        assert_eq!(json!(run(flags).script.options.layer()), wanted, "{flags:?}");
    }
}

#[test]
fn every_flag_of_an_option_is_one_that_options_know() {
    let flags: Vec<&str> = "-u 1 -d 1s -i 1 -s 1s:1 --tag a=b --system-tags url --insecure-skip-tls-verify \
        --no-connection-reuse --no-vu-connection-reuse --discard-response-bodies --max-redirects 1 --batch 1 \
        --batch-per-host 1 --rps 1 --user-agent x --min-iteration-duration 1s --setup-timeout 1s \
        --teardown-timeout 1s --no-setup --no-teardown --no-thresholds --throw --summary-trend-stats avg \
        --summary-time-unit s --summary-mode full --no-summary"
        .split_whitespace()
        .collect();
    let layer = run(&flags).script.options.layer();
    let given = <OptionArgs as Args>::augment_args(clap::Command::new("x"))
        .get_arguments()
        .count();
    assert_eq!(layer.len(), given);
    let unnamed: Vec<_> = layer
        .keys()
        .filter(|key| crate::options::known::flag_of(key).is_none())
        .collect();
    assert!(unnamed.is_empty(), "{unnamed:?}");
}

#[test]
fn outputs_are_json_and_csv_files() {
    let args = run(&["-o", "json=a.json", "--out", "csv=b.csv"]);
    assert_eq!(
        args.out,
        [Output::Json("a.json".into()), Output::Csv("b.csv".into())]
    );
    for (out, reason) in [
        ("influxdb=http://x", "no such output"),
        ("xml", "no such output"),
        ("json", "file is missing"),
        ("csv=", "file is missing"),
    ] {
        let refusal = refusal(&["proxima-load", "run", "-o", out, "s.js"]);
        assert!(refusal.contains(reason), "{out}: {refusal}");
    }
}

#[test]
fn what_only_a_run_has_is_not_for_inspect() {
    let inspect = [
        "proxima-load",
        "inspect",
        "--execution-requirements",
        "-e",
        "A=b",
        "s.js",
    ];
    match Cli::try_parse_from(inspect).unwrap().command {
        Command::Inspect(inspect) => {
            assert!(inspect.execution_requirements);
            assert_eq!(inspect.script.env, [("A".to_owned(), "b".to_owned())]);
            assert_eq!(inspect.script.include_system_env_vars, None);
        }
        other => panic!("{other:?}"),
    }
    for line in [
        &["proxima-load", "inspect", "--report", "r.html", "s.js"][..],
        &["proxima-load", "run", "--threads", "0", "s.js"],
        &["proxima-load", "run", "-e", "A", "s.js"],
        &["proxima-load", "run", "-s", "10s", "s.js"],
        &["proxima-load", "run"],
    ] {
        assert!(Cli::try_parse_from(line).is_err(), "{line:?}");
    }
}
