"""The smallest Typer application with two commands: what `mailctl --help` is compared with."""

import typer

app = typer.Typer()


@app.command()
def one(name: str) -> None:
    """Do the one thing."""
    typer.echo(name)


@app.command()
def two(name: str) -> None:
    """Do the other."""
    typer.echo(name)


if __name__ == "__main__":
    app()
