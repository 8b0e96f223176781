"""People who use an installation, for Locust: they sign in, ask, list, upload and chat.

    LOAD_KEY=cw_... LOAD_PROFILE=hundred locust -f deploy/load/locustfile.py \
        --headless --host https://citewell.example.org --html load.html

Without `LOAD_PROFILE` Locust's own options say how many people there are (`-u`, `-r`, `-t`). See
docs/guide/deployment.md for what has to be set at the server first.
"""

import os
import random
import time
import uuid
from collections.abc import Iterator
from itertools import cycle
from typing import Any, ClassVar

import gevent
from gevent.lock import Semaphore
from locust import HttpUser, LoadTestShape, between, task

API = "/api/v1"

ACCOUNTS = int(os.environ.get("LOAD_ACCOUNTS", "10"))
"""Accounts that people share: an address may sign in only so often."""

PASSWORD = "seven otters rowing uphill 27"

QUESTIONS = (
    "How many days of annual leave do employees get?",
    "Who approves travel expenses?",
    "When does the office close?",
    "What is the notice period?",
    "Which documents does a new employee need?",
    "How long are invoices kept?",
    "Nhân viên được nghỉ phép bao nhiêu ngày một năm?",
)

PROFILES: dict[str, tuple[tuple[float, int], ...]] = {
    "hundred": ((60, 100), (600, 100)),
    "stress": tuple((step * 120.0, step * 50) for step in range(1, 11)),
    "soak": ((120, 50), (3_600, 50)),
    "spike": ((60, 20), (70, 300), (190, 300), (200, 20), (320, 20)),
    "try": ((5, 10), (20, 10)),
}
"""Seconds from the start, and people by then; between two points their number grows evenly."""


RENEW_SECONDS = 120.0
"""Time before a token ends at which its account signs in anew: no request takes longer."""


class Account:
    """Somebody who is registered, with the token of the last time they signed in."""

    def __init__(self, client: Any) -> None:
        """Invite them with the operator's key and take the invitation up."""
        self._lock = Semaphore()
        self._token, self._ends_at = "", 0.0
        email = f"load-{uuid.uuid4().hex[:12]}@example.org"
        key = {"Authorization": f"Bearer {os.environ['LOAD_KEY']}"}
        body = {"email": email, "role": "manager"}
        made = client.post(f"{API}/users", json=body, headers=key, name="invite")
        self._person = {"email": email, "password": PASSWORD}
        invited = {**self._person, "invitation": made.json()["invitation"]}
        client.post(f"{API}/auth/register", json=invited, name="register").raise_for_status()

    def token(self, client: Any) -> tuple[str, float]:
        """An access token, and the seconds until another one is to be asked for."""
        with self._lock:
            now = time.monotonic()
            if now >= self._ends_at:
                reply = client.post(f"{API}/auth/login", json=self._person, name="sign in").json()
                self._token = reply["access_token"]
                self._ends_at = now + max(reply["expires_in"] - RENEW_SECONDS, 1)
            return self._token, self._ends_at - now


class Accounts:
    """Accounts, made when they are first needed."""

    def __init__(self) -> None:
        self._lock = Semaphore()
        self._made: list[Account] = []
        self._turn: Iterator[int] = cycle(range(ACCOUNTS))

    def next(self, client: Any) -> Account:
        """The account whose turn it is."""
        with self._lock:
            if not self._made:
                self._made = [Account(client) for _ in range(ACCOUNTS)]
            return self._made[next(self._turn)]


SHARED = Accounts()


class Person(HttpUser):
    """Somebody who is signed in; about one request a second for all kinds together."""

    abstract = True
    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        """Sign in, and again before the token ends."""
        self.account = SHARED.next(self.client)
        left = self._sign_in()
        self._renewals = gevent.spawn(self._sign_in_again, left)

    def on_stop(self) -> None:
        """Sign in no more."""
        self._renewals.kill()

    def _sign_in(self) -> float:
        token, left = self.account.token(self.client)
        self.client.headers["Authorization"] = f"Bearer {token}"
        return left

    def _sign_in_again(self, left: float) -> None:
        while True:
            gevent.sleep(left)
            left = self._sign_in()


class Reader(Person):
    """Asks, searches and looks around."""

    weight: ClassVar[int] = 8

    @task(5)
    def ask(self) -> None:
        """Ask something that others ask too."""
        self.client.post(f"{API}/query", json={"query": random.choice(QUESTIONS)})

    @task(2)
    def ask_anew(self) -> None:
        """Ask what nobody has asked, so that no cache knows it."""
        question = f"{random.choice(QUESTIONS)} (case {random.randrange(10**9)})"
        self.client.post(f"{API}/query", json={"query": question}, name=f"{API}/query (new)")

    @task(2)
    def search(self) -> None:
        """Look for passages."""
        self.client.post(f"{API}/search", json={"query": random.choice(QUESTIONS)})

    @task(2)
    def list_documents(self) -> None:
        """Look through the library and open a document."""
        reply = self.client.get(f"{API}/documents")
        found = reply.json().get("data", []) if reply.ok else []
        if found:
            one = random.choice(found)["id"]
            self.client.get(f"{API}/documents/{one}", name=f"{API}/documents/ID")


class Uploader(Person):
    """Hands in a note every ten seconds and waits until it is found."""

    weight: ClassVar[int] = 1
    wait_time = between(5, 15)

    @task
    def upload(self) -> None:
        """Upload, and follow the job."""
        name = uuid.uuid4().hex[:12]
        text = f"Note {name}. " + "The shelf in the hall is looked after daily. " * 40
        reply = self.client.post(
            f"{API}/documents/upload", files={"files": (f"note-{name}.txt", text.encode())}
        )
        if not reply.ok:
            return
        job = reply.json()["documents"][0]["job_id"]
        for _ in range(60):
            state = self.client.get(f"{API}/jobs/{job}", name=f"{API}/jobs/ID")
            if state.ok and state.json()["status"] in ("succeeded", "failed", "cancelled"):
                return
            gevent.sleep(1)


class Chatter(Person):
    """Has a conversation and reads the answers as they are written."""

    weight: ClassVar[int] = 2

    def on_start(self) -> None:
        """Sign in and begin a conversation."""
        super().on_start()
        self._begin()

    def _begin(self) -> None:
        reply = self.client.post(f"{API}/conversations", json={"title": "Load"})
        self.conversation = reply.json().get("id") if reply.ok else None

    @task
    def chat(self) -> None:
        """Ask, and read to the end."""
        body = {"query": random.choice(QUESTIONS), "conversation_id": self.conversation}
        with self.client.post(
            f"{API}/query/stream", json=body, stream=True, catch_response=True
        ) as reply:
            text = b"".join(reply.iter_content(None))
            if reply.status_code == 409 and b"conversation_full" in text:
                reply.success()  # as it should be, after an hour of questions
                self._begin()
            elif reply.ok and b"event: done" not in text:
                reply.failure("the stream ended without `done`")


if profile := os.environ.get("LOAD_PROFILE"):

    class Profile(LoadTestShape):
        """The number of people over time, as the profile has it."""

        points: ClassVar[tuple[tuple[float, int], ...]] = PROFILES[profile]

        def tick(self) -> tuple[int, float] | None:
            """People now and how many begin a second; None: it is over."""
            now, before = self.get_run_time(), (0.0, 0)
            for point in self.points:
                if now < point[0]:
                    share = (now - before[0]) / (point[0] - before[0])
                    return max(1, round(before[1] + share * (point[1] - before[1]))), 50
                before = point
            return None
