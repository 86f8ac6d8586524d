"""Settings, from the environment alone. A wrong value stops the start and names itself."""

import base64
from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from cs_integrations import __version__
from cs_integrations.database import embedded, local_secret
from cs_integrations.database.roles import serving_options

django_stubs_ext.monkeypatch()  # lets typed code subscript Django's generic classes

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()
env.read_env(BASE_DIR / ".env", recurse=False)

# --- where we are ------------------------------------------------------------------------

VERSION = __version__
DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env.str("CS_DATA_DIR", default=str(BASE_DIR / ".data"))).resolve()
DATABASE_URL = env.str("DATABASE_URL", default="")
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default=DATABASE_URL)
REDIS_URL = env.str("REDIS_URL", default="")
WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", default=1)
WEB_THREADS = env.int("WEB_THREADS", default=4)
PORT = env.int("PORT", default=8000)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
SECRET_KEY = env.str("SECRET_KEY", default="")
IS_SECRET_KEY_GIVEN = bool(SECRET_KEY)
SECRET_KEY = SECRET_KEY or local_secret.read_or_make(DATA_DIR)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])

API_BASE = "/v1/cs-integrations"
SPECIFIED_HOST = "https://api.penguinmails.com"  # in the OpenAPI document and problem types

# --- applications ------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "oauth2_provider",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "cs_integrations.apps.HubConfig",
    "cs_integrations.clients.apps.ClientsConfig",
    "cs_integrations.customers.apps.CustomersConfig",
    "audit.apps.AuditConfig",
    "marketing.apps.MarketingConfig",
    "sales.apps.SalesConfig",
    "product.apps.ProductConfig",
    "finance.apps.FinanceConfig",
    "operations.apps.OperationsConfig",
]

# The trail is outermost: whatever the others refuse is recorded too.
MIDDLEWARE = [
    "audit.middleware.AuditMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "cs_integrations.urls"
WSGI_APPLICATION = "cs_integrations.wsgi.application"
APPEND_SLASH = False  # a redirect would lose a POST body
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- database ----------------------------------------------------------------------------


def _database() -> dict[str, Any]:
    if DATABASE_URL:
        connection: dict[str, Any] = dict(dj_database_url.parse(DATABASE_URL))
        # The pool keeps connections, so Django must not; it opens after gunicorn's fork.
        pool = {"min_size": 1, "max_size": WEB_THREADS + 2, "timeout": 5}
        connection["CONN_MAX_AGE"] = 0
    else:
        connection = {"ENGINE": "django.db.backends.postgresql", **embedded.start(DATA_DIR)}
        pool = {}
        connection["CONN_MAX_AGE"] = None
    options = {**connection.get("OPTIONS", {}), "connect_timeout": 5, "options": serving_options()}
    connection["OPTIONS"] = options | ({"pool": pool} if pool else {})
    connection["CONN_HEALTH_CHECKS"] = True
    return connection


def _owner_login(database: dict[str, Any]) -> dict[str, Any]:
    source = dj_database_url.parse(DATABASE_OWNER_URL) if DATABASE_OWNER_URL else database
    return {"USER": source.get("USER", ""), "PASSWORD": source.get("PASSWORD", "")}


DATABASES = {"default": _database()}
DATABASE_OWNER_LOGIN = _owner_login(DATABASES["default"])

# --- rate limits -------------------------------------------------------------------------

if REDIS_URL:
    CACHES: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": "cs_integrations.api.counters.DegradingRedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_timeout": 0.2, "socket_connect_timeout": 0.2},
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},  # a culled counter would forget its client
        }
    }

# Requests a minute, per client and domain; a client's own override beats it.
RATE_LIMITS = {
    "marketing": 50,
    "sales": 30,
    "product": 50,
    "finance": 10,
    "operations": 20,
    "audit": 50,
}
ADDRESS_RATE_LIMIT = env.int("ADDRESS_RATE_LIMIT", default=60)  # token calls and failed logins

# --- the trail ---------------------------------------------------------------------------


def _audit_keys(name: str, texts: list[str]) -> list[bytes]:
    return [_decoded(name, text) for text in texts]


def _audit_key(name: str, text: str) -> bytes:
    return _decoded(name, text) if text else b""


def _decoded(name: str, text: str) -> bytes:
    """Return a key of 32 bytes that is written in URL-safe base64."""
    try:
        key = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except ValueError:
        key = b""
    if len(key) != AUDIT_KEY_BYTES:
        raise ImproperlyConfigured(f"{name} is not {AUDIT_KEY_BYTES} bytes in URL-safe base64.")
    return key


def _made_here(file_name: str) -> bytes:
    made = local_secret.read_or_make(DATA_DIR, file_name, random_bytes=AUDIT_KEY_BYTES)
    return _decoded(file_name, made)


