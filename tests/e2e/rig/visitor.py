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


class Visitor:
    def __init__(self, centre: Centre, username: str) -> None:
        self._url = centre.url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._opener.addheaders = [("Accept-Language", "en")]
        centre.set_locale(username, "en")
        form = {"csrf_token": self._token("/login"), "username": username, "password": centre.logins[username]}
        status, text = self._open(urllib.request.Request(self._url + "/login", urllib.parse.urlencode(form).encode()))
        assert status == 200, text
        self._csrf = self._token("/orders")

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

    def _token(self, path: str) -> str:
        found = re.search(r'csrf[-_]token"[^>]*?(?:value|content)="([^"]+)"', self.get(path)[1])
        assert found, f"no token in {path}"
        return found[1]

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
