"""Routes of a tenant's rules on questions."""

import uuid

from citewell.features.http import PRIVATE, AdminDep, PlatformDep, Router
from citewell.features.question_policies import service
from citewell.features.question_policies.schemas import QuestionPolicy, QuestionPolicyUpdate

router = Router(policy=PRIVATE, prefix="/tenants/{tenant_id}/question-policy", tags=["tenants"])


@router.get("")
async def get_question_policy(
    platform: PlatformDep, caller: AdminDep, tenant_id: uuid.UUID
) -> QuestionPolicy:
    """Show the rules on questions."""
    return await service.get(platform, caller, tenant_id)


@router.patch("")
async def update_question_policy(
    platform: PlatformDep, caller: AdminDep, tenant_id: uuid.UUID, data: QuestionPolicyUpdate
) -> QuestionPolicy:
    """Change the rules on questions; they hold from the next question on, wherever it is asked."""
    return await service.update(platform, caller, tenant_id, data)
