"""Inline style sheets as style attributes, because many mail programs drop style sheets."""

import css_inline

# Does not touch style sheets marked `data-css-inline="keep"` (media queries).
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False)


def inline_styles(html: str) -> str:
    """Inline the style sheets of a complete HTML document."""
    return _inliner.inline(html)
