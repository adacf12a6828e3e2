"""The lists of people and what they want: customers, orders, calls, callback tickets; filters as their pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from cti.store import custom, customer_search
from cti.store.models import Call, Customer, Order, OrderLine, Queue, Ticket, TicketState, User
from webui.calls import queries as calls
from webui.calls.forms import read_filters as call_filters
from webui.common import db, scope
from webui.common.fields import named
from webui.common.ids import row_id
from webui.common.permissions import Permission
from webui.common.rights import Kind
from webui.finder.blueprint import load as load_query
from webui.finder.document import from_json
from webui.finder.fields import own_conditions
from webui.finder.search import condition
from webui.followup.access import tickets_seen
from webui.orders import queries as orders
from webui.orders.forms import read_filters as order_filters
from webui.transfers.calls import CallImporter
from webui.transfers.cells import custom_columns
from webui.transfers.customers import CustomerImporter
from webui.transfers.orders import OrderImporter, promises_goods, read_goods
from webui.transfers.registry import Cell, Column, ListSpec, declare
from webui.transfers.tickets import TicketImporter

FOUND = 2_000
"""As many of the customers that the search box finds go into a file."""


def attribute(name: str, row: Any) -> Any:
    return getattr(row, name)


def plain(key: str, title: Any, cell: Cell = Cell.TEXT, **more: Any) -> Column:
    """A column of the row's own attribute ``key``."""
    return Column(key, title, more.pop("value", partial(attribute, key)), cell, **more)


def phone_at(place: int, customer: Customer) -> str:
    return customer.phones[place].number if len(customer.phones) > place else ""


def address_part(name: str, customer: Customer) -> str:
    return str(getattr(customer.addresses[0], name)) if customer.addresses else ""


def own_fields(subject: str) -> list[Column]:
    return custom_columns(custom.fields(db.session(), subject), named)


def customer_columns() -> Sequence[Column]:
    return [
        plain("number", _("Customer number"), Cell.WHOLE, taken=True, also=("客户号", "客户编号", "no")),
        plain("name", _("Customer name"), taken=True, required=True, limit=128, also=("姓名", "名称", "name")),
        Column(
            "phone",
            _("Phone number"),
            partial(phone_at, 0),
            Cell.PHONE,
            taken=True,
            also=("手机", "手机号", "电话", "mobile"),
        ),
        Column(
            "phone2", _("Second phone"), partial(phone_at, 1), Cell.PHONE, taken=True, also=("电话2", "固话", "phone 2")
        ),
        plain("sex", _("Sex"), codes="sex", taken=True, also=("性别",)),
        plain("birthday", _("Birthday"), Cell.DATE, taken=True, also=("生日", "出生日期")),
        plain("id_number", _("ID number"), Cell.SECRET, taken=True, limit=32, also=("证件号", "身份证号")),
        plain("email", _("E-mail"), taken=True, limit=254, also=("邮箱", "电子邮件", "email")),
        plain("source", _("Source"), codes="source", taken=True, also=("来源",)),
        plain("category", _("Category"), codes="category", taken=True, also=("类别",)),
        plain("level", _("Level"), codes="level", taken=True, also=("级别", "等级")),
        Column(
            "city", _("City"), partial(address_part, "city"), taken=True, limit=128, also=("城市", "地区", "省市区")
        ),
        Column("line", _("Address"), partial(address_part, "line"), taken=True, also=("地址", "详细地址")),
        Column("postcode", _("Postcode"), partial(address_part, "postcode"), taken=True, limit=16, also=("邮编",)),
        plain("remarks", _("Remarks"), taken=True, limit=4000, also=("备注",)),
        *own_fields("customer"),
        plain("first_entry_at", _("First entry"), Cell.TIME),
        plain("updated_at", _("Last change"), Cell.TIME),
    ]


def customer_query(args: Mapping[str, str]) -> Select[Any]:
    query = select(Customer).where(Customer.merged_into_id.is_(None))
    if args.get("saved"):
        query = query.where(condition(from_json(load_query(row_id(args["saved"])).document)))
    if args.get("q", "").strip():
        found = customer_search.find(db.session(), args["q"], FOUND)
        query = query.where(Customer.id.in_([customer.id for customer in found.rows]))
    return scope.visible(query, Customer.owner_user_id, Kind.CUSTOMERS)


