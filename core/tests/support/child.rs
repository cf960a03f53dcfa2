//! Other processes: the test program starts itself again, with a part to play.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

/// What the started process is to do.
const PART: &str = "ADAPTER_TEST_PART";
const SCENE: &str = "ADAPTER_TEST_SCENE";

/// What a started process needs to know.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Scene {
    pub(crate) citrix_url: String,
    pub(crate) instance_url: String,
    pub(crate) database: std::path::PathBuf,
    pub(crate) number: u64,
}

/// A started process; killed when dropped.
pub(crate) struct Other {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Other {
    /// Starts this program again; its test `the_other_process` plays the part.
    pub(crate) fn start(part: &str, scene: &Scene) -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()), part, scene)
    }

    /// The same for a process to which a file that may not grow is an error of that write, and not its end.
    pub(crate) fn start_unstoppable(part: &str, scene: &Scene) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#]).arg(std::env::current_exe().unwrap());
        Self::spawn(shell, part, scene)
    }

    fn spawn(mut command: Command, part: &str, scene: &Scene) -> Self {
        let mut process = command
            .args(["--exact", "the_other_process", "--nocapture", "--test-threads", "1"])
            .env(PART, part)
            .env(SCENE, serde_json::to_string(scene).unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// The next thing that the process says; none when it has ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            // A process that is killed may leave half a line; it says nothing.
            if self.output.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
                return None;
            }
            if let Some((_, word)) = line.trim_end().split_once("said: ") {
                return Some(word.to_owned());
            }
        }
    }

    /// The number of the process, for signals.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// SIGKILL: no destructor, no flush.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
    }

    /// What it said before it ended, and whether it ended well.
    pub(crate) fn finish(mut self) -> (Vec<String>, bool) {
        let mut said = Vec::new();
        while let Some(word) = self.next() {
            said.push(word);
        }
        let ended = self.process.wait().unwrap();
        (said, ended.success())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// In the started process: the part to play. None in the process that the tests run in.
pub(crate) fn part() -> Option<(String, Scene)> {
    let part = std::env::var(PART).ok()?;
    Some((part, serde_json::from_str(&std::env::var(SCENE).unwrap()).unwrap()))
}

/// Tells the process that started this one. The line is on its way when this returns.
pub(crate) fn say(word: impl std::fmt::Display) {
    let mut output = std::io::stdout().lock();
    // One write, so that a kill never leaves the head of a line without its end.
    output.write_all(format!("\nsaid: {word}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}

/// A client in the started process, with the settings of the tests.
pub(crate) async fn client(scene: &Scene) -> itsm_adapter::Client {
    itsm_adapter::Client::open(super::config(&scene.citrix_url, scene.database.clone())).await.unwrap()
}

impl Scene {
    pub(crate) fn of(world: &super::World, number: u64) -> Self {
        Self::at(world, &world.database(), number)
    }

    pub(crate) fn at(world: &super::World, database: &Path, number: u64) -> Self {
        Self {
            citrix_url: world.simulator.citrix_url(),
            instance_url: world.url(),
            database: database.to_owned(),
            number,
        }
    }
}
