"""A thread that tells the terminal what happens in Airflow."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime
from pathlib import Path

from factory.local.api import AirflowClient, ApiUnavailableError
from factory.local.finished_tasks import FinishedTasks, LateRuns
from factory.local.logs import TaskLogs, UnreadFiles
from factory.local.pipeline_changes import PipelineChanges
from factory.local.terminal import Event, Terminal, in_columns

INTERVAL_SECONDS = 2.0
SHARE = 20
LONGEST_PAUSE_SECONDS = 8.0
"""At most one part in `SHARE` of the time goes into listing the pipelines, but no change waits for its line longer."""

PATIENCE_SECONDS = 60.0
LAST_LOOK_SECONDS = 2.0


class Reporter:
    """Asks for changes until it is told to finish, and then once more."""

    def __init__(
        self,
        client: AirflowClient,
        since: datetime,
        terminal: Terminal,
        *,
        logs: TaskLogs,
        unread: UnreadFiles,
        folder: Path,
        bundle: Path,
    ) -> None:
        self._folder = folder
        self._folder_trouble = ""
        self._pipelines = PipelineChanges(client, unread, folder, bundle)
        self._tasks = FinishedTasks(client, since, logs)
        self._late = LateRuns(client, since)
        self._terminal = terminal
        self._list_again = 0.0
        self._listed = False
        self._finish = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stopping(self) -> None:
        """Tasks are told to end from now on."""
        self._tasks.stopping()

    def finish(self) -> None:
        """Have one last look and end; waits for it a moment, not longer."""
        self._finish.set()
        if self._thread.is_alive():
            self._thread.join(LAST_LOOK_SECONDS)

    def _run(self) -> None:
        answered = time.monotonic()
        complained = False
        while True:
            last = self._finish.is_set()
            try:
                self._look()
                answered, complained = time.monotonic(), False
            except ApiUnavailableError as error:
                # Airflow starts, is busy or stops; the next look asks for what was missed.
                if time.monotonic() - answered > PATIENCE_SECONDS and not complained:
                    self._terminal.event(Event("Airflow's API has not answered for a minute:", str(error)))
                    complained = True
            if last:
                return
            self._finish.wait(INTERVAL_SECONDS)

    def _look(self) -> None:
        self._look_at_folder()
        tasks = self._tasks.poll()
        try:
            # A line about a task comes after the one about its pipeline.
            if time.monotonic() >= self._list_again or not all(self._pipelines.knows(task.dag_id) for task in tasks):
                self._list()
            for event in self._late.poll(self._pipelines.has_slots):
                self._terminal.event(event)
        finally:
            for event in (event for task in tasks for event in task.events()):
                self._terminal.event(event)

    def _look_at_folder(self) -> None:
        trouble = _trouble_with(self._folder)
        if trouble == self._folder_trouble:
            return
        self._folder_trouble = trouble
        word, text = "missing", f"{trouble}; its pipelines stay as they were until it is back"
        if not trouble:
            word, text = "back", "is there again"
        self._terminal.event(Event(in_columns(word, self._folder.name), f"the folder {self._folder} {text}"))

    def _list(self) -> None:
        begin = time.monotonic()
        for event in self._pipelines.poll():
            self._terminal.event(event)
        took = time.monotonic() - begin
        # A server that has just started answers slowly once.
        self._list_again = begin + (min(SHARE * took, LONGEST_PAUSE_SECONDS) if self._listed else 0)
        self._listed = True


def _trouble_with(folder: Path) -> str:
    """Why a folder cannot be listed; empty where it can."""
    try:
        os.scandir(folder).close()
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""
