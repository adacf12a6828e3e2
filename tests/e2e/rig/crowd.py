"""The SIP phones and callers of one test, all let go at its end however it ends."""

from __future__ import annotations

import contextlib

from tests.e2e.rig.centre import Centre
from tests.e2e.rig.sip import SipPhone


class Crowd:
    """``async with Crowd(centre) as crowd``: ``await crowd.phone("1001")``, ``await crowd.caller("13900000001")``."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self._made: list[SipPhone] = []

    async def __aenter__(self) -> Crowd:
        return self

    async def __aexit__(self, *_: object) -> None:
        for each in self._made:
            each.hang_up()
            if each.secret:  # the next test's phone of this number shall not be rung at the place of this one
                with contextlib.suppress(AssertionError):
                    await each.register(0)
            each.close()

    async def phone(self, number: str, switch: str = "") -> SipPhone:
        """A registered SIP phone of agent ``number``, at the first switch or the one named."""
        phone = await self.centre.phone(number, switch)
        self._made.append(phone)
        return phone

    async def caller(self, number: str, name: str = "Demo Caller", switch: str = "") -> SipPhone:
        """Somebody outside, who calls the first switch or the one named."""
        caller = await self.centre.caller(number, name, switch)
        self._made.append(caller)
        return caller
