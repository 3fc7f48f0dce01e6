"""What the person at the terminal relies on: ready is ready, the dead come back, all stop in order, nothing remains."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from apps.config.up.backoff import Backoff
from apps.config.up.claim import AlreadyRunningError, HomeClaim, start_ticks
from apps.config.up.spec import FileLocked, PortAccepts, Probe, ProcessSpec
from apps.config.up.supervisor import StartFailedError, Supervisor

LOCK_AND_WAIT = """
    import fcntl, os, signal, sys
    handle = open(sys.argv[1], "w")
    def stop(*_):
        with open(sys.argv[2], "a") as order:
            order.write(os.path.basename(sys.argv[1]) + "\\n")
        raise SystemExit(0)
    signal.signal(signal.SIGTERM, stop)
    fcntl.flock(handle, fcntl.LOCK_EX)
    while True:
        signal.pause()
"""


class Nobody:
    """A register that keeps the ids."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.ended: list[int] = []

    def child_started(self, pid: int) -> None:
        """Keep it."""
        self.started.append(pid)

    def child_ended(self, pid: int) -> None:
        """Keep it."""
        self.ended.append(pid)


class Desk:
    """A supervisor with what it told."""

    def __init__(self, directory: Path, *specs: ProcessSpec) -> None:
        self.told: list[str] = []
        self.register = Nobody()
        self.supervisor = Supervisor(
            specs,
            logs=directory / "logs",
            register=self.register,
            echo=lambda name, line: self.told.append(f"{name}: {line}"),
            backoff=lambda: Backoff(first=0.01, most=0.05),
        )


def program(source: str, *arguments: object) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", textwrap.dedent(source), *map(str, arguments))


def waiter(directory: Path, name: str, **fields: Any) -> ProcessSpec:
    """A program that is ready when it holds its lock and notes when it was told to stop."""
    return ProcessSpec(
        name=name,
        command=program(LOCK_AND_WAIT, directory / name, directory / "order"),
        probe=FileLocked(directory / name),
        **fields,
    )


