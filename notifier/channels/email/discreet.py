"""What mail providers say of a request, without the addresses it went to."""

from collections.abc import Callable

from notifier.channels.base import MailReceipt
from notifier.domain.errors import DeliveryError
from notifier.domain.messages.message import MailRequest
from notifier.domain.providers.discretion import local_parts, without_addresses


def discreetly(send: Callable[[], MailReceipt], request: MailRequest) -> MailReceipt:
    """Send, and leave the recipients' addresses and local parts out of every error, raised or in the receipt."""
    try:
        receipt = send()
    except DeliveryError as error:
        _hide(error, request)
        raise
    for fault in receipt.failed.values():
        _hide(fault, request)
    return receipt


def _hide(error: DeliveryError, request: MailRequest) -> None:
    if error.detail:
        known = local_parts(recipient.address for recipient in request.recipients)
        error.reword(without_addresses(error.detail, known))
