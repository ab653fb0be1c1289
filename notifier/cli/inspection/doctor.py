"""`notifier doctor`: find problems and say how to fix them."""

import typer
from rich.markup import escape

from notifier.bootstrap.api_container import ApiContainer
from notifier.cli.output import EXIT_FAILED, JsonFlag, out, print_json
from notifier.cli.setup import container
from notifier.doctor.checkup import check_up
from notifier.doctor.finding import Finding

_MARKS = {"ok": "[green]ok[/green]  ", "warn": "[yellow]warn[/yellow]", "bad": "[red]bad[/red] "}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a flag
    """Check the configuration, every connection and pending work; say what is wrong and how to fix it."""
    notifier: ApiContainer = container("doctor")
    findings = check_up(notifier)
    if as_json:
        print_json({"ok": not _bad(findings), "checks": [finding.as_json() for finding in findings]})
    else:
        for finding in findings:
            # Providers' messages may contain brackets, which are not markup.
            out.print(f"{_MARKS[finding.state]}  {finding.name:<12} {escape(finding.message)}")
            if finding.remedy:
                out.print(f"      {'':<12} -> {finding.remedy}", markup=False)
    if _bad(findings):
        raise typer.Exit(EXIT_FAILED)


def _bad(findings: list[Finding]) -> bool:
    return any(finding.state == "bad" for finding in findings)