AUDIT_KEY_BYTES = 32
# The first writes, all read.
AUDIT_MASTER_KEYS = _audit_keys("AUDIT_MASTER_KEY", env.list("AUDIT_MASTER_KEY", default=[]))
AUDIT_SIGNING_KEY = _audit_key("AUDIT_SIGNING_KEY", env.str("AUDIT_SIGNING_KEY", default=""))
AUDIT_PUBLIC_KEYS = _audit_keys("AUDIT_PUBLIC_KEYS", env.list("AUDIT_PUBLIC_KEYS", default=[]))
ARE_AUDIT_KEYS_GIVEN = bool(AUDIT_MASTER_KEYS and (AUDIT_SIGNING_KEY or AUDIT_PUBLIC_KEYS))
AUDIT_MASTER_KEYS = AUDIT_MASTER_KEYS or [_made_here("audit_master_key")]
if not (AUDIT_SIGNING_KEY or AUDIT_PUBLIC_KEYS):
    AUDIT_SIGNING_KEY = _made_here("audit_signing_key")

AUDIT_RECORD_YEARS = 7
AUDIT_BODY_DAYS = 90

# --- bodies ------------------------------------------------------------------------------

MAX_BODY_BYTES = 256 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# --- API ---------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["cs_integrations.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["cs_integrations.api.permissions.DomainScope"],
    "DEFAULT_THROTTLE_CLASSES": ["cs_integrations.api.throttling.ClientThrottle"],
    "DEFAULT_PARSER_CLASSES": ["cs_integrations.api.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["cs_integrations.api.rendering.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "cs_integrations.api.schema.HubSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "cs_integrations.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # ?format= is an unknown parameter like any other
    "COERCE_DECIMAL_TO_STRING": False,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Customer Success Cross-Domain API",
    "DESCRIPTION": (
        "The hub through which Customer Success works with Marketing, Sales, Product, Finance"
        " and Operations. Every answer is computed from stored facts; add `?explain=true` to any"
        " answer for its reasons. Every request leaves an audit record.\n\n"
        "**Token**: `POST /auth/token` with client credentials; it lives an hour.\n\n"
        "**Limits**, in requests a minute for each client: "
        + ", ".join(f"{domain} {limit}" for domain, limit in RATE_LIMITS.items())
        + "; the headers of each answer tell what is left.\n\n"
        "**Refusals** are RFC 9457 problems; [/errors/](/errors/) explains each type.\n\n"
        "**Idempotency-Key** on any POST makes repeating it safe; the key may stand in quotes."
    ),
    "VERSION": VERSION,
    "OAS_VERSION": "3.0.3",
    "SERVERS": [
        {"url": SPECIFIED_HOST + API_BASE},
        {"url": API_BASE, "description": "The server that this document was read from."},
    ],
    "SCHEMA_PATH_PREFIX": API_BASE,
    "SCHEMA_PATH_PREFIX_TRIM": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "OAUTH2_FLOWS": ["clientCredentials"],
    "OAUTH2_TOKEN_URL": "/auth/token",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},  # ask no one else
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "PREPROCESSING_HOOKS": ["cs_integrations.api.schema.public_routes"],
    "POSTPROCESSING_HOOKS": ["cs_integrations.api.schema.complete"],
}

# --- users and clients -------------------------------------------------------------------

AUTH_USER_MODEL = "clients.User"
OAUTH2_PROVIDER_APPLICATION_MODEL = "clients.Application"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "cs_integrations.clients.hashers.KeyedSecretHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",
    "SCOPES_BACKEND_CLASS": "cs_integrations.clients.scopes.ClientScopes",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,  # the publisher's figure
    "CLIENT_SECRET_HASHER": "keyed_sha256",
    "APPLICATION_ADMIN_CLASS": "cs_integrations.clients.admin.ApplicationAdmin",
    "ACCESS_TOKEN_ADMIN_CLASS": "cs_integrations.clients.admin.AccessTokenAdmin",
    "GRANT_ADMIN_CLASS": "cs_integrations.clients.admin.UnusedAdmin",
    "ID_TOKEN_ADMIN_CLASS": "cs_integrations.clients.admin.UnusedAdmin",
    "REFRESH_TOKEN_ADMIN_CLASS": "cs_integrations.clients.admin.UnusedAdmin",
    "OIDC_ISS_ENDPOINT": PUBLIC_URL,
    "OAUTH2_GRANT_TYPES_SUPPORTED": ["client_credentials"],
    "OAUTH2_RESPONSE_TYPES_SUPPORTED": [],
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}

# --- browser security --------------------------------------------------------------------

IS_HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_FAILURE_VIEW = "cs_integrations.api.views.csrf_failed"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_SSL_REDIRECT = False  # the proxy in front redirects; health checks stay plain
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # the line above
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

# --- log ---------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "cs_integrations.log_lines.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "cs_integrations": {"level": "INFO"},
        "audit": {"level": "INFO"},
        # The trail holds every refused request; the log need not say it again.
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # It logs client ids and secrets on failed logins.
        "oauth2_provider": {"level": "ERROR"},
        "oauthlib": {"level": "ERROR"},
    },
}
