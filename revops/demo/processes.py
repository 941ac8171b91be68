"""Who answers for each process of the demo workspace: an owner who leads that work, and a deputy."""

from typing import Final

from django.db import connection

from revops.demo.seed import Demo

# kind → role of the owner and of the deputy; what is not named is the administrator's, with the manager as deputy.
HANDS: Final = {
    "pipeline": ("sales_rep", "revops_admin"),
    "qualification": ("sales_rep", "revops_admin"),
    "lead_grading": ("sales_rep", "revops_admin"),
    "journey": ("cs_director", "cs_manager"),
    "playbook": ("cs_manager", "csm"),
    "renewal_timeline": ("cs_manager", "cs_director"),
    "qbr_cadence": ("cs_manager", "csm"),
    "qbr_template": ("cs_manager", "csm"),
    "escalation_policy": ("cs_director", "cs_manager"),
    "segment": ("cs_director", "revops_admin"),
    "program": ("cs_manager", "csm"),
}
USUAL: Final = ("revops_admin", "cs_manager")

_INSERT: Final = """
WITH hands(kind, owner_role, deputy_role) AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(owners)s::text[], %(deputies)s::text[])
), member AS (
    SELECT DISTINCT ON (role) role, id FROM core_membership
    WHERE tenant_id = %(tenant)s AND is_active ORDER BY role, id
)
INSERT INTO core_processowner (tenant_id, kind, key, owner_id, deputy_id, updated_at, updated_by)
SELECT %(tenant)s, version.kind, version.key, owner.id, deputy.id, %(now)s, 'seed_demo'
FROM core_processversion AS version
LEFT JOIN hands ON hands.kind = version.kind
JOIN member AS owner ON owner.role = COALESCE(hands.owner_role, %(owner)s)
JOIN member AS deputy ON deputy.role = COALESCE(hands.deputy_role, %(deputy)s)
WHERE version.tenant_id = %(tenant)s AND version.state = 'published'
ON CONFLICT DO NOTHING
"""


def name_owners(demo: Demo, tenant_id: int) -> None:
    """Gives every live process an owner and a deputy; those that have them keep them. Inside the workspace."""
    kinds = list(HANDS)
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {
                "tenant": tenant_id,
                "now": demo.now,
                "kinds": kinds,
                "owners": [HANDS[kind][0] for kind in kinds],
                "deputies": [HANDS[kind][1] for kind in kinds],
                "owner": USUAL[0],
                "deputy": USUAL[1],
            },
        )
