"""A signed-in browser without scripts: pages and commands by plain HTTP, and a stream of live documents."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar

from tests.e2e.rig.centre import Centre, Document


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


def signed_in(centre: Centre, username: str) -> CookieJar:
    """The cookies of a browser in which ``username`` has just filled in the login form."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), _NoRedirect)
    with opener.open(centre.url + "/login", timeout=10) as page:
        form = {"csrf_token": _token(page.read().decode()), "username": username, "password": centre.logins[username]}
    try:
        opener.open(centre.url + "/login", urllib.parse.urlencode(form).encode(), timeout=10).close()
    except urllib.error.HTTPError as answer:
        with answer:
            if answer.code == 303:
                return jar
    raise AssertionError(f"{username} could not sign in")


class Visitor:
    def __init__(self, centre: Centre, username: str) -> None:
        self._url = centre.url
        centre.set_locale(username, "en")
        jar = signed_in(centre, username)
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self._opener.addheaders = [("Accept-Language", "en")]
        self._csrf = _token(self.get("/orders")[1])

    def get(self, path: str) -> tuple[int, str]:
        return self._open(urllib.request.Request(self._url + path))

    def command(self, op: str) -> tuple[int, Document]:
        headers = {"Content-Type": "application/json", "X-CSRFToken": self._csrf}
        request = urllib.request.Request(self._url + "/desktop/command", json.dumps({"op": op}).encode(), headers)
        status, text = self._open(request)
        return status, json.loads(text)

    def stream(self) -> Iterator[str]:
        """Lines of ``/events`` until the iterator is closed."""
        with self._opener.open(self._url + "/events", timeout=30) as reply:
            for line in reply:
                yield line.decode()

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def _token(page: str) -> str:
    found = re.search(r'csrf[-_]token"[^>]*?(?:value|content)="([^"]+)"', page)
    assert found, f"no token in {page[:300]}"
    return found[1]
