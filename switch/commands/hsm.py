"""`cardswitch hsm`: the software HSM's own commands.

`selftest` computes the built-in known answers, or any file in their format, with the functions the HSM itself
uses. It needs no settings, no database and no key.
"""

import json as json_format
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hsm_soft.selftest import known_answers
from hsm_soft.vectors.run import BadVectors, Result, VectorResult, read_vectors, run_vector
from switch.commands.frame import EXIT_FAILED, EXIT_USAGE, JsonOption, fail, print_json


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
