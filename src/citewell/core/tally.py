"""Small counts that are written to the database together, a moment later."""

import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

WAIT_SECONDS = 1.0
"""How long a count waits for others at most, while more come."""

Amounts = Counter[uuid.UUID | None]
"""How much by whom; None: by nobody in particular."""


@dataclass(slots=True)
class _Tenant:
    waiting: Amounts = field(default_factory=Amounts)
    written_at: float = 0.0
    may_wait: bool = False


class Tally:
    """Counts of this process that are not written yet, by tenant.

    Only what is not held against a limit may wait; whoever writes says whether the next may.
    """

    def __init__(self) -> None:
        self._tenants: dict[uuid.UUID, _Tenant] = {}

    def add(self, tenant_id: uuid.UUID, who: uuid.UUID | None) -> bool:
        """Count one that may wait; False if it has to be written now."""
        tenant = self._tenants.get(tenant_id)
        if tenant is None or not tenant.may_wait:
            return False
        if time.monotonic() - tenant.written_at > WAIT_SECONDS:
            return False
        tenant.waiting[who] += 1
        return True

    def take(self, tenant_id: uuid.UUID) -> Amounts:
        """All that waits, to be written by the caller, who is the only one that gets it."""
        tenant = self._tenants.setdefault(tenant_id, _Tenant())
        waiting, tenant.waiting = tenant.waiting, Amounts()
        tenant.written_at = time.monotonic()
        return waiting

    def put_back(self, tenant_id: uuid.UUID, amounts: Amounts) -> None:
        """Let amounts wait that could not be written."""
        self._tenants.setdefault(tenant_id, _Tenant()).waiting.update(amounts)

    def note(self, tenant_id: uuid.UUID, *, may_wait: bool) -> None:
        """Say whether the tenant's next counts may wait."""
        self._tenants.setdefault(tenant_id, _Tenant()).may_wait = may_wait

    def tenants(self) -> list[uuid.UUID]:
        """Those of whom something waits; what is known of idle ones is forgotten."""
        now = time.monotonic()
        for tenant_id, tenant in list(self._tenants.items()):
            if not tenant.waiting and now - tenant.written_at > 60 * WAIT_SECONDS:
                del self._tenants[tenant_id]
        return [tenant_id for tenant_id, tenant in self._tenants.items() if tenant.waiting]