def run(work: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await work

    asyncio.run(bounded())


def test_ready_means_that_every_probe_is_satisfied_and_stop_keeps_the_order(tmp_path: Path) -> None:
    """`order` is written by the programs themselves as they are told to stop."""
    desk = Desk(
        tmp_path,
        waiter(tmp_path, "store", stop_stage=3),
        waiter(tmp_path, "ingest", stop_stage=1, after=("store",)),
        waiter(tmp_path, "gateway", stop_stage=0, after=("prepare",)),
        ProcessSpec(name="prepare", command=program("print('done')"), step=True),
    )

    async def story() -> None:
        await desk.supervisor.start()
        assert desk.supervisor.waiting_for() == []
        assert set(desk.supervisor.pids) == {"store", "ingest", "gateway"}
        await desk.supervisor.stop()

    run(story())
    assert (tmp_path / "order").read_text().split() == ["gateway", "ingest", "store"]
    assert sorted(desk.register.started) == sorted(desk.register.ended)
    assert not [pid for pid in desk.register.started if start_ticks(pid)]


@pytest.mark.skipif(sys.platform != "linux", reason="niceness is given on Linux")
def test_what_is_nice_yields_the_processor_from_its_first_step(tmp_path: Path) -> None:
    """Also where the kernel counts niceness between sessions, of which every child has its own."""
    desk = Desk(tmp_path, waiter(tmp_path, "ingest", nice=7), waiter(tmp_path, "gateway"))
    groups: list[str] = []

    async def story() -> None:
        await desk.supervisor.start()
        pids = desk.supervisor.pids
        assert os.getpriority(os.PRIO_PROCESS, pids["ingest"]) == os.getpriority(os.PRIO_PROCESS, pids["gateway"]) + 7
        groups.append(await asyncio.to_thread(session_niceness, pids["ingest"]))
        await desk.supervisor.stop()

    run(story())
    assert groups in ([""], ["7"])


def session_niceness(pid: int) -> str:
    """Return "" where the kernel does not group by session."""
    path = Path(f"/proc/{pid}/autogroup")
    return path.read_text().split()[-1] if path.exists() else ""


def test_a_killed_child_comes_back(tmp_path: Path) -> None:
    """kill -9 heals, and the terminal says what happened."""
    desk = Desk(tmp_path, waiter(tmp_path, "ingest"))

    async def story() -> None:
        await desk.supervisor.start()
        for _ in range(3):
            pid = desk.supervisor.pids["ingest"]
            os.kill(pid, signal.SIGKILL)
            while desk.supervisor.pids.get("ingest", pid) == pid:  # noqa: ASYNC110  (another process's doing)
                await asyncio.sleep(0.005)
        await desk.supervisor.stop()

    run(story())
    assert len(desk.register.started) == 4
    assert sum("was ended by SIGKILL; starting it again" in line for line in desk.told) == 3


def test_the_worker_of_a_killed_server_does_not_outlive_it(tmp_path: Path) -> None:
    """A grandchild that keeps a port would keep the next start from listening."""
    forks = """
        import os, signal, sys
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True: signal.pause()
        with open(sys.argv[1] + ".new", "w") as file: file.write(str(child))
        os.rename(sys.argv[1] + ".new", sys.argv[1])
        signal.pause()
    """
    desk = Desk(tmp_path, ProcessSpec(name="web", command=program(forks, tmp_path / "grandchild")))

    async def story() -> None:
        await desk.supervisor.start()
        while not (tmp_path / "grandchild").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        grandchild = int((tmp_path / "grandchild").read_text())
        os.kill(desk.supervisor.pids["web"], signal.SIGKILL)
        while start_ticks(grandchild):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        await desk.supervisor.stop()

    run(story())


def test_a_step_that_fails_ends_the_start_with_its_last_lines(tmp_path: Path) -> None:
    """The reason is on the screen, not in a file that nobody opens."""
    step = ProcessSpec(
        name="prepare",
        command=program("print('SPANMETER_DATABASE_URL=: no such host'); raise SystemExit(3)"),
        step=True,
    )
    desk = Desk(tmp_path, step, waiter(tmp_path, "gateway", after=("prepare",)))

    async def story() -> None:
        with pytest.raises(StartFailedError, match=r"(?s)prepare ended with status 3.*no such host"):
            await desk.supervisor.start()
        await desk.supervisor.stop()

    run(story())
    assert len(desk.register.started) == 1


def test_a_process_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    """Restarting for ever would hide the reason."""
    broken = ProcessSpec(name="web", command=program("raise SystemExit('boom')"), probe=PortAccepts("127.0.0.1", 1))
    desk = Desk(tmp_path, broken)

    async def story() -> None:
        with pytest.raises(StartFailedError, match=r"(?s)web ended with status 1.*boom"):
            await desk.supervisor.start()
        await desk.supervisor.stop()

    run(story())
    assert len(desk.register.started) == 3


def test_a_program_that_does_not_exist_is_told(tmp_path: Path) -> None:
    """No traceback."""
    desk = Desk(tmp_path, ProcessSpec(name="store", command=(str(tmp_path / "nothing"),)))

    async def story() -> None:
        with pytest.raises(StartFailedError, match="store cannot be started"):
            await desk.supervisor.start()
        await desk.supervisor.stop()

    run(story())


STUBBORN = """
    import fcntl, signal, sys
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    handle = open(sys.argv[1], "w")
    fcntl.flock(handle, fcntl.LOCK_EX)
    while True: signal.pause()
"""


@pytest.fixture
def stubborn(tmp_path: Path) -> ProcessSpec:
    """A program that ignores being told to stop."""
    path = tmp_path / "stubborn"
    return ProcessSpec(name="worker", command=program(STUBBORN, path), probe=FileLocked(path), stop_seconds=0.1)


def test_what_does_not_stop_within_its_bound_is_ended(tmp_path: Path, stubborn: ProcessSpec) -> None:
    """Ctrl-C always comes to an end."""
    desk = Desk(tmp_path, stubborn)

    async def story() -> None:
        await desk.supervisor.start()
        await desk.supervisor.stop()

    run(story())
    assert "worker: did not stop within 0.1 s; ending it" in desk.told


def test_a_second_ctrl_c_waits_for_nobody(tmp_path: Path, stubborn: ProcessSpec) -> None:
    """The bound here is an hour; the second signal is what ends it."""
    patient = ProcessSpec(name="worker", command=stubborn.command, probe=stubborn.probe, stop_seconds=3600)
    desk = Desk(tmp_path, patient)

    async def story() -> None:
        await desk.supervisor.start()
        stopping = asyncio.create_task(desk.supervisor.stop())
        await asyncio.sleep(0)
        desk.supervisor.force()
        await stopping

    run(story())


def test_warnings_reach_the_terminal_and_everything_reaches_the_log(tmp_path: Path) -> None:
    """A traceback is shown whole."""
    noisy = """
        import sys
        print("INFO all is well")
        print("WARNING the spool is nearly full")
        print("INFO and goes on")
        print("Traceback (most recent call last):\\n  File 'x'\\nValueError: no\\nINFO after")
    """
    desk = Desk(tmp_path, ProcessSpec(name="ingest", command=program(noisy), step=True))

    async def story() -> None:
        await desk.supervisor.start()
        await desk.supervisor.stop()

    run(story())
    assert desk.told == [
        "ingest: WARNING the spool is nearly full",
        "ingest: Traceback (most recent call last):",
        "ingest:   File 'x'",
        "ingest: ValueError: no",
    ]
    assert len((tmp_path / "logs" / "ingest.log").read_text().splitlines()) == 7


@pytest.mark.kill
def test_children_die_with_a_killed_supervisor_and_leftovers_are_ended(tmp_path: Path) -> None:
    """One child goes with its parent; one that ignores the word is ended by the next start."""
    parent = f"""
        import asyncio, os, signal, sys
        from pathlib import Path
        from apps.config.up.claim import HomeClaim
        from apps.config.up.spec import FileLocked, ProcessSpec
        from apps.config.up.supervisor import Supervisor
        home = Path(sys.argv[1])
        claim = HomeClaim(home)
        stubborn = ProcessSpec(name="s", command=(sys.executable, "-S", "-c", {textwrap.dedent(STUBBORN)!r}, sys.argv[1] + "/a"), probe=FileLocked(home / "a"))
        polite = ProcessSpec(name="p", command=(sys.executable, "-S", "-c", {textwrap.dedent(LOCK_AND_WAIT)!r}, sys.argv[1] + "/b", sys.argv[1] + "/order"), probe=FileLocked(home / "b"))
        async def main():
            supervisor = Supervisor([stubborn, polite], logs=home / "logs", register=claim, echo=lambda *_: None)
            await supervisor.start()
            print(supervisor.pids["s"], supervisor.pids["p"], flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        asyncio.run(main())
    """  # noqa: E501

    async def story() -> tuple[int, int]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", textwrap.dedent(parent), str(tmp_path), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        stubborn_pid, polite_pid = map(int, output.split())
        while start_ticks(polite_pid):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return stubborn_pid, polite_pid

    stubborn_pid, _ = asyncio.run(story())
    assert start_ticks(stubborn_pid)
    claim = HomeClaim(tmp_path)
    assert claim.end_leftovers(patience=0.2) == [stubborn_pid]
    assert not start_ticks(stubborn_pid)
    claim.release()


def test_a_second_start_in_the_same_home_is_told_who_is_there(tmp_path: Path) -> None:
    """Two supervisors over one spool would fight."""
    claim = HomeClaim(tmp_path)
    with pytest.raises(AlreadyRunningError, match=f"already runs in .* \\(process {os.getpid()}\\)"):
        HomeClaim(tmp_path)
    claim.release()
    HomeClaim(tmp_path).release()


def test_backoff_doubles_to_its_bound_and_forgives() -> None:
    """A process that lived long starts over at once."""
    backoff = Backoff(first=0.2, most=1.0, healthy=10)
    assert [backoff.delay(0.1) for _ in range(4)] == [0.2, 0.4, 0.8, 1.0]
    assert backoff.delay(60) == 0.2


@pytest.mark.parametrize("probe", [PortAccepts("127.0.0.1", 1), FileLocked(Path("/nonexistent/lock"))])
def test_a_probe_of_nothing_is_no(probe: Probe) -> None:
    """Not there yet is an answer, not an error."""
    from apps.config.up.probe import is_ready

    assert asyncio.run(is_ready(probe)) is False
