"""Where webhooks may and may not go: one table, used at registration and at sending."""

from typing import Final

# Addresses that may not be reached, as a URL or as an answer of DNS.
BLOCKED_ADDRESSES: Final = [
    # IPv4
    "0.0.0.0",  # noqa: S104 - nobody binds to it here
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.254", "127.0.0.1",
    "127.1.2.3", "127.255.255.255", "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1",
    "192.168.0.1", "192.168.255.255", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    # IPv6
    "::", "::1", "::2", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe", "::ffff:0:10.0.0.1", "::ffff:0:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "64:ff9b::808:808",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "64:ff9b:1:ffff::a00:1", "100::1", "100:0:0:1::1", "2001::1",
    "2001:0:4136:e378::1",
    "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1",
    "2002:a9fe:a9fe::1", "2002:808:808::1", "2620:4f:8000::1", "3ffe::1", "3fff::1", "5f00::1", "fc00::1",
    "fd00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "febf::1", "fec0::1", "feff::1", "ff02::1", "ff0e::1",
    "4000::1", "8000::1", "1::1", "2a00:1450::5efe:7f00:1", "2a00:1450::200:5efe:a00:1",
]  # fmt: skip

ALLOWED_ADDRESSES: Final = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1",
    "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.1", "172.15.255.255", "172.32.0.1", "192.0.1.1",
    "192.167.255.255", "192.169.0.1", "198.17.255.255", "198.20.0.1", "223.255.255.255", "2606:4700:4700::1111",
    "2001:4860:4860::8888", "2001:200::1", "2003::1", "2a00:1450:4001:80e::200e", "::ffff:8.8.8.8", "3000::1",
    "2a00:1450::5efe:808:808",
]  # fmt: skip

# URLs that are refused before any name is looked up.
BLOCKED_URLS: Final = [
    # schemes
    "", "partner.example", "//partner.example/", "ftp://partner.example/", "file:///etc/passwd",
    "gopher://partner.example/",
    "javascript:alert(1)", "data:text/plain,x", "unix:///run/docker.sock", "https:partner.example",
    "https:/partner.example",
    "https:///partner.example", "https://", "https:///", "http+unix://%2Frun/x", "ws://partner.example/",
    "http\u017f://partner.example/", "https://partner.example@/",
    # plain http to the public
    "http://partner.example/", "http://8.8.8.8/", "http://partner.example:8080/",
    # user names
    "https://user@partner.example/", "https://user:pw@partner.example/", "https://@partner.example/", "https://:@partner.example/",
    "https://8.8.8.8@127.0.0.1/", "https://partner.example%40127.0.0.1/", "https://127.0.0.1#@partner.example/",
    "https://127.0.0.1\\@partner.example/", "https://partner.example\\.evil.example/",
    # odd spellings of IPv4
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://127.1/", "https://127.0.1/",
    "https://127.0.0.1./", "https://127.000.000.001/", "https://0/", "https://00000000/", "https://0x0/", "https://8.8.8/",
    "https://134744072/", "https://08.8.8.8/", "https://8.8.8.8.8/", "https://256.8.8.8/", "https://8.8.8.-8/", "https://1.2.3.0x4/",
    "https://partner.example.1/", "https://017700000001/", "https://127.0.0.1.0x1/",
    # look-alikes and IDN
    "https://\u2460\u2461\u2466.0.0.1/", "https://\uff11\uff12\uff17.0.0.1/", "https://127\u30020\u30020\u30021/",
    "https://partner\uff0eexample/", "https://partner\uff61example/", "https://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",
    "https://part\u00adner.example/", "https://part\u200bner.example/", "https://partner\u2024example/", "https://\u2488\u2488/",
    "https://xn--a/", "https://xn--.example/", "https://xn--zzzzzz99999.example/", "https://\ufdfa.example/",
    "https://part\u202ener.example/", "https://partner.example\uff0fx/",
    # IPv6 forms
    "https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[::1/", "https://::1/", "https://[::1]x/", "https://[]/",
    "https://[v1.fe80::a]/", "https://[::ffff:127.0.0.1%1]/", "https://[1:2:3]/", "https://[2606:4700:4700::1111%25x]/",
    "https://[partner.example]/",
    # names
    "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://a.localhost/", "https://intranet/",
    "https://printer.local/", "https://metadata.google.internal/", "https://router.home.arpa/", "https://x.onion/",
    "https://partner..example/", "https://.partner.example/", "https://partner.example../", "https://-a.example/",
    "https://a-.example/", "https://" + "a" * 64 + ".example/", "https://" + "a." * 130 + "example/",
    "https://a b.example/",
    "https://partner%2eexample/", "https://par%74ner.example/", "https://partner,example/", "https://partner;x.example/",
    # ports
    "https://partner.example:0/", "https://partner.example:22/", "https://partner.example:25/", "https://partner.example:1023/",
    "https://partner.example:65536/", "https://partner.example:-1/", "https://partner.example:x/", "https://partner.example:/",
    "https://partner.example:443x/", "https://partner.example:4 43/", "https://partner.example:\u0664\u0664\u0663/",
    "https://partner.example:0443x/", "https://8.8.8.8:22/",
    # path, query, length, hidden characters
    "https://partner.example/#frag", "https://partner.example/#", "https://partner.example/a b", "https://partner.example/\n",
    "https://partner.example/\r\nHost: evil", "https://part\nner.example/", "https://part\tner.example/", " https://partner.example/",
    "https://partner.example/ ", "https://partner.example/\x00", "https://partner.example/\u00e9", "https://partner.example/?q=\u00e9",
    "https://partner.example/<x>", 'https://partner.example/"x"', "https://partner.example/" + "a" * 2048,
]  # fmt: skip

