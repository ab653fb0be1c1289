"""A Bluesky server that answers call by call as a script says, with sessions whose tokens are known."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.contract.channels.scripted_server import Answerer, Peer, Reply, Seen, Step, scripted

DID = "did:plc:abcdefghijklmnopqrstuvwx"
CID = "bafyreiekphsupf6lxsvkp2ylj7yrdlkkk47rjblx2q7mmf7vt2baqq7v7a"


def jwt(name: str, expires: int = 4_000_000_000) -> str:
    parts = ({"alg": "none"}, {"sub": name, "exp": expires})
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")])


def session(name: str = "first", **more: Any) -> Reply:
    body = {"accessJwt": jwt(f"{name}-access"), "refreshJwt": jwt(f"{name}-refresh"), "handle": "a.example", "did": DID}
    return Reply(200, body=body | more)


def written(seen: Seen) -> Reply:
    key = seen.json()["rkey"]
    return Reply(200, body={"uri": f"at://{DID}/app.bsky.feed.post/{key}", "cid": CID})


def error(status: int, name: str, message: str = "words", **headers: str) -> Reply:
    return Reply(status, headers, {"error": name, "message": message})


@contextmanager
def server(calls: dict[str, list[Step | Answerer]]) -> Iterator[Peer]:
    """Serve steps by the last part of the call's name; the last step of each is repeated."""

    def answer(seen: Seen) -> Step:
        steps = calls[seen.path.partition("?")[0].rpartition(".")[2]]
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        return step(seen) if callable(step) else step

    with scripted(answer) as peer:
        yield peer


def calls_of(peer: Peer) -> list[str]:
    return [seen.path.partition("?")[0].rpartition(".")[2] for seen in peer.requests]
