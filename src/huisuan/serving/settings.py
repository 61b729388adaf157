"""Django's settings. Everything that differs between machines comes from the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from huisuan.base.paths import secret_key
from huisuan.serving import database

SECRET_KEY = secret_key()
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *filter(None, os.environ.get("HUISUAN_HOSTS", "").split(","))]
CSRF_TRUSTED_ORIGINS = [*filter(None, os.environ.get("HUISUAN_ORIGINS", "").split(","))]
#: where everyone reaches the platform: what the codes on documents lead to
PUBLIC_ADDRESS = next(iter(CSRF_TRUSTED_ORIGINS), "http://127.0.0.1:8000")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "ninja",
    "pgtrigger",
    "procrastinate.contrib.django",
    "huisuan.parties",
    "huisuan.messages",
    "huisuan.treasury",
    "huisuan.documents",
    "huisuan.compute",
    "huisuan.opendata",
    "huisuan.settlement",
    "huisuan.programmes",
    "huisuan.bulletins",
    "huisuan.portal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "huisuan.serving.http.limits.RequestLimits",
    "huisuan.serving.http.middleware.InputGuard",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "huisuan.portal.ui.middleware.LanguageSwitch",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "huisuan.parties.identity.sessions.SessionExpiry",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "huisuan.portal.ui.middleware.ContentSecurity",
    "huisuan.portal.ui.middleware.BrokenLaw",
]

ROOT_URLCONF = "huisuan.serving.urls"
WSGI_APPLICATION = "huisuan.serving.http.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "huisuan.portal.ui.context.frame",
            ],
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,  # a connection that died with PostgreSQL is replaced, not answered with a 500
        **database.django_database(),
    }
}
PROCRASTINATE_IMPORT_PATHS = ["huisuan.serving.tasks"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "parties.Person"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_RULES = "django.contrib.auth.password_validation"  # noqa: S105  # a module
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{PASSWORD_RULES}.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{PASSWORD_RULES}.CommonPasswordValidator"},
    {"NAME": f"{PASSWORD_RULES}.NumericPasswordValidator"},
    {
        "NAME": f"{PASSWORD_RULES}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "name")},
    },
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
#: a session ends after so much quiet, and after so long in any case
SESSION_IDLE_SECONDS = int(os.environ.get("HUISUAN_SESSION_IDLE_MINUTES", "60")) * 60
SESSION_COOKIE_AGE = int(os.environ.get("HUISUAN_SESSION_HOURS", "12")) * 3600
#: proxies in front of the platform, addresses or networks: from them, and only from them, X-Forwarded-For is believed
HUISUAN_PROXIES = [*filter(None, os.environ.get("HUISUAN_PROXIES", "").split(","))]

#: sign-in through an OpenID provider: off unless the issuer is named
HUISUAN_OIDC_ISSUER = os.environ.get("HUISUAN_OIDC_ISSUER", "")
HUISUAN_OIDC_CLIENT_ID = os.environ.get("HUISUAN_OIDC_CLIENT_ID", "")
HUISUAN_OIDC_CLIENT_SECRET = os.environ.get("HUISUAN_OIDC_CLIENT_SECRET", "")
HUISUAN_OIDC_NAME = os.environ.get("HUISUAN_OIDC_NAME", "统一身份认证")

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS = [Path(__file__).parents[1] / "portal" / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "huisuan.serving.http.upload_handler.UnnamedFileHandler",
]
WHITENOISE_USE_FINDERS = True  # served from the packages themselves: no collectstatic step to forget

#: networks that webhooks may reach though they are not public, such as 10.20.0.0/16
#: seconds by which a site agent's clock may differ from the platform's, either way (compute.clocks)
HUISUAN_CLOCK_SECONDS = int(os.environ.get("HUISUAN_CLOCK_SECONDS") or 300)
HUISUAN_NOTIFY_NETWORKS = [*filter(None, os.environ.get("HUISUAN_NOTIFY_NETWORKS", "").split(","))]

#: mail to people: off unless a server is named. The security is starttls, tls or none (a server on this machine)
HUISUAN_MAIL_HOST = os.environ.get("HUISUAN_MAIL_HOST", "")
HUISUAN_MAIL_FROM = os.environ.get("HUISUAN_MAIL_FROM", "huisuan@localhost")
_MAIL_SECURITY = os.environ.get("HUISUAN_MAIL_SECURITY", "starttls")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if HUISUAN_MAIL_HOST else 'dummy'}.EmailBackend"
EMAIL_HOST = HUISUAN_MAIL_HOST
EMAIL_PORT = int(os.environ.get("HUISUAN_MAIL_PORT") or 587)
EMAIL_HOST_USER = os.environ.get("HUISUAN_MAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("HUISUAN_MAIL_PASSWORD", "")
EMAIL_USE_TLS = _MAIL_SECURITY == "starttls"
EMAIL_USE_SSL = _MAIL_SECURITY == "tls"
EMAIL_TIMEOUT = 10

#: seconds for which the cancel of many jobs is held before it is sent, and can be undone (compute.jobs.held_cancels)
HUISUAN_CANCEL_HOLD_SECONDS = int(os.environ.get("HUISUAN_CANCEL_HOLD_SECONDS") or 10)

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = os.environ.get("HUISUAN_HTTPS") == "1"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SESSION_COOKIE_SECURE else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SESSION_COOKIE_SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
#: other names of the domain are not ours to promise for (W005, W021); the proxy redirects to HTTPS, and agents and
#: health checks of this machine speak to us without it (W008)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "ours": {"()": "huisuan.serving.log_filter.RefusalsWithoutTraceback"},
        "secrets": {"()": "huisuan.serving.log_filter.WithoutSecrets"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["ours", "secrets"]}},
    "root": {"handlers": ["console"], "level": os.environ.get("HUISUAN_LOG_LEVEL", "WARNING")},
}