# URL -> what is dialled when `partner.example`, `xn--mnchen-3ya.example` and others resolve to a public address.
ALLOWED_URLS: Final = {
    "https://partner.example": ("https", "partner.example", 443, "/"),
    "https://partner.example/": ("https", "partner.example", 443, "/"),
    "HTTPS://Partner.Example/Hook": ("https", "partner.example", 443, "/Hook"),
    "https://partner.example./hook": ("https", "partner.example", 443, "/hook"),
    "https://partner.example:443/hook": ("https", "partner.example", 443, "/hook"),
    "https://partner.example:80/hook": ("https", "partner.example", 80, "/hook"),
    "https://partner.example:1024/hook": ("https", "partner.example", 1024, "/hook"),
    "https://partner.example:65535/hook": ("https", "partner.example", 65535, "/hook"),
    "https://partner.example/hook?a=1&b=%20": ("https", "partner.example", 443, "/hook?a=1&b=%20"),
    "https://partner.example?a=1": ("https", "partner.example", 443, "/?a=1"),
    "https://partner.example/a/../b//c": ("https", "partner.example", 443, "/a/../b//c"),
    "https://partner.example/@x:y/%0d%0a": ("https", "partner.example", 443, "/@x:y/%0d%0a"),
    "https://hooks_1.partner-2.example/": ("https", "hooks_1.partner-2.example", 443, "/"),
    "https://m\u00fcnchen.example/": ("https", "xn--mnchen-3ya.example", 443, "/"),
    "https://xn--mnchen-3ya.example/": ("https", "xn--mnchen-3ya.example", 443, "/"),
    "https://1partner.example/": ("https", "1partner.example", 443, "/"),
    "https://127.0.0.1.partner.example/": ("https", "127.0.0.1.partner.example", 443, "/"),
    "https://8.8.8.8/": ("https", "8.8.8.8", 443, "/"),
    "https://8.8.8.8:8443/x": ("https", "8.8.8.8", 8443, "/x"),
    "https://[2606:4700:4700::1111]/": ("https", "2606:4700:4700::1111", 443, "/"),
    "https://[2606:4700:4700:0:0:0:0:1111]:8443/": ("https", "2606:4700:4700::1111", 8443, "/"),
    "https://[::ffff:8.8.8.8]/": ("https", "8.8.8.8", 443, "/"),
}


def as_url(address: str) -> str:
    """Write an address into a URL."""
    return f"https://[{address}]/" if ":" in address else f"https://{address}/"
