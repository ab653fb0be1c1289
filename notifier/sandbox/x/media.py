"""Uploaded pictures, with X's limits on type and size."""

from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData, UploadFile

from notifier.sandbox.pictures import Pictures
from notifier.sandbox.x.errors import invalid
from notifier.sandbox.x.timeline import new_id

MAX_BYTES = 5 * 1024 * 1024
KINDS = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})


@dataclass(slots=True)
class _Part:
    """A picture being uploaded in chunks; `total` is the announced size in bytes."""

    kind: str
    total: int
    data: bytes = b""


@dataclass(slots=True)
class MediaShelf:
    """Media ids that are ready, and those being uploaded in chunks."""

    pictures: Pictures
    ready: set[str] = field(default_factory=set)
    open: dict[str, "_Part"] = field(default_factory=dict)

    def has(self, media_id: str) -> bool:
        """Whether a post may use this id."""
        return media_id in self.ready

    async def take(self, form: FormData, now: float) -> tuple[int, dict[str, Any]]:
        """Handle one upload call (INIT, APPEND, FINALIZE, or simple); return status and body."""
        command = form.get("command")
        if command == "INIT":
            return self._init(str(form.get("media_type", "")), str(form.get("total_bytes", "")), now)
        if command in ("APPEND", "FINALIZE") and form.get("media_id") not in self.open:
            return 400, invalid("The media id is unknown.")
        if command == "APPEND":
            return await self._append(str(form["media_id"]), form.get("media"))
        if command == "FINALIZE":
            return self._finalize(str(form["media_id"]))
        return await self._simple(form.get("media"), now)

    def _init(self, kind: str, total: str, now: float) -> tuple[int, dict[str, Any]]:
        if kind not in KINDS or not total.isdecimal() or not 0 < int(total) <= MAX_BYTES:
            return 400, invalid("The media type or size is not supported.", {"media_type": kind, "total_bytes": total})
        media_id = new_id(now)
        self.open[media_id] = _Part(kind, int(total))
        return 202, {"data": {"id": media_id, "media_key": f"3_{media_id}", "expires_after_secs": 86_400}}

    async def _append(self, media_id: str, part: object) -> tuple[int, dict[str, Any]]:
        self.open[media_id].data += await part.read() if isinstance(part, UploadFile) else b""
        return 200, {"data": {"expires_at": 0}}

    def _finalize(self, media_id: str) -> tuple[int, dict[str, Any]]:
        whole = self.open.pop(media_id)
        if whole.total != len(whole.data):
            return 400, invalid(f"Segments do not add up: {len(whole.data)} of {whole.total} bytes.")
        return 200, self._finished(media_id, whole.kind, whole.data)

    async def _simple(self, part: object, now: float) -> tuple[int, dict[str, Any]]:
        if not isinstance(part, UploadFile) or part.content_type not in KINDS:
            return 400, invalid("The media type is not supported.")
        data = await part.read()
        if not 0 < len(data) <= MAX_BYTES:
            return 400, invalid("The media is too large.")
        return 200, self._finished(new_id(now), part.content_type, data)

    def _finished(self, media_id: str, kind: str, data: bytes) -> dict[str, Any]:
        self.ready.add(media_id)
        self.pictures.keep(media_id, kind, data)
        made = {"id": media_id, "media_key": f"3_{media_id}", "size": len(data), "expires_after_secs": 86_400}
        return {"data": made}
