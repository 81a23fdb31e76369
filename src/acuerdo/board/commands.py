"""`acuerdo board`: start the board and open it in a browser."""

from __future__ import annotations

import secrets
import socket
import sys
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from acuerdo.errors import InputError

if TYPE_CHECKING:
    from fastapi import FastAPI

_MOST_DRAWS = 2000


def board(
    host: Annotated[str, typer.Option(help="Address to listen at; beyond this machine, a token is demanded.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port; 0 for any that is free.")] = 8765,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
    as_of: Annotated[
        str | None, typer.Option(help="Day, month (its last day) or 'latest': only what was published by then.")
    ] = None,
    draws: Annotated[int, typer.Option(help="Number of draws behind the bands.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed: the same gives the same numbers.")] = 1,
    library: Annotated[
        str | None,
        typer.Option(
            help="Where scenarios are saved: a file, the address of a database (postgresql+psycopg://...), or none; "
            "a file in the user's data folder without it."
        ),
    ] = None,
    corridor: Annotated[str | None, typer.Option(help="Corridor; the one installed if there is only one.")] = None,
) -> None:
    """Move a lever and see both sides' outcomes at once, in the browser."""
    if not 20 <= draws <= _MOST_DRAWS:
        raise InputError("draws", draws, f"20 to {_MOST_DRAWS}", min(max(draws, 20), _MOST_DRAWS))
    listening = listen(host, port)
    from rich.console import Console

    from acuerdo import corridor as corridors
    from acuerdo import projection
    from acuerdo.board.api import MOST_MONTHS
    from acuerdo.board.guard import LOOPBACK
    from acuerdo.board.server import make_app
    from acuerdo.board.shelf import Shelf, default_path
    from acuerdo.figures.store import Figures

    shelf = None if library == "none" else Shelf(library or default_path())
    alone = host in LOOPBACK
    token = None if alone else secrets.token_urlsafe(24)
    with Console(stderr=True).status("Getting the model ready") as status:

        def fitting(step: int, most: int, _: float) -> None:
            status.update(f"Fitting the model to the figures of that day: step {step} of at most {most}")

        app = make_app(
            lambda: projection.make_projector(as_of, MOST_MONTHS, draws, seed, corridor, fitting, share=False),
            Figures.open(corridors.load(corridor)),
            token,
            any_host=not alone,
            shelf=shelf,
            other_day=lambda day: projection.make_projector(day, MOST_MONTHS, draws, seed, corridor, share=False),
        )
    shown = host if alone else socket.gethostname()
    address = f"http://{shown}:{listening.getsockname()[1]}/" + (f"?token={token}" if token else "")
    typer.echo(f"Board: {address}")
    typer.echo("Stop it with Ctrl+C.")
    serve(app, listening, lambda: open_ and webbrowser.open(address))


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address.

    Raises:
        InputError: there is no such address on this machine, or the port is taken; then the message names a free one.
    """
    if not 0 <= port <= 65535:
        raise InputError("port", port, "0 to 65535", min(max(port, 0), 65535))
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise InputError("host", host, "an address of this machine", "127.0.0.1") from None
    listening = socket.socket(family, kind, socket.IPPROTO_TCP)  # asyncio sends at once only where TCP is named
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(where)
        listening.listen(128)
    except OSError as problem:
        listening.close()
        if port == 0:
            raise InputError("host", host, "an address of this machine", "127.0.0.1") from problem
        with listen(host, 0) as free:
            raise InputError("port", port, "a port that is free", free.getsockname()[1]) from problem
    return listening


def serve(app: FastAPI, listening: socket.socket, started: Callable[[], object]) -> None:
    """Serve until interrupted; `started` is called once the server answers."""
    import uvicorn

    from acuerdo.board.patience import Patient

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

    sys.setswitchinterval(0.0005)  # the thread that runs the model must not hold up the one that answers
    config = uvicorn.Config(
        app, http=Patient, log_level="warning", access_log=False, limit_concurrency=500, timeout_keep_alive=30
    )
    Server(config).run(sockets=[listening])
