"""`python -m worker.outbox`: what the backend has not taken, beside the worker that runs or without one.

    $ python -m worker.outbox list
    ID  TASK                                  ATTEMPT  WHAT                STATE  AGE    TRIES  LAST ERROR
    17  0199a3c2-58c1-7a52-b1f4-0f2d6f1a3c07  1        result output3d.zip  dead  1d 0h  297    no answer …
    18  0199a3c2-58c1-7a52-b1f4-0f2d6f1a3c07  1        status completed     dead  1d 0h  0

    $ python -m worker.outbox replay 17
    2 messages will be sent again.

Exit codes: 0 done, 1 not done, 2 called wrongly or there is no outbox.
"""

import argparse
import json
import os
import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from worker.outbox.database import Database
from worker.outbox.deadletters import DeadLetters, Letter, NoDeadLetter
from worker.outbox.files import Files
from worker.outbox.message import OutboxUnavailable
from worker.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    arguments = _parser().parse_args(argv)
    database = Database(arguments.data_dir)
    try:
        database.open_beside()
    except (OutboxUnavailable, sqlite3.Error) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    letters = DeadLetters(database, Files(arguments.data_dir / "outbox"), time.time)
    try:
        match arguments.command:
            case "list":
                return _list(letters, everything=arguments.all, as_json=arguments.json)
            case "replay":
                return _replay(letters, arguments.ids)
            case _:
                return _drop(letters, arguments.ids, ask=not arguments.yes)
    except NoDeadLetter as error:
        sys.stderr.write(f"there is no dead letter {error}; nothing was changed\n")
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"{error}\n")
    finally:
        database.close()
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m worker.outbox",
        description="Dead letters are messages that the backend has not taken. "
        "Shows them, sends them again, or drops them.",
    )
    default = os.environ.get("DATA_DIR") or Settings.model_fields["data_dir"].default
    parser.add_argument(
        "--data-dir", type=Path, default=default, help="the worker's; by default DATA_DIR, else %(default)s"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|replay|drop")

    show = commands.add_parser("list", help="show the dead letters", description="Shows the dead letters.")
    show.add_argument("--all", action="store_true", help="also what waits to be sent")
    show.add_argument("--json", action="store_true", help="for programs: a list of objects")

    replay = commands.add_parser(
        "replay",
        help="send them again",
        description="Sends dead letters again, for another 24 hours. An id stands for all of its attempt's, "
        "for they have an order. A worker that runs sends them within seconds, else the next that starts.",
    )
    drop = commands.add_parser(
        "drop",
        help="forget them",
        description="Drops dead letters, with their results. An id stands for all of its attempt's.",
    )
    drop.add_argument("--yes", action="store_true", help="don't ask")
    for command in (replay, drop):
        which = command.add_mutually_exclusive_group(required=True)
        which.add_argument("ids", nargs="*", type=int, default=[], metavar="ID", help="as `list` shows it")
        which.add_argument("--all", action="store_true", help="every dead letter")
    return parser


def _list(letters: DeadLetters, *, everything: bool, as_json: bool) -> int:
    found = letters.unsent(pending=everything)
    if as_json:
        sys.stdout.write(json.dumps([asdict(letter) for letter in found], indent=2) + "\n")
    elif not found:
        sys.stdout.write("Nothing waits.\n" if everything else "There are no dead letters.\n")
    else:
        sys.stdout.write(_table(found))
    return 0


def _replay(letters: DeadLetters, ids: Sequence[int]) -> int:
    chosen = letters.lanes_of(ids) if ids else letters.unsent()
    sys.stdout.write(f"{_counted(letters.replay(chosen))} will be sent again.\n")
    return 0


def _drop(letters: DeadLetters, ids: Sequence[int], *, ask: bool) -> int:
    chosen = letters.lanes_of(ids) if ids else letters.unsent()
    if chosen and ask:
        sys.stdout.write(_table(chosen))
        sys.stdout.write(f"Drop {_counted(len(chosen))}, with their results? [y/N] ")
        sys.stdout.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            sys.stdout.write("Nothing was dropped.\n")
            return 1
    sys.stdout.write(f"{_counted(letters.drop(chosen))} dropped.\n")
    return 0


def _counted(messages: int) -> str:
    return f"{messages or 'No'} message{'' if messages == 1 else 's'}"


def _table(letters: Sequence[Letter]) -> str:
    """Columns as wide as what is in them."""
    head = ("ID", "TASK", "ATTEMPT", "WHAT", "STATE", "AGE", "TRIES", "LAST ERROR")
    rows = [
        (
            str(letter.id),
            letter.task_id,
            str(letter.attempt),
            f"{letter.kind} {letter.name}",
            letter.state,
            _age(letter.age),
            str(letter.tries),
            # It may quote the other side: nothing of it may steer the terminal.
            "".join(c if c.isprintable() else " " for c in letter.last_error),
        )
        for letter in letters
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    )
    return "\n".join(lines) + "\n"


def _age(seconds: float) -> str:
    """With the two largest units."""
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes}m {int(seconds % 60)}s"
    hours = minutes // 60
    return f"{hours}h {minutes % 60}m" if hours < 24 else f"{hours // 24}d {hours % 24}h"


if __name__ == "__main__":
    sys.exit(main())
