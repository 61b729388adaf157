"""A real OpenID provider (django-oauth-toolkit) as a small site of its own, run by `python provider.py PORT FOLDER`.

One person for each line of its FOLDER/people.json: name, subject, email, whether the email is verified.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

PASSWORD = "the provider's own"
CLIENT, SECRET = "huisuan", "a secret of the client"


def settings_for(port: int, folder: Path) -> dict[str, Any]:
    """The settings of the site."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = folder / "key.pem"
    if not key.exists():
        made = generate_private_key(65537, 2048)
        key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}
    return {
        "SECRET_KEY": "x" * 50,
        "DEBUG": True,
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "ROOT_URLCONF": "provider",
        "DATABASES": {"default": sqlite},
        "USE_TZ": True,
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],  # of people who are made up
        "LOGIN_URL": "/in/",
        "SESSION_COOKIE_NAME": "provider",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        "MIDDLEWARE": [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        "OAUTH2_PROVIDER": {
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": key.read_text(),
            "OIDC_ISS_ENDPOINT": f"http://127.0.0.1:{port}/o",
            "SCOPES": {"openid": "who", "email": "address"},
            "PKCE_REQUIRED": True,
            "OAUTH2_VALIDATOR_CLASS": "provider.Validator",
        },
    }


def validator() -> Any:
    """What the provider says of a person."""
    from oauth2_provider.oauth2_validators import OAuth2Validator

    class Validator(OAuth2Validator):
        oidc_claim_scope = None

        def get_additional_claims(self, request: Any) -> dict[str, Any]:
            told = json.loads((Path(os.environ["PROVIDER"]) / "people.json").read_text())[request.user.username]
            return {"sub": told["sub"], "email": told["email"], "email_verified": told["verified"]}

    return Validator


def prepare(folder: Path, redirect: str) -> None:
    """Tables, people, and the client."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    for name in json.loads((folder / "people.json").read_text()):
        User.objects.create_user(name, password=PASSWORD)
    for client in (CLIENT, "another"):
        Application.objects.create(
            client_id=client, client_secret=SECRET, client_type="confidential", redirect_uris=redirect,
            authorization_grant_type="authorization-code", algorithm="RS256", skip_authorization=True,
        )  # fmt: skip


def urls() -> list[Any]:
    """The addresses: the provider's own, and its sign-in."""
    from django.contrib.auth import authenticate, login
    from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
    from django.urls import include, path

    def sign_in(request: HttpRequest) -> HttpResponse:
        user = authenticate(request, username=request.GET["as"], password=PASSWORD)
        assert user is not None
        login(request, user)
        return HttpResponseRedirect(request.GET["next"])

    return [path("in/", sign_in), path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]


def __getattr__(name: str) -> Any:
    """What Django looks for in this module by name, once it is set up."""
    if name == "Validator":
        return validator()
    if name == "urlpatterns":
        return urls()
    raise AttributeError(name)


def main(port: str, folder: str, redirect: str) -> None:
    """Serve until killed."""
    import django
    from django.conf import settings
    from django.core.servers.basehttp import get_internal_wsgi_application
    from django.core.servers.basehttp import run as serve

    os.environ["PROVIDER"] = folder
    sys.modules["provider"] = sys.modules[__name__]
    settings.configure(**settings_for(int(port), Path(folder)))
    django.setup()
    prepare(Path(folder), redirect)
    serve("127.0.0.1", int(port), get_internal_wsgi_application(), threading=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
