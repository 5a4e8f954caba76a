"""Django's settings. What an operator may change comes from the environment, through env.py."""

from __future__ import annotations

from . import __version__, env

BASE_DIR = env.BASE_DIR
PHOTONEST_VERSION = __version__
PHOTONEST_HOME = env.home()
PHOTONEST_LIBRARY = env.library(PHOTONEST_HOME)
PHOTONEST_RETRIES = env.retries()

SECRET_KEY = env.secret_key(PHOTONEST_HOME)
DEBUG = env.flag("PHOTONEST_DEBUG", default=False)
ALLOWED_HOSTS = env.hosts()

DATABASES = {"default": env.database(PHOTONEST_HOME)}
# An immediate transaction around every page would take SQLite's write lock for every GET.
ATOMIC_REQUESTS = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "local_import",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "photonest.urls"
WSGI_APPLICATION = "photonest.wsgi.application"
LOGIN_URL = "admin:login"
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
            ],
        },
    },
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語")]
LOCALE_PATHS = [BASE_DIR / "local_import" / "locale"]
USE_TZ = True
TIME_ZONE = env.time_zone()

STATIC_URL = "static/"
STATIC_ROOT = PHOTONEST_HOME / "static"
