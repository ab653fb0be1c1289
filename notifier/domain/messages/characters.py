"""Characters removed from every text, on input and on output."""

import re

# Control characters except tab and line feed; lone surrogates (JSON can carry them, UTF-8 cannot);
# the two that mark personal parts inside templates (rendering/text/sanitize.py); bidirectional
# embeddings and overrides, which can disguise text (isolates are harmless); the three code points
# that X refuses (its page "counting characters").
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ue000\ue001\u202a-\u202e\ufeff\ufffe\uffff]")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def cleaned(text: str) -> str:
    """Return multi-line text without those characters, with LF line ends."""
    return _FORBIDDEN.sub("", _LINE_ENDS.sub("\n", text))
