"""Measures the bindings against the libraries that people would use instead: `tests/benches/run.sh` builds, then calls
this. One stub server on one core; all workers on another, taking turns, because machines drift."""

import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
CORE, PYTHON = os.environ["BENCH_CORE"], os.environ["BENCH_PYTHON"]
TURNS = 7


class Worker:
    """A process that does tasks when it is told to."""

    started: dict[str, "Worker"] = {}

    def __init__(self, command):
        pinned = ["taskset", "-c", "0", *command] if os.cpu_count() > 1 else command
        self.process = subprocess.Popen(pinned, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.line() == "ready", f"{command} did not start"

    def line(self):
        return self.process.stdout.readline().strip()

    def take(self, task, count, in_flight):
        """Seconds that it took, and seconds of processor time."""
        print(task, count, in_flight, file=self.process.stdin, flush=True)
        wall, cpu = map(float, self.line().split())
        return wall, cpu

    def peak_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    @classmethod
    def of(cls, name):
        if name not in cls.started:
            cls.started[name] = cls(command(name))
        return cls.started[name]


def command(name):
    """Names are `LANGUAGE` for ours, `LANGUAGE/PEER` for theirs."""
    language, _, peer = name.partition("/")
    if language == "rust":
        return [CORE, "--plain", URL]
    if language == "python":
        return [PYTHON, HERE / "python" / ("peers.py" if peer else "ours.py"), URL, *([peer] if peer else [])]
    if language == "node":
        return ["node", HERE / "node" / ("peers.mjs" if peer else "ours.mjs"), URL, *([peer] if peer else [])]
    return [HERE.parent / "swift-run.sh", "-C", HERE / "swift", "run", "-q", "-c", "release", "--skip-build", "Ours", URL]


def rate(what, aim, ours, theirs, counts, in_flight, tasks):
    """How many times as fast we are, the median of the turns; and our processor time over theirs."""
    pair = [(Worker.of(name), task, count) for name, task, count in zip((ours, theirs), tasks, counts)]
    for worker, task, count in pair:
        worker.take(task, max(count // 10, in_flight), in_flight)
    ratios, used = [], []
    for turn in range(TURNS):
        done = {}
        for side in (0, 1) if turn % 2 else (1, 0):
            worker, task, count = pair[side]
            done[side] = [seconds / count for seconds in worker.take(task, count, in_flight)]
        ratios.append(done[1][0] / done[0][0])
        used.append(done[0][1] / done[1][1])
    row(what, theirs, aim, f"{statistics.median(ratios):.2f} ×", f"{statistics.median(used):.2f} ×")


def each(what, aim, name, task, count):
    """Microseconds for one, the median of the turns, and of processor time."""
    worker = Worker.of(name)
    worker.take(task, count, 1)
    took = [worker.take(task, count, 1) for _ in range(TURNS)]
    wall, cpu = (statistics.median(one[at] for one in took) / count * 1e6 for at in (0, 1))
    row(what, "", aim, f"{wall:.2f} µs", f"{cpu:.2f} µs")


def loading(what, aim, bare, loaded):
    """Milliseconds more that a program takes to start and end, and of processor time: the median of pairs."""
    wall, cpu = [], []
    for _ in range(3 * TURNS):
        pair = []
        for line in (bare, loaded):
            began, before = time.perf_counter(), children()
            subprocess.run(["taskset", "-c", "0", *line], check=True)
            pair.append((time.perf_counter() - began, children() - before))
        wall.append((pair[1][0] - pair[0][0]) * 1000)
        cpu.append((pair[1][1] - pair[0][1]) * 1000)
    row(what, "bare", aim, f"+{statistics.median(wall):.1f} ms", f"+{statistics.median(cpu):.1f} ms")


def children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def python():
    # First, so that nothing else counts for the memory.
    rate("Python, listing 100,000 records", "≥ 2.5 ×", "python", "python/requests", (1, 1), 1, ("list", "list"))
    row("Python, listing: most memory", "", "≤ 48 MB", f"{Worker.of('python').peak_mb():.0f} MB", "")
    rate("Python, bulk, 64 in flight", "≥ 0.8 ×", "python", "rust/plain", (4000, 4000), 64, ("bulk", "insert"))
    rate("Python, bulk, 64 in flight", "≥ 12 ×", "python", "python/pysnow", (4000, 300), 64, ("bulk", "threads"))
    rate("Python, bulk, 64 in flight", "≥ 2.5 ×", "python", "python/aiohttp", (4000, 2000), 64, ("bulk", "asyncio"))
    rate("Python, 64 threads", "≥ 10 ×", "python", "python/pysnow", (2000, 300), 64, ("threads", "threads"))
    rate("Python, one at a time", "≥ 4 ×", "python", "python/pysnow", (1000, 200), 1, ("threads", "threads"))
    rate("Python, asyncio, 64 in flight", "≥ 1.3 ×", "python", "python/aiohttp", (2000, 2000), 64, ("asyncio", "asyncio"))
    rate("Python, asyncio, 64 in flight", "≥ 15 ×", "python", "python/httpx", (2000, 300), 64, ("asyncio", "asyncio"))
    each("Python, asynchronous no-op", "≤ 45 µs", "python", "noop", 5000)
    each("Python, empty call", "≤ 0.1 µs + host", "python", "call", 500_000)
    each("Python, host: a built-in method", "", "python", "host", 500_000)
    loading("Python, import", "+10 ms", [PYTHON, "-c", "pass"], [PYTHON, "-c", "import itsm_adapter"])


def node():
    rate("Node, 64 in flight", "≥ 1.2 ×", "node", "node/undici", (4000, 4000), 64, ("insert", "insert"))
    rate("Node, 64 in flight", "≥ 5 ×", "node", "node/fetch", (4000, 1000), 64, ("insert", "insert"))
    rate("Node, bulk, 64 in flight", "≥ 2 ×", "node", "node/undici", (4000, 4000), 64, ("bulk", "insert"))
    each("Node, asynchronous no-op", "≤ 20 µs", "node", "noop", 20_000)
    each("Node, empty call", "≤ 0.1 µs + host", "node", "call", 1_000_000)
    each("Node, host: process.getgid", "", "node", "host", 1_000_000)
    loading("Node, import", "+15 ms", ["node", "-e", "0"], ["node", "-e", f"require('{HERE.parents[1]}/bindings-node')"])


def swift():
    rate("Swift, 64 in flight", "≥ 0.6 ×", "swift", "rust/plain", (4000, 4000), 64, ("insert", "insert"))
    rate("Swift, bulk, 64 in flight", "", "swift", "rust/plain", (4000, 4000), 64, ("bulk", "insert"))
    each("Swift, asynchronous no-op", "≤ 20 µs", "swift", "noop", 20_000)
    each("Swift, empty call", "≤ 0.1 µs + host", "swift", "call", 1_000_000)


stub = subprocess.Popen([CORE, "--stub"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
URL = stub.stdout.readline().strip()
print("| What | Against | Aim | Seen | Processor time |\n|---|---|---|---|---|")
for language in sys.argv[1:]:
    {"python": python, "node": node, "swift": swift}[language]()
for worker in Worker.started.values():
    worker.process.stdin.close()
    worker.process.wait(10)
stub.stdin.close()
