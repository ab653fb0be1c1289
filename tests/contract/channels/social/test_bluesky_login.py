"""Sessions at Bluesky: they expire, are kept, are made anew, and must not lead elsewhere."""

import pytest

from notifier.domain.errors import (
    ChannelStoppedError,
    TransientDeliveryError,
)
from notifier.domain.values import Reason
from tests.contract.channels.bluesky_peer import DID, calls_of, error, jwt, server, session, written
from tests.contract.channels.bluesky_sender import sender_to
from tests.contract.channels.fault_table import HTML, Row
from tests.contract.channels.posts import Sessions, a_post
from tests.contract.channels.scripted_server import (
    Answerer,
    Drop,
    Reply,
    Stall,
    Step,
    Trickle,
)
from tests.sandbox_server import RunningSandbox, running_sandbox

LOGIN_ROWS = [
    Row("wrong password", error(401, "AuthenticationRequired"), ChannelStoppedError, Reason.AUTH),
    Row("no such handle", error(400, "InvalidRequest"), ChannelStoppedError, Reason.AUTH),
    Row("too many logins", error(429, "RateLimitExceeded"), TransientDeliveryError, Reason.RATE_LIMITED),
    Row("500", error(500, "InternalServerError"), TransientDeliveryError, Reason.SERVER_ERROR),
    Row("502", Reply(502, body=HTML), TransientDeliveryError, Reason.SERVER_ERROR),
    Row("hung up", Drop(), TransientDeliveryError, Reason.SERVER_ERROR),
    Row("silent", Stall(), TransientDeliveryError, Reason.TIMED_OUT),
    Row("trickling", Trickle(), TransientDeliveryError, Reason.TIMED_OUT),
    Row("junk", Reply(200, body={"accessJwt": 7}), TransientDeliveryError, Reason.SERVER_ERROR),
]


@pytest.mark.parametrize("row", LOGIN_ROWS, ids=lambda row: row.name)
def test_a_login_that_fails_has_published_nothing(row: Row) -> None:
    with server({"createSession": [row.step]}) as peer, sender_to(peer.url) as sender:
        with row.comes_of_it():
            sender.post(a_post())
        assert calls_of(peer) == ["createSession"]


def test_one_login_serves_all_posts_and_the_next_process() -> None:
    sessions = Sessions()
    with server({"createSession": [session()], "putRecord": [written]}) as peer:
        for _ in range(2):
            with sender_to(peer.url, sessions=sessions) as sender:
                sender.post(a_post(key="k1"))
                sender.post(a_post(key="k2"))
        assert calls_of(peer) == ["createSession", *["putRecord"] * 4]


def test_an_expired_token_is_refreshed_and_the_call_made_once_again() -> None:
    sessions = Sessions()
    calls: dict[str, list[Step | Answerer]] = {
        "createSession": [session()],
        "refreshSession": [session("second")],
        "putRecord": [error(400, "ExpiredToken"), written],
    }
    with server(calls) as peer, sender_to(peer.url, sessions=sessions) as sender:
        sender.post(a_post())
        assert calls_of(peer) == ["createSession", "putRecord", "refreshSession", "putRecord"]
        assert peer.requests[2].headers["authorization"] == f"Bearer {jwt('first-refresh')}"
        assert peer.requests[3].headers["authorization"] == f"Bearer {jwt('second-access')}"
        assert peer.requests[1].body == peer.requests[3].body
    assert jwt("second-access") in sessions["acc-de"]


def test_a_refresh_that_is_refused_leads_to_one_new_login() -> None:
    calls: dict[str, list[Step | Answerer]] = {
        "createSession": [session(), session("second")],
        "refreshSession": [error(400, "ExpiredToken")],
        "putRecord": [error(400, "ExpiredToken"), written],
    }
    with server(calls) as peer, sender_to(peer.url) as sender:
        sender.post(a_post())
        assert calls_of(peer) == ["createSession", "putRecord", "refreshSession", "createSession", "putRecord"]


