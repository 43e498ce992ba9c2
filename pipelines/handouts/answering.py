"""The lists as the web app gives them: the refusals of the API for what `taking` refuses. Writes nothing itself."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING, Any

from api.identity.principal import Origin, SignedIn
from api.refusals import Conflict, Invalid, NotFound, NotPermitted, OutOfReach, Refusal, Unavailable
from pipelines.handouts.taking import ListRefused, Wanted, take_list
from warehouse.lake import LakeUnavailable

if TYPE_CHECKING:
    from ims.postgres import Databases
    from ims.settings import Settings

logger = logging.getLogger("ims.web")
REFUSALS: dict[str, type[Refusal]] = {
    "not-permitted": NotPermitted,
    "store-out-of-scope": OutOfReach,
    "nothing-published": NotFound,
    "no-count-list": NotFound,
    "checks-failed": Conflict,
}


def answer_list(
    databases: Databases, settings: Settings, wanted: Wanted, user: SignedIn, origin: Origin
) -> tuple[bytes, str, dict[str, Any]]:
    """The file, its name, and digest (base64), rows, snapshot_id and as_of of its manifest. Raises Refusal."""
    try:
        made = take_list(databases, settings, wanted, user, origin)
    except ListRefused as refused:
        raise REFUSALS.get(refused.code, Invalid)(refused.code, str(refused)) from None
    except LakeUnavailable as error:
        # what cannot be reached names hosts and folders: that is for the log
        logger.warning("a list could not be made", extra={"error": str(error)})
        raise Unavailable("warehouse-unavailable", "The warehouse does not answer; try again shortly.") from None
    manifest = made.manifest
    digest = base64.b64encode(bytes.fromhex(manifest.sha256)).decode()
    about = {"digest": digest, "rows": manifest.rows, "snapshot_id": manifest.snapshot_id, "as_of": manifest.as_of}
    return made.content, manifest.file, about
