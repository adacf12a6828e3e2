"""Where a call goes: service numbers, menus, and the numbers people dial inside."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cti.domain.calls import Call, CallPhase
from cti.domain.config.routes import MenuConfig, RouteTarget, TargetKind
from cti.domain.dialogues import MenuPosition
from cti.domain.errors import BadRequest, CallyardError
from cti.domain.ids import new_id
from cti.domain.legs import Audio, Leg, LegKind
from cti.domain.switch.commands import Answer, Play
from cti.domain.switch.events import PlayEnd
from cti.domain.switch.terms import Cause
from cti.services.acd import Acd
from cti.services.callbacks import Callbacks
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.groups import Groups
from cti.services.rules import Decision, decide
from cti.services.survey import Survey
from cti.services.voicemail import Voicemail
from cti.services.ways_out import taken, way_out

_OUTSIDE = re.compile(r"^\+?[0-9*#]{2,32}$")
MAX_MENU_STEPS = 20
OUTSIDE_RING = 60.0
PROMPT_DEADLINE = 120.0
"""Seconds after which a menu goes on without the word that its prompt ended."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A number resolved: exactly one of ``agent_id``, ``queue_id``, ``outside`` is set."""

    agent_id: str = ""
    queue_id: str = ""
    outside: str = ""


def resolve(centre: Centre, number: str) -> Destination:
    """What a dialled number means. Raises ``BadRequest`` for one that means nothing."""
    dialled = re.sub(r"[\s().-]", "", number)
    agent = centre.agent_by_number(dialled)
    if agent is not None:
        return Destination(agent_id=agent.agent_id)
    queue = centre.queue_by_number(dialled)
    if queue is not None:
        return Destination(queue_id=queue.config.id)
    if _OUTSIDE.match(dialled):
        return Destination(outside=dialled)
    raise BadRequest("this is no phone number", number=number[:40])


