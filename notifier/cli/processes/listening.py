"""Options of commands that listen on a port."""

from typing import Annotated

import typer

DEFAULT_PORT = 8025
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 picks a free one.")]