def test_a_session_another_process_refreshed_is_taken_up_instead_of_refreshing_again() -> None:
    sessions = Sessions()
    calls: dict[str, list[Step | Answerer]] = {
        "createSession": [session()],
        "refreshSession": [session("never")],
        "putRecord": [written, error(400, "ExpiredToken"), written],
    }
    with server(calls) as peer, sender_to(peer.url, sessions=sessions) as sender:
        sender.post(a_post(key="k1"))
        sessions["acc-de"] = sessions["acc-de"].replace(jwt("first-access"), jwt("other-access"))
        sender.post(a_post(key="k2"))
        assert "refreshSession" not in calls_of(peer)
        assert peer.requests[-1].headers["authorization"] == f"Bearer {jwt('other-access')}"


@pytest.mark.parametrize("name", ["InvalidToken", "AuthMissing"])
def test_a_token_the_server_does_not_know_leads_to_one_new_login(name: str) -> None:
    calls: dict[str, list[Step | Answerer]] = {
        "createSession": [session(), session("second")],
        "putRecord": [error(401 if name == "AuthMissing" else 400, name), written],
    }
    with server(calls) as peer, sender_to(peer.url) as sender:
        sender.post(a_post())
        assert calls_of(peer) == ["createSession", "putRecord", "createSession", "putRecord"]


def test_a_server_that_refuses_every_token_stops_the_account_after_one_new_login() -> None:
    calls: dict[str, list[Step | Answerer]] = {
        "createSession": [session()],
        "putRecord": [error(400, "InvalidToken")],
    }
    with server(calls) as peer, sender_to(peer.url) as sender:
        with pytest.raises(ChannelStoppedError) as stopped:
            sender.post(a_post())
        assert stopped.value.reason is Reason.AUTH
        assert calls_of(peer) == ["createSession", "putRecord", "createSession", "putRecord"]


@pytest.mark.parametrize("stored", ["junk", "a:::b:::c:::d:::e:::f", "h:::did:::not-a-jwt:::x:::{url}", ""])
def test_a_stored_session_that_cannot_be_used_is_replaced(stored: str) -> None:
    sessions = Sessions()
    with server({"createSession": [session()], "putRecord": [written]}) as peer:
        sessions["acc-de"] = stored.replace("{url}", peer.url)
        with sender_to(peer.url, sessions=sessions) as sender:
            sender.post(a_post())
        assert calls_of(peer) == ["createSession", "putRecord"]


def moved_to(url: str) -> Reply:
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": url}
    return session(didDoc={"id": DID, "service": [service]})


def test_credentials_do_not_follow_the_account_to_a_server_nobody_configured() -> None:
    with (
        server({"putRecord": [written]}) as elsewhere,
        server({"createSession": [moved_to(elsewhere.url)]}) as peer,
        sender_to(peer.url) as sender,
    ):
        with pytest.raises(ChannelStoppedError) as stopped:
            sender.post(a_post())
        assert stopped.value.reason is Reason.BLOCKED_TARGET
        assert elsewhere.requests == []


def test_a_stored_session_of_another_server_is_not_used() -> None:
    sessions = Sessions()
    with (
        server({"putRecord": [written]}) as elsewhere,
        server({"createSession": [session()], "putRecord": [written]}) as peer,
        sender_to(peer.url, sessions=sessions) as sender,
    ):
        sessions["acc-de"] = ":::".join(["h", DID, jwt("old"), jwt("old"), elsewhere.url])
        sender.post(a_post())
        assert elsewhere.requests == []
        assert calls_of(peer) == ["createSession", "putRecord"]


def test_an_access_token_that_expired_at_the_sandbox_is_refreshed(sandbox: RunningSandbox) -> None:
    sandbox.turn("bluesky", access_token_life=1.0)
    with sender_to(sandbox.bluesky_url, sessions=Sessions()) as sender:
        for number in range(3):
            sender.post(a_post(key=f"life-{number}"))
    sandbox.turn("bluesky", access_token_life=7_200.0)


def test_a_session_that_outlived_its_sandbox_is_replaced_by_a_new_login() -> None:
    sessions = Sessions()
    for _ in range(2):
        with running_sandbox() as fresh, sender_to(fresh.bluesky_url, sessions=sessions) as sender:
            assert sender.post(a_post()).id
    assert sessions.saved == 2
