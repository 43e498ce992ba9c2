"""`ims smoke`: whether what is served does what people need of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def smoke(
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help="Default: where this installation serves.")] = None,
    seconds: Annotated[float, typer.Option("--timeout", help="How long an answer may take.")] = 10,
    certificate: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="By which /metrics knows who asks (PEM, with --key)."),
    ] = None,
    key: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Its private key.")] = None,
) -> None:
    """Look at a served IMS after a release, an hour and a day later; exit code 1 when something is not well.

    Alive, ready, sign-in page, headers, strangers refused; then its figures: requests that failed, connections,
    messages given up, age of the data, the newest run, disk. /metrics is asked with IMS_METRICS_TOKEN or --certificate,
    and who signed the other side's is IMS_TLS_AUTHORITY_FILE. From outside, where the door keeps probes and figures to
    the inside, the rest is looked at.
    """
    import httpx

    from api.routes.tls import trusted
    from ims.failure import Failure, WrongInput
    from ims.settings import get_settings
    from ims.smoke import look

    settings = get_settings()
    address = url or settings.public_url or f"http://{settings.host}:{settings.port}"
    token = settings.metrics_token
    headers = {} if token is None else {"authorization": f"Bearer {token.get_secret_value()}"}
    proved = trusted(settings)
    if (certificate is None) != (key is None):
        raise WrongInput("--certificate and --key are given together, or neither is.")
    if certificate is not None and key is not None:
        proved.load_cert_chain(certificate, key)
    with httpx.Client(base_url=address, timeout=seconds, follow_redirects=False, verify=proved) as client:
        client.headers["user-agent"] = "ims smoke"
        found = look(client, headers)
    for each in found:
        typer.echo(f"{'well' if each.is_well else 'NOT WELL':<9} {each.name:<17} {each.says}")
    wrong = [each.name for each in found if not each.is_well]
    if wrong:
        raise Failure(f"{address} is not well: {', '.join(wrong)}. docs/runbooks.md says what to do.")
    typer.echo(f"{address} is well.")
