"""The classes of errors that a user reads as one line. Every other exception is a mistake of ours: one line that says
so, and its traceback in a log.

All are ValueErrors with a message that names the field or file, the value and the remedy. Whoever catches one catches
the class that it can answer, never a wider one.
"""


class StatedError(ValueError):
    """An error whose message is all that a user needs to go on."""


class InputError(StatedError):
    """A user's mistake: a setting, a combination of settings, or the content of a file of theirs."""


class DamageError(StatedError):
    """A file of ours that is not what was written: cut, edited, deleted or replaced."""


class FullDiskError(StatedError):
    """A file that the disk has no room for; the message names it."""


class ForeignFileError(StatedError):
    """A file of others that a library refuses, or that does not hold what its kind must hold."""
