from typing import Any

import anyio

from notifier.api.http.reader_share import Shares


def test_readers_wait_for_one_another_and_producers_for_none_of_them() -> None:
    async def crowd() -> tuple[list[int], list[str]]:
        leave, reached, statuses = anyio.Event(), list[str](), list[int]()

        async def app(scope: Any, _receive: Any, send: Any) -> None:
            reached.append(scope["path"])
            await leave.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def never() -> Any:
            await anyio.sleep_forever()

        async def ask(path: str) -> None:
            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])
                    if message["status"] == 503:
                        assert dict(message["headers"])[b"content-type"] == b"application/problem+json"
                        assert b"retry-after" in dict(message["headers"])

            await shares({"type": "http", "method": "GET", "path": path, "headers": []}, never, send)

        shares = Shares(app, most=3)
        async with anyio.create_task_group() as tasks:
            for path in ["/en/"] * 5 + ["/v1/events", "/v1/inbound/alertmanager/x", "/healthz", "/readyz"]:
                tasks.start_soon(ask, path)
            await anyio.wait_all_tasks_blocked()
            leave.set()
        await ask("/en/")
        return statuses, reached

    statuses, reached = anyio.run(crowd)
    assert statuses == [503] * 2 + [200] * 8
    assert reached == ["/en/"] * 3 + ["/v1/events", "/v1/inbound/alertmanager/x", "/healthz", "/readyz"] + ["/en/"]
