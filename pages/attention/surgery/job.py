"""Work that takes longer than a visitor should wait: a thread of its own, watched and cancelled from the page."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from vit.errors import VitError


@dataclass
class Job:
    """A piece of work and how far it is. The thread writes, pages read; ``cancel`` is the only word back."""

    done: int = 0
    total: int = 0
    result: object = None
    problem: str | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def start(self, work: Callable[["Job"], object]) -> None:
        """Begin, unless it is under way; ``work`` tells ``progress`` and asks ``cancel.is_set``."""
        if self.is_running:
            return
        self.done, self.total, self.result, self.problem = 0, 0, None, None
        self.cancel.clear()
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()

    def progress(self, done: int, total: int) -> None:
        """Say how far the work is."""
        self.done, self.total = done, total

    def _run(self, work: Callable[["Job"], object]) -> None:
        try:
            self.result = work(self)
        except VitError as error:
            self.problem = str(error)
