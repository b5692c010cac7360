"""Starts the processes of a local run, watches them, and ends them all."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from factory.local.api import AirflowClient, HealthWatch
from factory.local.components import Component, Packages, Recovery
from factory.local.environment import API_SERVER, BUNDLE, LocalEnvironment, airflow, local_environment
from factory.local.home import HOST, USER, Home, LocalRunError, Settings, require_free_ports
from factory.local.logs import TaskLogs, UnreadFiles
from factory.local.processes import end_descendants, group_leaders, reap, send
from factory.local.reporter import Reporter
from factory.local.terminal import Terminal

PAUSE_SECONDS = 0.2

# Ending, counted from the request; all of it stays below 15 s.
TASKS_SECONDS = 4.0
"""Running tasks may end by themselves; then they are told to, while the API still takes their last word."""
SERVERS_SECONDS = 8.0
KILL_SECONDS = 2.0
"""After their own SIGTERM: the API server has nothing to save, and takes 4 s to take itself apart."""


def run(settings: Settings) -> int:
    """Run until a signal asks to stop (0) or a process has ended for good (1). Main thread only.

    Raises LocalRunError where the run cannot start.
    """
    stop = StopRequest()
    stop.listen()
    if not settings.pipelines.is_dir():
        raise LocalRunError(f"There is no folder {settings.pipelines} with pipelines.")
    home = Home(settings.home)
    terminal = Terminal(on_lost=stop.ask)
    with home.held():
        home.prepare()
        require_free_ports(settings)
        environment = local_environment(os.environ, settings, home)
        home.configure(settings, environment.airflow_cfg())
        show_environment(environment, terminal)
        return Supervisor(settings, home, environment, terminal, stop).run()


def show_environment(environment: LocalEnvironment, terminal: Terminal) -> None:
    """Names only: a value may be a secret."""
    if environment.ignored:
        terminal.line(f"Ignored from your shell: {', '.join(environment.ignored)}")
    if environment.used:
        terminal.line(f"Used from your shell: {', '.join(environment.used)}")


class Supervisor:
    """The processes of one run. Parent of all of them, and of every orphan they leave."""

    def __init__(
        self,
        settings: Settings,
        home: Home,
        environment: LocalEnvironment,
        terminal: Terminal,
        stop: StopRequest,
    ) -> None:
        self._settings = settings
        self._home = home
        self._environment = environment
        self._terminal = terminal
        self._stop = stop
        self._components: list[Component] = []
        self._reporter: Reporter | None = None
        self._health = HealthWatch(settings.url)
        self._recovery = Recovery(self._components, self._start_component, terminal.event)
        self._packages = self._make_packages()

    def run(self) -> int:
        """Returns the exit status when nothing that was started is left."""
        since = datetime.now(UTC)
        try:
            dead = self._start(since)
            while dead is None and not self._stop:
                dead = self._look_after(recover=True)
            if dead:
                self._show_death(dead)
        finally:
            self._end()
        return 1 if dead else 0

    # -- starting --------------------------------------------------------------------------------------

    def _start(self, since: datetime) -> Component | None:
        """Returns the component that ended, if one did, before everything ran."""
        begin = time.monotonic()
        if not self._home.migrated:
            dead = self._migrate()
            if dead or self._stop:
                return dead
        self._home.add_warehouse()
        if self._settings.local_api:
            program = [sys.executable, str(self._settings.local_api)]
            self._launch("local-api", [*program, "--host", HOST, "--port", str(self._settings.local_api_port)])
        self._launch(API_SERVER, airflow("api-server"))
        self._launch("dag-processor", airflow("dag-processor"))
        dead = self._wait_for_api(time.monotonic())
        if dead is None and not self._stop:
            # Not before: a task that does not reach the API in time fails without having started.
            # The log servers are off: the logs are files here, and a second run would want the ports.
            self._launch("scheduler", airflow("scheduler", "--skip-serve-logs"))
            self._launch("triggerer", airflow("triggerer", "--skip-serve-logs"))
            self._show_ready(time.monotonic() - begin)
            client = AirflowClient(self._settings.url, USER, self._home.read_password())
            self._reporter = self._make_reporter(client, since)
            self._reporter.start()
            self._health.start()
        return dead

    def _make_reporter(self, client: AirflowClient, since: datetime) -> Reporter:
        home = self._home
        return Reporter(
            client,
            since,
            self._terminal,
            logs=TaskLogs(home.logs),
            unread=UnreadFiles(
                home.parse_logs, home.bundles / BUNDLE / "current", home.logs / "dag-processor.log", since
            ),
            folder=self._settings.pipelines,
            bundle=home.bundles / BUNDLE,
        )

    def _make_packages(self) -> Packages | None:
        file = self._settings.requirements
        if file is None:
            return None
        return Packages(file, self._home.logs / "packages.log", self._start_component, self._terminal.event)

    def _migrate(self) -> Component | None:
        begin = time.monotonic()
        migration = self._launch("db-migrate", airflow("db", "migrate"))
        while migration.running and not self._stop:
            self._collect()
            time.sleep(PAUSE_SECONDS)
            self._terminal.waiting("metadata database", time.monotonic() - begin, self._home.logs)
        if migration.status:
            return migration
        if not migration.running:
            self._components.remove(migration)
            self._home.note_migrated()
            self._terminal.line(f"  {'metadata database':<32} {time.monotonic() - begin:6.1f} s")
        return None

    def _wait_for_api(self, begin: float) -> Component | None:
        while not self._stop:
            dead = self._look_after()
            if dead:
                return dead
            if listens(self._settings.port):
                self._terminal.line(f"  {'Airflow':<32} {time.monotonic() - begin:6.1f} s")
                return None
            self._terminal.waiting("Airflow", time.monotonic() - begin, self._home.logs)
        return None

    def _launch(self, name: str, command: list[str]) -> Component:
        component = Component(name, command, self._home.logs / f"{name}.log")
        self._start_component(component)
        self._components.append(component)
        return component

    def _start_component(self, component: Component) -> None:
        component.start(self._environment.of(component.name), self._home.path)

    def _show_ready(self, seconds: float) -> None:
        passwords = self._home.passwords
        # A terminal is its owner's; other output may end in a file or a build's log.
        secret = self._home.read_password() if self._terminal.interactive else f"see {passwords}"
        for line in (
            "",
            f"Airflow is ready after {seconds:.0f} s.",
            f"  UI          {self._settings.url}/",
            f"  log in      user {USER}, password {secret}",
            f"  pipelines   {self._settings.pipelines}, shown at {self._settings.url}/plugin/pipelines",
            f"  state       {self._home.path}",
            *([f"  sample API  {self._settings.local_api_url}"] if self._settings.local_api else []),
            "  first task  may take half a minute: the scheduler is still starting",
            "  stop        Ctrl-C",
            "",
        ):
            self._terminal.line(line)

    # -- watching --------------------------------------------------------------------------------------

    def _look_after(self, *, recover: bool = False) -> Component | None:
        """Wait a moment; returns a component that has ended, when to recover only where it has for good."""
        time.sleep(PAUSE_SECONDS)
        self._terminal.check()
        self._collect()
        if recover:
            # Not for somebody who asked to stop meanwhile.
            if self._stop:
                return None
            if self._packages and self._packages.look():
                self._recovery.restart("dag-processor")
            return self._recovery.look(self._health.unhealthy_since())
        return next((component for component in self._components if not component.running), None)

    def _collect(self) -> None:
        installer = [self._packages.component] if self._packages else []
        for pid, status in reap().items():
            for component in [*self._components, *installer]:
                if component.running and component.pid == pid:
                    component.ended(status)

    def _show_death(self, component: Component) -> None:
        self._terminal.line()
        self._terminal.line(f"{component.name} {component.how_it_ended}. The end of its log, {component.log}:")
        for line in component.last_lines():
            self._terminal.line(f"  | {line}")

    # -- ending ----------------------------------------------------------------------------------------

    def _end(self) -> None:
        """In this order, so that tasks that are running can still report to the API server."""
        begin = time.monotonic()
        asked = self._stop.count
        self._health.stop()
        if self._reporter:
            self._reporter.stopping()
        self._terminal.line()
        self._terminal.line("Stopping (press Ctrl-C again to force) …")
        servers = {API_SERVER, "local-api"}
        workers = [component for component in self._components if component.name not in servers]
        send(signal.SIGTERM, [component.pid for component in workers if component.running])
        if not self._ended(workers, begin + TASKS_SECONDS, asked):
            for component in workers:
                if component.running:
                    send(signal.SIGTERM, group_leaders(component.pid))
            self._ended(workers, begin + SERVERS_SECONDS, asked)
        if self._reporter and self._stop.count <= asked + 1:
            self._reporter.finish()
        send(signal.SIGTERM, [component.pid for component in self._components if component.running])
        self._ended(self._components, time.monotonic() + KILL_SECONDS, asked)
        end_descendants(0.0)
        self._terminal.line(f"Stopped after {time.monotonic() - begin:.0f} s.")

    def _ended(self, components: list[Component], deadline: float, asked: int) -> bool:
        """Wait until all have ended; not beyond the deadline, nor when somebody asks again."""
        while any(component.running for component in components):
            if time.monotonic() > deadline or self._stop.count > asked:
                return False
            time.sleep(PAUSE_SECONDS)
            self._collect()
        return True


def listens(port: int) -> bool:
    """Whether something accepts connections there; Airflow's server does when the application has started."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def local_api_program(folder: Path) -> Path | None:
    """The sample API of a checkout, where the folder is one."""
    program = folder / "examples" / "local_api.py"
    return program if program.is_file() else None


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """How often somebody asked. The second time means: at once."""

    def __init__(self) -> None:
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def ask(self) -> None:
        self.count += 1

    def listen(self) -> None:
        """Take the signals from now on; those that the warden held back arrive here. Main thread only."""
        for number in SIGNALS:
            # Ignored by whoever started us (nohup): then it stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: self.ask())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
