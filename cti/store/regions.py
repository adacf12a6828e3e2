"""In which division a customer lives: that of the default address, else that of the first telephone number.

Set when a customer is made; who changes addresses or phones afterwards calls ``settle``. Must not know pages.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.orm import Mapper

from cti.store.locations import locate, path_code
from cti.store.models.customers import Customer


def settle(customer: Customer) -> None:
    """Bring ``region`` of the customer and of its addresses up to date; the words of a city decide."""
    for address in customer.addresses:
        address.region = path_code(address.city or "")
    main = next((address for address in customer.addresses if address.is_default), None)
    if main is not None and main.region:
        customer.region = main.region
    else:
        customer.region = next(filter(None, (locate(phone.number).code for phone in customer.phones)), "")


@event.listens_for(Customer, "before_insert")
def _inserted(_mapper: Mapper[Any], _connection: Connection, customer: Customer) -> None:
    if not customer.region:
        settle(customer)