def order_goods(order: Order) -> str:
    """As an import reads them: ``;`` and ``@`` have their meaning there."""
    names = str.maketrans(";@", ",a")
    return "; ".join(
        f"{line.product.code} {line.product.name.translate(names)} ×{line.quantity}" for line in order.lines
    )


def order_columns() -> Sequence[Column]:
    return [
        plain("number", _("Order number"), taken=True, limit=48, also=("订单号", "订单编号", "单号")),
        plain("created_at", _("Time"), Cell.TIME, taken=True, also=("下单时间", "日期", "时间")),
        plain("status", _("Status"), codes="order_status", taken=True, also=("状态",)),
        Column(
            "customer",
            _("Customer number"),
            lambda order: order.customer.number,
            Cell.WHOLE,
            taken=True,
            also=("客户号", "客户编号"),
        ),
        Column(
            "name", _("Customer"), lambda order: order.customer.name, taken=True, limit=128, also=("姓名", "客户姓名")
        ),
        plain("recipient", _("Recipient"), taken=True, limit=128, also=("收货人", "收件人")),
        plain("phone", _("Phone number"), Cell.PHONE, taken=True, also=("手机", "电话", "联系电话")),
        plain("city", _("City"), taken=True, limit=128, also=("省市区", "地区")),
        plain("line", _("Address"), taken=True, also=("地址", "收货地址")),
        plain("postcode", _("Postcode"), taken=True, limit=16, also=("邮编",)),
        Column("goods", _("Products"), order_goods, taken=True, required=True, read=read_goods, also=("商品", "货品")),
        plain("goods_total", lazy_pgettext("amount", "Goods"), Cell.MONEY),
        plain("discount", _("Discount"), Cell.MONEY, taken=True, also=("优惠", "折扣")),
        plain("shipping_fee", _("Shipping fee"), Cell.MONEY, taken=True, also=("运费",)),
        plain("total", _("Total"), Cell.MONEY, taken=True, also=("总额", "金额", "合计")),
        plain("payment", _("Payment"), codes="payment", taken=True, also=("付款方式", "支付方式")),
        plain("delivery", _("Delivery"), codes="delivery", taken=True, also=("配送方式",)),
        plain("invoice_title", _("Invoice title"), taken=True, limit=128, also=("发票抬头",)),
        Column("agent", _("Agent"), lambda order: order.agent_user.name, taken=True, limit=64, also=("坐席", "工号")),
        plain("remarks", _("Remarks"), taken=True, limit=2000, also=("备注",)),
        plain("former", _("Number in the other system"), taken=True, limit=48, also=("原订单号", "外部订单号")),
        *own_fields("order"),
    ]


def order_query(args: Mapping[str, str]) -> Select[Any]:
    filters = order_filters(args)
    wanted = (
        Order.created_at >= filters.since if filters.since else None,
        Order.created_at < filters.until if filters.until else None,
        Order.status == filters.status if filters.status else None,
        Order.agent_user_id == filters.agent if filters.agent else None,
        Order.call_id == filters.call if filters.call else None,
        orders.matching(filters.text) if filters.text else None,
    )
    own = own_conditions("order", Order.custom, args)
    query = select(Order).where(*own, *(condition for condition in wanted if condition is not None))
    return scope.visible(query, Order.agent_user_id, Kind.ORDERS)


def words_of(table: Any, key: str) -> Any:
    """Looks a name up once for each id that a file has."""
    known: dict[str, str] = {}

    def word(row: Any) -> str:
        wanted = getattr(row, key)
        if wanted and wanted not in known:
            known[wanted] = str(db.session().scalar(select(table.name).where(table.id == wanted)) or "")
        return known.get(wanted, "")

    return word


def agent_names() -> Any:
    names = calls.names(db.session())
    return lambda call: names.get(call.agent_id, "")


def talked(call: Call) -> float | None:
    return round(call.talked) if call.talked is not None else None


def noted(name: str, call: Call) -> Any:
    return getattr(call.note, name) if call.note else ""


