"""Every table of the store under one name: ``from cti.store.models import Customer``."""

from cti.store import numbers as numbers  # gives Customer.number and Order.number
from cti.store.models.base import Base, Money, UtcDateTime, from_epoch, utc_now
from cti.store.models.calls import (
    AgentStretch,
    BusinessType,
    Call,
    CallLeg,
    CallNote,
    CallType,
    DeadLetter,
    Recording,
    RecordingState,
)
from cti.store.models.centre import (
    BusyReason,
    Calendar,
    Counter,
    Did,
    InboundRule,
    ListedNumber,
    Menu,
    NumberList,
    OutboundRule,
    Queue,
    QueueMember,
    Setting,
    Trunk,
)
from cti.store.models.customers import Address, Customer, CustomerPhone, Sex
from cti.store.models.divisions import Division
from cti.store.models.followup import MessageState, Ticket, TicketState, Voicemail
from cti.store.models.orders import Order, OrderLine, OrderStatus, Payment, Product
from cti.store.models.own import Bulletin, BulletinRead, Task
from cti.store.models.people import Agent, AuditEntry, PhoneKind, Role, User

__all__ = [
    "Address",
    "Agent",
    "AgentStretch",
    "AuditEntry",
    "Base",
    "Bulletin",
    "BulletinRead",
    "BusinessType",
    "BusyReason",
    "Calendar",
    "Call",
    "CallLeg",
    "CallNote",
    "CallType",
    "Counter",
    "Customer",
    "CustomerPhone",
    "DeadLetter",
    "Did",
    "Division",
    "InboundRule",
    "ListedNumber",
    "Menu",
    "MessageState",
    "Money",
    "NumberList",
    "Order",
    "OrderLine",
    "OrderStatus",
    "OutboundRule",
    "Payment",
    "PhoneKind",
    "Product",
    "Queue",
    "QueueMember",
    "Recording",
    "RecordingState",
    "Role",
    "Setting",
    "Sex",
    "Task",
    "Ticket",
    "TicketState",
    "Trunk",
    "User",
    "UtcDateTime",
    "Voicemail",
    "from_epoch",
    "utc_now",
]
