//! Turns, ratios and rows.

use std::time::{Duration, Instant};

/// Keeps this thread, and the ones it starts, on one core.
pub(crate) fn pin(core: usize) {
    if let Some(id) = core_affinity::get_core_ids().unwrap_or_default().get(core) {
        core_affinity::set_for_current(*id);
    }
}

/// Processor time of this process so far, user and system.
pub(crate) fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
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

/// Ours and theirs, in turns.
pub(crate) struct Pair {
    wall: Vec<f64>,
    cpu: (Duration, Duration),
}

impl Pair {
    /// One turn each to warm up, then `turns` each, the order changing from turn to turn.
    pub(crate) async fn run(turns: usize, ours: impl AsyncFn(), theirs: impl AsyncFn()) -> Self {
        ours().await;
        theirs().await;
        let mut pair = Self { wall: Vec::new(), cpu: (Duration::ZERO, Duration::ZERO) };
        for turn in 0..turns {
            let (mut a, mut b) = (Duration::ZERO, Duration::ZERO);
            for first in [turn % 2 == 0, turn % 2 != 0] {
                let (wall, cpu) = (Instant::now(), cpu_time());
                if first {
                    ours().await;
                    a = wall.elapsed();
                    pair.cpu.0 += cpu_time().saturating_sub(cpu);
                } else {
                    theirs().await;
                    b = wall.elapsed();
                    pair.cpu.1 += cpu_time().saturating_sub(cpu);
                }
            }
            pair.wall.push(a.as_secs_f64() / b.as_secs_f64());
        }
        pair
    }

    /// Our time over theirs, the median of the turns.
    pub(crate) fn wall_ratio(&self) -> f64 {
        median(&mut self.wall.clone())
    }

    /// Our processor time over theirs, all turns together.
    pub(crate) fn cpu_ratio(&self) -> f64 {
        self.cpu.0.as_secs_f64() / self.cpu.1.as_secs_f64().max(0.01)
    }
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

    pub(crate) fn text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.result);
        self
    }

    pub(crate) fn show(self) {
        println!("{:<44} {:<26} {:<8} {}", self.name, self.against, self.aim, self.result);
    }
}
