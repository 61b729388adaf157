"""Signing in through an OpenID provider (OpenID Connect Core 1.0, authorization code with PKCE, state and nonce).

Only people who were added come in. Which person it is says the provider's `sub`, bound by an operator, or at the first
sign-in by the verified address that an operator wrote down for the person; from then on the address says nothing.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.oidc.core import CodeIDToken
from django.conf import settings
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from huisuan.base.errors import NotFound
from huisuan.parties.identity import people
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.models import IdentityLink, Person

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client

_TIMEOUT_SECONDS = 10.0
_CLOCK_SKEW_SECONDS = 60  # seconds between the two clocks
_PENDING_SECONDS = 600  # seconds from the start to the return
_SIGNING_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class IdentityNotProven(Exception):
    """The provider's answer proves nothing; the message is for the log, not for the user."""


@dataclass(frozen=True)
class PendingAuthorization:
    """A sign-in under way, kept in the session until the provider's answer: valid for one answer."""

    state: str
    nonce: str
    verifier: str
    at: float
    there: str


@dataclass(frozen=True)
class IdentityClaims:
    """The claims about a user that the provider signed."""

    subject: str
    email: str
    email_verified: bool


def start_authorization(redirect_uri: str, there: str, now: datetime) -> tuple[str, dict[str, Any]]:
    """Where to send the browser, and what to keep.

    Raises:
        IdentityNotProven: the provider cannot be reached, or is another one than the settings name.
    """
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    begun = PendingAuthorization(state, nonce, verifier, now.timestamp(), there)
    with _client(redirect_uri) as client:
        url, _ = client.create_authorization_url(
            _fetch_metadata(client)["authorization_endpoint"],
            state=begun.state, nonce=begun.nonce, code_verifier=begun.verifier,
        )  # fmt: skip
    return str(url), asdict(begun)


def complete_authorization(
    answer: Mapping[str, str], kept: Mapping[str, Any] | None, redirect_uri: str, now: datetime
) -> IdentityClaims:
    """Whom the answer proves.

    Raises:
        IdentityNotProven: another state, nonce, issuer or audience, an unsigned or old token, an error of the provider.
    """
    if kept is None or not 0 <= now.timestamp() - kept["at"] <= _PENDING_SECONDS:
        raise IdentityNotProven("no sign-in was begun here, or long ago")
    if not hmac.compare_digest(answer.get("state", "").encode(), str(kept["state"]).encode()):
        raise IdentityNotProven("another state")
    if answer.get("iss", settings.HUISUAN_OIDC_ISSUER) != settings.HUISUAN_OIDC_ISSUER:  # RFC 9207
        raise IdentityNotProven("another issuer answered")
    if "code" not in answer:
        raise IdentityNotProven(f"the provider said {answer.get('error', 'nothing')[:100]!r}")
    try:
        with _client(redirect_uri) as client:
            provider = _fetch_metadata(client)
            token = client.fetch_token(
                provider["token_endpoint"], code=answer["code"], code_verifier=kept["verifier"],
                grant_type="authorization_code",
            )  # fmt: skip
            keys = _fetch_json(client, provider["jwks_uri"])
            claims = _validate_id_token(token, keys, str(kept["nonce"]))
            if "email" not in claims and "userinfo_endpoint" in provider:
                claims = _with_email_from(
                    claims, _fetch_json(client, provider["userinfo_endpoint"], token["access_token"])
                )
    except (httpx.HTTPError, AuthlibBaseError, JoseError, KeyError, TypeError, ValueError) as error:
        raise IdentityNotProven(f"{type(error).__name__}: {error}") from error
    return IdentityClaims(claims["sub"], str(claims.get("email", "")), claims.get("email_verified") is True)


def get_person_for_claims(claims: IdentityClaims, actor_address: str, now: datetime) -> Person:
    """The person whose account that is; the first time, bound by the verified address.

    Raises:
        Refused: nobody was added for it, or they are disabled.
    """
    issuer = settings.HUISUAN_OIDC_ISSUER
    active = Person.objects.filter(is_active=True, machine=False)
    link = IdentityLink.objects.filter(issuer=issuer, subject=claims.subject).first()
    if link is not None:
        person = active.filter(pk=link.person_id).first()
    elif claims.email_verified and claims.email:
        unbound = active.exclude(identities__issuer=issuer)
        person = unbound.filter(email=claims.email.strip().lower()).first()
        if person is not None:
            people.link_identity(person, issuer, claims.subject, Actor(person.username, person.pk, actor_address), now)
    else:
        person = None
    if person is None:
        raise NotFound("这个统一身份没有对应的人员", code="person.identity_unknown")
    return person


def _validate_id_token(token: Mapping[str, Any], keys: Any, nonce: str) -> dict[str, Any]:
    """The claims of the ID token: signed by the provider, for us, for this sign-in, not old."""
    signed = jwt.decode(str(token["id_token"]), KeySet.import_key_set(keys), algorithms=_SIGNING_ALGORITHMS)
    options = {
        "iss": {"essential": True, "value": settings.HUISUAN_OIDC_ISSUER},
        "aud": {"essential": True, "value": settings.HUISUAN_OIDC_CLIENT_ID},
        "nonce": {"essential": True, "value": nonce},
        "sub": {"essential": True},
    }
    params = {"nonce": nonce, "client_id": settings.HUISUAN_OIDC_CLIENT_ID, "access_token": token.get("access_token")}
    claims = CodeIDToken(signed.claims, signed.header, options, params)
    claims.validate(leeway=_CLOCK_SKEW_SECONDS)
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise IdentityNotProven("no subject")
    return dict(claims)


def _with_email_from(claims: dict[str, Any], userinfo: Mapping[str, Any]) -> dict[str, Any]:
    if userinfo.get("sub") != claims["sub"]:
        raise IdentityNotProven("the user info is of somebody else")
    return {**claims, "email": userinfo.get("email", ""), "email_verified": userinfo.get("email_verified")}


def _client(redirect_uri: str) -> OAuth2Client:
    from authlib.integrations.httpx_client import OAuth2Client  # only where a provider is named

    return OAuth2Client(
        settings.HUISUAN_OIDC_CLIENT_ID, settings.HUISUAN_OIDC_CLIENT_SECRET, scope="openid email",
        redirect_uri=redirect_uri, code_challenge_method="S256", timeout=_TIMEOUT_SECONDS, trust_env=False,
    )  # fmt: skip


def _fetch_metadata(client: OAuth2Client) -> dict[str, Any]:
    """The provider's metadata (OpenID Connect Discovery 1.0).

    Raises:
        IdentityNotProven: it cannot be reached, or says another name, or names addresses without TLS.
    """
    issuer = settings.HUISUAN_OIDC_ISSUER
    try:
        metadata = _fetch_json(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    except (httpx.HTTPError, ValueError) as error:
        raise IdentityNotProven(f"{issuer}: {error}") from error
    if not isinstance(metadata, dict) or metadata.get("issuer") != issuer:
        raise IdentityNotProven(f"{issuer}: another issuer answers there")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not _is_secure_url(str(metadata.get(name, ""))):
            raise IdentityNotProven(f"{issuer}: no {name} with https")
    return metadata


def _fetch_json(client: OAuth2Client, url: str, bearer: str = "") -> Any:
    if not _is_secure_url(url):
        raise IdentityNotProven(f"{url}: not https")
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    answer = client.request("GET", url, withhold_token=True, headers=headers)
    answer.raise_for_status()
    return answer.json()


def _is_secure_url(url: str) -> bool:
    """Whether nobody on the way can change what comes from there: TLS, or this machine itself."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    host = parts.hostname or ""
    try:
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False
