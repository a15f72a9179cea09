"""`cardswitch db`: bring the database's schema up to date, or show where it stands."""

import typer

from storage.migrations import migrate, status
from switch.bootstrap import COMPONENTS, database_of
from switch.commands.frame import (
    ConfigOption,
    JsonOption,
    print_json,
    run_async,
    settings_of,
    trouble_told,
)


def add(app: typer.Typer) -> None:
    """Register the commands."""
    db = typer.Typer(help="The database's schema.", no_args_is_help=True)
    app.add_typer(db, name="db")

    @db.command("migrate")
    def migrate_command(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Apply the migrations that are missing, each in a transaction of its own."""
        settings = settings_of(config)
        with trouble_told(), database_of(settings) as dsn:
            applied = run_async(lambda: migrate(dsn, COMPONENTS))
        names = [str(each) for each in applied]
        if json:
            print_json({"applied": names})
        else:
            typer.echo("\n".join(f"applied {name}" for name in names) or "nothing to do")

    @db.command("status")
    def status_command(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Show each migration and whether it is applied."""
        settings = settings_of(config)
        with trouble_told(), database_of(settings) as dsn:
            rows = run_async(lambda: status(dsn, COMPONENTS))
        if json:
            print_json(
                {
                    "migrations": [
                        {"migration": str(row), "state": row.state.value, "applied_at": row.applied_at}
                        for row in rows
                    ]
                }
            )
        else:
            for row in rows:
                typer.echo(f"{row.state.value:<10} {row}")
