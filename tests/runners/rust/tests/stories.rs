//! Every scenario holds in Rust, and the scenarios use every operation.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use scenario_runner::{Simulator, run, stories};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// `SCENARIO=text` runs only those whose name holds the text.
#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_holds() {
    let (common, stories) = stories(&folder()).unwrap();
    let simulator = Simulator::start(&common.simulator).await.unwrap();
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let report = run(&simulator, &common, &stories, &only).await;
    assert!(report.run > 0, "no scenario is called {only}");
    assert!(
        report.failures.is_empty(),
        "{} of {}:\n\n{}",
        report.failures.len(),
        report.run,
        report.failures.join("\n\n")
    );
}

#[test]
fn every_operation_is_in_a_scenario() {
    let list = std::fs::read(folder().join("operations.json")).unwrap();
    let list: BTreeMap<String, Vec<String>> = serde_json::from_slice(&list).unwrap();
    let (common, stories) = stories(&folder()).unwrap();
    let steps = stories.values().flat_map(|story| &story.scenarios).flat_map(|scenario| &scenario.steps);
    let used: BTreeSet<&str> = steps
        .chain(common.recipes.values().flatten())
        .filter_map(|step| step.get("call").and_then(Value::as_str))
        .collect();
    for (resource, operations) in list.iter().filter(|(resource, _)| *resource != "client") {
        for operation in operations {
            let name = format!("{resource}.{operation}");
            assert!(used.contains(name.as_str()), "no scenario calls {name}");
        }
    }
}

#[test]
fn every_scenario_is_named_once_and_every_row_has_a_name() {
    let (_, stories) = stories(&folder()).unwrap();
    for (file, story) in &stories {
        let mut names = BTreeSet::new();
        for scenario in &story.scenarios {
            assert!(names.insert(&scenario.name), "{file}: {} is there twice", scenario.name);
            let rows: BTreeSet<_> =
                scenario.each.iter().map(|row| row["name"].as_str().expect("a row has a name")).collect();
            assert_eq!(rows.len(), scenario.each.len(), "{file}: {} has rows of one name", scenario.name);
        }
    }
}
