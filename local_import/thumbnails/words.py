"""What an outcome means to somebody who looks at it."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..errors import ErrorCode
from .making import Thumbnail

_WHY: dict[str, Promise] = {
    ErrorCode.DAMAGED: _("The picture is damaged, and nothing of it can be seen."),
    ErrorCode.EMPTY: _("The file has no bytes."),
    ErrorCode.UNSUPPORTED: _("The content is no picture that can be shown here."),
    ErrorCode.IMAGE_TOO_LARGE: _("The picture is too large to be shown here."),
    ErrorCode.TIME_LIMIT: _("It took too long to draw the picture, and was broken off."),
    ErrorCode.POISON: _("The decoder crashed on this file."),
    ErrorCode.SOURCE_MISSING: _("The file is not there any more."),
    ErrorCode.PERMISSION_DENIED: _("This process may not read the file."),
    ErrorCode.NOT_REGULAR_FILE: _("No file stands there, but a link, a directory or a device."),
    ErrorCode.NO_ANSWER: _("The disk that holds the file does not answer."),
    ErrorCode.IO_ERROR: _("The file cannot be read."),
}
_IN_PART = _("The picture is damaged; this is what can be seen of it.")


def why(found: Thumbnail) -> Promise | str:
    """Why there is no picture, or not all of it; empty when all is well. It names no place."""
    if not found.code:
        return ""
    return _IN_PART if found.picture else _WHY.get(found.code, _WHY[ErrorCode.IO_ERROR])
