//! Turns, ratios and rows.

use std::time::{Duration, Instant};

/// Keeps this thread, and the ones it starts, on one core.
pub(crate) fn pin(core: usize) {
    if let Some(id) = core_affinity::get_core_ids().unwrap_or_default().get(core) {
        core_affinity::set_for_current(*id);
    }
}

/// Processor time of this process so far, user and system, all threads that are still there.
pub(crate) fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let times = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok());
    let nanos = times.filter_map(|time| time.split_whitespace().next()?.parse::<u64>().ok());
    Duration::from_nanos(nanos.sum())
}

/// Largest resident size so far, in MB.
pub(crate) fn peak_mb() -> u64 {
    status_kb("VmHWM:") / 1024
}

/// Resident size now, in MB.
pub(crate) fn resident_mb() -> u64 {
    status_kb("VmRSS:") / 1024
}

fn status_kb(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|field| field.parse().ok()).unwrap_or_default()
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Ours and theirs, in turns: our time over theirs, turn by turn.
pub(crate) struct Pair {
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

impl Pair {
    /// One turn each to warm up, then `turns` each, the order changing from turn to turn.
    pub(crate) async fn run(turns: usize, ours: impl AsyncFn(), theirs: impl AsyncFn()) -> Self {
        ours().await;
        theirs().await;
        let mut pair = Self { wall: Vec::new(), cpu: Vec::new() };
        for turn in 0..turns {
            let (a, b);
            if turn % 2 == 0 {
                a = timed(&ours).await;
                b = timed(&theirs).await;
            } else {
                b = timed(&theirs).await;
                a = timed(&ours).await;
            }
            pair.wall.push(a.0.as_secs_f64() / b.0.as_secs_f64());
            pair.cpu.push(a.1.as_secs_f64() / b.1.as_secs_f64().max(0.000_1));
        }
        pair
    }

    /// Our rate over theirs.
    pub(crate) fn rates(&self) -> Vec<f64> {
        self.wall.iter().map(|ratio| 1.0 / ratio).collect()
    }

    /// Our processor time over theirs.
    pub(crate) fn cpu(&self) -> Vec<f64> {
        self.cpu.clone()
    }
}

/// Time and processor time of one turn.
async fn timed(work: &impl AsyncFn()) -> (Duration, Duration) {
    let (wall, cpu) = (Instant::now(), cpu_time());
    work().await;
    (wall.elapsed(), cpu_time().saturating_sub(cpu))
}

/// One line of the result.
pub(crate) struct Row<'a> {
    name: &'a str,
    against: &'a str,
    aim: &'a str,
    result: String,
}

pub(crate) fn head() {
    println!("{:<44} {:<26} {:<8} result", "what", "against", "aim");
}

impl<'a> Row<'a> {
    pub(crate) fn new(name: &'a str, against: &'a str) -> Self {
        Self { name, against, aim: "", result: String::new() }
    }

    pub(crate) fn aim(mut self, aim: &'a str) -> Self {
        self.aim = aim;
        self
    }

    pub(crate) fn value(self, value: f64) -> Self {
        self.text(&format!("{value:.2}"))
    }

    /// The median of the turns, and the lowest and the highest.
    pub(crate) fn spread(self, values: &[f64]) -> Self {
        let mut values = values.to_vec();
        let middle = median(&mut values);
        let (lowest, highest) = (values.first().copied().unwrap_or(middle), values.last().copied().unwrap_or(middle));
        self.text(&format!("{middle:.2}  ({lowest:.2} – {highest:.2})"))
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.result);
        self
    }

    pub(crate) fn show(self) {
        println!("{:<44} {:<26} {:<8} {}", self.name, self.against, self.aim, self.result);
    }
}
