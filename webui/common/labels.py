"""What codes of the store and the engine are called in the user's language. Must not know any page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import partial
from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from jinja2 import pass_context
from jinja2.runtime import Context
from wtforms.fields.choices import SelectChoice

from webui.common import order_words

LABELS: dict[str, dict[str, Any]] = {
    "payment": {
        "cash_on_delivery": _("Cash on delivery"),
        "online": _("Online payment"),
        "bank_transfer": _("Bank transfer"),
    },
    "delivery": {
        "express": _("Courier"),
        "ems": _("Express mail (EMS)"),
        "post": _("Ordinary mail"),
        "pickup": _("Picked up"),
    },
    "line_kind": {
        "sale": _("Sold"),
        "gift": _("Gift"),
        "part": _("Part of a bundle"),
        "redeemed": _("With points"),
    },
    "movement": {
        "in": _("Goods in"),
        "out": _("Goods out"),
        "transfer": _("Moved between warehouses"),
        "count": _("Count"),
        "reserve": _("Reserved"),
        "release": _("Set free"),
        "ship": _("Dispatched"),
        "return": _("Came back"),
    },
    "point_kind": {
        "earn": _("Earned"),
        "activity": _("Activity"),
        "redeem": _("Spent"),
        "give_back": _("Given back"),
        "take_back": _("Taken back"),
        "expire": _("Expired"),
        "adjust": _("Corrected"),
    },
    "point_rule": {
        "spend": _("By money spent"),
        "product": _("By product"),
        "activity": _("By activity"),
    },
    "sex": {"unknown": _("Not stated"), "female": _("Female"), "male": _("Male")},
    "likely": {
        "phone": _("same phone number"),
        "email": _("same e-mail"),
        "id_number": _("same ID number"),
        "address": _("same name and address"),
    },
    "customer_field": {
        "name": _("Full name"),
        "sex": _("Sex"),
        "birthday": _("Birthday"),
        "id_number": _("ID number"),
        "email": _("E-mail"),
        "source": _("Source"),
        "category": _("Category"),
        "level": _("Level"),
        "remarks": _("Remarks"),
    },
    "table": {
        "orders": _("Orders"),
        "call_notes": _("Calls"),
        "tasks": _("Tasks"),
        "callback_tickets": _("Callbacks"),
    },
    "phone_label": {"mobile": _("Mobile"), "home": _("Home"), "work": _("Work"), "other": _("Other")},
    "level": {"normal": _("Regular"), "silver": _("Silver"), "gold": _("Gold"), "vip": _("VIP")},
    "category": {"person": _("Person"), "company": _("Company")},
    "source": {
        "tv": _("Television"),
        "web": _("Web site"),
        "phone": _("By phone"),
        "friend": _("Recommended"),
        "other": _("Other"),
    },
    "call_type": {"normal": _("Normal"), "silent": _("Silent"), "dropped": _("Dropped")},
    "business_type": {
        "callback": _("Callback"),
        "order": _("Ordering"),
        "consultation": _("Consultation"),
        "complaint": _("Complaint"),
        "harassment": _("Harassment"),
    },
    "direction": {"inbound": _("Inbound"), "outbound": _("Outbound"), "internal": _("Internal")},
    "outcome": {
        "answered": _("Answered"),
        "abandoned": _("Abandoned"),
        "no_answer": _("No answer"),
        "live": _("In progress"),
    },
    "role": {"admin": _("Administrator"), "supervisor": _("Supervisor"), "agent": _("Agent")},
    "operator": {
        "is": _("is"),
        "is_not": _("is not"),
        "contains": _("contains"),
        "begins": _("begins with"),
        "less": _("less than"),
        "most": _("at most"),
        "more": _("more than"),
        "least": _("at least"),
        "between": _("between"),
        "before": _("before"),
        "since": _("since"),
        "last_days": _("in the last … days"),
        "empty": _("is empty"),
        "filled": _("is filled in"),
        "yes": _("is yes"),
        "no": _("is no"),
    },
    "query_group": {
        "all": _("all of these hold"),
        "any": _("any of these holds"),
        "orders": _("has orders for which all of these hold"),
        "no_orders": _("has no order for which all of these hold"),
        "tickets": _("has callback tickets for which all of these hold"),
        "no_tickets": _("has no callback ticket for which all of these hold"),
    },
    "field_kind": {
        "text": lazy_pgettext("kind of field", "Text"),
        "number": lazy_pgettext("kind of field", "Number"),
        "date": _("Date"),
        "choice": _("Choice"),
        "yes_no": _("Yes or no"),
    },
    "transfer_state": {
        "reading": _("Being read"),
        "mapping": _("Columns to be named"),
        "checking": lazy_pgettext("import", "Being checked"),
        "checked": _("Checked"),
        "running": _("Running"),
        "done": _("Done"),
        "failed": _("Failed"),
        "cancelled": _("Stopped"),
        "interrupted": _("Interrupted"),
    },
    "import_outcome": {
        "new": _("new"),
        "change": _("is changed"),
        "skip": _("skipped"),
        "wrong": _("wrong"),
    },
    "return_reason": {
        "quality": _("Faulty"),
        "not_as_shown": _("Not as shown"),
        "wrong_item": _("Wrong goods sent"),
        "too_late": _("Came too late"),
        "changed_mind": _("Does not want it any more"),
        "refused": _("Refused at the door"),
    },
    "scope": {"own": _("Own"), "group": _("Department"), "all": _("All")},
    "data_kind": {
        "customers": _("Customers"),
        "orders": _("Orders"),
        "tickets": _("Callback tickets"),
        "calls": _("Calls"),
    },
    "phone_kind": {"web": _("Browser phone"), "sip": _("SIP phone"), "outside": _("Outside number")},
    "leg_kind": {
        "customer": _("Customer"),
        "agent": _("Agent"),
        "consulted": _("Consulted"),
        "outside": _("Outside number"),
        "supervisor": _("Supervisor"),
    },
    "rating": {"1": _("Very satisfied"), "2": _("Satisfied"), "3": _("Not satisfied")},
    "ended_by": {"customer": _("Customer"), "agent": _("Agent"), "system": _("System"), "supervisor": _("Supervisor")},
    "transfer": {
        "blind": _("Blind transfer"),
        "consult": _("Transfer after consultation"),
        "intercept": _("Taken over"),
        "conference": _("Conference"),
        "taken_back": _("taken back"),
        "completed": _("completed"),
        "failed": _("failed"),
    },
    "agent_state": {
        "loggedOff": _("Signed off"),
        "notReady": _("Busy"),
        "ready": _("Ready"),
        "reserved": _("Being called"),
        "alerting": _("Ringing"),
        "talking": _("Talking"),
        "hold": _("On hold"),
        "workingAfterCall": _("Wrap-up"),
    },
    "cause": {
        "normal": _("Normal"),
        "busy": _("Engaged"),
        "no_answer": _("No answer"),
        "rejected": _("Rejected"),
        "unallocated": _("No such number"),
        "congestion": _("Network congestion"),
        "cancelled": _("Given up"),
        "media_lost": _("Sound was lost"),
        "unreachable": _("Phone not reachable"),
        "failed": _("Failed"),
    },
    "strategy": {
        "longest_idle": _("Longest idle"),
        "fewest_calls": _("Fewest calls"),
        "least_talk": _("Least talk time"),
        "random": _("By chance"),
        "sequential": _("In order"),
        "round_robin": _("Round robin"),
        "weighted": _("By weight"),
        "most_skilled": _("Most skilled"),
        "ring_all": _("Ring all"),
    },
    "strategy_hint": {
        "longest_idle": _("Whoever has been free for the longest time is called."),
        "fewest_calls": _("Whoever has had the fewest calls today is called."),
        "least_talk": _("Whoever has talked the least today is called."),
        "random": _("Any free agent is called, by lot."),
        "sequential": _("Always the first free agent of the list: the smallest rank."),
        "round_robin": _("The next free agent of the list after the one called last."),
        "weighted": _("Calls are shared out by weight: twice the weight, twice the calls."),
        "most_skilled": _("The best in the skills asked for; among equals whoever has been free longest."),
        "ring_all": _("Everybody who is free rings at once; whoever answers first has the caller."),
    },
    "trunk_kind": {
        "carrier": _("Carrier"),
        "pbx": _("Asterisk or FreePBX"),
        "freeswitch": _("FreeSWITCH or FusionPBX"),
        "gateway": _("Gateway box"),
    },
    "trunk_state": {
        "up": _("Up"),
        "registering": _("Registering"),
        "rejected": _("Refused"),
        "down": _("Does not answer"),
        "unknown": _("Not known"),
        "no_switch": _("Switch away"),
    },
    "trunk_hint": {
        "registering": _("Wait a moment. If it stays so, check host, port, transport and the firewall."),
        "rejected": _(
            "User name or password were refused: type them anew, and look for a separate authentication user."
        ),
        "down": _("Nothing comes back. Check host, port and firewalls, and that the other side knows our address."),
        "unknown": _("Nobody asks whether it is there. A test call shows whether it works."),
        "no_switch": _("There is no connection to this switch now."),
    },
    "transport": {"udp": "UDP", "tcp": "TCP", "tls": "TLS"},
    "dtmf": {"rfc2833": "RFC 2833", "info": "SIP INFO", "inband": _("Tones in the voice")},
    "did_from": {
        "request": _("The request line"),
        "to": _("The header To"),
        "fixed": _("Nowhere: every call reaches one number"),
    },
    "caller_id": {
        "fixed": _("Always the same"),
        "own": _("The agent's or queue's service number"),
        "caller": _("The caller's own, when a call is passed on"),
    },
    "caller_in": {"from": "From", "pai": "P-Asserted-Identity", "both": _("Both")},
    "trunk_test": {
        "dialling": _("Calling"),
        "ringing": _("Rings"),
        "answered": _("Answered"),
        "done": _("It works: the call was answered"),
        "failed": _("The call did not get through"),
    },
    "overflow": {
        "waited": _("Has waited here (s)"),
        "length": _("So many wait before"),
        "no_agents": _("No agent signed in"),
        "predicted": _("Expected wait above (s)"),
        "service_level": _("Service level below (per cent)"),
    },
    "target": {
        "menu": _("Menu"),
        "queue": _("Queue"),
        "agent": _("Agent"),
        "voicemail": _("Voicemail"),
        "group": _("Ring group"),
        "outside": _("Outside number"),
        "callback": _("Offer of a callback"),
        "hangup": _("Hang up"),
    },
    "message_state": {"new": _("To do"), "done": _("Done")},
    "ticket_state": {
        "open": _("To call back"),
        "done": _("Done"),
        "reached": _("Reached since"),
        "ordered": _("Ordered"),
        "cancelled": _("Does not want it"),
        "complaint": _("Complaint or question"),
        "expired": _("Not settled in time"),
    },
    "hook_state": {"waiting": lazy_pgettext("webhook", "Waiting"), "done": _("Delivered"), "dead": _("Given up")},
    "medium_kind": {
        "tv": _("Television"),
        "radio": _("Radio"),
        "paper": _("Newspaper"),
        "web": _("Internet"),
        "other": _("Other"),
    },
    "ticket_step": {
        "made": _("Noted"),
        "changed": _("Noted again"),
        "held": _("Taken in hand"),
        "released": _("Given back"),
        "unreachable": _("Not reached"),
        "opened": _("Opened again"),
        "done": _("Done"),
        "reached": _("Reached since"),
        "ordered": _("Ordered"),
        "cancelled": _("Does not want it"),
        "complaint": _("Complaint or question"),
        "expired": _("Closed: not settled in time"),
    },
    "weekday": {
        "1": _("Monday"),
        "2": _("Tuesday"),
        "3": _("Wednesday"),
        "4": _("Thursday"),
        "5": _("Friday"),
        "6": _("Saturday"),
        "7": _("Sunday"),
    },
    "day_kind": {
        "closed": _("Day off"),
        "1": _("Worked as a Monday"),
        "2": _("Worked as a Tuesday"),
        "3": _("Worked as a Wednesday"),
        "4": _("Worked as a Thursday"),
        "5": _("Worked as a Friday"),
        "6": _("Worked as a Saturday"),
        "7": _("Worked as a Sunday"),
    },
    "open_because": {
        "override": _("forced by hand"),
        "closed_day": _("closed day"),
        "hours": _("within the hours"),
        "out_of_hours": _("out of hours"),
    },
    "trunk_order": {
        "sequential": _("The first of the list"),
        "round_robin": _("The one after the last used"),
        "random": _("Any, by lot"),
    },
    "ring_order": {"at_once": _("All at once"), "one_by_one": _("One after the other")},
    "member": {
        "agent": _("Agent, while ready"),
        "phone": _("Phone, also while signed off"),
        "outside": _("Outside number"),
    },
    "when": {"always": _("Always"), "open": _("While open"), "closed": _("While closed")},
    "audit": {
        "calendar.create": _("Calendar created"),
        "calendar.change": _("Calendar changed"),
        "calendar.delete": _("Calendar removed"),
        "calendar.override": _("Calendar forced open or closed"),
        "rule.create": _("Inbound rule created"),
        "rule.change": _("Inbound rule changed"),
        "rule.move": _("Inbound rules put in another order"),
        "rule.delete": _("Inbound rule removed"),
        "outbound.create": _("Outbound rule created"),
        "outbound.change": _("Outbound rule changed"),
        "outbound.move": _("Outbound rules put in another order"),
        "outbound.delete": _("Outbound rule removed"),
        "list.create": _("List created"),
        "list.change": _("List changed"),
        "list.add": _("Numbers put on a list"),
        "list.remove": _("Numbers taken off a list"),
        "list.delete": _("List removed"),
        "ticket.create": _("Callback noted"),
        "ticket.change": _("Ticket changed"),
        "apikey.create": _("API key made"),
        "apikey.revoke": _("API key ended"),
        "webhook.create": _("Webhook created"),
        "webhook.change": _("Webhook changed"),
        "webhook.delete": _("Webhook removed"),
        "webhook.again": _("Delivery sent again"),
        "report.export": _("Report exported"),
        "medium.create": _("Medium created"),
        "medium.change": _("Medium changed"),
        "airing.create": _("Airing created"),
        "airing.change": _("Airing changed"),
        "airing.delete": _("Airing removed"),
        "airing.import": _("Airing plan imported"),
        "login": _("Logged in"),
        "login.failed": _("Wrong password"),
        "logout": _("Signed out"),
        "password.change": _("Own password changed"),
        "user.create": _("User created"),
        "user.change": _("User changed"),
        "user.password": _("One-time password given"),
        "user.rights": _("Rights of a user changed"),
        "menu.arrange": _("Site menu changed"),
        "place.create": _("Place added"),
        "place.change": _("Place changed"),
        "place.delete": _("Place removed"),
        "place.restore": _("Places brought back"),
        "codes.change": _("Code table changed"),
        "fields.change": _("Custom fields changed"),
        "query.save": _("Query saved"),
        "query.delete": _("Query removed"),
        "list.export": _("List exported"),
        "list.download": _("Exported file downloaded"),
        "list.import": _("List imported"),
        "parameters.change": _("Parameters changed"),
        "role.rights": _("Rights of a role changed"),
        "department.create": _("Department created"),
        "department.change": _("Department changed"),
        "department.delete": _("Department removed"),
        "queue.create": _("Queue created"),
        "queue.change": _("Queue changed"),
        "group.create": _("Ring group created"),
        "group.change": _("Ring group changed"),
        "group.delete": _("Ring group removed"),
        "number.create": _("Service number created"),
        "number.change": _("Service number changed"),
        "number.delete": _("Service number removed"),
        "menu.create": _("Menu created"),
        "menu.change": _("Menu changed"),
        "trunk.create": _("Trunk created"),
        "trunk.change": _("Trunk changed"),
        "trunk.delete": _("Trunk removed"),
        "trunk.test": _("Test call through a trunk"),
        "customer.create": _("Customer created"),
        "customer.change": _("Customer changed"),
        "customer.merge": _("Customers merged"),
        "customer.unmerge": _("Merge of customers undone"),
        "product.create": _("Product created"),
        "price.create": _("Price of a period set"),
        "price.remove": _("Price of a period removed"),
        "gift.create": _("Gift rule created"),
        "gift.change": _("Gift rule changed"),
        "stock.in": _("Goods booked in"),
        "stock.out": _("Goods booked out"),
        "stock.transfer": _("Goods moved to another warehouse"),
        "stock.count": _("Goods counted"),
        "warehouse.create": _("Warehouse created"),
        "warehouse.change": _("Warehouse changed"),
        "points.change": _("Points changed by hand"),
        "points.join": _("Customer made a member"),
        "point_rule.create": _("Point rule created"),
        "point_rule.change": _("Point rule changed"),
        "shop.parameters": _("Parameters of the shop changed"),
        "product.change": _("Product changed"),
        "order.create": _("Order taken"),
        "order.change": _("Order changed"),
        "order.status": _("Order status changed"),
        "call.note": _("Call note written"),
        "call.import": _("Call brought in"),
        "trace.read": _("Operation log read"),
        "trace.download": _("Operation log downloaded"),
        "recording.listen": _("Recording listened to"),
        "recording.download": _("Recording downloaded"),
        "message.state": _("Message marked"),
        "ticket.state": _("Lost call marked"),
        "phone.choose": _("Phone chosen"),
        "forwarding.set": _("Own calls forwarded"),
        "forwarding.allow": _("Allowed numbers of forwarding changed"),
        "testcall.place": _("Test call placed"),
        "supervise.force_ready": _("Agent set ready"),
        "supervise.force_not_ready": _("Agent set busy"),
        "supervise.force_logout": _("Agent signed off"),
        "supervise.pull": _("Waiting call given to an agent"),
        "supervise.drop": _("Call hung up by a supervisor"),
        "supervise.set_queues": _("Agent put into other queues until sign-off"),
        "supervise.listen": _("Supervisor listened"),
        "supervise.whisper": _("Supervisor spoke to the agent only"),
        "supervise.barge": _("Supervisor barged in"),
        "supervise.intercept": _("Supervisor took a call over"),
        "supervise.stop": _("Supervisor left the call"),
        "reasons.change": _("Busy reasons changed"),
        "bulletin.create": _("Bulletin published"),
        "bulletin.delete": _("Bulletin withdrawn"),
        "access.refused": _("Access refused"),
    },
    "recording": {
        "pending": _("Still being written"),
        "ready": _("Ready"),
        "missing": _("Missing"),
    },
}

LABELS |= order_words.LABELS
LABELS["audit"] |= order_words.AUDIT


Offer = Callable[[str], list[tuple[str, str]]]
Word = Callable[[str, str], str]
PROVIDED: dict[str, tuple[Offer, Word]] = {}
"""Kinds that administrators edit: what is offered, and what a code is called."""


def provide(kind: str, offer: Offer, word: Word) -> None:
    PROVIDED[kind] = (offer, word)


def label(code: StrEnum | str | None, kind: str) -> str:
    """The words for ``code``; a code without words (a newer engine's) shows as it is."""
    if code is None or code == "":
        return ""
    value = code.value if isinstance(code, StrEnum) else code
    if kind in PROVIDED:
        return PROVIDED[kind][1](kind, value) or value
    return str(LABELS[kind].get(value, value))


def pairs(kind: str) -> list[tuple[str, Any]]:
    """The codes of a kind that may be chosen, with their words, for a template."""
    return list(PROVIDED[kind][0](kind)) if kind in PROVIDED else list(LABELS[kind].items())


def options(found: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    """Pairs of value and words as a select field takes them."""
    return [SelectChoice(value, text) for value, text in found]


def choices(kind: str) -> Callable[[], list[SelectChoice]]:
    """The codes of a kind with their words, for a select field: looked up for each form."""
    return partial(_choices, kind)


def _choices(kind: str) -> list[SelectChoice]:
    return options(pairs(kind))


@pass_context
def label_in_page(_context: Context, code: StrEnum | str | None, kind: str) -> str:
    """``label`` for templates. With the context, so that a page keeps no words of who saw it first."""
    return label(code, kind)


def install(app: Flask) -> None:
    app.jinja_env.filters["label"] = label_in_page
    app.jinja_env.globals["label_choices"] = pairs
