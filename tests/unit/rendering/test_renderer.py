"""Whatever an event brings, what leaves is safe."""

import html as html_library
import json
import re

import pytest

from notifier.domain.messages.brand import Account
from notifier.domain.values import Platform, WebhookFormat
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.hostile import a_hostile_notice
from tests.unit.rendering.samples import a_notice, a_recipient, as_received

SCRIPTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[here](javascript:alert(1))",
    "[here](data:text/html;base64,PHNjcmlwdD4=)",
    "![pixel](https://tracker.example.com/p.gif)",
    "<a href='https://evil.example.com' onclick='x()'>x</a>",
    "<style>body{display:none}</style>",
    "</td></tr></table><form action='https://evil.example.com'>",
    "<!-- --><!--[if mso]><b><![endif]-->",
    "`<script>`",
    '<https://ok.example.com/?a="onmouseover=alert(1)>',
)

TEMPLATES = ("{{ 7 * 7 }}", "{% raw %}", "{# x #}", "{{ brand.__class__ }}", "%(name)s", "%s", "${x}", "{0}")

ODDITIES = (
    "a\r\nBcc: all@example.com\r\n\r\nbody",
    "\u202egnp.exe\u202c",
    "\x00\x07\x1b[31mred",
    "\ud800 lone",
    "\ue000greet\ue001",
    "-ntf_greet- -ntf1_t0- -ntf_unsub-",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50,
    "عطل في الدفع " * 40,
    "z\u0336\u0321" * 400,
    "*" * 5000,
    "[" * 5000,
    "> " * 5000,
    "x" * 1_000_000,
    "a b " * 250_000,
    "",
    "   \n\t ",
)

# The layout's one style rule outside the head: Outlook alone reads it. Anchored, so that no text can pass for it.
OUTLOOKS_OWN = re.compile(r"\A(</head>\n<body[^>]*>\n)<!--\[if mso\]><style>[^<]*</style><!\[endif\]-->")


def visible(html: str) -> str:
    return html_library.unescape(re.sub(r"<style.*?</style>|<[^>]*>", "", html, flags=re.DOTALL))


@pytest.mark.parametrize("text", [*SCRIPTS, *TEMPLATES, *ODDITIES], ids=lambda text: repr(text[:24]))
def test_a_mail_with_any_text_is_safe(renderer: Renderer, text: str) -> None:
    mail = renderer.mail(a_hostile_notice(text), locale="en", since=0)
    subject, plain, html = as_received(mail.content, a_recipient(renderer, mail, name=text[:500]))
    markup = OUTLOOKS_OWN.sub("", html[html.index("</head>") :], count=1)
    assert not re.search(r"<(script|img|form|iframe|object|svg|link|style)\b", markup, re.IGNORECASE)
    assert not re.search(r"<[^>]*\son\w+\s*=", markup)
    assert not re.search(r"href=\"(?!https?://|mailto:)", markup)
    assert "\r" not in subject
    assert "\n" not in subject
    assert len(subject) <= 150
    assert len(html.encode()) < 60_000
    assert all(len(line.encode()) <= 998 for line in plain.splitlines())
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\ue000\ue001\ud800-\udfff]", plain + html + subject)
    for value in (*mail.content.headers.values(), *a_recipient(renderer, mail).headers.values()):
        assert value.isascii()
        assert "\n" not in value


@pytest.mark.parametrize("text", TEMPLATES)
def test_template_syntax_is_only_text(renderer: Renderer, text: str) -> None:
    mail = renderer.mail(a_hostile_notice(text), locale="en", since=0)
    _, plain, html = as_received(mail.content, a_recipient(renderer, mail))
    assert text in plain
    assert text in visible(html)
    assert text in mail.content.subject


def test_a_name_is_escaped_in_html_and_raw_in_text(renderer: Renderer) -> None:
    mail = renderer.mail(a_notice(), locale="nl", since=0)
    recipient = a_recipient(renderer, mail, name='<b>Jansen & "Zn"</b>\r\nBcc: x')
    _, plain, html = as_received(mail.content, recipient)
    assert 'Hallo <b>Jansen & "Zn"</b> Bcc: x,' in plain
    assert "Hallo &lt;b&gt;Jansen &amp; &#34;Zn&#34;&lt;/b&gt; Bcc: x," in html


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("text", [*SCRIPTS, *TEMPLATES, *ODDITIES], ids=lambda text: repr(text[:24]))
def test_a_post_with_any_text_can_be_sent(renderer: Renderer, text: str, platform: Platform) -> None:
    post = renderer.post_text(a_hostile_notice(text), Account(name="a", platform=platform, locale="en"), 0)
    assert post.text.encode()
    assert not re.search(r"[\x00-\x08\r\u202a-\u202e\ufeff\ufffe\uffff\ue000\ue001]", post.text)


@pytest.mark.parametrize("format_", WebhookFormat)
@pytest.mark.parametrize("text", ODDITIES[:6])
def test_a_payload_with_any_text_is_json(renderer: Renderer, text: str, format_: WebhookFormat) -> None:
    assert json.loads(renderer.webhook_body(a_hostile_notice(text), format_, 0))


@pytest.mark.parametrize("text", [*SCRIPTS, *TEMPLATES, *ODDITIES[:12]], ids=lambda text: repr(text[:24]))
def test_the_public_page_with_any_text_is_safe(renderer: Renderer, text: str) -> None:
    notice = a_hostile_notice(text)
    html = renderer.incident_page(notice.incident, notice.updates, locale="en")
    markup = html[html.index("</head>") :]
    assert not re.search(r"<(script|img|form|iframe|object|svg|link|style)\b", markup, re.IGNORECASE)
    assert not re.search(r"<[^>]*\son\w+\s*=", markup)
    assert not re.search(r"href=\"(?!https?://|mailto:|#)", markup)
