"""Whatever is sent to the API and stands in addresses, the answer is a clear one; forms: ``test_forms_fuzz.py``.

The CI part is short; ``CALLYARD_FUZZ=<examples>`` makes it longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cti.store.custom import SUBJECTS
from cti.store.models import CustomField, FieldKind
from tests.fakes.site import Site
from tests.pages import browser
from tests.unit.test_api import key_of

EXAMPLES = int(os.environ.get("CALLYARD_FUZZ", "0"))
QUICK = settings(
    max_examples=EXAMPLES or 6,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=not EXAMPLES,
)
CHOSEN = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    with made.sessions() as session:
        for subject in SUBJECTS:
            for kind in FieldKind:
                choices = ["a", "b"] if kind is FieldKind.CHOICE else []
                session.add(CustomField(subject=subject, key=str(kind), names={}, kind=kind, choices=choices))
        session.commit()
    yield made
    made.close()


def test_the_api_keeps_to_its_description_whatever_it_is_asked(site: Site) -> None:
    headers = {"Authorization": f"Bearer {key_of(site, rate=100_000)}"}
    schema = schemathesis.openapi.from_dict(browser(site, "admin").get("/admin/api/openapi.json").json)
    schema.app = site.app
    operations = [operation.ok() for operation in schema.get_all_operations()]
    assert len(operations) == 18
    for operation in operations:

        @settings(QUICK, max_examples=EXAMPLES or (2 if operation.body else 1))
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=CHOSEN)

        one()


QUERIES = {
    "/reports/orders": ("since", "until", "group", "agent", "department", "product", "airing", "status"),
    "/reports/media.csv": ("since", "until", "group", "medium", "status"),
    "/media": ("day",),
    "/followup": ("state", "before"),
}
VALUE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["0", "-1", "9" * 40, "1e9", "NaN", "2026-02-30", "2026-11-21T20:00", "y", "1", "P001", "\x00", "~x"]
    ),
)


@pytest.mark.parametrize("path", QUERIES)
def test_an_address_with_nonsense_is_a_page(site: Site, path: str) -> None:
    client = browser(site, "admin")

    @QUICK
    @given(values=st.fixed_dictionaries({}, optional=dict.fromkeys(QUERIES[path], VALUE)))
    def asked(values: dict[str, str]) -> None:
        given = {name: value.encode("utf-8", "replace").decode() for name, value in values.items()}
        assert client.get(path, query_string=given).status_code == 200

    asked()
