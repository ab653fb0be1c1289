"""Characters that no text keeps, whoever wrote it, neither where it is taken in nor where it is shown."""

import re

# Control characters but tab and line feed; lone surrogates (JSON can carry them, UTF-8 cannot); the two that stand for
# personal parts inside templates (rendering/text/sanitize.py); the bidirectional embeddings and overrides, which make
# text look like another (isolates do no harm); the three code points that X refuses (its page "counting characters").
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ue000\ue001\u202a-\u202e\ufeff\ufffe\uffff]")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def cleaned(text: str) -> str:
    """Return text of many lines without those characters, line ends as LF."""
    return _FORBIDDEN.sub("", _LINE_ENDS.sub("\n", text))
