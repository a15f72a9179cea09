"""`cardswitch hsm`: the software HSM's own commands.

`selftest` computes the built-in known answers, or any file in their format, with the functions the HSM itself
uses. It needs no settings, no database and no key. `serve` is the HSM as a process of its own
(docs/hsm-process.md).
"""

import json as json_format
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hsm_soft.hsm import SoftHsm
from hsm_soft.selftest import known_answers
from hsm_soft.vectors.run import BadVectors, Result, VectorResult, read_vectors, run_vector
from storage.migrations import migrate
from switch.bootstrap import COMPONENTS, database_of
from switch.commands.frame import (
    EXIT_FAILED,
    EXIT_USAGE,
    ConfigOption,
    JsonOption,
    announce_json,
    fail,
    print_json,
    run_async,
    settings_of,
    trouble_told,
)
from switch.config import Settings
from switch.hsm_access import open_core, serve_hsm, socket_of


def add(app: typer.Typer) -> None:
    """Register the commands."""
    hsm = typer.Typer(help="The software HSM.", no_args_is_help=True)
    app.add_typer(hsm, name="hsm")

    @hsm.command()
    def selftest(
        file: Annotated[
            Path | None,
            typer.Argument(help="Test vectors (JSON); the built-in known answers if there is none."),
        ] = None,
        *,
        json: JsonOption = False,
    ) -> None:
        """Compute known answers and compare; ends with 1 if one is wrong."""
        results = known_answers() if file is None else _results_of(file)
        if json:
            print_json({"results": [_as_json(each) for each in results]})
        else:
            typer.echo("\n".join(_printed(results)))
        if any(each.result is Result.FAILED for each in results):
            raise typer.Exit(EXIT_FAILED)

    @hsm.command()
    def serve(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Serve the HSM on its socket, for switches with `hsm.mode = "process"`, until SIGTERM or Ctrl-C."""
        settings = settings_of(config)
        with trouble_told():
            with database_of(settings) as dsn:
                core = run_async(lambda: _opened(settings, dsn))
            run_async(lambda: serve_hsm(core, socket_of(settings), announce_json if json else typer.echo))


async def _opened(settings: Settings, dsn: str) -> SoftHsm:
    await migrate(dsn, COMPONENTS)
    return await open_core(settings, dsn)


def _results_of(file: Path) -> list[VectorResult]:
    try:
        document = json_format.loads(file.read_text(encoding="utf-8"))
        return [run_vector(vector) for vector in read_vectors(document)]
    except OSError as error:
        raise fail(f"{file} can't be read: {error.strerror}", EXIT_USAGE) from None
    except ValueError:
        raise fail(f"{file} is not JSON", EXIT_USAGE) from None
    except BadVectors as error:
        raise fail(f"{file}: {error}", EXIT_USAGE) from None


def _as_json(each: VectorResult) -> dict[str, str]:
    return {"name": each.name, "algorithm": each.algorithm, "result": each.result.value}


def _printed(results: Sequence[VectorResult]) -> list[str]:
    """A line for each vector that did not pass or that nobody confirmed, and the counts."""
    lines = [
        f"{each.result.value:12} {each.name}  {each.algorithm}{'' if each.confirmed else '  (unconfirmed)'}"
        for each in results
        if each.result is not Result.PASSED or not each.confirmed
    ]
    counts = Counter(each.result for each in results)
    return [*lines, ", ".join(f"{counts[result]} {result.value.replace('_', ' ')}" for result in Result)]
