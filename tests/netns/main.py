"""Runs scenarios in network namespaces and prints what became of them: see tests/suites/netns.sh.

    main.py FOLDER_OF_BINARIES [PART_OF_A_NAME...]

NETNS_JOBS says how many run at a time (3), NETNS_KEEP where logs and captures are to stay.
"""

import concurrent.futures
import itertools
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

from daemon import Program
from lab import Failed, TooSlow
from scenarios import ALL
from world import World

# Each try has names of its own.
NUMBERS = itertools.count()
# How often what came about too late is tried.
TRIES = 3
# Scenarios for these are written already.
NOT_BUILT = {"relay"}
ROW = "{:<54} {:<8} {:>8} {:>7} {:>8} {:>7}  {}"


class Result:
    def __init__(self, scenario):
        self.scenario = scenario
        self.fault = self.waits = None
        self.seconds, self.world = 0.0, None
        self.slow, self.tries = False, 1

    def verdict(self):
        if self.waits:
            return f"needs {', '.join(sorted(self.waits))}"
        notes = list(self.world.notes) if self.world else []
        if self.tries > 1:
            notes.append(f"try {self.tries}")
        notes = ", ".join(notes)
        if self.fault:
            return f"FAILED: {self.fault}" + (f" ({notes})" if notes else "")
        return "ok" + (f" ({notes})" if notes else "")

    def row(self):
        world = self.world
        if self.waits or not world:
            cells = ["-"] * 4
        else:
            link = "-" if world.link_s is None else f"{world.link_s:.2f}"
            cells = [world.path, world.messages, link, f"{self.seconds:.1f}"]
        return ROW.format(self.scenario.name, *cells, self.scenario.budget, self.verdict())


def attempt(program, scenario, scratch):
    result = Result(scenario)
    result.waits = scenario.needs - program.features
    if result.waits:
        return result
    began = time.monotonic()
    try:
        world = result.world = World(program, f"msgd{os.getpid()}-{next(NUMBERS)}", scratch)
        scenario.run(world)
        result.seconds = time.monotonic() - began
        if result.seconds > scenario.budget:
            raise TooSlow(f"took more than {scenario.budget} s")
    except Failed as fault:
        result.fault, result.slow = str(fault), isinstance(fault, TooSlow)
    except Exception as fault:
        traceback.print_exc()
        result.fault = f"{type(fault).__name__}: {fault}"
    finally:
        result.seconds = result.seconds or time.monotonic() - began
        if result.world:
            if result.fault:
                tell(result.world, scenario)
            result.world.close()
    print(result.row(), flush=True)
    return result


def again(program, result, scratch):
    """What was only slow is tried twice more, by itself: other work slows down whatever runs."""
    for number in range(2, TRIES + 1):
        if not result.slow:
            break
        result = attempt(program, result.scenario, scratch)
        result.tries = number
    return result


def tell(world, scenario):
    """The ends of the logs, for whoever has to find out."""
    for daemon in world.daemons:
        with open(daemon.log, "rb") as log:
            lines = log.read().decode(errors="replace").splitlines()[-15:]
        print(f"--- {scenario.name}: log of {daemon.host.name}", *lines, sep="\n    ", file=sys.stderr)


def stop(*_):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, stop)
    folder, words = sys.argv[1], sys.argv[2:]
    program = Program(folder)
    chosen = [one for one in ALL if not words or any(word in one.name for word in words)]
    if not chosen:
        raise SystemExit(f"netns: no scenario is called so; there are: {', '.join(s.name for s in ALL)}")
    scratch = tempfile.mkdtemp(prefix="msgd-netns-")
    jobs = int(os.environ.get("NETNS_JOBS", 3))
    began = time.monotonic()
    print(ROW.format("scenario", "path", "messages", "link s", "total s", "limit s", "verdict"))
    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        tried = [pool.submit(attempt, program, one, scratch) for one in chosen]
        results = [one.result() for one in tried]
        results = [again(program, result, scratch) for result in results]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        keep = os.environ.get("NETNS_KEEP")
        if keep:
            shutil.copytree(scratch, keep, dirs_exist_ok=True, ignore=lambda _, names: {n for n in names if n.endswith(".sock")})
        shutil.rmtree(scratch, ignore_errors=True)
    print()
    print(ROW.format("scenario", "path", "messages", "link s", "total s", "limit s", "verdict"))
    for result in results:
        print(result.row())
    failed = [one for one in results if one.fault]
    waiting = [one for one in results if one.waits]
    print(f"--- {len(results)} scenarios, {len(failed)} failed, {time.monotonic() - began:.0f} s")
    if waiting:
        missing = sorted(set().union(*(one.waits for one in waiting)))
        print(f"--- {len(waiting)} scenarios wait for what this program cannot do yet: {', '.join(missing)}")
        # What is built must be recognised: a scenario that is left out by mistake is a fault.
        if set(missing) - NOT_BUILT:
            sys.exit(f"not recognised in these binaries: {', '.join(sorted(set(missing) - NOT_BUILT))}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
