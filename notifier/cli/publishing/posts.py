"""`notifier posts`: social posts."""

from typing import Annotated, Any

import typer

from notifier.cli.output import JsonFlag, print_facts, print_json, print_table
from notifier.cli.setup import installation
from notifier.cli.subscriber_setup import operator

_LONGEST = 80  # characters of a text in the table
Identifier = Annotated[str, typer.Argument(help="Post id, such as post_12.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="List, edit and delete social posts.", no_args_is_help=True)
    for name, command in (("list", list_posts), ("show", show), ("edit", edit), ("withdraw", withdraw)):
        group.command(name)(command)
    app.add_typer(group, name="posts")


def list_posts(
    incident: Annotated[str | None, typer.Option("--incident", help="Incident id.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Maximum number of posts.")] = 100,
    *,
    as_json: JsonFlag = False,
) -> None:
    """List posts, newest first."""
    items = installation("posts").posts.list(incident_id=incident, limit=limit)
    if as_json:
        print_json(items)
        return
    columns = ["id", "published_at", "account", "locale", "state", "text"]
    rows = [[*(item[column] for column in columns[:-1]), _short(item["text"])] for item in items]
    print_table("", columns, rows)


def show(post_id: Identifier, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Show one post."""
    _print(installation("posts").posts.get(post_id), as_json=as_json)


def edit(
    post_id: Identifier,
    text: Annotated[str, typer.Argument(help="The complete new text.")],
    as_json: JsonFlag = False,  # noqa: FBT002 - a flag
) -> None:
    """Replace the text of a post, on platforms that allow it (Mastodon)."""
    _print(installation("posts").posts.edit(post_id, text, operator()), as_json=as_json)


def withdraw(post_id: Identifier, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Delete a post from its platform."""
    _print(installation("posts").posts.withdraw(post_id, operator()), as_json=as_json)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}\u2026"


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print_facts(found)
