"""A listener that remembers how far each task said it would go, and how far it went."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(eq=False)
class Task:
    """What was told of one task."""

    name: str
    total: int
    done: int = 0


@dataclass(eq=False)
class Counted:
    """All tasks, as they began."""

    tasks: list[Task] = field(default_factory=list)

    def start(self, task: str, total: int, unit: str) -> None:
        """Remember a task; one that does not say what it counts cannot be shown."""
        assert unit
        self.tasks.append(Task(task, total))

    def advance(self, units: int = 1) -> None:
        """Count."""
        self.tasks[-1].done += units

    def note(self, text: str) -> None:
        """A sentence is not counted."""

    def wrong(self) -> list[Task]:
        """Return the tasks that did not end where they said."""
        return [task for task in self.tasks if task.done != task.total]
