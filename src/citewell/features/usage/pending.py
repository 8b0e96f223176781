"""Counted queries of this process that wait to be written to the database together."""

import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

WAIT_SECONDS = 1.0
"""Longest time that counts gather before the next one writes them all; a killed process loses
the counts of about this long."""

Amounts = Counter[uuid.UUID | None]
"""Amount per user; None: the operator, the system or a key of the organisation."""


@dataclass(slots=True)
class _Tenant:
    waiting: Amounts = field(default_factory=Amounts)
    written_at: float = 0.0
    may_wait: bool = False


class PendingCounts:
    """Counts that are not written yet, by tenant.

    A count may wait only where no limit is checked against it; each write says whether the tenant's
    next counts may.
    """

    def __init__(self) -> None:
        self._tenants: dict[uuid.UUID, _Tenant] = {}

    def add(self, tenant_id: uuid.UUID, who: uuid.UUID | None) -> bool:
        """Count one and let it wait; False if it has to be written now."""
        tenant = self._tenants.get(tenant_id)
        if tenant is None or not tenant.may_wait:
            return False
        # The first query after a pause writes at once, and learns anew whether there is a limit.
        if time.monotonic() - tenant.written_at > WAIT_SECONDS:
            return False
        tenant.waiting[who] += 1
        return True

    def take(self, tenant_id: uuid.UUID) -> Amounts:
        """Hand over what waits; the caller writes it, and nobody else gets it."""
        tenant = self._tenants.setdefault(tenant_id, _Tenant())
        waiting, tenant.waiting = tenant.waiting, Amounts()
        tenant.written_at = time.monotonic()
        return waiting

    def put_back(self, tenant_id: uuid.UUID, amounts: Amounts) -> None:
        """Return amounts that could not be written."""
        self._tenants.setdefault(tenant_id, _Tenant()).waiting.update(amounts)

    def note(self, tenant_id: uuid.UUID, *, may_wait: bool) -> None:
        """Say whether the tenant's next counts may wait."""
        self._tenants.setdefault(tenant_id, _Tenant()).may_wait = may_wait

    def tenants(self) -> list[uuid.UUID]:
        """Tenants with waiting counts; forgets tenants that were idle for a minute."""
        now = time.monotonic()
        for tenant_id, tenant in list(self._tenants.items()):
            # An installation of many tenants would keep one entry for each that ever asked.
            if not tenant.waiting and now - tenant.written_at > 60 * WAIT_SECONDS:
                del self._tenants[tenant_id]
        return [tenant_id for tenant_id, tenant in self._tenants.items() if tenant.waiting]
