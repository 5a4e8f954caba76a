"""Whatever a receiver does, telling it ends in bounded time, with a reason that can be read."""

import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from local_import.alerts import apprise, channels, email, message, outbox, targets, webhook
from local_import.alerts.sending import Refused, Undelivered
from local_import.models import AlertNotice, AuditLog
from local_import.models.alert import AlertEvent
from local_import.transactions import database_now
from photonest.receivers import Hosts
from tests.alerts import (
    LOCAL,
    Stage,
    drips,
    drowns,
    hangs,
    hangs_up,
    receiver,
    says,
)
from tests.processes import wait_for

SECRET = "0123456789abcdef0123"
KEY = "0b9f7c52-0000-4000-8000-000000000000"
TOLD = {
    "event": "fired",
    "rule": "no_worker",
    "alert": 3,
    "cause": "",
    "severity": "high",
    "summary": "No worker is alive.",
    "advice": "Start one.",
    "since": "2026-01-02T03:04:05+00:00",
    "host": "photos",
}


@pytest.fixture(autouse=True)
def nobody(settings):
    settings.PHOTONEST_ALERT_EMAILS, settings.PHOTONEST_ALERT_APPRISE = [], []
    settings.PHOTONEST_ALERT_WEBHOOK, settings.PHOTONEST_ALERT_WEBHOOK_SECRET = "", ""
    settings.PHOTONEST_ALERT_HOSTS = LOCAL


@pytest.fixture
def quick(monkeypatch):
    """The same limits, sooner."""
    for name, seconds in (("CONNECT_S", 0.3), ("READ_S", 0.3), ("WHOLE_S", 0.6)):
        monkeypatch.setattr(webhook, name, seconds)


def send(settings, server):
    settings.PHOTONEST_ALERT_WEBHOOK = server.url
    webhook.send(TOLD, KEY)


def notice():
    return AlertNotice.objects.latest("pk")


def put():
    """A notice for each channel that is configured."""
    outbox.put(AlertEvent.FIRED, TOLD, database_now())


def due_again():
    AlertNotice.objects.update(next_attempt_at=database_now())


def test_a_message_arrives_with_its_key_and_a_signature_that_holds(settings):
    settings.PHOTONEST_ALERT_WEBHOOK_SECRET = SECRET
    with receiver(says(200, b"ok")) as server:
        send(settings, server)

    ((path, headers, body),) = server.got
    parts = dict(part.split("=", 1) for part in headers["X-Photonest-Signature"].split(","))
    signed = f"{parts['t']}.".encode() + body
    assert parts["v1"] == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert abs(int(parts["t"]) - time.time()) < 60
    assert (path, headers["Idempotency-Key"]) == ("/hook", KEY)
    told = json.loads(body)
    assert "No worker is alive." in told["text"]
    assert {"title": "rule", "value": "no_worker", "short": True} in told["attachments"][0][
        "fields"
    ]


def test_a_name_that_means_something_to_the_receiver_loses_its_meaning():
    hostile = TOLD | {"summary": "<!channel> & <@U1|bob>", "advice": "<http://evil|click>"}

    text = json.dumps(message.for_slack(hostile))

    assert "<" not in text and ">" not in text
    assert "&lt;!channel&gt; &amp;" in text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 301, 302, 307, 308])
def test_what_will_never_arrive_is_refused_with_what_was_answered(settings, status):
    with (
        receiver(says(status, b"no such \x1b[31m hook")) as server,
        pytest.raises(Refused) as refusal,
    ):
        send(settings, server)

    assert str(status) in str(refusal.value)
    assert "\x1b" not in str(refusal.value)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 100, 199, 600])
def test_what_may_pass_is_not_refused(settings, quick, status):
    with receiver(says(status)) as server, pytest.raises(Undelivered) as failure:
        send(settings, server)

    assert not isinstance(failure.value, Refused)


def test_a_redirect_to_an_internal_address_leads_nowhere(settings):
    with (
        receiver(says(200)) as inside,
        receiver(says(307, Location=inside.url)) as server,
    ):
        settings.PHOTONEST_ALERT_HOSTS = LOCAL
        with pytest.raises(Refused, match="redirect, which is not followed"):
            send(settings, server)

        assert inside.got == []


