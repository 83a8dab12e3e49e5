"""Every error that a user can cause, and the exit code it ends in.

Promise: an error of this tree is shown as one message with what was seen and what to do, never as a
traceback. Anything else that escapes is a bug of mailctl and exits 70.

| code | meaning |
|---|---|
| 0 | done, or clean |
| 1 | the answer is no: findings, a proof that did not hold |
| 2 | bad usage, input or settings; also "there are changes" where --check was given |
| 3 | could not be determined: a server did not answer |
| 4 | refused: dangerous without --force, or in conflict with what is there |
| 5 | this host cannot: software, rights, disk space or a file is missing |
| 6 | applying failed, and what was there before has been put back |
| 70 | a bug in mailctl |
| 130 | interrupted |
"""

from collections.abc import Sequence


class MailctlError(Exception):
    """Root of the tree. `hint` says what to do; `details` holds every reason, one a line."""

    exit_code = 70

    def __init__(self, message: str, *, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)


class BadInput(MailctlError):
    """A name, option, file or setting that cannot be used; nothing was changed."""

    exit_code = 2


class Undetermined(MailctlError):
    """A server did not answer, so nothing can be said."""

    exit_code = 3


class Refused(MailctlError):
    """Dangerous without --force, or in conflict with what is there; nothing was changed."""

    exit_code = 4


class HostCannot(MailctlError):
    """Software, rights, disk space or a file that this host lacks; nothing was changed."""

    exit_code = 5


class ApplyFailed(MailctlError):
    """A change failed, and what was there before has been put back."""

    exit_code = 6


class PublishError(MailctlError):
    """A DNS provider or server did not take a change. `temporary`: the same again, later, may work."""

    def __init__(
        self, message: str, *, hint: str = "", details: Sequence[str] = (), temporary: bool = False
    ) -> None:
        super().__init__(message, hint=hint, details=details)
        self.temporary = temporary
        self.exit_code = 3 if temporary else 4


class ZoneChanged(Refused):
    """A zone is no longer what a plan was made from. `details` names each RRset that differs."""

    def __init__(self, zone: str, details: Sequence[str]) -> None:
        super().__init__(
            f"the zone {zone} changed since the plan was made, so nothing was written",
            hint="run the same command again: it plans from the zone as it is now",
            details=details,
        )
