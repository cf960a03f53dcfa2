"""The fields of what is given as a dict: of alerts in a list, and of authorization servers."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from . import AlertState, Severity


class _Alert(TypedDict):
    customer_id: str
    source: str
    id: str
    title: str
    severity: Severity | str


class AlertFields(_Alert, total=False):
    """An alert; the fields are the arguments of `alerts.submit`."""

    description: str | None
    state: AlertState | str | None
    priority: str | None
    category: str | None
    policy: str | None
    target: str | None
    component: str | None
    raised_at: datetime | None
    fields: dict[str, str] | None


class OauthServerFields(TypedDict, total=False):
    """How an authorization server differs from what an instance of ServiceNow has by default. Addresses are paths at
    the instance, or whole URLs (https; http for loopback).

    - instance_url: the instance that it belongs to; none: every instance that has no entry of its own.
    - authorization_url: where the browser is sent (/oauth_auth.do).
    - token_url: where codes, passwords and refresh tokens are exchanged (/oauth_token.do).
    - revocation_url: where tokens are revoked. When it is given, the client names itself there, with its secret.
    - issuer: the server's issuer identifier. When it is given, every callback has to name it.
    - scope: scopes to ask for, separated by blanks (none).
    - access_token_lifespan_s: life of an access token whose answer does not say, in seconds (60).
    - refresh_token_lifespan_s: life of a refresh token whose answer does not say, in seconds (8,640,000).
    """

    instance_url: str | None
    authorization_url: str | None
    token_url: str | None
    revocation_url: str | None
    issuer: str | None
    scope: str | None
    access_token_lifespan_s: int | None
    refresh_token_lifespan_s: int | None
