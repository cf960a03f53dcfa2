"""What goes wrong: one class for each kind of error. The kinds and their words are the same in every language."""

from __future__ import annotations

# Not imported when the program runs: `typing` alone would take half of the time that importing this package takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ClassVar


class ItsmError(Exception):
    """Every error of the adapter. A class below it says what a caller should do."""

    kind: ClassVar[str] = ""
    """The stable word of the kind, such as "not_found"."""
    message: str
    """What happened, in one sentence, without secrets."""
    remedy: str
    """What to do about it, in one sentence."""
    operation: str
    """The operation that failed, such as "connections.connect"; empty when none was under way."""
    transaction_id: str | None
    """The remote's transaction id when it gave one, else the id that the adapter sent."""
    attempts: int
    """How many times the failing request was sent; 0 when none was."""
    retryable: bool
    """Whether the same call may be repeated."""
    retry_after_ms: int | None
    """How long to wait before repeating it, when that is known."""
    context: Mapping[str, str]
    """Names and values that help to understand the failure, such as "status" or "held_by"."""

    def __init__(
        self,
        message: str,
        remedy: str = "",
        operation: str = "",
        transaction_id: str | None = None,
        attempts: int = 0,
        retryable: bool = False,
        retry_after_ms: int | None = None,
        context: Mapping[str, str] | None = None,
    ) -> None:
        # All of them, so that an exception can be pickled and copied.
        super().__init__(message, remedy, operation, transaction_id, attempts, retryable, retry_after_ms, context)
        self.message = message
        self.remedy = remedy
        self.operation = operation
        self.transaction_id = transaction_id
        self.attempts = attempts
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms
        self.context = context or {}

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class InvalidInputError(ItsmError, ValueError):
    """An argument is wrong. Correct it; nothing was sent or changed."""

    kind = "invalid_input"


class NotFoundError(ItsmError):
    """The account, instance, connection or record does not exist. Check the id."""

    kind = "not_found"


class IllegalStateError(ItsmError):
    """The operation does not fit the present status. Read the status and choose another operation."""

    kind = "illegal_state"


class AlreadyRegisteredError(ItsmError):
    """The account is already registered, with the instance named in the error. Unregister that one first."""

    kind = "already_registered"


class NotEntitledError(ItsmError):
    """The Citrix Cloud account has no subscription that includes the ITSM Adapter. Talk to Citrix."""

    kind = "not_entitled"


class UnauthorizedError(ItsmError):
    """Credentials were refused. Re-authenticate with new ones."""

    kind = "unauthorized"


class ConsentDeniedError(ItsmError):
    """The person pressed Deny in the browser. Ask again when they are ready."""

    kind = "consent_denied"


class FlowExpiredError(ItsmError):
    """The pending authorization is too old, already used, or not known. Begin a new one."""

    kind = "flow_expired"


class ForbiddenError(ItsmError):
    """The credentials are good but a role or scope is missing. Grant what the error names."""

    kind = "forbidden"


class PrerequisiteMissingError(ItsmError):
    """Something must be installed or switched on first. Do what the remedy says."""

    kind = "prerequisite_missing"


class ThrottledError(ItsmError):
    """The remote limits the rate. Wait as long as the error says."""

    kind = "throttled"


class UnavailableError(ItsmError):
    """The remote, or the way to it, is down for now. Try again later."""

    kind = "unavailable"


class TimeoutError(ItsmError):
    """No answer came within the time allowed. Try again or allow more time."""

    kind = "timeout"


class CancelledError(ItsmError):
    """The client was closed during the call."""

    kind = "cancelled"


class OutcomeUnknownError(ItsmError):
    """A write may or may not have happened, and reading back was impossible. Look before repeating it."""

    kind = "outcome_unknown"


class ProtocolError(ItsmError):
    """The remote gave an answer that makes no sense. Report it with the transaction id."""

    kind = "protocol"


class StoreError(ItsmError):
    """The adapter's own store failed. Check the disk, the file or the database."""

    kind = "store"


class SealedError(ItsmError):
    """A sealed secret cannot be opened: the key is wrong or missing. Provide the right key."""

    kind = "sealed"


class InternalError(ItsmError):
    """A defect of this library. Report it; the state is unchanged."""

    kind = "internal"


by_kind: dict[str, type[ItsmError]] = {kind.kind: kind for kind in ItsmError.__subclasses__()}
"""The class of each kind."""

__all__ = [
    "AlreadyRegisteredError",
    "CancelledError",
    "ConsentDeniedError",
    "FlowExpiredError",
    "ForbiddenError",
    "IllegalStateError",
    "InternalError",
    "InvalidInputError",
    "ItsmError",
    "NotEntitledError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PrerequisiteMissingError",
    "ProtocolError",
    "SealedError",
    "StoreError",
    "ThrottledError",
    "TimeoutError",
    "UnauthorizedError",
    "UnavailableError",
]