def call_columns() -> Sequence[Column]:
    return [
        plain("created_at", _("Time"), Cell.TIME, taken=True, required=True, also=("时间", "开始时间", "呼叫时间")),
        plain("direction", _("Direction"), codes="direction", taken=True, also=("方向", "呼叫类型")),
        plain("number", _("Number"), Cell.PHONE, taken=True, required=True, also=("号码", "客户号码", "主叫")),
        plain("dnis", _("Dialled"), taken=True, limit=32, also=("被叫", "接入号")),
        Column("queue", _("Queue"), words_of(Queue, "queue_id"), taken=True, limit=64, also=("队列", "技能组")),
        Column("agent", _("Agent"), agent_names(), taken=True, limit=64, also=("坐席", "工号")),
        Column("outcome", _("Outcome"), calls.outcome_of, codes="outcome"),
        plain("answered_at", lazy_pgettext("moment", "Answered"), Cell.TIME, taken=True, also=("接听时间",)),
        plain("ended_at", lazy_pgettext("moment", "Ended"), Cell.TIME, taken=True, also=("结束时间", "挂机时间")),
        Column("talked", _("Talk time (s)"), talked, Cell.WHOLE, taken=True, also=("通话时长", "时长")),
        Column("rating", _("Satisfaction"), lambda call: str(call.rating or ""), codes="rating"),
        Column("call_type", _("Call type"), partial(noted, "call_type"), codes="call_type", taken=True),
        Column("business_type", _("Business"), partial(noted, "business_type"), codes="business_type", taken=True),
        Column("summary", _("Summary"), partial(noted, "summary"), taken=True, limit=2000, also=("小结", "备注")),
    ]


def call_query(args: Mapping[str, str]) -> Select[Any]:
    filters = call_filters(args)
    own = scope.agent_ids(Kind.CALLS)
    wanted = [*calls.conditions(filters), calls.had_part(own, filters) if own is not None else None]
    return select(Call).where(*(condition for condition in wanted if condition is not None))


def ticket_columns() -> Sequence[Column]:
    person = lazy_pgettext("person", "Name")
    return [
        plain("first_at", lazy_pgettext("callback", "Since"), Cell.TIME, taken=True, also=("时间", "登记时间")),
        plain("lost_at", _("Last call"), Cell.TIME),
        plain("number", _("Number"), Cell.PHONE, taken=True, required=True, also=("电话", "手机", "号码")),
        plain("name", person, taken=True, limit=128, also=("姓名", "客户")),
        plain("other", _("Another number, or when to call"), taken=True, limit=128, also=("其他联系方式",)),
        plain("urgent", _("Urgent"), Cell.YES_NO, taken=True, also=("紧急", "加急")),
        Column("queue", _("Queue"), words_of(Queue, "queue_id"), taken=True, limit=64, also=("队列",)),
        plain("calls", _("Calls"), Cell.WHOLE),
        plain("state", _("State"), codes="ticket_state"),
        plain("tries", lazy_pgettext("callback", "Tries"), Cell.WHOLE),
        Column("held_by", _("Held by"), words_of(User, "held_by")),
        Column("user_id", _("Closed by"), words_of(User, "user_id")),
        plain("closed_at", lazy_pgettext("moment", "Closed"), Cell.TIME),
        plain("note", _("Note"), taken=True, limit=1000, also=("备注", "需求")),
        *own_fields("ticket"),
    ]


def ticket_query(args: Mapping[str, str]) -> Select[Any]:
    query, state = select(Ticket).where(*tickets_seen(db.session())), args.get("state", "")
    query = query.where(*own_conditions("ticket", Ticket.custom, args))
    return query.where(Ticket.state == TicketState(state)) if state in set(TicketState) else query


def install() -> None:
    lines = selectinload(Order.lines).joinedload(OrderLine.product)
    people = (joinedload(Order.customer), joinedload(Order.agent_user), lines)
    declare(
        ListSpec(
            "customers",
            _("Customers"),
            Permission.CUSTOMERS_READ,
            customer_columns,
            customer_query,
            Customer.id,
            CustomerImporter,
            "customers.index",
        )
    )
    declare(
        ListSpec(
            "orders",
            _("Orders"),
            Permission.ORDERS_READ,
            order_columns,
            order_query,
            Order.id,
            OrderImporter,
            home="orders.index",
            options=people,
            alone=promises_goods,
        )
    )
    note = selectinload(Call.note)
    declare(
        ListSpec(
            "calls",
            _("Calls"),
            Permission.CALLS_READ_OWN,
            call_columns,
            call_query,
            Call.id,
            CallImporter,
            home="calls.index",
            options=(note,),
        )
    )
    declare(
        ListSpec(
            "tickets",
            _("Callback tickets"),
            Permission.FOLLOWUP_USE,
            ticket_columns,
            ticket_query,
            Ticket.id,
            TicketImporter,
            home="followup.index",
        )
    )
