"""Words of fields that administrators added, in the user's language."""

from __future__ import annotations

from cti.store.models import CustomField
from webui.common.i18n import current_locale


def named(field: CustomField) -> str:
    return field.names.get(current_locale()) or next(iter(field.names.values()), "") or field.key