@pytest.mark.parametrize("answer", [hangs, drips, hangs_up], ids=lambda answer: answer.__name__)
def test_a_receiver_that_never_ends_is_not_waited_for(settings, quick, answer):
    with receiver(answer) as server:
        began = time.monotonic()
        with pytest.raises(Undelivered):
            send(settings, server)

        assert time.monotonic() - began < 3
    ends = time.monotonic() + 5
    while time.monotonic() < ends and any(t.name == "bounded" for t in threading.enumerate()):
        time.sleep(0.05)
    assert not any(thread.name == "bounded" for thread in threading.enumerate())


def test_of_an_answer_without_end_only_the_beginning_is_read(settings, quick):
    with receiver(drowns) as server:
        began = time.monotonic()
        send(settings, server)

        assert time.monotonic() - began < 3


def test_a_port_that_nobody_listens_at_is_tried_again(settings, quick):
    settings.PHOTONEST_ALERT_WEBHOOK = "http://127.0.0.1:1/"

    with pytest.raises(Undelivered) as failure:
        webhook.send(TOLD, KEY)

    assert not isinstance(failure.value, Refused) and "refused" in str(failure.value)


INSIDE = [
    *("127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1"),
    *("169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
    *("255.255.255.255", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.0.0.8"),
    *("::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1"),
    *("2001:0:53aa:64c::1", "100::1"),
]
OUTSIDE = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_no_target(settings, address, monkeypatch):
    settings.PHOTONEST_ALERT_HOSTS = Hosts()
    answers(monkeypatch, address)

    with pytest.raises(Refused, match="no public address"):
        targets.reachable("hooks.example.org", 443)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_a_target(settings, address, monkeypatch):
    settings.PHOTONEST_ALERT_HOSTS = Hosts()
    answers(monkeypatch, address)

    assert targets.reachable("hooks.example.org", 443) == ipaddress.ip_address(address)


def answers(monkeypatch, *rounds):
    """A resolver that answers each time with the next of these, and keeps what it was asked."""
    asked = []

    def resolve(host, port, *_, **__):
        asked.append(host)
        address = rounds[min(len(asked), len(rounds)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(targets.socket, "getaddrinfo", resolve)
    return asked


def connections(monkeypatch):
    made = []

    def connect(address, *_):
        made.append(address)
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(webhook.socket, "create_connection", connect)
    return made


def test_a_name_that_points_elsewhere_a_moment_later_leads_to_what_was_judged(
    settings, monkeypatch
):
    settings.PHOTONEST_ALERT_HOSTS = Hosts()
    settings.PHOTONEST_ALERT_WEBHOOK = "https://rebind.example.org/hook"
    asked, made = answers(monkeypatch, "8.8.8.8", "127.0.0.1"), connections(monkeypatch)

    with pytest.raises(Undelivered):
        webhook.send(TOLD, KEY)

    assert (asked, made) == (["rebind.example.org"], [("8.8.8.8", 443)])


def test_numbers_in_disguise_are_judged_by_what_they_resolve_to(settings, monkeypatch):
    settings.PHOTONEST_ALERT_HOSTS = Hosts()
    made = connections(monkeypatch)
    for host in ("0x7f000001", "2130706433", "0177.0.0.1", "127.1", "localhost", "[::ffff:7f00:1]"):
        settings.PHOTONEST_ALERT_WEBHOOK = f"http://{host}/"
        with pytest.raises(Undelivered):
            webhook.send(TOLD, KEY)

    assert made == []


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "gopher://127.0.0.1/", "ftp://example.org/", "//example.org/"),
        *("http://", "https:///path", "http://user:secret@example.org/", "http://example.org:0/"),
        *("http://example.org:99999/", "http://[::1", "javascript:alert(1)", "http://exämple.org/"),
    ],
)
def test_what_is_no_http_address_is_refused_and_not_repeated(settings, url, monkeypatch):
    made = connections(monkeypatch)
    settings.PHOTONEST_ALERT_WEBHOOK = url

    with pytest.raises(Refused) as refusal:
        webhook.send(TOLD, KEY)

    assert made == []
    assert "secret" not in str(refusal.value)


def test_a_host_is_allowed_by_its_name_or_its_network(settings, monkeypatch):
    answers(monkeypatch, "192.168.1.7")
    for hosts in (
        Hosts(frozenset({"chat.lan"})),
        Hosts(networks=(ipaddress.ip_network("192.168.1.0/24"),)),
    ):
        settings.PHOTONEST_ALERT_HOSTS = hosts
        assert str(targets.reachable("Chat.LAN", 80)) == "192.168.1.7"
    settings.PHOTONEST_ALERT_HOSTS = Hosts(frozenset({"other.lan"}))
    with pytest.raises(Refused):
        targets.reachable("chat.lan", 80)


def test_of_several_addresses_one_that_is_allowed_is_taken(settings, monkeypatch):
    settings.PHOTONEST_ALERT_HOSTS = Hosts()
    found = [(socket.AF_INET, 1, 6, "", (a, 443)) for a in ("10.0.0.1", "8.8.8.8")]
    monkeypatch.setattr(targets.socket, "getaddrinfo", lambda *_, **__: found)

    assert str(targets.reachable("example.org", 443)) == "8.8.8.8"


def test_a_name_without_an_address_is_tried_again(monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(targets.socket, "getaddrinfo", fail)

    with pytest.raises(Undelivered) as failure:
        targets.reachable("example.org", 443)

    assert not isinstance(failure.value, Refused)


@pytest.mark.django_db
def test_what_fails_is_tried_again_with_the_same_key_until_it_arrives(settings, quick):
    with receiver(says(500)) as server:
        settings.PHOTONEST_ALERT_WEBHOOK = server.url
        put()
        for attempt in range(1, 4):
            due_again()
            assert outbox.deliver()["failed"] == 1
            assert (notice().state, notice().attempts) == ("waiting", attempt)
            assert notice().next_attempt_at > database_now()
            assert "answered 500" in notice().trouble
        server.answer = says(200)
        due_again()
        assert outbox.deliver()["delivered"] == 1
        assert outbox.deliver()["delivered"] == 0

    keys = {headers["Idempotency-Key"] for _, headers, _ in server.got}
    assert (len(server.got), keys) == (4, {str(notice().key)})
    assert (notice().state, notice().trouble) == ("delivered", "")


@pytest.mark.django_db
def test_it_waits_longer_each_time_but_an_hour_at_most(settings, quick):
    settings.PHOTONEST_ALERT_WEBHOOK = "http://127.0.0.1:1/"
    put()
    waits = []
    for _ in range(12):
        due_again()
        outbox.deliver()
        waits.append((notice().next_attempt_at - database_now()).total_seconds())

    assert 14 < waits[0] <= 30
    assert 28 < waits[1] <= 60
    assert max(waits) <= 3600 and min(waits[8:]) > 1700


@pytest.mark.django_db
def test_what_cannot_be_told_for_a_day_is_given_up_with_its_reason(settings, quick):
    settings.PHOTONEST_ALERT_WEBHOOK = "http://127.0.0.1:1/"
    put()
    AlertNotice.objects.update(created_at=database_now() - timedelta(days=2))

    assert outbox.deliver()["given_up"] == 1

    assert notice().state == "given_up" and "refused" in notice().trouble
    row = AuditLog.objects.get(action="alert_notice.give_up")
    assert (row.level, row.details["channel"]) == ("warning", "webhook")


@pytest.mark.django_db
def test_a_channel_that_is_not_configured_any_more_is_given_up(settings):
    settings.PHOTONEST_ALERT_EMAILS = ["ada@example.org"]
    put()
    settings.PHOTONEST_ALERT_EMAILS = []

    outbox.deliver()

    assert notice().state == "given_up" and "not configured any more" in notice().trouble
    assert mail.outbox == []


@pytest.mark.django_db
def test_one_channel_that_fails_neither_keeps_the_others_nor_is_asked_twice(settings, quick):
    settings.PHOTONEST_ALERT_EMAILS = ["ada@example.org"]
    with receiver(hangs) as server:
        settings.PHOTONEST_ALERT_WEBHOOK = server.url
        for _ in range(5):
            put()
        began = time.monotonic()
        done = outbox.deliver()

        assert time.monotonic() - began < 5
    assert (len(mail.outbox), len(server.got), done["failed"]) == (5, 1, 1)


@pytest.mark.django_db
def test_who_dies_after_sending_sends_again_with_the_same_key(settings, monkeypatch):
    with receiver(says(200)) as server:
        settings.PHOTONEST_ALERT_WEBHOOK = server.url
        put()

        def die(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(outbox, "_end", die)
            with pytest.raises(KeyboardInterrupt):
                outbox.deliver()
        assert outbox.deliver()["delivered"] == 0  # it is somebody's for a while
        due_again()
        assert outbox.deliver()["delivered"] == 1

    assert len({headers["Idempotency-Key"] for _, headers, _ in server.got}) == 1
    assert len(server.got) == 2


@pytest.mark.django_db
def test_who_comes_late_with_its_outcome_changes_nothing(settings):
    settings.PHOTONEST_ALERT_EMAILS = ["ada@example.org"]
    put()
    slow = outbox._take(set())
    due_again()
    outbox.deliver()
    assert notice().state == "delivered"

    outbox._put_off(slow, "too late")

    assert (notice().state, notice().trouble) == ("delivered", "")


@pytest.mark.django_db
def test_that_it_is_over_is_not_told_before_that_it_began(settings, monkeypatch, quick):
    stage = Stage(monkeypatch)
    with receiver(says(500)) as server:
        settings.PHOTONEST_ALERT_WEBHOOK = server.url
        stage.see("a")
        outbox.deliver()
        server.answer = says(200)
        stage.see(after=timedelta(seconds=1))
        assert outbox.deliver()["delivered"] == 0  # the first one waits for its next try
        stage.ahead += timedelta(minutes=5)
        outbox.deliver()
        outbox.deliver()

    told = [json.loads(body)["text"] for _, _, body in server.got]
    assert told == ["[high] a is wrong."] * 2 + ["[resolved] a is wrong."]


@pytest.mark.django_db(transaction=True)
def test_two_that_deliver_at_once_tell_each_thing_once(settings):
    with receiver(says(200)) as server:
        settings.PHOTONEST_ALERT_WEBHOOK = server.url
        for _ in range(20):
            put()

        def work():
            outbox.deliver()
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    keys = [headers["Idempotency-Key"] for _, headers, _ in server.got]
    assert len(keys) == len(set(keys)) == 20


@pytest.mark.django_db
def test_no_transaction_is_open_while_a_receiver_is_waited_for(
    settings, transactional_db, monkeypatch
):
    open_ones = []
    monkeypatch.setattr(channels, "send", lambda *_: open_ones.append(connection.in_atomic_block))
    settings.PHOTONEST_ALERT_EMAILS = ["ada@example.org"]
    put()

    outbox.deliver()

    assert open_ones == [False]


@pytest.mark.django_db
def test_a_hostile_name_breaks_neither_subject_nor_body_of_a_mail(settings):
    settings.PHOTONEST_ALERT_EMAILS = ["ada@example.org", "bob@example.org"]
    hostile = TOLD | {"summary": message.names.legible("a\nBcc: evil@example.org\r\n\x00")}
    outbox.put(AlertEvent.FIRED, hostile, database_now())

    outbox.deliver()

    (sent,) = mail.outbox
    assert sent.to == ["ada@example.org", "bob@example.org"]
    assert "\n" not in sent.subject and "\r" not in sent.subject and sent.bcc == []
    assert str(notice().key) in sent.extra_headers["Message-ID"]


@pytest.mark.django_db
def test_where_apprise_is_missing_it_says_how_to_install_it(settings, monkeypatch):
    settings.PHOTONEST_ALERT_APPRISE = ["json://127.0.0.1:1/"]
    monkeypatch.setitem(sys.modules, "apprise", None)
    put()

    outbox.deliver()

    assert notice().state == "given_up"
    assert "pip install -r requirements-extra.txt" in notice().trouble


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its own imports
def test_apprise_tells_its_own_targets(settings):
    with receiver(says(200)) as server:
        settings.PHOTONEST_ALERT_APPRISE = [f"json://127.0.0.1:{server.server_port}/hook"]
        apprise.send(TOLD, KEY)

    ((_, _, body),) = server.got
    assert json.loads(body)["title"] == "[high] No worker is alive."


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its own imports
def test_apprise_that_cannot_deliver_says_so(settings):
    settings.PHOTONEST_ALERT_APPRISE = ["json://127.0.0.1:1/"]
    with pytest.raises(Undelivered) as failure:
        apprise.send(TOLD, KEY)
    assert not isinstance(failure.value, Refused)

    settings.PHOTONEST_ALERT_APPRISE = ["nonsense"]
    with pytest.raises(Refused, match="PHOTONEST_ALERT_APPRISE"):
        apprise.send(TOLD, KEY)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of localhost that nobody has signed but itself, with its key."""
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", path, "-out", path]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    return path


@contextmanager
def secure_receiver(certificate):
    with receiver(says(200)) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server


def test_a_certificate_that_nobody_vouches_for_is_refused(settings, certificate):
    with secure_receiver(certificate) as server:
        settings.PHOTONEST_ALERT_WEBHOOK = f"https://localhost:{server.server_port}/"
        with pytest.raises(Undelivered, match="certificate verify failed"):
            webhook.send(TOLD, KEY)

    assert server.got == []


def test_a_certificate_is_that_of_the_name_and_not_of_the_address(
    settings, certificate, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with secure_receiver(certificate) as server:
        settings.PHOTONEST_ALERT_WEBHOOK = f"https://localhost:{server.server_port}/"
        webhook.send(TOLD, KEY)
        settings.PHOTONEST_ALERT_WEBHOOK = f"https://127.0.0.1:{server.server_port}/"
        with pytest.raises(Undelivered, match="certificate verify failed"):
            webhook.send(TOLD, KEY)

    assert len(server.got) == 1


def test_a_resolver_that_hangs_is_not_waited_for(settings, monkeypatch, quick):
    settings.PHOTONEST_ALERT_WEBHOOK = "https://slow.example.org/"
    over, made = threading.Event(), connections(monkeypatch)
    found = [(socket.AF_INET, 1, 6, "", ("8.8.8.8", 443))]
    monkeypatch.setattr(targets.socket, "getaddrinfo", lambda *_, **__: over.wait(20) and found)
    began = time.monotonic()

    with pytest.raises(Undelivered, match="in time"):
        webhook.send(TOLD, KEY)

    assert time.monotonic() - began < 3
    over.set()
    wait_for(lambda: not any(thread.name == "bounded" for thread in threading.enumerate()))
    assert made == []  # what was given up is not sent later


def test_a_mail_server_that_hangs_is_not_waited_for(settings, monkeypatch):
    settings.PHOTONEST_ALERT_EMAILS = ["ada@example.org"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    monkeypatch.setattr(email, "WHOLE_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        settings.EMAIL_TIMEOUT = 2
        began = time.monotonic()
        with pytest.raises(Undelivered, match="did not answer"):
            email.send(TOLD, KEY)

        assert time.monotonic() - began < 3


def test_no_proxy_connects_in_our_place(settings, monkeypatch):
    with receiver(says(200)) as proxy, receiver(says(200)) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        send(settings, server)

    assert (len(proxy.got), len(server.got)) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_tells_a_real_receiver_of_a_real_failure(desk, inbox, worker):
    (inbox / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    with receiver(says(200)) as server:
        desk.environment |= {
            "PHOTONEST_ALERT_WEBHOOK": server.url,
            "PHOTONEST_ALERT_WEBHOOK_SECRET": SECRET,
            "PHOTONEST_ALERT_HOSTS": "127.0.0.1",
        }
        desk.import_photos(inbox, status=1)
        assert [told(one) for one in server.got] == [FAILED]  # by the import, as there is no beat
        desk.manage("import_item", "1", "dismiss", "--reason", "Not needed.")
        worker("--queues", "sweeps")
        desk.call("local_import.evaluate_alerts")
        wait_for(lambda: len(server.got) == 2)
        listed = json.loads(desk.manage("alerts", "list", "--all", "--json").stdout)

    assert told(server.got[1]) == FAILED.replace("[medium]", "[resolved]")
    assert [one["state"] for one in listed["alerts"]] == ["resolved"]
    assert listed["undelivered"] == []


FAILED = "[medium] Session 1 has failed: 1 of its files could not be imported (damaged)."


def told(request):
    return json.loads(request[2])["text"]
