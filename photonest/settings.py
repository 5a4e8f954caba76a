"""Django's settings. What an operator may change comes from the environment, through env.py."""

from __future__ import annotations

from datetime import timedelta

from celery.schedules import crontab
from csp.constants import NONE, SELF
from kombu import Queue

from . import __version__, env, queue, receivers

BASE_DIR = env.BASE_DIR
PHOTONEST_VERSION = __version__
PHOTONEST_HOME = env.home()
PHOTONEST_LIBRARY = env.library(PHOTONEST_HOME)
PHOTONEST_SOURCES = env.sources(PHOTONEST_HOME)
PHOTONEST_RETRIES = env.retries()
PHOTONEST_QUIET_TIME = env.quiet_time()
PHOTONEST_ORIGIN = env.origin  # of each variable, for the page that shows them

PHOTONEST_ALERT_EMAILS = receivers.emails("PHOTONEST_ALERT_EMAILS")
PHOTONEST_ALERT_WEBHOOK = receivers.webhook("PHOTONEST_ALERT_WEBHOOK")
PHOTONEST_ALERT_WEBHOOK_SECRET = env.secret("PHOTONEST_ALERT_WEBHOOK_SECRET")
PHOTONEST_ALERT_HOSTS = receivers.hosts("PHOTONEST_ALERT_HOSTS")
PHOTONEST_ALERT_APPRISE = receivers.listed("PHOTONEST_ALERT_APPRISE")
globals().update(receivers.mail_server("PHOTONEST_EMAIL_URL"))  # EMAIL_HOST and the like
DEFAULT_FROM_EMAIL = receivers.sender("PHOTONEST_EMAIL_FROM")

SECRET_KEY = env.secret_key(PHOTONEST_HOME)
DEBUG = env.flag("PHOTONEST_DEBUG", default=False)
ALLOWED_HOSTS = env.hosts()
PHOTONEST_METRICS_TOKEN = env.secret("PHOTONEST_METRICS_TOKEN")

DATABASES = {"default": env.database(PHOTONEST_HOME)}
# An immediate transaction around every page would take SQLite's write lock for every GET.
ATOMIC_REQUESTS = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "local_import",
    "django_celery_beat",
    "django_htmx",
    "axes",
    "csp",
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
    "local_import.pages.viewer.no_login_form_in_a_part",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "local_import.pages.viewer.correlated_request",
    "local_import.pages.viewer.in_the_viewers_zone",
    "local_import.pages.viewer.without_nul",
    "axes.middleware.AxesMiddleware",  # the last: it turns a lock-out into its answer
]
ROOT_URLCONF = "photonest.urls"
WSGI_APPLICATION = "photonest.wsgi.application"
LOGIN_URL = "admin:login"
CSRF_FAILURE_VIEW = "local_import.pages.refusals.expired"
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
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "local_import.roles.RolesBackend",
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
# Who tries names from one place is locked out there; nobody can lock out another from elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "locked_out.html"
AXES_VERBOSE = False
# Names are strangers' text: no script runs but those that are shipped.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語")]
LOCALE_PATHS = [BASE_DIR / "local_import" / "locale"]
USE_TZ = True
TIME_ZONE = env.time_zone()

PHOTONEST_WORKERS = env.workers()
CELERY_BROKER_URL = env.broker()
PHOTONEST_QUEUE = PHOTONEST_HOME / "queue"  # of the embedded broker
# A task ends by itself long before: its turn is services.background.TURN_S.
CELERY_TASK_SOFT_TIME_LIMIT = 10 * 60  # seconds
CELERY_TASK_TIME_LIMIT = 12 * 60
CELERY_BROKER_TRANSPORT_OPTIONS = queue.transport_options(
    CELERY_BROKER_URL, PHOTONEST_QUEUE, longest_task_s=CELERY_TASK_TIME_LIMIT
)
CELERY_BROKER_CONNECTION_TIMEOUT = 4  # seconds
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A request of the operator must not wait for a broker that is away: the sweeper rings again.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2}
CELERY_TASK_DEFAULT_QUEUE = "imports"
CELERY_TASK_QUEUES = [Queue(name, routing_key=name) for name in ("imports", "sweeps")]
_LOOKING_AFTER = (
    *("sweep", "check_rows", "check_files", "check_contents", "purge_audit_log"),
    *("evaluate_alerts", "fold_metrics"),
    "carry_out",  # what an operator waits for
)
CELERY_TASK_ROUTES = {  # not behind the imports
    f"local_import.{name}": {"queue": "sweeps"} for name in _LOOKING_AFTER
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True  # the tables hold what became of it
CELERY_RESULT_EXPIRES = None  # or beat would schedule a cleanup of results
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_LOST_WAIT = 2  # seconds until the message of a killed process is given back
CELERY_TASK_ACKS_ON_TIMEOUT = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = PHOTONEST_WORKERS
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
# Answers to remote control would pile up as files.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = CELERY_BROKER_URL != env.EMBEDDED_BROKER
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SYNC_EVERY = 1  # task; else it writes down every three minutes only when it last asked
# The timing is the code's and is written to the database when beat starts; the switch on/off is
# the admin's. What is removed here needs a migration that removes its row.
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "local_import.sweep",
        "schedule": 30.0,  # seconds
        # Not `expires`: the database scheduler drops that option.
        "options": {"expire_seconds": 29},
    },
    "evaluate alerts": {
        "task": "local_import.evaluate_alerts",
        "schedule": 60.0,
        "options": {"expire_seconds": 58},
    },
    "fold metrics": {
        "task": "local_import.fold_metrics",
        "schedule": 600.0,
        "options": {"expire_seconds": 590},
    },
    "check rows": {
        "task": "local_import.check_rows",
        "schedule": 600.0,
        "options": {"expire_seconds": 590},
    },
    "check files": {
        "task": "local_import.check_files",
        "schedule": crontab(hour="2", minute="10"),
        "options": {"expire_seconds": 23 * 3600},
    },
    "check contents": {
        "task": "local_import.check_contents",
        "schedule": crontab(hour="2", minute="30"),
        "options": {"expire_seconds": 23 * 3600},
    },
    "purge audit log": {
        "task": "local_import.purge_audit_log",
        "schedule": crontab(hour="3", minute="10"),
        "options": {"expire_seconds": 23 * 3600},
    },
}

STATIC_URL = "static/"
STATIC_ROOT = PHOTONEST_HOME / "static"
