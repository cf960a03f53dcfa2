//! Stories as they lie in `tests/scenarios`, and running one scenario of them.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Failure, Simulator,
    step::Stage,
    value::{over, resolved},
};

/// What all stories share.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// Arguments of the simulator.
    pub simulator: Vec<String>,
    /// Options of every client.
    pub client: Value,
    /// Steps by the name of their recipe.
    pub recipes: BTreeMap<String, Vec<Value>>,
}

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// What it is about.
    pub story: String,
    /// For people.
    #[serde(default)]
    pub note: Option<String>,
    /// Its scenarios.
    pub scenarios: Vec<Scenario>,
}

/// Some steps that begin with everything fresh.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What must be true.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub note: Option<String>,
    /// Options of its clients.
    #[serde(default)]
    pub client: Value,
    /// Rows to run it with.
    #[serde(default)]
    pub each: Vec<Value>,
    /// What happens.
    pub steps: Vec<Value>,
}

/// How a run went.
#[derive(Debug, Default)]
pub struct Report {
    /// How many scenarios were run; every row counts.
    pub run: usize,
    /// What did not hold, with its place.
    pub failures: Vec<Failure>,
}

/// The common part, and the stories by their file names.
///
/// # Errors
/// A sentence naming the file that cannot be read.
pub fn stories(folder: &Path) -> Result<(Common, BTreeMap<String, Story>), Failure> {
    let broken = |path: &Path, why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let read = |path: &Path| std::fs::read(path).map_err(|error| broken(path, &error));
    let path = folder.join("common.json");
    let common = serde_json::from_slice(&read(&path)?).map_err(|error| broken(&path, &error))?;
    let mut stories = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(|error| broken(folder, &error))? {
        let path = entry.map_err(|error| broken(folder, &error))?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let value: Value = serde_json::from_slice(&read(&path)?).map_err(|error| broken(&path, &error))?;
        if value.get("story").is_some() {
            let story = serde_json::from_value(value).map_err(|error| broken(&path, &error))?;
            stories.insert(path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), story);
        }
    }
    Ok((common, stories))
}

/// Runs the scenarios whose `story: name` holds the text `only`, one after another.
pub async fn run(simulator: &Simulator, common: &Common, stories: &BTreeMap<String, Story>, only: &str) -> Report {
    let mut report = Report::default();
    for (file, story) in stories {
        for scenario in &story.scenarios {
            let rows = if scenario.each.is_empty() { vec![Value::Null] } else { scenario.each.clone() };
            for row in rows {
                let name = match row["name"].as_str() {
                    Some(row) => format!("{file}: {} [{row}]", scenario.name),
                    None => format!("{file}: {}", scenario.name),
                };
                if name.contains(only) {
                    report.run += 1;
                    let started = std::time::Instant::now();
                    let result = scenario.run(simulator, common, row).await;
                    eprintln!(
                        "{} {:>5} ms  {name}",
                        if result.is_ok() { "ok  " } else { "FAIL" },
                        started.elapsed().as_millis()
                    );
                    report.failures.extend(result.err().map(|why| format!("{name}\n    {why}")));
                }
            }
        }
    }
    report
}

impl Scenario {
    async fn run(&self, simulator: &Simulator, common: &Common, row: Value) -> Result<(), Failure> {
        simulator.control("POST /reset", &Value::Null).await?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let variables = over(&simulator.variables(), &json!({"store_file": folder.path().join("store.db")}));
        let variables = over(&variables, &json!({"row": resolved(&row, &variables)?}));
        let mut stage = Stage::new(simulator, common, over(&common.client, &self.client), variables);
        let result = stage.perform(&self.steps).await;
        stage.close();
        result
    }
}
