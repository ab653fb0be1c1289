"""Connections that are kept for the next request."""

import threading

from notifier.channels.base import MailReceipt
from tests.contract.channels.mails import a_request, soon
from tests.contract.channels.scripted_server import Reply, Seen, Step, scripted
from tests.contract.channels.sendgrid_peer import ACCEPTED, sender_to


def test_one_connection_serves_one_request_after_another() -> None:
    with scripted(ACCEPTED) as peer, sender_to(peer.url) as sender:
        for _ in range(3):
            sender.send(a_request(), deadline=soon())
        assert len({seen.connection for seen in peer.requests}) == 1


def test_threads_send_at_the_same_time_over_connections_of_their_own() -> None:
    together = threading.Barrier(4, timeout=10)

    def meet(_: Seen) -> Step:
        together.wait()  # only when four requests are here at once does any get its answer
        return ACCEPTED

    receipts: list[MailReceipt] = []
    with scripted(meet) as peer, sender_to(peer.url, timeout=10.0) as sender:
        workers = [
            threading.Thread(target=lambda: receipts.append(sender.send(a_request(), deadline=soon())))
            for _ in range(4)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(15)
        assert len(receipts) == 4
        assert len({seen.connection for seen in peer.requests}) == 4


def test_a_connection_the_provider_closed_meanwhile_costs_no_mail() -> None:
    with (
        scripted(Reply(202, {"X-Message-Id": "m", "Connection": "close"}), ACCEPTED) as peer,
        sender_to(peer.url) as sender,
    ):
        for _ in range(2):
            sender.send(a_request(), deadline=soon())
        assert len({seen.connection for seen in peer.requests}) == 2
