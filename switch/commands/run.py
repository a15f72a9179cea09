"""`cardswitch run`: the switch itself, in the foreground."""

import typer

from switch.bootstrap import embedded_server_of, run_node
from switch.commands.frame import (
    ConfigOption,
    JsonOption,
    announce_json,
    fail,
    run_async,
    settings_of,
    trouble_told,
)


def add(app: typer.Typer) -> None:
    """Register the command."""

    @app.command()
    def run(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Run the switch until SIGTERM or Ctrl-C; a second signal ends it at once."""
        settings = settings_of(config)
        with trouble_told(), embedded_server_of(settings) as server:
            dsn = settings.database.dsn if server is None else server.dsn
            revive = None if server is None else server.revive
            announce = announce_json if json else typer.echo
            try:
                run_async(lambda: run_node(settings, dsn, announce, revive=revive))
            except OSError as error:
                raise fail(f"can't listen: {error.strerror or error}") from None
