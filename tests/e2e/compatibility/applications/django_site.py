"""A Django site that people log in to in many ways, each by the library that is known for it.

Nothing here knows of Stepgate. The CAS server runs beside it, under an origin of its own."""

import base64
import json
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

STATE = Path(os.environ["STATE"])
ORIGIN = os.environ["ORIGIN"]
PEOPLE = os.environ["PEOPLE"].split(",")
PASSWORD = os.environ["PASSWORD"]
APPS = [
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django_cas_ng",
    "django_otp",
    "django_otp.plugins.otp_email",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "hijack",
    "impersonate",
    "mama_cas",
    "rest_framework",
    "two_factor",
    "two_factor.plugins.email",
]
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def configure(port):
    """Sets Django up, to listen on `port`, with the people in an empty database."""
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="for-this-test-only-0123456789abcdefghijklmnop",
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=APPS,
        MIGRATION_MODULES={app.split(".")[-1]: None for app in APPS},
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django_otp.middleware.OTPMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
            "hijack.middleware.HijackUserMiddleware",
            "impersonate.middleware.ImpersonateMiddleware",
        ],
        AUTHENTICATION_BACKENDS=[
            "django.contrib.auth.backends.ModelBackend",
            "allauth.account.auth_backends.AuthenticationBackend",
            "django_cas_ng.backends.CASBackend",
            "sesame.backends.ModelBackend",
        ],
        # The tests of Django have this one as well: a strong one would take most of their time.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF="django_urls",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "DIRS": [Path(__file__).parent / "templates"],
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": STATE / "db.sqlite3",
                # Tests share it. A transaction that begins by reading (django-hijack has one) is told at once that
                # the database is locked, when it comes to write beside another; one that begins by locking waits.
                "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
            }
        },
        SITE_ID=1,
        USE_TZ=True,
        LOGIN_URL="/login",
        LOGIN_REDIRECT_URL="/home",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=int(os.environ["SMTP_PORT"]),
        DEFAULT_FROM_EMAIL="shop@example.test",
        ACCOUNT_EMAIL_VERIFICATION="none",
        ACCOUNT_LOGIN_BY_CODE_ENABLED=True,
        ACCOUNT_LOGIN_ON_PASSWORD_RESET=True,
        ACCOUNT_RATE_LIMITS=False,
        ACCOUNT_SIGNUP_FIELDS=["username*", "email*", "password1*"],
        CAS_SERVER_URL=f"http://127.0.0.1:{port}/cas/",
        CAS_REDIRECT_URL="/home",
        CAS_VERSION="3",
        MAMA_CAS_SERVICES=[{"SERVICE": f"^{ORIGIN}/.*", "CALLBACKS": []}],
        MAMA_CAS_LOGIN_TEMPLATE="login.html",
        OTP_EMAIL_SENDER="shop@example.test",
        OTP_EMAIL_COOLDOWN_DURATION=0,
        SESAME_MAX_AGE=600,
        SESAME_ONE_TIME=True,
        SIMPLE_JWT={
            "ALGORITHM": "RS256",
            "SIGNING_KEY": KEY.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode(),
            "VERIFYING_KEY": KEY.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            "ISSUER": ORIGIN,
            "AUDIENCE": "shop",
            "USER_ID_FIELD": "username",
            "USER_ID_CLAIM": "sub",
        },
    )
    django.setup()
    show_keys()
    seed()


def show_keys():
    """Writes the public key of the tokens as a JWKS."""
    numbers = KEY.public_key().public_numbers()

    def encode(number):
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    key = {"kty": "RSA", "alg": "RS256", "use": "sig", "n": encode(numbers.n), "e": encode(numbers.e)}
    (STATE / "keys.json").write_text(json.dumps({"keys": [key]}))


def seed():
    """Makes the tables, and the people, whose second step is a code by e-mail. The first may log in as others."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django_otp.plugins.otp_email.models import EmailDevice

    call_command("migrate", run_syncdb=True, verbosity=0)
    for name in PEOPLE:
        rights = {"is_staff": name == PEOPLE[0], "is_superuser": name == PEOPLE[0]}
        user = get_user_model().objects.create_user(name, f"{name}@compatibility.test", PASSWORD, **rights)
        EmailDevice.objects.create(user=user, name="default", confirmed=True)