class Routing:
    """Takes callers from the first ring through the menus into a queue."""

    def __init__(self, centre: Centre, control: CallControl, acd: Acd) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd
        self.voicemail = Voicemail(centre, control, self.say_and_end)
        self.callbacks = Callbacks(centre, control, acd, self.say_and_end)
        self.survey = Survey(centre, control, self.say_and_end)
        self.groups = Groups(centre, control, acd, self._after_group)

    # ------------------------------------------------------------ the first decision

    def caller_offered(self, call: Call, leg: Leg) -> None:
        """Answer a caller for whom there is something to do; tell the others the number is not in use."""
        decision = self._decide(call)
        call.priority = decision.priority
        if decision.target is None or not self.exists(decision.target):
            self._control.hangup_all(call, Cause.UNALLOCATED, "system")
        elif decision.target.kind is TargetKind.HANGUP and not decision.say:
            self._control.hangup_all(call, Cause.REJECTED, "system")
        else:
            self._centre.command(call, Answer(leg.channel))
            self._centre.start_timer(f"ring:{leg.channel}", 10.0)

    def caller_answered(self, call: Call) -> None:
        decision = self._decide(call)
        target = decision.target or RouteTarget(TargetKind.HANGUP)
        if not decision.say:
            self.route(call, target)
        elif target.kind is TargetKind.HANGUP:
            self.say_and_end(call, decision.say)
        elif call.customer is not None:
            call.saying = new_id(self._centre.now)
            self._play(call, call.customer, (decision.say,), call.saying, barge_in=False)
            self._centre.start_timer(f"said:{call.call_id}", PROMPT_DEADLINE)

    def said(self, call: Call) -> None:
        """What was to be said first has been said, or nobody tells that it was."""
        if call.saying:
            call.saying = ""
            self._centre.stop_timer(f"said:{call.call_id}")
            self.route(call, self._decide(call).target or RouteTarget(TargetKind.HANGUP))

    def _decide(self, call: Call) -> Decision:
        centre = self._centre
        return decide(centre.config, call.dnis, call.ani, call.created_at, centre.zone, call.trunk)

    def exists(self, target: RouteTarget) -> bool:
        if target.kind is TargetKind.MENU:
            return self._menu(target.id) is not None
        if target.kind in (TargetKind.QUEUE, TargetKind.VOICEMAIL):
            return target.id in self._centre.queues
        if target.kind is TargetKind.OUTSIDE:
            return _OUTSIDE.match(target.id) is not None
        if target.kind is TargetKind.GROUP:
            return self.groups.find(target.id) is not None
        return target.kind is TargetKind.HANGUP or target.id in self._centre.agents

    def route(self, call: Call, target: RouteTarget) -> None:
        if target.kind is TargetKind.MENU and (menu := self._menu(target.id)) is not None:
            self._enter_menu(call, menu)
        elif target.kind is TargetKind.QUEUE and target.id in self._centre.queues:
            self._acd.enqueue(call, target.id)
        elif target.kind is TargetKind.VOICEMAIL:
            self.voicemail.begin(call, target.id)
        elif target.kind is TargetKind.GROUP:
            self.groups.begin(call, target.id)
        elif not self._rings(call, target):
            self.say_and_end(call, "goodbye")

    def _after_group(self, call: Call, target: RouteTarget) -> None:
        """Nobody of a ring group has taken the call."""
        if target.kind is TargetKind.HANGUP or not self.exists(target):
            self.say_and_end(call, "no_agent")
        else:
            self._centre.log_call("diverted", call, "group_no_answer")
            self.route(call, target)

    def _rings(self, call: Call, target: RouteTarget) -> bool:
        if target.kind is TargetKind.OUTSIDE:
            return self._ring_outside(call, target.id)
        return target.kind is TargetKind.AGENT and self._ring_agent(call, target.id)

    def _ring_agent(self, call: Call, agent_id: str) -> bool:
        agent = self._centre.agents.get(agent_id)
        if agent is None or not self._centre.can_be_offered(agent, call):
            return False
        call.phase = CallPhase.OFFERED
        customer = call.customer
        if customer is not None:
            self._control.hear(call, customer, Audio.MUSIC)
        return self._acd.offer(call, agent) is not None

    def _ring_outside(self, call: Call, number: str) -> bool:
        """By a trunk; who does not answer gives the call back to its queue."""
        customer = call.customer
        try:
            way = way_out(self._centre, call.switch, number, call=call)
        except CallyardError:
            return False
        if customer is not None:
            call.phase = CallPhase.CONNECTED
            self._control.hear(call, customer, Audio.MUSIC)
            taken(self._centre, way)
            leg = self._centre.new_leg(call, LegKind.OUTSIDE, number=number, trunk=way.trunk)
            self._control.originate(call, leg, way.target, caller=way.caller, ring=OUTSIDE_RING)
        return True

    def say_and_end(self, call: Call, token: str) -> None:
        """A last sentence, then hang up; the hang-up has a deadline of its own."""
        customer = call.customer
        if customer is None:
            return
        call.goodbye, call.menu = new_id(self._centre.now), None
        self._play(call, customer, (token,), call.goodbye, barge_in=False)
        self._centre.start_timer(f"bye:{call.call_id}", 15.0)

    # ------------------------------------------------------------ menus

    def _menu(self, menu_id: str) -> MenuConfig | None:
        return next((m for m in self._centre.config.menus if m.id == menu_id), None)

    def _enter_menu(self, call: Call, menu: MenuConfig) -> None:
        again = call.menu is not None and call.menu.menu_id == menu.id
        tries = call.menu.tries if call.menu is not None and again else 0
        call.phase = CallPhase.MENU
        call.menu = MenuPosition(menu.id, tries, steps=call.menu.steps if call.menu is not None else 0)
        if not call.digits:
            call.language = menu.language
        self._control.remember(call)
        greeting = () if again or not menu.greeting else (menu.greeting,)
        self._prompt(call, (*greeting, menu.prompt))

    def _prompt(self, call: Call, tokens: tuple[str, ...]) -> None:
        customer = call.customer
        if customer is not None and call.menu is not None:
            call.menu.play_id = new_id(self._centre.now)
            self._play(call, customer, tokens, call.menu.play_id, barge_in=True)
            self._centre.start_timer(f"menu:{call.call_id}", PROMPT_DEADLINE)

    def _play(self, call: Call, leg: Leg, tokens: tuple[str, ...], play_id: str, *, barge_in: bool) -> None:
        leg.wants, leg.music_on = Audio.PROMPT, False
        prompts = tuple(f"{call.language}/{token}" for token in tokens)
        self._centre.command(call, Play(leg.channel, prompts, play_id, barge_in))

    def play_finished(self, call: Call, play_id: str, reason: PlayEnd) -> None:
        if call.goodbye == play_id:
            self._control.hangup_all(call, Cause.NORMAL, "system")
        elif call.saying == play_id:
            self.said(call)
        elif call.announcing == play_id:
            self._acd.announced(call)
        elif self.voicemail.played(call, play_id) or self.callbacks.played(call, play_id):
            pass
        elif call.question is not None:
            self.survey.played(call, play_id, reason)
        elif call.menu is not None and call.menu.play_id == play_id and reason is not PlayEnd.DIGIT:
            menu = self._menu(call.menu.menu_id)
            self._centre.start_timer(f"menu:{call.call_id}", menu.timeout if menu else 1.0)

    def digit(self, call: Call, digit: str) -> None:
        """A key in a menu, a message, a queue or after the talk; keys at any other time belong to the conversation."""
        if call.phase is CallPhase.VOICEMAIL:
            self.voicemail.digit(call, digit)
            return
        if call.phase is CallPhase.QUEUED:
            self.callbacks.digit(call, digit)
            return
        if call.phase is CallPhase.SURVEY:
            self.survey.digit(call, digit)
            return
        if call.menu is None or call.phase is not CallPhase.MENU:
            return
        menu = self._menu(call.menu.menu_id)
        self._centre.stop_timer(f"menu:{call.call_id}")
        call.digits = (call.digits + digit)[-32:]
        option = menu.options.get(digit) if menu is not None else None
        if menu is None or option is None:
            self._wrong(call, "invalid_key")
            return
        call.language = menu.languages.get(digit, call.language)
        self._centre.log_call("digitsDialed", call)
        self._go_on(call, call.menu, option)

    def _go_on(self, call: Call, position: MenuPosition, target: RouteTarget) -> None:
        """Where a menu leads to; menus that lead to each other come to an end."""
        position.steps += 1
        if position.steps > MAX_MENU_STEPS:
            self.say_and_end(call, "goodbye")
        else:
            self.route(call, target)

    def menu_timer(self, call: Call) -> None:
        if call.menu is not None and call.phase is CallPhase.MENU:
            self._wrong(call, "no_key")

    def _wrong(self, call: Call, token: str) -> None:
        position = call.menu
        menu = self._menu(position.menu_id) if position is not None else None
        if position is None or menu is None:
            self.say_and_end(call, "goodbye")
            return
        position.tries += 1
        if position.tries < menu.tries:
            self._prompt(call, (token, menu.prompt))
        else:
            self._go_on(call, position, menu.otherwise)
