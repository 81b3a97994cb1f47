"""The classes of errors that a user reads as one line. Every other exception is a mistake of ours: one line that says
so, and its traceback in a log.

All are ValueErrors with a message that names the field or file, the value and the remedy. Whoever catches one catches
the class that it can answer, never a wider one. What a URL holds of credentials is left out of every message.
"""

import re

_CREDENTIALS = re.compile(r"([A-Za-z][\w+.-]*:/{1,2})[^/\s'\"]*@")  # one slash: paths fold the two into one
_TOKENS = re.compile(r"(?i)([?&](?:access_|api_|auth_)?(?:token|key|secret|password|signature|sig)=)[^&\s'\"]+")


def redacted(text: str) -> str:
    """Return a text without the credentials in its URLs: `https://***@host/x?token=***`."""
    if ":/" not in text:
        return text
    return _TOKENS.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))


class StatedError(ValueError):
    """An error whose message is all that a user needs to go on; credentials in it are left out."""

    def __init__(self, message: str = ""):
        super().__init__(redacted(str(message)))


class InputError(StatedError):
    """A user's mistake: a setting, a combination of settings, or the content of a file of theirs."""


class DamageError(StatedError):
    """A file of ours that is not what was written: cut, edited, deleted or replaced."""


class FullDiskError(StatedError):
    """A file that the disk has no room for; the message names it."""


class ForeignFileError(StatedError):
    """A file of others that a library refuses, or that does not hold what its kind must hold."""
