"""Style sheets become style attributes, because many mail programs drop style sheets."""

import css_inline

# Sheets marked `data-css-inline="keep"` (media queries) stay as they are.
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False)


def inline_styles(html: str) -> str:
    """Inline the style sheets of a whole document."""
    return _inliner.inline(html)
