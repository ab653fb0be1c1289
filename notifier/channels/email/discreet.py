"""Keep recipients' addresses out of mail providers' error messages."""

from collections.abc import Callable

from notifier.channels.base import MailReceipt
from notifier.domain.errors import DeliveryError
from notifier.domain.messages.message import MailRequest
from notifier.domain.providers.discretion import local_parts, without_addresses


def discreetly(send: Callable[[], MailReceipt], request: MailRequest) -> MailReceipt:
    """Send, and remove recipients' addresses and local parts from raised and returned errors."""
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
